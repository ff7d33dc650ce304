/**
 * Bytes of a NetCDF-4 file → what `decodeNetcdf` gives for a classic one. Loads the HDF5 library as
 * WebAssembly (4 MB, 75 ms), which reads every filter and layout that netCDF writes by default. It
 * needs no permission: the file is in its memory.
 *
 * Source: NetCDF Users Guide, appendix "File Format Specifications", the NetCDF-4 format: dimensions
 * are scales of the HDF5 file, and attributes that netCDF keeps for itself are not shown.
 *
 * @module
 */
import h5wasm, { type Attribute, type Dataset, type Group, type Metadata } from "npm:h5wasm@0.10.3";
import { messageOf } from "../util/text.ts";
import {
  type DecodedAttribute,
  type DecodedNetcdf,
  type DecodedVariable,
  NetcdfError,
} from "./decode_netcdf.ts";
import { checkHeaps } from "./hdf5_heaps.ts";
import type { NetcdfNumbers } from "./netcdf_values.ts";

/** Attributes of the format itself. */
const RESERVED = [
  "CLASS",
  "NAME",
  "DIMENSION_LIST",
  "REFERENCE_LIST",
  "_Netcdf4Dimid",
  "_Netcdf4Coordinates",
  "_NCProperties",
  "_nc3_strict",
];
/** What the library calls a dimension that has no variable. */
const BARE_DIMENSION = "This is a netCDF dimension but not a netCDF variable";
/** Before the name of a variable that has that of a dimension, and is not along it. */
const NO_COORDINATE = "_nc4_non_coord_";

/** HDF5's class of integers. */
const INTEGER = 0;

/** Files in the library's memory so far. */
let fileCount = 0;

/**
 * Reads the names, dimensions and attributes of the variables in the root group; groups below it are
 * left out. Values are read when they are asked for. Integers that the classic format does not have
 * become wider ones: unsigned bytes int16, unsigned shorts int32, all others float64.
 *
 * @throws {NetcdfError} when it is not HDF5, is cut short, or contradicts itself.
 */
export async function decodeNetcdf4(bytes: Uint8Array): Promise<DecodedNetcdf> {
  checkHeaps(bytes);
  const library = await h5wasm.ready;
  // Else it prints what is wrong, and goes on.
  library.activate_throwing_error_handler();
  const name = `/${fileCount++}.nc`;
  library.FS.writeFile(name, bytes);
  return explain("it", () => {
    const file = new h5wasm.File(name, "r");
    const items = file.keys().map((key) => file.get(key));
    const datasets = items.filter((item) => item instanceof h5wasm.Dataset);
    const dimensions = nameDimensions(datasets);
    return {
      attributes: readAttributes(file),
      variables: datasets.filter((dataset) => !isBare(dataset))
        .map((dataset) => openDataset(dataset, dimensions)),
    };
  });
}

/** The library gives a stack of errors, from the call down to the cause: `#006: … H5G_visit(): …`. */
function explain<Result>(what: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof NetcdfError) throw error;
    const text = messageOf(error);
    const cause = [...text.matchAll(/\(\): (.+)/g)].at(-1)?.[1] ?? text.split("\n")[0];
    throw new NetcdfError(`${what} is damaged NetCDF-4 (${cause}), fetch or write the file again`);
  }
}

function readText(owner: Dataset | Group, name: string): string | undefined {
  const value = owner.attrs[name]?.value;
  return typeof value === "string" ? value : undefined;
}

function readNumbers(owner: Dataset | Group, name: string): NetcdfNumbers | undefined {
  const attribute = owner.attrs[name];
  return attribute && toNumbers(attribute.value, attribute.metadata);
}

function isScale(dataset: Dataset): boolean {
  return readText(dataset, "CLASS") === "DIMENSION_SCALE";
}

function isBare(dataset: Dataset): boolean {
  return isScale(dataset) && (readText(dataset, "NAME") ?? "").startsWith(BARE_DIMENSION);
}

/** Names of the dimensions by their numbers in the file. */
function nameDimensions(datasets: readonly Dataset[]): ReadonlyMap<number, string> {
  return new Map(
    datasets.filter(isScale).flatMap((dataset) => {
      const [id] = readNumbers(dataset, "_Netcdf4Dimid") ?? [];
      return id === undefined ? [] : [[id, nameOf(dataset)] as const];
    }),
  );
}

function nameOf({ path }: Dataset): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return name.startsWith(NO_COORDINATE) ? name.slice(NO_COORDINATE.length) : name;
}

function openDataset(
  dataset: Dataset,
  dimensions: ReadonlyMap<number, string>,
): DecodedVariable {
  const name = nameOf(dataset);
  const lengths = dataset.shape ?? [];
  return {
    name,
    lengths,
    dimensions: lengths.map((_, i) => findDimension(dataset, i, dimensions)),
    attributes: readAttributes(dataset),
    read: () =>
      explain(`its variable ${name}`, () => {
        const values = toNumbers(dataset.value, dataset.metadata);
        const expected = lengths.reduce((product, length) => product * length, 1);
        if (!values) throw new NetcdfError(`its variable ${name} holds no numbers`);
        if (values.length === expected) return values;
        throw new Error(`it has ${values.length} values, expected ${expected}`);
      }),
  };
}

/** The name of a dimension of a dataset; a made-up one, as netCDF does it, where it has no scale. */
function findDimension(
  dataset: Dataset,
  index: number,
  dimensions: ReadonlyMap<number, string>,
): string {
  const ids = readNumbers(dataset, "_Netcdf4Coordinates");
  const named = ids && dimensions.get(ids[index]!);
  if (named !== undefined) return named;
  if (isScale(dataset)) return index === 0 ? nameOf(dataset) : `phony_dim_${index}`;
  const [scale] = dataset.get_attached_scales(index);
  return scale === undefined ? `phony_dim_${index}` : scale.slice(scale.lastIndexOf("/") + 1);
}

function readAttributes(owner: Dataset | Group): Map<string, DecodedAttribute> {
  const { attrs } = owner;
  const names = Object.keys(attrs).filter((name) => !RESERVED.includes(name));
  return new Map(names.flatMap((name) => {
    const value = toAttribute(attrs[name]!);
    return value === undefined ? [] : [[name, value] as const];
  }));
}

/** Text, several texts joined, or numbers; `undefined` for what netCDF classic has no word for. */
function toAttribute({ value, metadata }: Attribute): DecodedAttribute | undefined {
  if (value === null) return "";
  if (typeof value === "string") return value;
  const isTexts = Array.isArray(value) && value.every((item) => typeof item === "string");
  return isTexts ? value.join(", ") : toNumbers(value, metadata);
}

/** Numbers in an array of a type that the classic format has; a single one has its type in `metadata`. */
function toNumbers(value: unknown, { type, size, signed }: Metadata): NetcdfNumbers | undefined {
  if (typeof value === "bigint") return Float64Array.of(Number(value));
  if (typeof value === "number") {
    const isInteger = type === INTEGER;
    if (!isInteger) return size === 4 ? Float32Array.of(value) : Float64Array.of(value);
    const bits = signed ? 8 * size : 16 * size;
    const array = ({ 8: Int8Array, 16: Int16Array, 32: Int32Array })[bits] ?? Float64Array;
    return array.of(value);
  }
  if (value instanceof Uint8Array) return Int16Array.from(value);
  if (value instanceof Uint16Array) return Int32Array.from(value);
  if (value instanceof Uint32Array) return Float64Array.from(value);
  if (value instanceof BigInt64Array || value instanceof BigUint64Array) {
    return Float64Array.from(value, Number);
  }
  const known = [Int8Array, Int16Array, Int32Array, Float32Array, Float64Array];
  return known.some((type) => value instanceof type) ? value as NetcdfNumbers : undefined;
}
