/**
 * Bytes of a NetCDF file → its variables and attributes, or an error that names the file and
 * what it lacks.
 *
 * @module
 */
import { UserError } from "../errors.ts";
import {
  type DecodedNetcdf,
  type DecodedVariable,
  decodeNetcdf,
  NetcdfError,
} from "../netcdf/decode_netcdf.ts";
import type { NetcdfNumbers } from "../netcdf/netcdf_values.ts";

/** A variable of the file. */
export type SourceVariable = DecodedVariable;

/** A file that is not a forecast: the text says what it lacks. */
export class ForecastError extends UserError {
  override readonly name = "ForecastError";

  constructor(message: string, options?: ErrorOptions) {
    super("damaged", message, options);
  }
}

/** An axis of fields: a coordinate variable and the dimension that it describes. */
export interface SourceAxis {
  /** Name of the coordinate variable. */
  name: string;
  /** `undefined` for a scalar: its one point is that of every field. */
  dimension: string | undefined;
  /** Number of points. */
  length: number;
  /** Whether values are wanted from the last point to the first. @default {false} */
  isReversed?: boolean;
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
/** Calendars that agree with `Date`: all since 1582-10-15, and the first one before, too. */
const CALENDARS = ["proleptic_gregorian", "standard", "gregorian"];
const GREGORIAN_MS = Date.UTC(1582, 9, 15);
/** What the netCDF library puts where nothing was written (`NC_FILL_…`); bytes have none. */
const DEFAULT_FILLS = {
  Int8Array: [],
  Int16Array: [-32767],
  Int32Array: [-2147483647],
  Float32Array: [15 * 2 ** 119],
  Float64Array: [15 * 2 ** 119],
};

/**
 * Decodes a file that may be NetCDF-4, whose library is loaded only then.
 *
 * @param path for messages.
 * @throws {ForecastError} when it is neither, or breaks the rules of its format.
 */
export async function decodeForecast(bytes: Uint8Array, path: string): Promise<DecodedNetcdf> {
  const isHdf5 = String.fromCharCode(...bytes.subarray(0, 4)) === "\x89HDF";
  try {
    if (!isHdf5) return decodeNetcdf(bytes);
    const { decodeNetcdf4 } = await import("../netcdf/decode_netcdf4.ts");
    return await decodeNetcdf4(bytes);
  } catch (error) {
    if (error instanceof NetcdfError) throw forecastError(path, error.state, error);
    throw error;
  }
}

function forecastError(path: string, state: string, cause?: unknown): ForecastError {
  return new ForecastError(`Cannot read a forecast from "${path}": ${state}`, { cause });
}

/**
 * A NetCDF file with errors that name it. Strict where drawing depends on it: regular axes,
 * known times, fields along known dimensions.
 */
export class ForecastSource {
  readonly #file: DecodedNetcdf;
  readonly #variables: ReadonlyMap<string, SourceVariable>;

  /** @param content the bytes of a classic file, or a file that is decoded. */
  constructor(content: Uint8Array | DecodedNetcdf, private readonly path: string) {
    this.#file = content instanceof Uint8Array
      ? this.#explain(() => decodeNetcdf(content))
      : content;
    this.#variables = new Map(this.#file.variables.map((variable) => [variable.name, variable]));
  }

  /** An error that begins with the file. */
  error(state: string, cause?: unknown): ForecastError {
    return forecastError(this.path, state, cause);
  }

  /** The names of all variables. */
  get names(): string[] {
    return [...this.#variables.keys()];
  }

  /** Whether there is a variable of that name. */
  has(name: string): boolean {
    return this.#variables.has(name);
  }

  /** The variable of that name. @throws {ForecastError} when there is none. */
  find(name: string): SourceVariable {
    const variable = this.#variables.get(name);
    if (!variable) {
      throw this.error(`it has no variable ${name}, give a file that stream has written`);
    }
    return variable;
  }

  /** Throws unless a variable has just one value a point of the axes. */
  checkAxes(variable: SourceVariable, axes: readonly SourceAxis[]): void {
    const { name, dimensions, lengths } = variable;
    const known = findDimensions(variable, axes);
    const isComplete = axes.every(({ length }, i) => length === 1 || known[i]! >= 0);
    // Stations have latitude and longitude along one dimension, and no field in between.
    const isGrid = known.every((at, i) => at < 0 || known.indexOf(at) === i);
    const hasOthers = lengths.some((length, i) => length !== 1 && !known.includes(i));
    if (isComplete && isGrid && !hasOthers) return;
    const found = dimensions.map((dimension, i) => `${dimension} = ${lengths[i]}`).join(", ");
    const expected = axes.map(({ name, length }) => `${name} = ${length}`).join(", ");
    throw this.error(
      `its variable ${name} has the dimensions (${found}), expected (${expected}) in any order`,
    );
  }

  /**
   * The values of a variable, unpacked, in its unit: one a point of the axes, along the last axis
   * fastest, whatever the order of the dimensions in the file. NaN where there is none.
   */
  values(variable: SourceVariable, axes: readonly SourceAxis[]): Float32Array<ArrayBuffer> {
    this.checkAxes(variable, axes);
    const { lengths } = variable;
    const strides = findDimensions(variable, axes).map((at, i) => {
      const stride = at < 0 ? 0 : lengths.slice(at + 1).reduce((a, b) => a * b, 1);
      return axes[i]!.isReversed ? -stride : stride;
    });
    return gather(this.#unpack(variable), axes.map(({ length }) => length), strides);
  }

  /** The text of a variable's attribute. */
  attribute(variable: SourceVariable, name: string): string | undefined {
    return variable.attributes.get(name)?.toString();
  }

  /** The text of a global attribute. */
  text(name: string): string | undefined {
    return this.#file.attributes.get(name)?.toString();
  }

  /** An axis and its points, at equal distances, as maps draw cells of equal size. */
  axis(name: string): SourceAxis & { points: Float64Array } {
    const variable = this.find(name);
    const points = this.#unpack(variable);
    const axis = { ...this.#describeAxis(variable), points };
    const spacing = (points.at(-1)! - points[0]!) / (points.length - 1);
    const isRegular = points.every((point, i) =>
      i === 0
        ? Number.isFinite(point)
        : Math.abs(point - points[0]! - i * spacing) < Math.abs(spacing) / 100
    );
    if (isRegular) return axis;
    throw this.error(`its points along ${name} are not equally spaced, put it on a regular grid`);
  }

  /** A CF time axis and its instants. */
  times(name: string): SourceAxis & { dates: Date[] } {
    const variable = this.find(name);
    const units = this.attribute(variable, "units") ?? "";
    const [, unit, date, time = "00:00"] = TIME_UNITS.exec(units) ?? [];
    const epochMs = Date.parse(`${date}T${time}Z`);
    const values = [...this.#unpack(variable)];
    const dates = values.map((value) => new Date(epochMs + value * UNIT_MS[unit!]!));
    if (dates.some((date) => Number.isNaN(date.getTime()))) {
      throw this.error(`its ${name} is in "${units}", use hours since <date>`);
    }
    const calendar = this.attribute(variable, "calendar") ?? "standard";
    const rank = CALENDARS.indexOf(calendar.toLowerCase());
    if (rank < 0 || rank > 0 && epochMs < GREGORIAN_MS) {
      throw this.error(
        `its ${name} counts "${units}" in the calendar "${calendar}", expected proleptic_gregorian`,
      );
    }
    return { ...this.#describeAxis(variable), dates };
  }

  #describeAxis({ name, dimensions, lengths }: SourceVariable): SourceAxis {
    const length = lengths.reduce((a, b) => a * b, 1);
    if (dimensions.length <= 1 && length > 0) return { name, dimension: dimensions[0], length };
    throw this.error(
      dimensions.length > 1
        ? `its ${name} has the dimensions (${dimensions.join(", ")}), put it on a regular grid`
        : `its ${name} has no values`,
    );
  }

  /** All values of a variable of numbers in the order of the file; NaN where there is none. */
  #unpack(variable: SourceVariable): Float64Array {
    const stored = this.#explain(() => variable.read());
    const values = this.attribute(variable, "_Unsigned") === "true" ? asUnsigned(stored) : stored;
    const fills = this.#numbers(variable, "_FillValue") ??
      DEFAULT_FILLS[stored[Symbol.toStringTag]];
    const missing = [...fills, ...this.#numbers(variable, "missing_value") ?? []]
      // The same number as the values have it: −999.9 is another one in float32, 255 is −1 in a byte.
      .map((value) => storeAs(value, stored, values));
    const [scale = 1] = this.#numbers(variable, "scale_factor") ?? [];
    const [offset = 0] = this.#numbers(variable, "add_offset") ?? [];
    const unpacked = new Float64Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      unpacked[i] = missing.includes(value) ? NaN : value * scale + offset;
    }
    return unpacked;
  }

  /** The numbers of an attribute, which may be text; `undefined` where there is none. */
  #numbers(variable: SourceVariable, name: string): number[] | undefined {
    const attribute = variable.attributes.get(name);
    if (attribute === undefined) return undefined;
    if (typeof attribute !== "string") return [...attribute];
    const value = attribute.trim() === "" ? NaN : Number(attribute);
    if (!Number.isNaN(value) || /^\s*nan\s*$/i.test(attribute)) return [value];
    throw this.error(
      `its variable ${variable.name} has the ${name} "${attribute}", expected a number`,
    );
  }

  /** Says which file it is that breaks the rules of the format. */
  #explain<Result>(read: () => Result): Result {
    try {
      return read();
    } catch (error) {
      if (error instanceof NetcdfError) throw this.error(error.state, error);
      throw error;
    }
  }
}

function asUnsigned(values: NetcdfNumbers): ArrayLike<number> {
  const { buffer, byteOffset, length } = values;
  if (values instanceof Int8Array) return new Uint8Array(buffer, byteOffset, length);
  if (values instanceof Int16Array) return new Uint16Array(buffer, byteOffset, length);
  if (values instanceof Int32Array) return new Uint32Array(buffer, byteOffset, length);
  return values;
}

/** A number as values of that type hold it, read as they are read. */
function storeAs(value: number, stored: NetcdfNumbers, read: ArrayLike<number>): number {
  if (stored instanceof Float32Array) return Math.fround(value);
  return read !== stored && value < 0 ? value + 2 ** (8 * stored.BYTES_PER_ELEMENT) : value;
}

/** The positions of the axes among a variable's dimensions; −1 for one that it does not have. */
function findDimensions({ dimensions }: SourceVariable, axes: readonly SourceAxis[]): number[] {
  return axes.map(({ dimension }) => dimension === undefined ? -1 : dimensions.indexOf(dimension));
}

/** Values along axes of these sizes, by the distances of their points in `from`. */
function gather(
  from: Float64Array,
  sizes: readonly number[],
  strides: readonly number[],
): Float32Array<ArrayBuffer> {
  const to = new Float32Array(sizes.reduce((a, b) => a * b, 1));
  const position = sizes.map(() => 0);
  // A reversed axis begins at its last point.
  let at = strides.reduce((sum, stride, i) => stride < 0 ? sum - stride * (sizes[i]! - 1) : sum, 0);
  for (let i = 0; i < to.length; i++) {
    to[i] = from[at]!;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++position[axis]! < sizes[axis]!) break;
      at -= strides[axis]! * sizes[axis]!;
      position[axis] = 0;
    }
  }
  return to;
}
