/**
 * Bytes of a forecast's NetCDF file → what maps and the viewer draw.
 *
 * Reads files of `stream` and of the Python tools: variables `<name>_ensemble_mean` and
 * `<name>_ensemble_standard_deviation` over valid time, latitude and longitude, in any order: dimensions
 * are known by the names of their coordinates.
 *
 * @module
 */
import { findVariable } from "../ecmwf/variables.ts";
import type { DecodedNetcdf } from "../netcdf/decode_netcdf.ts";
import {
  decodeForecast,
  ForecastSource,
  type SourceAxis,
  type SourceVariable,
} from "./forecast_source.ts";

export { ForecastError } from "./forecast_source.ts";

/** The most that is read of a file: one of the whole globe has more than other objects may have. */
export const MAX_FORECAST_BYTES = 2 ** 32;

/** A variable of the file, at all its steps. */
export interface ForecastVariable {
  /** For example `tp`. */
  name: string;
  /** For example "total precipitation". */
  longName: string;
  /** Of the values, as UDUNITS writes them: `J m-2`. */
  units: string;
  /** (latitude, longitude), row-major, north first; NaN where there is no value. A new array. */
  mean(stepIndex: number): Float32Array<ArrayBuffer>;
  /** Standard deviation over the members, as `mean`. */
  deviation(stepIndex: number): Float32Array<ArrayBuffer>;
  /** Members that went into the statistics of a step; `undefined` where the file does not say. */
  membersUsed(stepIndex: number): number | undefined;
}

/** A whole file. Values are converted on first use, one variable at a time. */
export interface ForecastFile {
  /** As given. */
  path: string;
  title: string;
  /** Start of the run as people write it: `2026-02-06 00 UTC`. */
  runLabel: string;
  /** Start of the run. */
  referenceTime: Date;
  /** One a step. */
  validTimes: Date[];
  /** Hours from the start of the run, one a step. */
  stepHours: number[];
  /** Degrees north, descending. */
  latitudes: Float64Array;
  /** Degrees east, ascending. */
  longitudes: Float64Array;
  /** Members used; `undefined` where the file does not say. */
  memberCount: number | undefined;
  /** Members asked for that are in no field, for example `["control", "3-5"]`. */
  absentMembers: string[];
  /** Variables and fields that ECMWF did not publish: `["tcc", "tp (0 h)"]`. */
  notPublished: string[];
  /** In the order of the file. */
  variables: ForecastVariable[];
}

const HOUR_MS = 3_600_000;
const MEAN = "_ensemble_mean";
const DEVIATION = "_ensemble_standard_deviation";

/**
 * Reads a forecast from the bytes of a NetCDF file, classic or NetCDF-4.
 *
 * @param path for messages.
 * @throws {ForecastError} when the file is neither, or lacks a part of a forecast.
 */
export async function readForecast(bytes: Uint8Array, path: string): Promise<ForecastFile> {
  return parseForecast(await decodeForecast(bytes, path), path);
}

/**
 * Reads a forecast from the bytes of a NetCDF classic file, or from a file that is decoded.
 *
 * @param path for messages.
 * @throws {ForecastError} when the file is not NetCDF classic, or lacks a part of a forecast.
 */
export function parseForecast(content: Uint8Array | DecodedNetcdf, path: string): ForecastFile {
  const source = new ForecastSource(content, path);
  const { dates: [referenceTime] } = source.times("time");
  const { dates: validTimes, ...steps } = source.times("valid_time");
  const { points: latitudes, ...rows } = source.axis("latitude");
  const { points: longitudes, ...columns } = source.axis("longitude");
  if (longitudes[0]! > longitudes.at(-1)!) {
    throw source.error("its longitudes do not ascend, sort them");
  }
  const isReversed = latitudes[0]! < latitudes.at(-1)!;
  const axes = [steps, { ...rows, isReversed }, columns];
  const members = source.text("n_ensemble_members");
  const names = source.names.filter((name) => name.endsWith(MEAN));
  if (names.length === 0) throw source.error(`it has no variable <name>${MEAN}`);
  return {
    path,
    title: source.text("title") ?? path,
    runLabel: `${referenceTime!.toISOString().slice(0, 13).replace("T", " ")} UTC`,
    referenceTime: referenceTime!,
    validTimes,
    stepHours: validTimes.map((time) => (time.getTime() - referenceTime!.getTime()) / HOUR_MS),
    latitudes: isReversed ? latitudes.toReversed() : latitudes,
    longitudes,
    memberCount: members === undefined ? undefined : Number(members),
    absentMembers: listItems(source.text("absent_ensemble_members")),
    notPublished: [
      ...listItems(source.text("variables_not_published")),
      ...listItems(source.text("fields_not_published")),
    ],
    variables: names.map((name) => openVariable(source, name.slice(0, -MEAN.length), axes)),
  };
}

/** @param axes steps, rows and columns of its fields. */
function openVariable(
  source: ForecastSource,
  name: string,
  axes: readonly SourceAxis[],
): ForecastVariable {
  const [mean, deviation] = [source.find(name + MEAN), source.find(name + DEVIATION)];
  for (const variable of [mean, deviation]) source.checkAxes(variable, axes);
  const counts = source.has(`${name}_members_used`)
    ? source.values(source.find(`${name}_members_used`), axes.slice(0, 1))
    : undefined;
  const cut = (variable: SourceVariable) => {
    let values: Float32Array<ArrayBuffer> | undefined;
    return (stepIndex: number) =>
      cutStep(values ??= source.values(variable, axes), stepIndex, axes);
  };
  return {
    name,
    longName: findVariable(name)?.longName ?? source.attribute(mean, "long_name") ?? name,
    units: normalizeUnits(source.attribute(mean, "units") ?? ""),
    mean: cut(mean),
    deviation: cut(deviation),
    membersUsed: (stepIndex) => {
      const count = counts?.[stepIndex];
      return Number.isNaN(count) ? undefined : count;
    },
  };
}

/** The values of a step. */
function cutStep(
  values: Float32Array<ArrayBuffer>,
  stepIndex: number,
  [steps]: readonly SourceAxis[],
): Float32Array<ArrayBuffer> {
  const { length } = steps!;
  if (!Number.isInteger(stepIndex) || stepIndex < 0 || stepIndex >= length) {
    throw new RangeError(
      `Cannot cut step index ${stepIndex}: there are ${length} steps, from 0 on`,
    );
  }
  const points = values.length / length;
  return values.slice(stepIndex * points, (stepIndex + 1) * points);
}

/** The spellings of xarray and cfgrib as UDUNITS writes them. */
function normalizeUnits(units: string): string {
  return units === "(0 - 1)" ? "1" : units.replaceAll("**", "");
}

/** Whether an output's file says that ECMWF did not publish a variable, or a field of it. */
export function isUnpublished(
  { notPublished }: Pick<ForecastFile, "notPublished">,
  name: string,
  stepHours: number,
): boolean {
  return notPublished.includes(name) || notPublished.includes(`${name} (${stepHours} h)`);
}

function listItems(text = "none"): string[] {
  return text === "none" ? [] : text.split(", ");
}
