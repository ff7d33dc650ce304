/**
 * How each variable is shown: its unit, colour map and kind of scale, on pictures and pages.
 *
 * The colour maps are perceptually ordered and fit for colour-blind readers: those of
 * ColorBrewer (C. Brewer, sequential and diverging) and of matplotlib (viridis, plasma, cividis), as
 * d3-scale-chromatic has them.
 *
 * @module
 */
// @ts-types="npm:@types/d3-color@3.1.3"
import { rgb } from "npm:d3-color@3.1.0";
// @ts-types="npm:@types/d3-scale-chromatic@3.1.0"
import * as chromatic from "npm:d3-scale-chromatic@3.1.1";

/** A colour map. */
export interface Palette {
  name: string;
  /** Diverging palettes are for scales symmetric about zero. */
  kind: "sequential" | "diverging";
  /** Red, green, blue of {@linkcode PALETTE_COLORS} colours, from the least value to the most. */
  colors: Uint8Array;
}

/** What is drawn of a variable. */
export type Statistic = "mean" | "deviation";

/** How a variable is shown. */
export interface Display {
  /** Unit of the shown values, for example `mm`. */
  units: string;
  /** Shown value / value in the file. */
  factor: number;
  mean: Shading;
  deviation: Shading;
}

/** How values become colours. */
export interface Shading {
  palette: Palette;
  /** Natural ends of the scale; without them the ends follow from the values. */
  least?: number;
  most?: number;
  /** A share `x` of the scale has the colour at `x ** exponent`: below 1 small values stand out. */
  exponent: number;
}

/** Colours of a palette. */
export const PALETTE_COLORS = 256;

function samplePalette(
  name: string,
  kind: Palette["kind"],
  interpolate: (share: number) => string,
): Palette {
  const colors = new Uint8Array(3 * PALETTE_COLORS);
  for (let i = 0; i < PALETTE_COLORS; i++) {
    const { r, g, b } = rgb(interpolate(i / (PALETTE_COLORS - 1)));
    colors.set([r, g, b], 3 * i);
  }
  return { name, kind, colors };
}

const GREEN_BLUE = samplePalette("YlGnBu", "sequential", chromatic.interpolateYlGnBu);
const BLUES = samplePalette("Blues", "sequential", chromatic.interpolateBlues);
const VIRIDIS = samplePalette("viridis", "sequential", chromatic.interpolateViridis);
const PLASMA = samplePalette("plasma", "sequential", chromatic.interpolatePlasma);
const CIVIDIS = samplePalette("cividis", "sequential", chromatic.interpolateCividis);
/** Blue where negative, red where positive. */
const BLUE_RED = samplePalette(
  "RdBu",
  "diverging",
  (share) => chromatic.interpolateRdBu(1 - share),
);

const shade = (palette: Palette, ends: Partial<Shading> = {}): Shading => ({
  palette,
  exponent: 1,
  ...ends,
});

/** Amounts: from zero on, most of them small. */
const AMOUNT = { least: 0, exponent: 0.5 };
/** Spread is zero where all members agree. */
const SPREAD = shade(VIRIDIS, { least: 0 });

const WATER: Omit<Display, "units" | "factor"> = {
  mean: shade(GREEN_BLUE, AMOUNT),
  deviation: shade(VIRIDIS, AMOUNT),
};
const WIND: Display = { units: "m s⁻¹", factor: 1, mean: shade(BLUE_RED), deviation: SPREAD };
const RADIATION: Display = {
  units: "MJ m⁻²",
  factor: 1e-6,
  mean: shade(PLASMA, { least: 0 }),
  deviation: SPREAD,
};
const COLUMN: Display = { units: "kg m⁻²", factor: 1, mean: shade(GREEN_BLUE), deviation: SPREAD };
const DEPTH: Display = { units: "mm", factor: 1000, ...WATER };

/** By name and unit in the file. */
const DISPLAYS: Readonly<Record<string, Display>> = {
  "tp m": DEPTH,
  "sf m": DEPTH,
  "ro m": DEPTH,
  "t2m K": { units: "K", factor: 1, mean: shade(PLASMA), deviation: SPREAD },
  "sp Pa": { units: "hPa", factor: 0.01, mean: shade(CIVIDIS), deviation: SPREAD },
  "tcc 1": {
    units: "0–1",
    factor: 1,
    mean: shade(BLUES, { least: 0, most: 1 }),
    deviation: SPREAD,
  },
  "u700 m s-1": WIND,
  "v700 m s-1": WIND,
  "tcw kg m-2": COLUMN,
  "tcwv kg m-2": COLUMN,
  "ssr J m-2": RADIATION,
  "ssrd J m-2": RADIATION,
  "cape J kg-1": { units: "J kg⁻¹", factor: 1, ...WATER },
};

/**
 * How a variable is shown. An unknown variable, or a known one in an unknown unit, is shown in the
 * unit of the file.
 */
export function findDisplay({ name, units }: { name: string; units: string }): Display {
  return DISPLAYS[`${name} ${units}`] ??
    { units, factor: 1, mean: shade(VIRIDIS), deviation: SPREAD };
}
