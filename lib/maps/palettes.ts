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
import { type FieldStatistic, nameBase } from "../output/forecast_fields.ts";

/** A colour map. */
export interface Palette {
  name: string;
  /** Diverging palettes are for scales symmetric about zero. */
  kind: "sequential" | "diverging";
  /** Red, green, blue of {@linkcode PALETTE_COLORS} colours, from the least value to the most. */
  colors: Uint8Array;
}

/** How a field is shown: in which unit, and in which colours. */
export interface Display {
  /** Unit of the shown values, for example `mm`. */
  units: string;
  /** Shown value = value in the file × factor + offset. */
  factor: number;
  offset: number;
  shading: Shading;
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
const BLUE_PURPLE = samplePalette("BuPu", "sequential", chromatic.interpolateBuPu);
const ORANGE_RED = samplePalette("YlOrRd", "sequential", chromatic.interpolateYlOrRd);
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

/** How a variable is shown: its values, and their spread. */
interface VariableDisplay {
  units: string;
  factor: number;
  values: Shading;
  spread: Shading;
}

const WATER = { values: shade(GREEN_BLUE, AMOUNT), spread: shade(VIRIDIS, AMOUNT) };
const DEPTH: VariableDisplay = { units: "mm", factor: 1000, ...WATER };
const WIND: VariableDisplay = {
  units: "m s⁻¹",
  factor: 1,
  values: shade(BLUE_RED),
  spread: SPREAD,
};
const SPEED: VariableDisplay = { ...WIND, values: shade(BLUE_PURPLE, { least: 0 }) };
const RADIATION: VariableDisplay = {
  units: "MJ m⁻²",
  factor: 1e-6,
  values: shade(PLASMA, { least: 0 }),
  spread: SPREAD,
};
const COLUMN: VariableDisplay = {
  units: "kg m⁻²",
  factor: 1,
  values: shade(GREEN_BLUE),
  spread: SPREAD,
};
const TEMPERATURE: VariableDisplay = {
  units: "K",
  factor: 1,
  values: shade(PLASMA),
  spread: SPREAD,
};
const PRESSURE: VariableDisplay = {
  units: "hPa",
  factor: 0.01,
  values: shade(CIVIDIS),
  spread: SPREAD,
};
const FRACTION: VariableDisplay = {
  units: "0–1",
  factor: 1,
  values: shade(BLUES, { least: 0, most: 1 }),
  spread: SPREAD,
};

/** By name, without its period, and unit in the file; the first that matches. */
const DISPLAYS: readonly (readonly [pattern: RegExp, display: VariableDisplay])[] = [
  [/^(?:tp|sf|ro|cp|lsp) m$/, DEPTH],
  [/^tcc 1$/, FRACTION],
  [/^ssrd? J m-2$/, RADIATION],
  [/^tcwv? kg m-2$/, COLUMN],
  [/^(?:mu)?cape J kg-1$/, { units: "J kg⁻¹", factor: 1, ...WATER }],
  [/^(?:[uv]\d|\d+[uv]\b).* m s-1$/, WIND],
  [/^w\d* Pa s-1$/, { ...WIND, units: "Pa s⁻¹" }],
  [/^wind.* m s-1$/, SPEED],
  [/ K$/, TEMPERATURE],
  [/ Pa$/, PRESSURE],
];

/** Percent of the members. */
const PROBABILITY: Display = {
  units: "%",
  factor: 100,
  offset: 0,
  shading: shade(ORANGE_RED, { least: 0, most: 100 }),
};

/** Kelvin at 0 °C. */
const ZERO_CELSIUS = 273.15;

/** What is shown, and in which of several units. */
export interface DisplayChoice {
  /** @default {the mean} */
  statistic?: FieldStatistic;
  /** Whether temperatures are shown in °C. @default {false} */
  celsius?: boolean;
}

/**
 * How a statistic of a variable is shown. An unknown variable, or a known one in an unknown unit, is
 * shown in the unit of the file. A difference of 1 °C is one of 1 K, which is the unit of deviations.
 */
export function findDisplay(
  { name, units }: { name: string; units: string },
  { statistic = { kind: "mean" }, celsius = false }: DisplayChoice = {},
): Display {
  if (statistic.kind === "exceedance") return PROBABILITY;
  const known = DISPLAYS.find(([pattern]) => pattern.test(`${nameBase(name)} ${units}`))?.[1];
  const { values, spread, ...unit } = known ??
    { units, factor: 1, values: shade(VIRIDIS), spread: SPREAD };
  if (statistic.kind === "standard_deviation") return { ...unit, offset: 0, shading: spread };
  return celsius && unit.units === "K"
    ? { units: "°C", factor: 1, offset: -ZERO_CELSIUS, shading: values }
    : { ...unit, offset: 0, shading: values };
}
