/**
 * Bytes of a forecast's NetCDF file → what maps and the viewer draw.
 *
 * Reads files of `stream` and of the Python tools: statistics such as `<name>_ensemble_mean` over valid
 * time, latitude and longitude, in any order: dimensions are known by the names of their coordinates.
 *
 * @module
 */
import type { DecodedNetcdf } from "../netcdf/decode_netcdf.ts";
import { type ForecastVariable, openVariables, type StepAxis } from "./forecast_fields.ts";
import { decodeForecast, ForecastSource } from "./forecast_source.ts";

export type { ForecastField, ForecastVariable } from "./forecast_fields.ts";
export { ForecastError } from "./forecast_source.ts";

/** The most that is read of a file: one of the whole globe has more than other objects may have. */
export const MAX_FORECAST_BYTES = 2 ** 32;

/** A whole file. Values are converted on first use, one variable at a time. */
export interface ForecastFile {
  /** As given. */
  path: string;
  title: string;
  /** Start of the run as people write it: `2026-02-06 00 UTC`. */
  runLabel: string;
  /** Start of the run. */
  referenceTime: Date;
  /** One a step: of all its time axes, ascending. */
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
  const { referenceTime, validTimes, axes } = readTimes(source);
  const { points: latitudes, ...rows } = source.axis("latitude");
  const { points: longitudes, ...columns } = source.axis("longitude");
  if (longitudes[0]! > longitudes.at(-1)!) {
    throw source.error("its longitudes do not ascend, sort them");
  }
  const isReversed = latitudes[0]! < latitudes.at(-1)!;
  const members = source.text("n_ensemble_members");
  const variables = openVariables(source, axes, { rows: { ...rows, isReversed }, columns });
  if (variables.length === 0) throw source.error("it has no variable <name>_ensemble_mean");
  return {
    path,
    title: source.text("title") ?? path,
    runLabel: `${referenceTime.toISOString().slice(0, 13).replace("T", " ")} UTC`,
    referenceTime,
    validTimes,
    stepHours: validTimes.map((time) => (time.getTime() - referenceTime.getTime()) / HOUR_MS),
    latitudes: isReversed ? latitudes.toReversed() : latitudes,
    longitudes,
    memberCount: members === undefined ? undefined : Number(members),
    absentMembers: listItems(source.text("absent_ensemble_members")),
    notPublished: [
      ...listItems(source.text("variables_not_published")),
      ...listItems(source.text("fields_not_published")),
    ],
    variables,
  };
}

/** The time axes of a file, with their points as steps of it. */
interface FileTimes {
  referenceTime: Date;
  /** Of all axes, ascending. */
  validTimes: Date[];
  axes: StepAxis[];
}

/**
 * The start of the run, and every axis of valid time: `valid_time`, those of periods such as
 * `valid_time_24h`, or `time` where the start of the run is a variable of its own.
 */
function readTimes(source: ForecastSource): FileTimes {
  const isStart = (name: string) =>
    source.attribute(source.find(name), "standard_name") === "forecast_reference_time";
  const start = source.names.find(isStart) ??
    ["forecast_reference_time", "time"].find((name) => source.has(name)) ?? "time";
  const { dates: [referenceTime] } = source.times(start);
  const periods = source.names.filter((name) => /^valid_time(?:_\w+)?(?<!_bnds)$/.test(name));
  const names = periods.length > 0 ? periods : [start === "time" ? "valid_time" : "time"];
  const axes = names.map((name) => source.times(name));
  const instants = [...new Set(axes.flatMap(({ dates }) => dates.map(Number)))]
    .toSorted((a, b) => a - b);
  return {
    referenceTime: referenceTime!,
    validTimes: instants.map((instant) => new Date(instant)),
    axes: axes.map(({ dates, ...axis }) => ({
      ...axis,
      steps: dates.map((date) => instants.indexOf(date.getTime())),
    })),
  };
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
