/**
 * Meridians and parallels at round degrees, and their labels.
 *
 * @module
 */
// @ts-types="npm:@types/d3-array@3.2.2"
import { range } from "npm:d3-array@3.2.5";
import type { Frame } from "./frame.ts";

/** Lines of a map. */
export interface Graticule {
  /** Degrees east. */
  meridians: number[];
  /** Degrees north. */
  parallels: number[];
}

/**
 * The lines of a frame, at the smallest round spacing at which labels do not overlap.
 *
 * @param labelWidth room for a label of six letters, `102.5°`; longer ones get more.
 */
export function planGraticule({ bounds, width }: Frame, labelWidth: number): Graticule {
  const unitsPerDegree = width / (bounds.east - bounds.west);
  const lines = (step: number, from: number, to: number) =>
    range(Math.ceil(from / step), Math.floor(to / step) + 1).map((i) =>
      Number((i * step).toFixed(6))
    );
  // What divides a right angle, and round fractions of a degree.
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 45].find((step) => {
    if (step * unitsPerDegree < labelWidth) return false;
    const labels = lines(step, bounds.west, bounds.east).map(formatLongitude);
    const longest = Math.max(0, ...labels.map(({ length }) => length));
    return step * unitsPerDegree >= labelWidth * longest / 6;
  }) ?? 90;
  return {
    meridians: lines(step, bounds.west, bounds.east),
    parallels: lines(step, bounds.south, bounds.north),
  };
}

/** For example `30°E`, `2.5°W`, `180°`; longitudes beyond 180° continue from −180°. */
export function formatLongitude(degrees: number): string {
  const longitude = ((degrees + 180) % 360 + 360) % 360 - 180;
  const side = longitude === 0 || longitude === -180 ? "" : longitude > 0 ? "E" : "W";
  return `${Number(Math.abs(longitude).toFixed(3))}°${side}`;
}

/** For example `10°N`, `2.5°S`, `0°`. */
export function formatLatitude(degrees: number): string {
  const side = degrees === 0 ? "" : degrees > 0 ? "N" : "S";
  return `${Number(Math.abs(degrees).toFixed(3))}°${side}`;
}
