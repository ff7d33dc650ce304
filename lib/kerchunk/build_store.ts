/**
 * The store of a member as kerchunk's `scan_grib` and `grib_tree` build it: one group a variable,
 * step type and type of level, with time, step and, where there are several, level as axes.
 *
 * @module
 */
import { equalGrids, type RegularLatLonGrid } from "../grib/headers.ts";
import { encodeInline } from "../references/skeleton.ts";
import type { Store } from "../references/store.ts";
import { sortUnique } from "../util/numbers.ts";
import { describeGrid, gridCoordinates } from "./grid_coordinates.ts";
import {
  addGroupCoordinate,
  addLevels,
  addMessageArray,
  COORDINATE_ATTRIBUTES,
  type Dimension,
  levelDimension,
} from "./group_arrays.ts";
import type { FieldDescription, ScannedMessage } from "./scanned_message.ts";
import { addArray, addGroup, encodeValues, toInt64, type ZarrAttributes } from "./zarr_nodes.ts";

/** A store, and the messages that are not in it. */
export interface BuiltStore {
  store: Store;
  /** Messages that are left out, as their chunk is taken or their grid differs, in words. */
  problems: string[];
}

/** Value that cfgrib gives missing grid points before decoding: the largest float32. */
const MISSING_VALUE = 3.4028234663852886e38;

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
 * @param messages of that member and one run; groups have the order of their first messages.
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

/** Coordinates whose values are the same for all messages of the group. */
function addCoordinates(store: Store, group: Group): void {
  const { path, first: { field }, grid, steps, levels } = group;
  const { latitudes, longitudes } = gridCoordinates(grid);
  const stepValues = steps.every(Number.isInteger) ? toInt64(steps) : Float64Array.from(steps);
  addGroupCoordinate(store, path, "time", toInt64([field.referenceTime.getTime() / 1000]));
  addGroupCoordinate(store, path, "step", stepValues);
  addGroupCoordinate(store, path, "latitude", latitudes);
  addGroupCoordinate(store, path, "longitude", longitudes);
  addLevels(store, path, field.level.typeOfLevel, levels);
}

function addVariable(store: Store, group: Group): void {
  const { path, name, first, grid, steps, levels } = group;
  const outer: Dimension[] = [
    ["time", 1],
    ["step", steps.length],
    ...levelDimension(first.field.level.typeOfLevel, levels),
  ];
  addMessageArray(store, path, {
    name,
    outer,
    gridShape: [grid.rowCount, grid.columnCount],
    attributes: describeVariable(first),
  });
  for (const coordinate of ["number", "valid_time"] as const) {
    addArray(store, `${path}/${coordinate}`, {
      dtype: "<i8",
      dimensions: outer,
      chunks: outer.map(() => 1),
      attributes: COORDINATE_ATTRIBUTES[coordinate],
    });
  }
}

function describeVariable({ field, dataType }: ScannedMessage): ZarrAttributes {
  const { parameter, stepType, level, grid, coordinateCount, ensembleSize } = field;
  const { cfName = "unknown", units, name } = parameter;
  const attributes: ZarrAttributes = {
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

/** The chunks of each message: its reference or bytes, its member, its valid time. */
function addMessages(store: Store, group: Group, problems: string[]): void {
  const { path, name, grid } = group;
  for (const message of group.messages) {
    const { field, member, reference, bytes } = message;
    const indices = findIndices(group, field);
    const key = `${path}/${name}/${indices}.0.0`;
    const isTaken = store.has(key);
    if (isTaken || !equalGrids(grid, field.grid)) {
      const state = isTaken ? "another message is there" : "its grid is another";
      problems.push(`${describeMessage(message)} is left out of ${path}: ${state}`);
      continue;
    }
    const validTime = field.referenceTime.getTime() / 1000 + field.stepHours * 3600;
    store.set(key, bytes ? encodeInline(bytes) : reference);
    store.set(`${path}/number/${indices}`, encodeValues(toInt64([member])));
    store.set(`${path}/valid_time/${indices}`, encodeValues(toInt64([validTime])));
  }
}

function describeMessage({ reference }: ScannedMessage): string {
  return `the message of ${reference.url} at byte ${reference.offset}`;
}

/** Indices of a message along time, step and, where there are several, level. */
function findIndices({ steps, levels }: Group, { stepHours, level }: FieldDescription): string {
  const indices = [0, steps.indexOf(stepHours)];
  if (levels.length > 1) indices.push(levels.indexOf(level.value!));
  return indices.join(".");
}
