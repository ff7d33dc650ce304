/// <reference lib="dom" />
/**
 * The charts of a point: a line in a band, or the members as a plume.
 *
 * @module
 */
import { formatTick } from "../../maps/color_scale.ts";
import { formatHour, formatShortDay } from "./format.ts";

/** What a chart shows. */
export interface Series {
  times: number[];
  /** One value for each step. */
  line: number[];
  /** The widest first. */
  bands: Band[];
  /** A thin line each. */
  members: number[][];
  /** The same of another run, at its own times. */
  other?: { times: number[]; line: number[] };
  /** Index of the step on the map. */
  current: number;
  /** Title of the vertical axis. */
  label: string;
}

/** A band of a chart, one value for each step. */
export interface Band {
  low: number[];
  high: number[];
}

/** Round numbers from below the least to above the greatest of an extent, about five. */
export function planAxis(least: number, most: number): number[] {
  const span = most - least || Math.abs(most) || 1;
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((it) => span / it <= 5)!;
  const first = Math.floor(least / step + 1e-9);
  const last = Math.max(Math.ceil(most / step - 1e-9), first + 1);
  return Array.from(
    { length: last - first + 1 },
    (_, i) => Number(((first + i) * step).toPrecision(12)),
  );
}

/** An element of SVG. */
export function createSvg(
  name: string,
  attributes: Record<string, string | number>,
  text = "",
): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.textContent = text;
  return element;
}

/** Runs of steps with values: missing values break a line. */
export function splitRuns(values: readonly number[]): number[][] {
  const runs: number[][] = [[]];
  values.forEach((value, index) => {
    if (Number.isNaN(value)) runs.push([]);
    else runs.at(-1)!.push(index);
  });
  return runs.filter((run) => run.length > 0);
}

/** Positions in a chart, in CSS pixels. */
export interface ChartPlan {
  left: number;
  right: number;
  top: number;
  bottom: number;
  /** Values of the vertical axis. */
  ticks: number[];
  /** Steps that have a value. */
  known: number[];
  /** Position of a time. */
  place(time: number): number;
  x(step: number): number;
  y(value: number): number;
}

/** Plans a chart, its size in CSS pixels; the vertical axis covers every line and band. */
export function planChart(series: Series, width: number, height: number): ChartPlan {
  const { times, line, bands, members, other } = series;
  const [left, right, top, bottom] = [64, width - 14, 12, height - 52];
  const known = splitRuns(line).flat();
  const values = [line, ...bands.flatMap(({ low, high }) => [low, high]), ...members]
    .flat().concat(other?.line ?? []).filter((value) => !Number.isNaN(value));
  const ticks = values.length > 0 ? planAxis(Math.min(...values), Math.max(...values)) : [0, 1];
  const [least, most] = [ticks[0]!, ticks.at(-1)!];
  const [first, last] = [times[0]!, times.at(-1)!];
  const place = (time: number) =>
    first === last
      ? (left + right) / 2
      : left + 8 + (time - first) / (last - first) * (right - left - 16);
  return {
    ...{ left, right, top, bottom, ticks, known, place },
    x: (step) => place(times[step]!),
    y: (value) => bottom - (value - least) / (most - least) * (bottom - top),
  };
}

/** Appends an element to a picture. */
export type AppendSvg = (
  name: string,
  attributes: Record<string, string | number>,
  text?: string,
) => void;

/** Draws a series into an `svg` element that is `width` CSS pixels wide. */
export function drawSeries(svg: SVGElement, series: Series, width: number): void {
  const height = 260;
  const plan = planChart(series, width, height);
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", String(height));
  const append: AppendSvg = (...element) => svg.append(createSvg(...element));
  drawAxes(append, series, plan);
  drawTimes(append, series.times, plan);
  drawValues(append, series, plan);
}

/** The lines of the vertical axis, the titles of both, and the step that is on the map. */
export function drawAxes(append: AppendSvg, { label, current }: Series, plan: ChartPlan): void {
  const { left, right, top, bottom, ticks, known, x, y } = plan;
  for (const value of ticks) {
    append("line", { class: "grid", x1: left, x2: right, y1: y(value), y2: y(value) });
    const place = { x: left - 6, y: y(value), "text-anchor": "end" };
    append("text", { ...place, "dominant-baseline": "middle" }, formatTick(value));
  }
  const middle = { x: (left + right) / 2, y: (top + bottom) / 2, "text-anchor": "middle" };
  const turned = { transform: `translate(14 ${middle.y}) rotate(-90)`, "text-anchor": "middle" };
  append("text", turned, label);
  append("text", { ...middle, y: bottom + 48 }, "valid time, UTC");
  if (known.length === 0) append("text", middle, "no values here");
  append("line", { class: "now", x1: x(current), x2: x(current), y1: top, y2: bottom });
}

/** Labels of the time axis: hours, and below them each new day; as many as fit. */
export function drawTimes(append: AppendSvg, times: number[], { x, bottom }: ChartPlan): void {
  let [hourEnd, dayEnd, day] = [-Infinity, -Infinity, ""];
  times.forEach((time, step) => {
    append("line", { class: "axis", x1: x(step), x2: x(step), y1: bottom, y2: bottom + 4 });
    const place = { x: x(step), "text-anchor": "middle" };
    if (x(step) >= hourEnd) {
      append("text", { ...place, y: bottom + 16 }, formatHour(time));
      hourEnd = x(step) + 40;
    }
    if (formatShortDay(time) !== day && x(step) >= dayEnd) {
      day = formatShortDay(time);
      append("text", { ...place, y: bottom + 31 }, day);
      dayEnd = x(step) + 52;
    }
  });
}

/** The bands, the members, the other run, and the line with a dot and a whisker at each step. */
export function drawValues(append: AppendSvg, series: Series, plan: ChartPlan): void {
  const { line, bands, members, other, current, times } = series;
  const { known, x, y } = plan;
  for (const { low, high } of bands) drawBand(append, low, high, plan);
  for (const member of members) drawLine(append, "member", times, member, plan);
  if (other) drawLine(append, "other", other.times, other.line, plan);
  drawLine(append, "mean", times, line, plan);
  for (const step of known) {
    const [widest] = bands;
    if (widest && members.length === 0) {
      const [y1, y2] = [y(widest.low[step]!), y(widest.high[step]!)];
      append("line", { class: "whisker", x1: x(step), x2: x(step), y1, y2 });
    }
    append("circle", {
      class: "dot",
      cx: x(step),
      cy: y(line[step]!),
      r: step === current ? 5 : 3,
    });
  }
}

/** Draws a band; missing values break it. */
export function drawBand(
  append: AppendSvg,
  low: number[],
  high: number[],
  { x, y }: ChartPlan,
): void {
  const trace = (steps: number[], values: number[]) =>
    steps.map((step) => `${x(step).toFixed(1)},${y(values[step]!).toFixed(1)}`).join(" ");
  for (const run of splitRuns(low)) {
    const points = `${trace(run, high)} ${trace(run.toReversed(), low)}`;
    append("polygon", { class: "band", points });
  }
}

/** Draws a line inside the chart; missing values break it. */
export function drawLine(
  append: AppendSvg,
  name: string,
  times: number[],
  values: number[],
  { place, y, left, right }: ChartPlan,
): void {
  const shown = values.map((value, step) =>
    place(times[step]!) < left || place(times[step]!) > right ? NaN : value
  );
  for (const run of splitRuns(shown)) {
    const points = run.map((step) =>
      `${place(times[step]!).toFixed(1)},${y(shown[step]!).toFixed(1)}`
    ).join(" ");
    append("polyline", { class: name, points });
  }
}
