/**
 * Bytes of a NetCDF classic file → its variables and attributes, or an error that names the file and
 * what it lacks.
 *
 * @module
 */
import { UserError } from "../errors.ts";
import { type Attribute, NetCDFReader, type Variable } from "npm:netcdfjs@4.0.0";

/** A variable of the file, as netcdfjs describes it. */
export type SourceVariable = Variable;

/** A file that is not a forecast: the text says what it lacks. */
export class ForecastError extends UserError {
  override readonly name = "ForecastError";

  constructor(message: string, options?: ErrorOptions) {
    super("damaged", message, options);
  }
}

/** How the values of a variable lie in the file: (step, row, column), row-major. */
export interface Layout {
  steps: number;
  rows: number;
  columns: number;
  isNorthFirst: boolean;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};
/** Unit, date, time of a CF time unit in UTC. */
const TIME_UNITS =
  /^(second|minute|hour|day)s? since (\d{4}-\d\d-\d\d)(?:[ T]([\d:.]+))?(?:Z| UTC)?$/;
/** NC_FILL_FLOAT: what the netCDF library puts where nothing was written. */
const DEFAULT_FILL = 15 * 2 ** 119;

/**
 * A NetCDF classic file with errors that name it. Strict where drawing depends on it: regular axes,
 * known times, fields of one shape.
 */
export class ForecastSource {
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

  /** An error that begins with the file. */
  error(state: string, cause?: unknown): ForecastError {
    return new ForecastError(`Cannot read a forecast from "${this.path}": ${state}`, { cause });
  }

  /** The names of all variables. */
  get names(): string[] {
    return this.#reader.variables.map(({ name }) => name);
  }

  /** Whether there is a variable of that name. */
  has(name: string): boolean {
    return this.names.includes(name);
  }

  /** The variable of that name. @throws {ForecastError} when there is none. */
  find(name: string): SourceVariable {
    const variable = this.#reader.variables.find((variable) => variable.name === name);
    if (!variable) {
      throw this.error(`it has no variable ${name}, give a file that stream has written`);
    }
    return variable;
  }

  /** All values of a variable of numbers. */
  values(variable: SourceVariable): number[] {
    try {
      return this.#reader.getDataVariable(variable) as number[];
    } catch (cause) {
      throw this.error(`its variable ${variable.name} is cut short`, cause);
    }
  }

  /** All values, unpacked, in the unit of the variable; NaN where there is none. */
  floats(variable: SourceVariable): Float32Array {
    const numbers = listAttributes(variable).map(({ name, value }) => [name, Number(value)]);
    const { _FillValue: fill = DEFAULT_FILL, scale_factor: scale = 1, add_offset: offset = 0 } =
      Object.fromEntries(numbers);
    return Float32Array.from(
      this.values(variable).flat(),
      (value) => value === fill ? NaN : value * scale + offset,
    );
  }

  /** Throws unless a variable has a value a step, row and column. */
  checkSize({ name, dimensions }: SourceVariable, { steps, rows, columns }: Layout): void {
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
  attribute(variable: SourceVariable, name: string): string | undefined {
    const attribute = listAttributes(variable).find((attribute) => attribute.name === name);
    return attribute && String(attribute.value);
  }

  /** The text of a global attribute. */
  text(name: string): string | undefined {
    const value = this.#reader.getAttribute(name);
    return value === null ? undefined : String(value);
  }

  /** Points of an axis, at equal distances, as maps draw cells of equal size. */
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
    const [, unit, date, time = "00:00"] = TIME_UNITS.exec(units) ?? [];
    const epochMs = Date.parse(`${date}T${time}Z`);
    const dates = this.values(variable).map((value) => new Date(epochMs + value * UNIT_MS[unit!]!));
    if (dates.length > 0 && !dates.some((date) => Number.isNaN(date.getTime()))) return dates;
    throw this.error(`its ${name} is in "${units}", use hours since <date>`);
  }
}

/** netcdfjs declares the attributes of a variable as an empty tuple. */
function listAttributes(variable: SourceVariable): readonly Attribute[] {
  return variable.attributes;
}
