/**
 * A forecast read back from its NetCDF file: what the stages that draw it need of it.
 *
 * Files of `stream` and of the Python tools: variables `<name>_ensemble_mean` and
 * `<name>_ensemble_standard_deviation` over valid time, latitude and longitude.
 *
 * @module
 */
import { type Attribute, NetCDFReader, type Variable as NetcdfVariable } from "npm:netcdfjs@4.0.0";
import { findVariable } from "./ecmwf/variables.ts";

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

/** A whole file. Values are converted when they are asked for, one variable at a time. */
export interface ForecastFile {
  /** As it was given. */
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
  /** Members that were asked for and are in no field, for example `["control", "3-5"]`. */
  absentMembers: string[];
  /** In the order of the file. */
  variables: ForecastVariable[];
}

/** A file that is no forecast: the text says what it lacks. */
export class ForecastError extends Error {
  override readonly name = "ForecastError";
}

const HOUR_MS = 3_600_000;
const UNIT_MS: Readonly<Record<string, number>> = {
  second: 1000,
  minute: 60_000,
  hour: HOUR_MS,
  day: 24 * HOUR_MS,
};
const MEAN = "_ensemble_mean";
const DEVIATION = "_ensemble_standard_deviation";

/**
 * Reads a forecast from the bytes of a NetCDF classic file.
 *
 * @param path for messages.
 * @throws {ForecastError} when it is no such file or lacks something that a forecast has.
 */
export function parseForecast(bytes: Uint8Array, path: string): ForecastFile {
  const source = new Source(bytes, path);
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

function openVariable(source: Source, name: string, layout: Layout): ForecastVariable {
  const [mean, deviation] = [source.find(name + MEAN), source.find(name + DEVIATION)];
  for (const variable of [mean, deviation]) source.checkSize(variable, layout);
  const counts = source.has(`${name}_members_used`)
    ? source.values(source.find(`${name}_members_used`))
    : undefined;
  const cut = (variable: NetcdfVariable) => {
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

/** How the values of a variable lie in the file: (step, row, column), row-major. */
interface Layout {
  steps: number;
  rows: number;
  columns: number;
  isNorthFirst: boolean;
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

/** A NetCDF file with errors that name it. */
class Source {
  readonly #reader: NetCDFReader;

  constructor(bytes: Uint8Array, private readonly path: string) {
    const magic = String.fromCharCode(...bytes.subarray(0, 4));
    if (magic === "\x89HDF") {
      throw this.error("it is NetCDF-4, make it classic: nccopy -k nc6 <file> <new file>");
    }
    try {
      this.#reader = new NetCDFReader(bytes);
    } catch (cause) {
      throw this.error("it is no NetCDF classic file, or cut short", cause);
    }
  }

  error(state: string, cause?: unknown): ForecastError {
    return new ForecastError(`Cannot read a forecast from "${this.path}": ${state}`, { cause });
  }

  get names(): string[] {
    return this.#reader.variables.map(({ name }) => name);
  }

  has(name: string): boolean {
    return this.names.includes(name);
  }

  find(name: string): NetcdfVariable {
    const variable = this.#reader.variables.find((variable) => variable.name === name);
    if (!variable) {
      throw this.error(`it has no variable ${name}, give a file that stream has written`);
    }
    return variable;
  }

  /** All values of a variable of numbers. */
  values(variable: NetcdfVariable): number[] {
    try {
      return this.#reader.getDataVariable(variable) as number[];
    } catch (cause) {
      throw this.error(`its variable ${variable.name} is cut short`, cause);
    }
  }

  /** All values, in the unit of the variable, NaN where there is none. */
  floats(variable: NetcdfVariable): Float32Array {
    const { _FillValue: fill, scale_factor: scale = 1, add_offset: offset = 0 } = Object
      .fromEntries(
        listAttributes(variable).map(({ name, value }) => [name, Number(value)]),
      );
    return Float32Array.from(
      this.values(variable).flat(),
      (value) => value === fill ? NaN : value * scale + offset,
    );
  }

  checkSize({ name, dimensions }: NetcdfVariable, { steps, rows, columns }: Layout): void {
    const { dimensions: known, recordDimension } = this.#reader;
    const lengths = dimensions.map((id) =>
      id === recordDimension.id ? recordDimension.length : known[id]!.size
    );
    const [columnCount, rowCount, stepCount, ...outer] = lengths.toReversed();
    if (
      columnCount === columns && rowCount === rows && stepCount === steps &&
      outer.every((length) => length === 1)
    ) return;
    throw this.error(
      `its variable ${name} has (${lengths}) values, not (valid_time, latitude, longitude)`,
    );
  }

  /** The text of a variable's attribute. */
  attribute(variable: NetcdfVariable, name: string): string | undefined {
    const attribute = listAttributes(variable).find((attribute) => attribute.name === name);
    return attribute && String(attribute.value);
  }

  /** The text of a global attribute. */
  text(name: string): string | undefined {
    const value = this.#reader.getAttribute(name);
    return value === null ? undefined : String(value);
  }

  /** Points at equal distances: what draws them takes their cells to be equally large. */
  axis(name: string): Float64Array {
    const points = Float64Array.from(this.values(this.find(name)));
    const spacing = (points.at(-1)! - points[0]!) / (points.length - 1);
    const isRegular = points.every((point, i) =>
      i === 0 || Math.abs(point - points[0]! - i * spacing) < Math.abs(spacing) / 100
    );
    if (isRegular) return points;
    throw this.error(`its points along ${name} are not equally spaced, put it on a regular grid`);
  }

  /** Instants of a CF time variable. */
  times(name: string): Date[] {
    const variable = this.find(name);
    const units = this.attribute(variable, "units") ?? "";
    const [, unit, origin = ""] = /^(second|minute|hour|day)s? since (.+)$/.exec(units) ?? [];
    const epochMs = Date.parse(`${origin.replace(" ", "T").replace(/\.0$/, "")}Z`);
    const dates = this.values(variable).map((value) => new Date(epochMs + value * UNIT_MS[unit!]!));
    const [first] = dates;
    if (first && !Number.isNaN(first.getTime())) return dates;
    throw this.error(`its ${name} is in "${units}", use hours since <date>`);
  }
}

/** netcdfjs declares the attributes of a variable as an empty tuple. */
function listAttributes(variable: NetcdfVariable): readonly Attribute[] {
  return variable.attributes;
}
