/**
 * The arrays of a kerchunk group: its coordinates with their CF attributes, and the array of messages.
 *
 * @module
 */
import type { Store } from "../references/store.ts";
import { addArray, addCoordinate, type ZarrAttributes } from "./zarr_nodes.ts";

const TIME_UNITS = { units: "seconds since 1970-01-01T00:00:00", calendar: "proleptic_gregorian" };

/** CF attributes of the coordinates that every group has. */
export const COORDINATE_ATTRIBUTES = {
  latitude: { units: "degrees_north", standard_name: "latitude", long_name: "latitude" },
  longitude: { units: "degrees_east", standard_name: "longitude", long_name: "longitude" },
  number: {
    units: "1",
    standard_name: "realization",
    long_name: "ensemble member numerical id",
  },
  step: {
    units: "hours",
    standard_name: "forecast_period",
    long_name: "time since forecast_reference_time",
  },
  time: {
    ...TIME_UNITS,
    standard_name: "forecast_reference_time",
    long_name: "initial time of forecast",
  },
  valid_time: { ...TIME_UNITS, standard_name: "time", long_name: "time" },
} as const;

/** CF attributes of the vertical coordinates that cfgrib describes; others have none. */
const LEVEL_ATTRIBUTES: Readonly<Record<string, Record<string, string>>> = {
  depthBelowLand: describeDown("m", "depth", "soil depth"),
  heightAboveGround: {
    units: "m",
    positive: "up",
    standard_name: "height",
    long_name: "height above the surface",
  },
  hybrid: describeDown("1", "atmosphere_hybrid_sigma_pressure_coordinate", "hybrid level"),
  isobaricInhPa: describePressure("hPa"),
  isobaricInPa: describePressure("Pa"),
};

function describeDown(units: string, standardName: string, longName: string) {
  return { units, positive: "down", standard_name: standardName, long_name: longName };
}

function describePressure(units: string) {
  return {
    ...describeDown(units, "air_pressure", "pressure"),
    stored_direction: "decreasing",
  };
}

/** Name and length of a dimension. */
export type Dimension = readonly [name: string, length: number];

/** Adds one of the coordinates that every group has, to the group at `path`. */
export function addGroupCoordinate(
  store: Store,
  path: string,
  name: keyof typeof COORDINATE_ATTRIBUTES,
  values: Float64Array | BigInt64Array,
  dimensions: readonly Dimension[] = [[name, values.length]],
): void {
  const attributes = COORDINATE_ATTRIBUTES[name];
  addCoordinate(store, `${path}/${name}`, { dimensions, attributes }, values);
}

/** Adds the vertical coordinate of a group. A layer without coordinate has no levels and gets none. */
export function addLevels(
  store: Store,
  path: string,
  typeOfLevel: string,
  levels: readonly number[],
): void {
  if (levels.length === 0) return;
  const attributes = LEVEL_ATTRIBUTES[typeOfLevel] ?? {};
  const dimensions = levelDimension(typeOfLevel, levels);
  const values = Float64Array.from(levels);
  addCoordinate(store, `${path}/${typeOfLevel}`, { dimensions, attributes }, values);
}

/** The dimension of several levels; one level is a coordinate without dimension. */
export function levelDimension(typeOfLevel: string, levels: readonly number[]): Dimension[] {
  return levels.length > 1 ? [[typeOfLevel, levels.length]] : [];
}

/** The array of a group whose chunks are messages. */
export interface MessageArray {
  name: string;
  /** Of which each message has one index, the slowest first. */
  outer: readonly Dimension[];
  gridShape: readonly [rows: number, columns: number];
  /** @default null: missing chunks may hold anything */
  fillValue?: "NaN";
  attributes: ZarrAttributes;
}

/** Adds the array of messages to the group at `path`, without its chunks. */
export function addMessageArray(
  store: Store,
  path: string,
  { name, outer, gridShape: [rows, columns], fillValue, attributes }: MessageArray,
): void {
  addArray(store, `${path}/${name}`, {
    dtype: "<f8",
    dimensions: [...outer, ["latitude", rows], ["longitude", columns]],
    chunks: [...outer.map(() => 1), rows, columns],
    filter: { dtype: "float64", id: "grib", var: name },
    ...(fillValue && { fillValue }),
    attributes,
  });
}
