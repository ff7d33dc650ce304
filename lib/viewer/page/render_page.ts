/// <reference lib="dom" />
/**
 * Draws and writes the page whenever the view changes.
 *
 * @module
 */
import { formatTick, placeValue } from "../../maps/color_scale.ts";
import { formatLatitude, formatLongitude } from "../../maps/graticule.ts";
import { drawSeries } from "./chart.ts";
import { find } from "./elements.ts";
import { formatValue } from "./format.ts";
import { pickLines, planFrame } from "./page_grid.ts";
import {
  openCanvas,
  paintCells,
  paintGraticule,
  paintMark,
  paintOutlines,
  pickColor,
  rasterize,
} from "./paint.ts";
import { fillTable } from "./table.ts";
import {
  capitalize,
  describeBasis,
  describeField,
  describePlace,
  describeTime,
  describeValue,
  listSeries,
  readValue,
  type View,
} from "./view_state.ts";

/** Draws and writes the whole view. */
export function render(view: View): void {
  const { step, data } = view;
  const slider = find<HTMLInputElement>("step");
  slider.value = String(step);
  slider.setAttribute("aria-valuetext", describeTime(view));
  find("count").textContent = `${step + 1} of ${data.times.length}`;
  find("valid").textContent = describeTime(view);
  find("field").textContent = describeField(view);
  find("basis").textContent = describeBasis(view);
  renderMap(view);
  renderLegend(view);
  renderCursor(view);
  renderSeries(view);
  renderValues(view);
}

/** Draws the map. */
export function renderMap(view: View): void {
  const { data, variable, statistic, step, values } = view;
  const map = find("map");
  const frame = planFrame(data, map.clientWidth);
  view.frame = frame;
  const height = frame.y + frame.height + 26;
  const context = openCanvas(find("cells"), map.clientWidth, height);
  const { scale } = variable[statistic];
  const field = values?.[statistic][step];
  const image = field && scale
    ? rasterize(field, data.longitudes.length, scale, data.palettes[scale.palette]!)
    : undefined;
  const ink = getComputedStyle(map).color;
  paintCells(context, frame, image);
  paintOutlines(context, frame, data.outlines);
  paintGraticule(context, frame, ink);
  map.setAttribute(
    "aria-label",
    `Map of ${describeField(view)}, ${describeTime(view)}. Arrow keys move from cell to cell.`,
  );
}

/** Draws the colour bar with its ticks. */
export function renderLegend({ data, variable, statistic }: View): void {
  const { scale } = variable[statistic];
  const bar = find<HTMLCanvasElement>("bar");
  const ticks = find("ticks");
  ticks.replaceChildren();
  find("legend").hidden = scale === null;
  if (!scale) return;
  const width = find("legend").clientWidth;
  const context = openCanvas(bar, width, 16);
  for (let x = 0; x < width; x++) {
    const share = ((x + 0.5) / width) ** (1 / scale.exponent);
    const value = scale.least + share * (scale.most - scale.least);
    const color = pickColor(scale, data.palettes[scale.palette]!, value);
    context.fillStyle = `#${color.toString(16).padStart(6, "0")}`;
    context.fillRect(x, 0, 1.5, 16);
  }
  for (const value of scale.ticks) {
    const tick = document.createElement("span");
    tick.textContent = formatTick(value);
    tick.style.left = `${100 * placeValue(scale, value)}%`;
    ticks.append(tick);
  }
}

/** Draws the marks over the map, and writes the value of their cell. */
export function renderCursor(view: View): void {
  const { data, frame, cursor, picked } = view;
  if (!frame) return;
  const map = find("map");
  const context = openCanvas(find("marks"), map.clientWidth, map.clientHeight);
  if (picked) paintMark(context, frame, data, picked, true);
  if (cursor) paintMark(context, frame, data, cursor, false);
  find("readout").textContent = describeReadout(view);
}

/** The value under the cursor, else at the picked cell, else how to see one. */
export function describeReadout(view: View): string {
  const cell = view.cursor ?? view.picked;
  if (!cell) return "Point at the map to read values.";
  return `${describePlace(view.data, cell)}: ${describeValue(view, cell)}`;
}

/** Draws the series of the picked cell, and its table when that is open. */
export function renderSeries(view: View): void {
  const { data, variable, picked } = view;
  find("series").hidden = !picked;
  find("hint").hidden = picked !== undefined;
  if (!picked) return;
  const place = describePlace(data, picked);
  const title = `${capitalize(variable.longName)} at ${place}`;
  find("point").textContent = title;
  const steps = data.times.map((_, step) => step);
  const chart = find<SVGElement>("chart");
  chart.setAttribute("aria-label", `Chart of mean and standard deviation over time: ${title}`);
  drawSeries(chart, {
    times: data.times,
    mean: steps.map((step) => readValue(view, "mean", step, picked)),
    deviation: steps.map((step) => readValue(view, "deviation", step, picked)),
    current: view.step,
    label: variable.units || variable.name,
  }, find("series").clientWidth);
  if (!find<HTMLDetailsElement>("series-details").open) return;
  const units = variable.units === "" ? "" : `, ${variable.units}`;
  const heads = ["valid time, UTC", "step", "mean", "standard deviation", "members"];
  fillTable(find("series-table"), `${title}${units}`, heads, listSeries(view, picked));
}

/** Builds the table of the map when it is open. */
export function renderValues(view: View): void {
  if (!find<HTMLDetailsElement>("values").open) return;
  const { data: { latitudes, longitudes }, variable, statistic, step } = view;
  const degrees = Number(find<HTMLSelectElement>("spacing").value);
  const columns = pickLines(longitudes, degrees);
  const rows = pickLines(latitudes, degrees).map((row) => [
    formatLatitude(latitudes[row]!),
    ...columns.map((column) =>
      formatValue(readValue(view, statistic, step, { row, column }), variable.digits)
    ),
  ]);
  const heads = ["latitude", ...columns.map((column) => formatLongitude(longitudes[column]!))];
  fillTable(find("values-table"), `${describeField(view)}, ${describeTime(view)}`, heads, rows);
}
