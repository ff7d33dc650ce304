/**
 * Bytes of a forecast's NetCDF file → what maps and the viewer draw.
 *
 * Reads files of `stream` and of the Python tools: variables `<name>_ensemble_mean` and
 * `<name>_ensemble_standard_deviation` over valid time, latitude and longitude.
 *
 * @module
 */
import { findVariable } from "../ecmwf/variables.ts";
import { ForecastSource, type Layout, type SourceVariable } from "./forecast_source.ts";

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
  /** In the order of the file. */
  variables: ForecastVariable[];
}

const HOUR_MS = 3_600_000;
const MEAN = "_ensemble_mean";
const DEVIATION = "_ensemble_standard_deviation";

/**
 * Reads a forecast from the bytes of a NetCDF classic file.
 *
 * @param path for messages.
 * @throws {ForecastError} when the file is not NetCDF classic, or lacks a part of a forecast.
 */
export function parseForecast(bytes: Uint8Array, path: string): ForecastFile {
  const source = new ForecastSource(bytes, path);
  const [referenceTime] = source.times("time");
  const validTimes = source.times("valid_time");
  const latitudes = source.axis("latitude");
  const longitudes = source.axis("longitude");
  if (longitudes[0]! > longitudes.at(-1)!) {
    throw source.error("its longitudes do not ascend, sort them");
  }
  const layout = {
    steps: validTimes.length,
    rows: latitudes.length,
    columns: longitudes.length,
    isNorthFirst: latitudes[0]! >= latitudes.at(-1)!,
  };
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
    latitudes: layout.isNorthFirst ? latitudes : latitudes.toReversed(),
    longitudes,
    memberCount: members === undefined ? undefined : Number(members),
    absentMembers: listMembers(source.text("absent_ensemble_members")),
    variables: names.map((name) => openVariable(source, name.slice(0, -MEAN.length), layout)),
  };
}

function openVariable(source: ForecastSource, name: string, layout: Layout): ForecastVariable {
  const [mean, deviation] = [source.find(name + MEAN), source.find(name + DEVIATION)];
  for (const variable of [mean, deviation]) source.checkSize(variable, layout);
  const counts = source.has(`${name}_members_used`)
    ? source.values(source.find(`${name}_members_used`))
    : undefined;
  const cut = (variable: SourceVariable) => {
    let values: Float32Array | undefined;
    return (stepIndex: number) => cutStep(values ??= source.floats(variable), stepIndex, layout);
  };
  return {
    name,
    longName: findVariable(name)?.longName ?? source.attribute(mean, "long_name") ?? name,
    units: normalizeUnits(source.attribute(mean, "units") ?? ""),
    mean: cut(mean),
    deviation: cut(deviation),
    membersUsed: (stepIndex) => counts?.[stepIndex],
  };
}

/** The values of a step, north first. */
function cutStep(
  values: Float32Array,
  stepIndex: number,
  { steps, rows, columns, isNorthFirst }: Layout,
): Float32Array<ArrayBuffer> {
  if (!Number.isInteger(stepIndex) || stepIndex < 0 || stepIndex >= steps) {
    throw new RangeError(`Cannot cut step index ${stepIndex}: there are ${steps} steps, from 0 on`);
  }
  const step = values.slice(stepIndex * rows * columns, (stepIndex + 1) * rows * columns);
  if (isNorthFirst) return step;
  const flipped = new Float32Array(step.length);
  for (let row = 0; row < rows; row++) {
    flipped.set(step.subarray(row * columns, (row + 1) * columns), (rows - 1 - row) * columns);
  }
  return flipped;
}

/** The spellings of xarray and cfgrib as UDUNITS writes them. */
function normalizeUnits(units: string): string {
  return units === "(0 - 1)" ? "1" : units.replaceAll("**", "");
}

function listMembers(text = "none"): string[] {
  return text === "none" ? [] : text.split(", ");
}
