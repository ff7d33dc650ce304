/// <reference lib="dom" />
/**
 * Draws and writes the page whenever the view changes.
 *
 * @module
 */
import { formatTick, placeValue } from "../../maps/color_scale.ts";
import { formatLatitude, formatLongitude } from "../../maps/graticule.ts";
import { writeAddress } from "./view_address.ts";
import { drawSeries } from "./chart.ts";
import {
  capitalize,
  describeBasis,
  describeField,
  describeLack,
  describePlace,
  describeReadout,
  describeTime,
  formatShown,
  isInCelsius,
  listSeries,
  listSeriesHeads,
  showUnits,
} from "./describe_view.ts";
import { find } from "./elements.ts";
import { pickLines, planFrame } from "./page_grid.ts";
import {
  openCanvas,
  paintArrows,
  paintCells,
  paintGraticule,
  paintMark,
  paintOutlines,
  pickColor,
  rasterize,
} from "./paint.ts";
import { type DescribedSeries, planPlume, planSeries } from "./series.ts";
import { fillTable } from "./table.ts";
import {
  endId,
  findCellOf,
  findShown,
  findStep,
  listPanes,
  type Pane,
  readValue,
  type View,
} from "./view_state.ts";

/** Draws and writes the whole view. */
export function render(view: View): void {
  const { steps } = findShown(view);
  const step = findStep(view);
  const slider = find<HTMLInputElement>("step");
  slider.max = String(steps.length - 1);
  slider.value = String(step);
  slider.setAttribute("aria-valuetext", describeTime(view));
  for (const id of ["previous", "play", "next"]) {
    find<HTMLButtonElement>(id).disabled = steps.length === 1;
  }
  find("count").textContent = `${step + 1} of ${steps.length}`;
  find("valid").textContent = describeTime(view);
  renderPanes(view);
  renderCursor(view);
  renderSeries(view);
  renderValues(view);
  writeAddress(view);
}

/** Draws the maps with their captions and colour bars. */
export function renderPanes(view: View): void {
  const panes = listPanes(view);
  find("pane-2").hidden = panes.length < 2;
  find("main").classList.toggle("beside", panes.length > 1);
  for (const pane of panes) {
    const end = endId(pane.index);
    find(`field${end}`).textContent = describeField(view, pane);
    find(`basis${end}`).textContent = describeBasis(pane) + describeLack(view, panes);
    renderMap(view, pane);
    renderLegend(view, pane);
  }
}

/** Draws a map. */
export function renderMap(view: View, pane: Pane): void {
  const { layer, field, step, index } = pane;
  const { data } = layer;
  const map = find(`map${endId(index)}`);
  const frame = planFrame(data, map.clientWidth);
  view.frames[index] = frame;
  const height = frame.y + frame.height + 26;
  const context = openCanvas(find(`cells${endId(index)}`), map.clientWidth, height);
  const { scale } = field;
  const values = layer.values[field.key]![step];
  const image = values && scale
    ? rasterize(values, data.longitudes.length, scale, data.palettes[scale.palette]!)
    : undefined;
  const ink = getComputedStyle(map).color;
  paintCells(context, frame, image);
  paintOutlines(context, frame, data.outlines, view.provinces);
  const [u, v] = [layer.wind?.u[step], layer.wind?.v[step]];
  if (u && v) paintArrows(context, frame, data, { u, v });
  paintGraticule(context, frame, ink);
  map.setAttribute(
    "aria-label",
    `Map of ${describeField(view, pane)}, ${describeTime(view)}. ` +
      "Arrow keys move from cell to cell.",
  );
}

/** Draws the colour bar of a map with its ticks. */
export function renderLegend(view: View, { layer, field, index }: Pane): void {
  const { scale } = field;
  const end = endId(index);
  const ticks = find(`ticks${end}`);
  ticks.replaceChildren();
  find(`legend${end}`).hidden = scale === null;
  if (!scale) return;
  const width = find(`legend${end}`).clientWidth;
  const context = openCanvas(find(`bar${end}`), width, 16);
  for (let x = 0; x < width; x++) {
    const share = ((x + 0.5) / width) ** (1 / scale.exponent);
    const value = scale.least + share * (scale.most - scale.least);
    const color = pickColor(scale, layer.data.palettes[scale.palette]!, value);
    context.fillStyle = `#${color.toString(16).padStart(6, "0")}`;
    context.fillRect(x, 0, 1.5, 16);
  }
  const isCelsius = isInCelsius(view, field);
  for (const value of isCelsius ? scale.celsius! : scale.ticks) {
    const tick = document.createElement("span");
    tick.textContent = formatTick(value);
    tick.style.left = `${100 * placeValue(scale, isCelsius ? value + 273.15 : value)}%`;
    ticks.append(tick);
  }
}

/** Draws the marks over the maps, and writes the values of their cell. */
export function renderCursor(view: View): void {
  const { frames, cursor, picked } = view;
  for (const pane of listPanes(view)) {
    const { layer: { data }, index } = pane;
    const frame = frames[index];
    if (!frame) continue;
    const map = find(`map${endId(index)}`);
    const context = openCanvas(find(`marks${endId(index)}`), map.clientWidth, map.clientHeight);
    if (picked) paintMark(context, frame, data, findCellOf(view, data, picked), true);
    if (cursor) paintMark(context, frame, data, findCellOf(view, data, cursor), false);
    find(`readout${endId(index)}`).textContent = describeReadout(view, pane);
  }
}

/** Draws the charts of the picked cell, and their table when that is open. */
export function renderSeries(view: View): void {
  const { data, layer, picked, town } = view;
  find("series").hidden = !picked;
  find("hint").hidden = picked !== undefined;
  if (!picked || !layer) return;
  const { longName, period } = layer.variable;
  const place = `${describePlace(data, picked)}${town === undefined ? "" : `, ${town}`}`;
  const title = `${capitalize(longName)}${period ? `, ${period},` : ""} at ${place}`;
  find("point").textContent = title;
  renderChart("chart", title, planSeries(view, layer, picked));
  renderChart("plume", title, planPlume(view, layer, picked));
  if (!find<HTMLDetailsElement>("series-details").open) return;
  const shown = showUnits(view, layer.variable.fields[0]!);
  const units = shown === "" ? "" : `, ${shown}`;
  const heads = listSeriesHeads(view, layer.variable);
  fillTable(find("series-table"), `${title}${units}`, heads, listSeries(view, picked));
}

/** Draws a chart with its note; hides it where there is nothing to draw. */
export function renderChart(
  id: string,
  title: string,
  described: DescribedSeries | undefined,
): void {
  const chart = find<SVGElement>(id);
  const note = find(`${id}-note`);
  note.hidden = described === undefined;
  chart.toggleAttribute("hidden", described === undefined);
  if (!described) return;
  note.textContent = described.note;
  chart.setAttribute("aria-label", `Chart over time: ${title}. ${described.note}`);
  drawSeries(chart, described.series, find("series").clientWidth);
}

/** Builds the table of the first map when it is open. */
export function renderValues(view: View): void {
  const [pane] = listPanes(view);
  if (!pane || !find<HTMLDetailsElement>("values").open) return;
  const { layer, field, step } = pane;
  const { latitudes, longitudes } = layer.data;
  const degrees = Number(find<HTMLSelectElement>("spacing").value);
  const columns = pickLines(longitudes, degrees);
  const rows = pickLines(latitudes, degrees).map((row) => [
    formatLatitude(latitudes[row]!),
    ...columns.map((column) =>
      formatShown(view, field, readValue(layer, field, step, { row, column }))
    ),
  ]);
  const heads = ["latitude", ...columns.map((column) => formatLongitude(longitudes[column]!))];
  fillTable(
    find("values-table"),
    `${describeField(view, pane)}, ${describeTime(view)}`,
    heads,
    rows,
  );
}
