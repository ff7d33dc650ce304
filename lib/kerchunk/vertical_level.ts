/**
 * Fixed surfaces as ecCodes names them, and the vertical coordinate that they make.
 *
 * @module
 */
import type { Product } from "../grib/headers.ts";

/** A vertical coordinate. */
export interface VerticalLevel {
  /** Name of the level's type as ecCodes has it; "unknown" for surfaces that it does not name. */
  typeOfLevel: string;
  /**
   * Coordinate, in hectopascals for `isobaricInhPa`, else in the unit of the message; absent for a
   * layer that has none, such as the entire atmosphere.
   */
  value?: number;
}

/** Type of the second surface where there is none. */
const NONE = 255;
const ISOBARIC = 100;
const PASCALS_PER_HECTOPASCAL = 100;

/** Types of the first and second surface (code table 4.5) → name. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["1 255", "surface"],
  ["1 8", "entireAtmosphere"],
  ["1 9", "entireOcean"],
  ["2 255", "cloudBase"],
  ["3 255", "cloudTop"],
  ["4 255", "isothermZero"],
  ["6 255", "maxWind"],
  ["7 255", "tropopause"],
  ["8 255", "nominalTop"],
  ["17 255", "mostUnstableParcel"],
  ["18 255", "mixedLayerParcel"],
  ["100 100", "isobaricLayer"],
  ["101 255", "meanSea"],
  ["102 255", "heightAboveSea"],
  ["103 255", "heightAboveGround"],
  ["103 103", "heightAboveGroundLayer"],
  ["105 255", "hybrid"],
  ["105 105", "hybridLayer"],
  ["106 255", "depthBelowLand"],
  ["106 106", "depthBelowLandLayer"],
  ["107 255", "theta"],
  ["109 255", "potentialVorticity"],
  ["114 255", "snow"],
  ["114 114", "snowLayer"],
  ["151 255", "soil"],
  ["151 151", "soilLayer"],
  ["152 255", "seaIce"],
  ["152 152", "seaIceLayer"],
  ["166 255", "mixingLayer"],
  ["174 255", "iceTopOnWater"],
  ["174 176", "iceLayerOnWater"],
]);

/** Layers with a number, which is that of the lower end: four soil layers are four levels. */
const NUMBERED_LAYERS: ReadonlySet<string> = new Set(["snowLayer", "soilLayer", "seaIceLayer"]);

/** The vertical level of a message. A surface without a value lies at 0, as ecCodes has it. */
export function describeLevel({ level, secondLevel }: Product): VerticalLevel {
  const value = level.value ?? 0;
  if (secondLevel === undefined && level.type === ISOBARIC) return describeIsobaric(value);
  const typeOfLevel = nameSurfaces(level.type, value, secondLevel?.type ?? NONE);
  if (secondLevel === undefined) return { typeOfLevel, value };
  if (!NUMBERED_LAYERS.has(typeOfLevel)) return { typeOfLevel };
  return { typeOfLevel, value: secondLevel.value ?? 0 };
}

function describeIsobaric(pascals: number): VerticalLevel {
  const hectopascals = pascals / PASCALS_PER_HECTOPASCAL;
  if (!Number.isInteger(hectopascals)) return { typeOfLevel: "isobaricInPa", value: pascals };
  return { typeOfLevel: "isobaricInhPa", value: hectopascals };
}

/** Depth 0 in the sea is its surface. */
function nameSurfaces(first: number, value: number, second: number): string {
  if (first === 160 && second === NONE) return value === 0 ? "oceanSurface" : "depthBelowSea";
  return NAMES.get(`${first} ${second}`) ?? "unknown";
}

/** MARS `levtype` of a level: `pl`, `sol`, or `sfc` for any other. */
export function levtypeOf({ typeOfLevel }: VerticalLevel): "pl" | "sol" | "sfc" {
  if (typeOfLevel.startsWith("isobaric")) return "pl";
  return NUMBERED_LAYERS.has(typeOfLevel) ? "sol" : "sfc";
}
