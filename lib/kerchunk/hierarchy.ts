/**
 * The hierarchy of a final store: kerchunk's groups with the axes, coordinates and messages of a run.
 *
 * It differs from what kerchunk makes of the same messages in this, and for these reasons:
 *
 * - `step` is the same axis in every group, all steps of the run: groups of one store fit together.
 * - `fill_value` is NaN instead of null: with null, xarray shows whatever memory holds where a message
 *   is missing.
 * - `number` is one number in a member's store, and an axis in the store of all members; `valid_time`
 *   depends on time and step alone. kerchunk keeps one chunk a message of both, which triples the keys
 *   and leaves them undefined where a message is missing.
 * - Short messages are references as all others are: their bytes are in no index.
 * - `GRIB_dataType` is that of the member in this run, and the deterministic forecast, which is the
 *   control from IFS cycle 50r1 on, has no `GRIB_totalNumber`, whatever the template says. The store
 *   of all members leaves out attributes in which they differ.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { referenceTime, type Run } from "../ecmwf/run.ts";
import type { Store } from "../references/store.ts";
import { dataTypeOf } from "./scan_indexed.ts";
import { LEVEL_ATTRIBUTES } from "./vertical_level.ts";
import { COORDINATE_ATTRIBUTES, toInt64 } from "./build_store.ts";
import { addArray, addCoordinate, type Attributes } from "./zarr_nodes.ts";
import { sortUnique } from "../util/numbers.ts";
import type { MessageGroup } from "./message_groups.ts";
import type { PlacedGroup } from "./group_catalog.ts";

/** The axes that all groups of a store share. */
export interface Axes {
  run: Run;
  /** Ascending. */
  steps: readonly number[];
  /** The member of the store, or the axis `number` of the store of all members, ascending. */
  members: Member | readonly Member[];
}

type Dimension = [name: string, length: number];

/**
 * The keys of the hierarchy, a store a group, in the order of the groups: metadata and coordinates,
 * then a reference a message. A message that is missing has no key.
 */
export function* formatHierarchy(groups: Iterable<PlacedGroup>, axes: Axes): Generator<Store> {
  let before: MessageGroup | undefined;
  for (const placed of groups) {
    const store = formatGroup(placed, axes);
    // Neighbours may share groups on their paths.
    for (const key of before?.kept.keys() ?? []) store.delete(key);
    before = placed.group;
    yield store;
  }
}

function formatGroup(placed: PlacedGroup, axes: Axes): Store {
  const { group, messages } = placed;
  const { path, typeOfLevel, gridShape: [rows, columns] } = group;
  const levels = sortUnique([...group.levels, ...messages.flatMap(({ level }) => level ?? [])]);
  const levelAxis: Dimension[] = levels.length > 1 ? [[typeOfLevel, levels.length]] : [];
  const store: Store = new Map(group.kept);
  addTimes(store, path, axes);
  addNumber(store, path, axes);
  if (levels.length > 0) {
    const attributes = LEVEL_ATTRIBUTES[typeOfLevel] ?? {};
    const spec = { dimensions: levelAxis, attributes };
    addCoordinate(store, `${path}/${typeOfLevel}`, spec, Float64Array.from(levels));
  }
  const outer: Dimension[] = [
    ...numberAxis(axes),
    ["time", 1],
    ["step", axes.steps.length],
    ...levelAxis,
  ];
  addArray(store, `${path}/${group.name}`, {
    dtype: "<f8",
    dimensions: [...outer, ["latitude", rows], ["longitude", columns]],
    chunks: [...outer.map(() => 1), rows, columns],
    filter: { dtype: "float64", id: "grib", var: group.name },
    fillValue: "NaN",
    attributes: describeArray(group.attributes, axes),
  });
  addMessages(store, placed, axes, levelAxis.length > 0 ? levels : undefined);
  return store;
}

function addTimes(store: Store, path: string, { run, steps }: Axes): void {
  const start = referenceTime(run).getTime() / 1000;
  const add = (
    name: "time" | "step" | "valid_time",
    dimensions: Dimension[],
    values: readonly number[],
  ) => {
    const attributes = COORDINATE_ATTRIBUTES[name];
    addCoordinate(store, `${path}/${name}`, { dimensions, attributes }, toInt64(values));
  };
  add("time", [["time", 1]], [start]);
  add("step", [["step", steps.length]], steps);
  const validTimes = steps.map((step) => start + step * 3600);
  add("valid_time", [["time", 1], ["step", steps.length]], validTimes);
}

function addNumber(store: Store, path: string, axes: Axes): void {
  const spec = { dimensions: numberAxis(axes), attributes: COORDINATE_ATTRIBUTES.number };
  addCoordinate(store, `${path}/number`, spec, toInt64([axes.members].flat()));
}

function numberAxis({ members }: Axes): Dimension[] {
  return typeof members === "number" ? [] : [["number", members.length]];
}

function addMessages(
  store: Store,
  { group, messages }: PlacedGroup,
  { steps, members }: Axes,
  levels: readonly number[] | undefined,
): void {
  const stepIndex = indexOf(steps);
  const levelIndex = levels && indexOf(levels);
  const memberIndex = typeof members === "number" ? undefined : indexOf(members);
  const prefix = `${group.path}/${group.name}/`;
  for (const { member, stepHours, level, reference } of messages) {
    const head = memberIndex ? `${memberIndex.get(member)}.` : "";
    const tail = levelIndex ? `${levelIndex.get(level!)}.` : "";
    store.set(`${prefix}${head}0.${stepIndex.get(stepHours)}.${tail}0.0`, reference);
  }
}

function indexOf(values: readonly number[]): Map<number, number> {
  return new Map(values.map((value, i) => [value, i]));
}

/** The attributes that hold for every member of a store. */
function describeArray(attributes: Attributes, { run, members }: Axes): Attributes {
  const types = new Set([members].flat().map((member) => dataTypeOf(run, member)));
  const { GRIB_dataType: _, GRIB_totalNumber: ensembleSize, ...others } = attributes;
  return {
    ...(types.size === 1 && { GRIB_dataType: [...types][0] }),
    ...(!types.has("fc") && ensembleSize !== undefined && { GRIB_totalNumber: ensembleSize }),
    ...others,
  };
}
