/// <reference lib="dom" />
/**
 * The page at work: it draws what is asked for and listens to the controls, the pointer and the keys.
 *
 * @module
 */
import { formatTick, placeValue } from "../../maps/color_scale.ts";
import { formatLatitude, formatLongitude } from "../../maps/graticule.ts";
import { drawSeries } from "./chart.ts";
import type { Cell, PageData, PageVariable, Statistic } from "./data.ts";
import { formatUtc, formatValue } from "./format.ts";
import { findCell, moveCell, pickLines, planFrame } from "./grid.ts";
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
import { unpackSteps } from "./unpack.ts";
import {
  capitalize,
  describeError,
  describeField,
  describeMembers,
  describeMembersUsed,
  describePlace,
  describeTime,
  describeValue,
  type FieldValues,
  listSeries,
  nameStatistic,
  readValue,
  type View,
} from "./view.ts";

/** Starts the page; everything else follows from what its user does. */
export function startViewer(): void {
  globalThis.addEventListener("error", (event) => showFailure(event.message));
  globalThis.addEventListener("unhandledrejection", (event) => showFailure(String(event.reason)));
  const data: PageData = JSON.parse(find("forecast").textContent!);
  const view: View = {
    data,
    variable: data.variables[0]!,
    statistic: "mean",
    step: 0,
    values: undefined,
    unpacked: new Map(),
    frame: undefined,
    cursor: undefined,
    picked: undefined,
    timer: undefined,
  };
  fillControls(view);
  fillAbout(data);
  listenToControls(view);
  listenToMap(view);
  listenToKeys(view);
  listenToSurroundings(view);
  showVariable(view);
}

/** The element of that id. */
export function find<Type extends Element = HTMLElement>(id: string): Type {
  const element = document.getElementById(id);
  if (!element) throw new Error(`Cannot find #${id} in the page`);
  return element as Element as Type;
}

/** Tells that the page does not work, and why: never a map that is not true. */
export function showFailure(message: string): void {
  const place = find("failure");
  place.textContent = `This page has failed: ${message}`;
  place.hidden = false;
}

// ---- what stays as it is ----

/** Fills the controls with what the forecast has. */
export function fillControls({ data, variable }: View): void {
  const { runTime, times, variables } = data;
  find("run").textContent = `Run of ${formatUtc(runTime)}. ${describeMembers(data)}`;
  const select = find<HTMLSelectElement>("variable");
  for (const { name, longName } of variables) {
    select.append(
      new Option(`${capitalize(longName)} (${name})`, name, false, name === variable.name),
    );
  }
  find<HTMLInputElement>("step").max = String(times.length - 1);
  for (const id of ["previous", "play", "next"]) {
    find<HTMLButtonElement>(id).disabled = times.length === 1;
  }
}

/** Tells of the file, and how far its values were rounded. */
export function fillAbout({ title, fileName, variables }: PageData): void {
  find("source").textContent = `${title}. Made from ${fileName}.`;
  const rows = variables.map((variable) => [
    capitalize(variable.longName),
    describeError(variable),
  ]);
  const caption = "Largest difference between a value of this page and the file";
  fillTable(find("errors"), caption, ["variable", "difference"], rows);
}

// ---- what changes ----

/** Shows the variable of the view, unpacking it first if it was not shown before. */
export async function showVariable(view: View): Promise<void> {
  const { variable } = view;
  const values = await unpackVariable(view, variable);
  // Another one may have been asked for meanwhile.
  if (view.variable !== variable) return;
  view.values = values;
  render(view);
  document.body.dataset.shown = variable.name;
}

/** The values of a variable, unpacked once. */
export function unpackVariable(
  { unpacked, data }: View,
  { name, mean, deviation, quantum }: PageVariable,
): Promise<FieldValues> {
  const shape = { rows: data.latitudes.length, columns: data.longitudes.length };
  const known = unpacked.get(name);
  if (known) return known;
  const values = Promise.all([
    unpackSteps(mean.packed, quantum, shape),
    unpackSteps(deviation.packed, quantum, shape),
  ]).then(([means, deviations]) => ({ mean: means, deviation: deviations }));
  unpacked.set(name, values);
  return values;
}

/** Draws and writes everything that the view says. */
export function render(view: View): void {
  const { step, data } = view;
  const slider = find<HTMLInputElement>("step");
  slider.value = String(step);
  slider.setAttribute("aria-valuetext", describeTime(view));
  find("count").textContent = `${step + 1} of ${data.times.length}`;
  find("valid").textContent = describeTime(view);
  find("field").textContent = describeField(view);
  find("used").textContent = describeMembersUsed(view);
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

/** Draws the marks over the map, and tells the value of the cell they are on. */
export function renderCursor(view: View): void {
  const { data, frame, cursor, picked } = view;
  if (!frame) return;
  const map = find("map");
  const context = openCanvas(find("marks"), map.clientWidth, map.clientHeight);
  if (picked) paintMark(context, frame, data, picked, true);
  if (cursor) paintMark(context, frame, data, cursor, false);
  find("readout").textContent = describeReadout(view);
}

/** The value under the cursor, else at the picked cell, else what to do to see one. */
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

// ---- what its user does ----

/** Shows another step; beyond the last comes the first. */
export function showStep(view: View, step: number): void {
  const { length } = view.data.times;
  view.step = (step + length) % length;
  render(view);
}

/** Shows the steps one after the other, or stops that. */
export function togglePlaying(view: View): void {
  const button = find("play");
  if (view.timer === undefined) {
    view.timer = setInterval(() => showStep(view, view.step + 1), 800);
  } else {
    clearInterval(view.timer);
    view.timer = undefined;
  }
  button.textContent = view.timer === undefined ? "Play" : "Pause";
}

/** Shows the series of a cell. */
export function pickPoint(view: View, cell: Cell): void {
  view.picked = cell;
  renderCursor(view);
  renderSeries(view);
}

/** Says something to those who listen to the page. */
export function announce(text: string): void {
  find("announcement").textContent = text;
}

/** Listens to variable, statistic, steps and tables. */
export function listenToControls(view: View): void {
  const select = find<HTMLSelectElement>("variable");
  select.addEventListener("change", () => {
    view.variable = view.data.variables.find(({ name }) => name === select.value)!;
    showVariable(view);
  });
  for (const statistic of ["mean", "deviation"] as Statistic[]) {
    find(statistic).addEventListener("change", () => {
      view.statistic = statistic;
      render(view);
      announce(`Shows the ${nameStatistic(statistic)}.`);
    });
  }
  const slider = find<HTMLInputElement>("step");
  slider.addEventListener("input", () => showStep(view, Number(slider.value)));
  find("previous").addEventListener("click", () => showStep(view, view.step - 1));
  find("next").addEventListener("click", () => showStep(view, view.step + 1));
  find("play").addEventListener("click", () => togglePlaying(view));
  find("values").addEventListener("toggle", () => renderValues(view));
  find("spacing").addEventListener("change", () => renderValues(view));
  find("series-details").addEventListener("toggle", () => renderSeries(view));
}

/** Listens to the pointer over the map: it reads values, a click or tap picks a point. */
export function listenToMap(view: View): void {
  const map = find("map");
  const locate = (event: MouseEvent) => {
    const { left, top } = map.getBoundingClientRect();
    const { frame, data } = view;
    return frame && findCell(frame, data, event.clientX - left, event.clientY - top);
  };
  map.addEventListener("pointermove", (event) => {
    view.cursor = locate(event);
    renderCursor(view);
  });
  map.addEventListener("pointerleave", () => {
    view.cursor = undefined;
    renderCursor(view);
  });
  map.addEventListener("click", (event) => {
    const cell = locate(event);
    if (cell) pickPoint(view, cell);
  });
}

/** Listens to keys: on the map they move over cells, elsewhere they go through the steps. */
export function listenToKeys(view: View): void {
  find("map").addEventListener("keydown", (event) => {
    if (hasModifier(event) || !pressOnMap(view, event.key, event.shiftKey)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener("keydown", (event) => {
    const place = event.target as Element;
    if (hasModifier(event) || place.closest("input, select, summary, .scroll")) return;
    if (event.key === " " && place.closest("button")) return;
    if (pressOnPage(view, event.key)) event.preventDefault();
  });
}

/** Whether a key is pressed together with one that makes it the browser's. */
export function hasModifier(event: KeyboardEvent): boolean {
  return event.ctrlKey || event.altKey || event.metaKey;
}

/** Does what a key means on the map. Gives whether it means something there. */
export function pressOnMap(view: View, key: string, isFast: boolean): boolean {
  const { data, cursor, picked } = view;
  const middle = { row: data.latitudes.length >> 1, column: data.longitudes.length >> 1 };
  const cell = cursor ?? picked ?? middle;
  const stride = isFast ? 10 : 1;
  const moves: Record<string, [number, number]> = {
    ArrowUp: [-stride, 0],
    ArrowDown: [stride, 0],
    ArrowLeft: [0, -stride],
    ArrowRight: [0, stride],
    Home: [0, -data.longitudes.length],
    End: [0, data.longitudes.length],
  };
  const move = moves[key];
  if (move) {
    view.cursor = moveCell(data, cell, ...move);
    renderCursor(view);
    announce(describeReadout(view));
  } else if (key === "Enter") {
    pickPoint(view, cell);
    announce(`Shows the series at ${describePlace(data, cell)}.`);
  } else if (key === "PageUp" || key === "PageDown") {
    showStep(view, view.step + (key === "PageUp" ? -1 : 1));
    announce(`${describeTime(view)}. ${describeReadout(view)}`);
  } else {
    return false;
  }
  return true;
}

/** Does what a key means anywhere else on the page. Gives whether it means something. */
export function pressOnPage(view: View, key: string): boolean {
  const last = view.data.times.length - 1;
  const steps: Record<string, number> = {
    ArrowLeft: view.step - 1,
    ArrowRight: view.step + 1,
    Home: 0,
    End: last,
  };
  const step = steps[key];
  if (step !== undefined) {
    showStep(view, step);
    announce(describeTime(view));
  } else if (key === " ") {
    togglePlaying(view);
  } else {
    return false;
  }
  return true;
}

/** Draws anew when the page has another width, or turns dark or light. */
export function listenToSurroundings(view: View): void {
  globalThis.addEventListener("resize", () => render(view));
  const darkness = matchMedia("(prefers-color-scheme: dark)");
  darkness.addEventListener("change", () => render(view));
}
