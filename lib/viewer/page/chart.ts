/// <reference lib="dom" />
/**
 * The series of a point as a picture: the mean as a line, one deviation to both sides as a band.
 *
 * @module
 */
import { formatTick } from "../../maps/color_scale.ts";
import { formatHour, formatShortDay } from "./format.ts";

/** What a chart shows. */
export interface Series {
  times: number[];
  mean: number[];
  deviation: number[];
  /** Index of the step on the map. */
  current: number;
  /** Title of the vertical axis. */
  label: string;
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

/** Runs of steps that have values: a line is broken where they are missing. */
export function splitRuns(values: readonly number[]): number[][] {
  const runs: number[][] = [[]];
  values.forEach((value, index) => {
    if (Number.isNaN(value)) runs.push([]);
    else runs.at(-1)!.push(index);
  });
  return runs.filter((run) => run.length > 0);
}

/** Draws a series into an `svg` element that is `width` CSS pixels wide. */
export function drawSeries(svg: SVGElement, series: Series, width: number): void {
  const height = 260;
  const [left, right, top, bottom] = [64, 14, 12, height - 52];
  const { times, mean, deviation, current } = series;
  const known = splitRuns(mean).flat();
  const lows = known.map((i) => mean[i]! - deviation[i]!);
  const highs = known.map((i) => mean[i]! + deviation[i]!);
  const axis = known.length > 0 ? planAxis(Math.min(...lows), Math.max(...highs)) : [0, 1];
  const span = (times.at(-1)! - times[0]!) || 1;
  const x = (step: number) =>
    times.length === 1
      ? (left + width - right) / 2
      : left + 8 + (times[step]! - times[0]!) / span * (width - right - left - 16);
  const y = (value: number) =>
    bottom - (value - axis[0]!) / (axis.at(-1)! - axis[0]!) * (bottom - top);
  const point = (step: number, value: number) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`;

  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", String(height));
  const add = (name: string, attributes: Record<string, string | number>, text?: string) =>
    svg.append(createSvg(name, attributes, text));

  for (const value of axis) {
    add("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) });
    const place = { class: "tick", x: left - 6, y: y(value), "text-anchor": "end" };
    add("text", { ...place, "dominant-baseline": "middle" }, formatTick(value));
  }
  const title = { class: "tick", x: 0, y: 0, "text-anchor": "middle" };
  add(
    "text",
    { ...title, transform: `translate(14 ${(top + bottom) / 2}) rotate(-90)` },
    series.label,
  );
  add("text", { ...title, x: (left + width - right) / 2, y: height - 4 }, "valid time, UTC");
  drawTimes(add, times, x, bottom);

  add("line", { class: "now", x1: x(current), x2: x(current), y1: top, y2: bottom });
  for (const run of splitRuns(mean)) {
    const upper = run.map((step) => point(step, mean[step]! + deviation[step]!));
    const lower = run.map((step) => point(step, mean[step]! - deviation[step]!)).reverse();
    add("polygon", { class: "band", points: [...upper, ...lower].join(" ") });
    add("polyline", {
      class: "mean",
      points: run.map((step) => point(step, mean[step]!)).join(" "),
    });
  }
  if (known.length === 0) {
    const middle = { x: (left + width - right) / 2, y: (top + bottom) / 2 };
    add("text", { class: "tick", ...middle, "text-anchor": "middle" }, "no values here");
  }
  for (const step of known) {
    const [low, high] = [mean[step]! - deviation[step]!, mean[step]! + deviation[step]!];
    add("line", { class: "whisker", x1: x(step), x2: x(step), y1: y(low), y2: y(high) });
    add("circle", { class: "dot", cx: x(step), cy: y(mean[step]!), r: step === current ? 5 : 3 });
  }
}

/** Labels of the time axis: hours, and below them the day where it begins; as many as have room. */
export function drawTimes(
  add: (name: string, attributes: Record<string, string | number>, text?: string) => void,
  times: readonly number[],
  x: (step: number) => number,
  bottom: number,
): void {
  let [hourEnd, dayEnd, day] = [-Infinity, -Infinity, ""];
  times.forEach((time, step) => {
    add("line", { class: "axis", x1: x(step), x2: x(step), y1: bottom, y2: bottom + 4 });
    const place = { class: "tick", x: x(step), "text-anchor": "middle" };
    if (x(step) >= hourEnd) {
      add("text", { ...place, y: bottom + 16 }, formatHour(time));
      hourEnd = x(step) + 40;
    }
    if (formatShortDay(time) !== day && x(step) >= dayEnd) {
      day = formatShortDay(time);
      add("text", { ...place, y: bottom + 31 }, day);
      dayEnd = x(step) + 52;
    }
  });
}
