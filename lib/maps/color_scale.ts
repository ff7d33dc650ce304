/**
 * Colour scales: their ends and ticks from shown values, and the colour of a value.
 *
 * @module
 */
// @ts-types="npm:@types/d3-array@3.2.2"
import { nice, ticks } from "npm:d3-array@3.2.5";
import { type Palette, PALETTE_COLORS, type Shading } from "./palettes.ts";

/** Values and their colours. */
export interface ColorScale {
  palette: Palette;
  least: number;
  /** Above `least`. */
  most: number;
  exponent: number;
  /** Round values from `least` to `most`. */
  ticks: number[];
}

/** Least and greatest finite value. */
export type Extent = readonly [least: number, most: number];

/** The extent of values times a factor plus an offset; `undefined` when none is finite. */
export function findExtent(
  fields: Iterable<Float32Array>,
  factor: number,
  offset = 0,
): Extent | undefined {
  let [least, most] = [Infinity, -Infinity];
  for (const field of fields) {
    for (const value of field) {
      if (!Number.isFinite(value)) continue;
      if (value < least) least = value;
      if (value > most) most = value;
    }
  }
  return least > most ? undefined : [least * factor + offset, most * factor + offset];
}

/**
 * A scale that holds every value of an extent and ends at round values.
 *
 * @param extent of the shown values.
 * @param tickCount approximate number of ticks.
 */
export function planColorScale(shading: Shading, extent: Extent, tickCount = 5): ColorScale {
  const { palette, exponent } = shading;
  const [least, most] = planEnds(shading, extent, tickCount);
  const scale = { palette, least, most, exponent };
  return { ...scale, ticks: planTicks(scale, tickCount) };
}

function planEnds(shading: Shading, [low, high]: Extent, tickCount: number): Extent {
  if (shading.palette.kind === "diverging") {
    const most = nice(0, Math.max(Math.abs(low), Math.abs(high)) || 1, tickCount)[1];
    return [-most, most];
  }
  // Natural ends hold unless a value exceeds them by more than float32 rounding.
  const slack = 1e-5 * (high - low);
  const { least: floor = low, most: ceiling = high } = shading;
  const least = low < floor - slack ? low : floor;
  const most = high > ceiling + slack ? high : ceiling;
  if (least < most) return nice(least, most, tickCount);
  // One value, as a file of one point has it: what is near to it.
  const near = Math.abs(least) / 100;
  return near > 0 ? nice(least - near, least + near, tickCount) : [least, least + 1];
}

function planTicks(scale: Omit<ColorScale, "ticks">, count: number): number[] {
  const { least, most, exponent } = scale;
  if (exponent === 1 || least < 0) return ticks(least, most, count);
  const gap = 1 / (count + 1);
  const chosen: number[] = [];
  for (const value of listRoundNumbers(most)) {
    const position = placeValue(scale, value);
    if (position >= gap && placeValue(scale, chosen[0] ?? Infinity) - position >= gap) {
      chosen.unshift(value);
    }
  }
  return [least, ...chosen];
}

/** 1, 2 and 5 times powers of ten up to `most`, over four decades, descending. */
function listRoundNumbers(most: number): number[] {
  const top = Math.floor(Math.log10(most));
  const numbers = [0, 1, 2, 3].flatMap((down) =>
    [5, 2, 1].map((digit) => Number(`${digit}e${top - down}`))
  );
  return numbers.filter((value) => value <= most);
}

/** Position of a value on the colour bar: 0 and 1 at its ends, outside that range beyond them. */
export function placeValue(
  { least, most, exponent }: Pick<ColorScale, "least" | "most" | "exponent">,
  value: number,
): number {
  const share = (value - least) / (most - least);
  return share > 0 ? share ** exponent : share;
}

/** Index of a value's colour in the palette. Values beyond the ends have the colour of the end. */
export function indexColor(scale: ColorScale, value: number): number {
  const index = Math.floor(placeValue(scale, value) * PALETTE_COLORS);
  return Math.min(Math.max(index, 0), PALETTE_COLORS - 1);
}

/** The label of a tick: at most six significant digits, with a true minus sign. */
export function formatTick(value: number): string {
  return String(Number(value.toPrecision(6))).replace("-", "−");
}
