/**
 * The store of a member as kerchunk's `scan_grib` and `grib_tree` build it: one group a variable,
 * step type and type of level, with time, step and, where there are several, level as axes.
 *
 * @module
 */
import { equalGrids, type RegularLatLonGrid } from "../grib/headers.ts";
import type { Store } from "../references/store.ts";
import { encodeInline } from "../references/skeleton.ts";
import { sortUnique } from "../util/numbers.ts";
import type { FieldDescription, ScannedMessage } from "./scanned_field.ts";
import { describeGrid, gridCoordinates } from "./grid_coordinates.ts";
import { LEVEL_ATTRIBUTES } from "./vertical_level.ts";
import { addArray, addCoordinate, addGroup, type Attributes, encodeValues } from "./zarr_nodes.ts";

/** A store, and what of the messages is not in it. */
export interface BuiltStore {
  store: Store;
  /** Messages that found their place taken, or another grid there, in words. */
  problems: string[];
}

/** Value of missing grid points that cfgrib sets before decoding: the largest float32. */
const MISSING_VALUE = 3.4028234663852886e38;

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

/** Messages of one group, and its axes. */
interface Group {
  path: string;
  name: string;
  messages: readonly ScannedMessage[];
  first: ScannedMessage;
  grid: RegularLatLonGrid;
  /** Ascending. */
  steps: readonly number[];
  /** Ascending; none for a layer without coordinate. */
  levels: readonly number[];
}

/**
 * Builds the store of one member.
 *
 * @param messages of that member and one run, in the order in which groups are to come.
 */
export function buildStore(messages: readonly ScannedMessage[]): BuiltStore {
  const store: Store = new Map();
  const problems: string[] = [];
  const groups = [...Map.groupBy(messages, ({ field }) => groupPath(field))].map(makeGroup);
  addGroup(store, "");
  for (const group of groups) addTree(store, group);
  for (const group of groups) {
    addCoordinates(store, group);
    addVariable(store, group);
    addMessages(store, group, problems);
  }
  return { store, problems };
}

function groupPath({ parameter, stepType, level }: FieldDescription): string {
  return `${variableName({ parameter })}/${stepType}/${level.typeOfLevel}`;
}

function variableName({ parameter }: Pick<FieldDescription, "parameter">): string {
  const { cfVarName, shortName } = parameter;
  return cfVarName === "unknown" ? shortName : cfVarName;
}

function makeGroup([path, messages]: [string, ScannedMessage[]]): Group {
  const first = messages[0]!;
  const { field } = first;
  const levels = messages.flatMap(({ field }) => field.level.value ?? []);
  return {
    path,
    name: variableName(field),
    messages,
    first,
    grid: field.grid,
    steps: sortUnique(messages.map(({ field }) => field.stepHours)),
    levels: sortUnique(levels),
  };
}

/** The three groups of a path. */
function addTree(store: Store, { path, name, first }: Group): void {
  const { parameter, stepType, level } = first.field;
  addGroup(store, name, { name: parameter.name });
  addGroup(store, `${name}/${stepType}`, { stepType });
  const vertical = level.value === undefined ? [] : [level.typeOfLevel];
  const coordinates = [
    ...vertical,
    ...["latitude", "longitude", "number", "step", "time", "valid_time"],
  ];
  addGroup(store, path, { coordinates: coordinates.join(" "), typeOfLevel: level.typeOfLevel });
}

/** Coordinates whose values are known without looking at each message. */
function addCoordinates(store: Store, group: Group): void {
  const { path, first: { field }, grid, steps, levels } = group;
  const add = (
    name: keyof typeof COORDINATE_ATTRIBUTES,
    values: Float64Array | BigInt64Array,
  ) => {
    const attributes = COORDINATE_ATTRIBUTES[name];
    const dimensions = [[name, values.length]] as const;
    addCoordinate(store, `${path}/${name}`, { dimensions, attributes }, values);
  };
  add("time", toInt64([field.referenceTime.getTime() / 1000]));
  add("step", steps.every(Number.isInteger) ? toInt64(steps) : Float64Array.from(steps));
  const { latitudes, longitudes } = gridCoordinates(grid);
  add("latitude", latitudes);
  add("longitude", longitudes);
  if (levels.length === 0) return;
  const { typeOfLevel } = field.level;
  const attributes = LEVEL_ATTRIBUTES[typeOfLevel] ?? {};
  const dimensions = levelDimension(group);
  addCoordinate(
    store,
    `${path}/${typeOfLevel}`,
    { dimensions, attributes },
    Float64Array.from(levels),
  );
}

/** The axis of several levels; one level is a coordinate without dimension. */
function levelDimension({ first, levels }: Group): [string, number][] {
  return levels.length > 1 ? [[first.field.level.typeOfLevel, levels.length]] : [];
}

/** Dimensions of which each message has one index. */
function messageDimensions(group: Group): [string, number][] {
  return [["time", 1], ["step", group.steps.length], ...levelDimension(group)];
}

function addVariable(store: Store, group: Group): void {
  const { path, name, first, grid } = group;
  const outer = messageDimensions(group);
  const ones = outer.map(() => 1);
  addArray(store, `${path}/${name}`, {
    dtype: "<f8",
    dimensions: [...outer, ["latitude", grid.rowCount], ["longitude", grid.columnCount]],
    chunks: [...ones, grid.rowCount, grid.columnCount],
    filter: { dtype: "float64", id: "grib", var: name },
    attributes: describeVariable(first),
  });
  for (const coordinate of ["number", "valid_time"] as const) {
    addArray(store, `${path}/${coordinate}`, {
      dtype: "<i8",
      dimensions: outer,
      chunks: ones,
      attributes: COORDINATE_ATTRIBUTES[coordinate],
    });
  }
}

function describeVariable({ field, dataType }: ScannedMessage): Attributes {
  const { parameter, stepType, level, grid, coordinateCount, ensembleSize } = field;
  const { cfName = "unknown", units, name } = parameter;
  const attributes: Attributes = {
    paramId: parameter.paramId,
    dataType,
    numberOfPoints: grid.rowCount * grid.columnCount,
    typeOfLevel: level.typeOfLevel,
    stepUnits: 1,
    stepType,
    shortName: parameter.shortName,
    units,
    name,
    cfName,
    cfVarName: parameter.cfVarName,
    missingValue: MISSING_VALUE,
    ...(ensembleSize === undefined ? {} : { totalNumber: ensembleSize }),
    NV: coordinateCount,
    ...describeGrid(grid),
  };
  return {
    ...Object.fromEntries(Object.entries(attributes).map(([key, it]) => [`GRIB_${key}`, it])),
    long_name: name,
    units,
    standard_name: cfName,
  };
}

/** The chunks of each message: its reference or bytes, its member, the time for which it holds. */
function addMessages(store: Store, group: Group, problems: string[]): void {
  const { path, name, grid } = group;
  for (const message of group.messages) {
    const { field, member, reference, bytes } = message;
    const place = locate(group, field);
    const key = `${path}/${name}/${place}.0.0`;
    const taken = store.has(key);
    if (taken || !equalGrids(grid, field.grid)) {
      const state = taken ? "another message has its place" : "its grid is another";
      problems.push(`${describeMessage(message)} is left out of ${path}: ${state}`);
      continue;
    }
    const validTime = field.referenceTime.getTime() / 1000 + field.stepHours * 3600;
    store.set(key, bytes ? encodeInline(bytes) : reference);
    store.set(`${path}/number/${place}`, encodeValues(toInt64([member])));
    store.set(`${path}/valid_time/${place}`, encodeValues(toInt64([validTime])));
  }
}

function describeMessage({ reference }: ScannedMessage): string {
  return `the message of ${reference.url} at byte ${reference.offset}`;
}

/** Indices of a message along the dimensions of {@linkcode messageDimensions}. */
function locate({ steps, levels }: Group, { stepHours, level }: FieldDescription): string {
  const indices = [0, steps.indexOf(stepHours)];
  if (levels.length > 1) indices.push(levels.indexOf(level.value!));
  return indices.join(".");
}

/** Whole numbers as the values of an int64 array. */
export function toInt64(numbers: readonly number[]): BigInt64Array {
  return BigInt64Array.from(numbers, (number) => BigInt(number));
}
