/**
 * The data that the page embeds as JSON. This module has only types; every other module of this
 * folder has only functions, whose text is the script of the page.
 *
 * @module
 */

import type { Bounds } from "../../maps/frame.ts";
import type { Feature } from "../../maps/geography.ts";
import type { Town } from "../../maps/places.ts";

/** All that the page holds: a forecast, or two of them side by side. */
export interface PageContent {
  forecasts: PageData[];
  /** Towns in the region of the first. */
  towns: Town[];
}

/** A forecast. Times are in milliseconds since 1970, values in shown units. */
export interface PageData {
  title: string;
  /** Name of the file that was read. */
  fileName: string;
  /** Start of the run. */
  runTime: number;
  /** Start of the run as a short text. */
  runLabel: string;
  /** Valid time of each step. */
  times: number[];
  /** Hours from the start of the run, one for each step. */
  stepHours: number[];
  /** Edges of the cells. */
  bounds: Bounds;
  /** Degrees north of the rows, descending. */
  latitudes: number[];
  /** Degrees east of the columns, ascending. */
  longitudes: number[];
  /** Members used; `null` where the file does not say. */
  memberCount: number | null;
  /** Members that no field contains. */
  absentMembers: string[];
  /** Variables and fields that ECMWF did not publish. Absent where there are none. */
  notPublished?: string[];
  variables: PageVariable[];
  /** Colours by name of the palette: six hexadecimal digits each, from the least value to the most. */
  palettes: Record<string, string>;
  outlines: Outlines;
}

/** A variable at its steps. */
export interface PageVariable {
  name: string;
  longName: string;
  units: string;
  /** Whether values are sums from the start of the run. */
  accumulated: boolean;
  /** What values are sums or means over, for example `24 h`. Absent where they are of a moment. */
  period?: string;
  /** Its steps, as indices of those of the forecast, ascending. */
  steps: number[];
  /** Index of the first of its steps at which its first statistic has a value. Absent where that is 0. */
  firstStep?: number;
  /** One for each of its steps; `null` where the file does not say. */
  membersUsed: (number | null)[];
  /** What the map shows first is first. */
  fields: PageField[];
  /** Absent where the file has none. */
  members?: PageMembers;
  /** Names of the variables with the components of this wind. Absent where it is none. */
  wind?: { u: string; v: string };
}

/** A statistic of a variable: its values and their colours. */
export interface PageField {
  /** For example `mean`, `deviation`, `p90`, `above_20mm`. */
  key: string;
  /** For example "90th percentile". */
  label: string;
  units: string;
  /** Values are multiples of this. */
  quantum: number;
  /** Decimals that show a multiple of the quantum in full. */
  digits: number;
  /** Largest difference between a value of the page and that of the file. */
  largestError: number;
  packed: PackedSteps;
  /** `null` where every value is missing. */
  scale: PageScale | null;
}

/** The members of a variable, at every few rows and columns where there are many. */
export interface PageMembers {
  numbers: number[];
  /** Distance between their points in rows and columns of the grid, from the first on. */
  stride: number;
  quantum: number;
  /** All members of a step, then those of the next. */
  packed: PackedSteps;
}

/** Colours of values, the same for all steps. */
export interface PageScale {
  palette: string;
  least: number;
  most: number;
  /** A share `x` of the scale has the colour at `x ** exponent`. */
  exponent: number;
  ticks: number[];
  /** Ticks in °C. Absent where values are no temperatures in K. */
  celsius?: number[];
}

/**
 * Values of all steps. A value is a whole number of quanta; codes count them from `base`, 65535 is a
 * missing value. Codes are predicted from their neighbours, and from the previous step if that is
 * nearer; the remainders are stored, low bytes of a step before its high bytes, deflated.
 */
export interface PackedSteps {
  /** Quanta at code 0. */
  base: number;
  /** Predictor of each step: a digit, the sum of 1 (plane) and 2 (from the previous step). */
  predictors: string;
  /** Raw deflate (RFC 1951) in base64. */
  bytes: string;
}

/** Lines of the map. */
export interface Outlines {
  /** Width of the map that the paths are traced for, from (0, 0). */
  width: number;
  /** Path data of SVG. */
  paths: Record<Feature, string>;
}

/** A cell of the grid. */
export interface Cell {
  row: number;
  column: number;
}
