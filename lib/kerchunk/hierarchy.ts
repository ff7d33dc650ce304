/**
 * The hierarchy of a final store: kerchunk's groups with the axes, coordinates and messages of a run.
 *
 * It differs from kerchunk's own store of the same messages:
 *
 * - `step` has all steps of the run in every group, so that the groups of a store can be combined.
 * - `fill_value` is NaN instead of null: with null, xarray shows whatever memory holds where a message
 *   is missing.
 * - `number` is one number in a member's store, and an axis in the store of all members; `valid_time`
 *   depends on time and step alone. kerchunk writes one chunk a message of both, which triples the
 *   keys and leaves them undefined where a message is missing.
 * - Short messages are references like all others: an index does not hold their bytes.
 * - `GRIB_dataType` is that of the member in this run, and the deterministic forecast, which is the
 *   control from IFS cycle 50r1 on, has no `GRIB_totalNumber`, whatever the template says. The store
 *   of all members leaves out attributes in which they differ.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { referenceTime, type Run } from "../ecmwf/run.ts";
import type { Store } from "../references/store.ts";
import { sortUnique } from "../util/numbers.ts";
import {
  addGroupCoordinate,
  addLevels,
  addMessageArray,
  type Dimension,
  levelDimension,
} from "./group_arrays.ts";
import type { FilledGroup } from "./group_catalog.ts";
import type { MessageGroup } from "./message_groups.ts";
import { dataTypeOf } from "./message_member.ts";
import { toInt64, type ZarrAttributes } from "./zarr_nodes.ts";

/** The axes that all groups of a store share. */
export interface Axes {
  run: Run;
  /** Ascending. */
  steps: readonly number[];
  /** The member of the store, or the axis `number` of the store of all members, ascending. */
  members: Member | readonly Member[];
}

/**
 * The entries of the hierarchy, a store a group, in the order of the groups: metadata and coordinates,
 * then a reference a message. A missing message has no key.
 */
export function* formatHierarchy(groups: Iterable<FilledGroup>, axes: Axes): Generator<Store> {
  let previous: MessageGroup | undefined;
  for (const filled of groups) {
    const store = formatGroup(filled, axes);
    // Neighbours may share groups on their paths.
    for (const key of previous?.fixedEntries.keys() ?? []) store.delete(key);
    previous = filled.group;
    yield store;
  }
}

function formatGroup({ group, messages }: FilledGroup, axes: Axes): Store {
  const { path, name, typeOfLevel, gridShape } = group;
  const levels = sortUnique([...group.levels, ...messages.flatMap(({ level }) => level ?? [])]);
  const levelAxis = levelDimension(typeOfLevel, levels);
  const store: Store = new Map(group.fixedEntries);
  addTimes(store, path, axes);
  addGroupCoordinate(store, path, "number", toInt64([axes.members].flat()), numberAxis(axes));
  addLevels(store, path, typeOfLevel, levels);
  addMessageArray(store, path, {
    name,
    outer: [...numberAxis(axes), ["time", 1], ["step", axes.steps.length], ...levelAxis],
    gridShape,
    fillValue: "NaN",
    attributes: describeArray(group.attributes, axes),
  });
  addMessages(store, { group, messages }, axes, levelAxis.length > 0 ? levels : undefined);
  return store;
}

function addTimes(store: Store, path: string, { run, steps }: Axes): void {
  const start = referenceTime(run).getTime() / 1000;
  const validTimes = steps.map((step) => start + step * 3600);
  const timeAndStep: Dimension[] = [["time", 1], ["step", steps.length]];
  addGroupCoordinate(store, path, "time", toInt64([start]));
  addGroupCoordinate(store, path, "step", toInt64(steps));
  addGroupCoordinate(store, path, "valid_time", toInt64(validTimes), timeAndStep);
}

function numberAxis({ members }: Axes): Dimension[] {
  return typeof members === "number" ? [] : [["number", members.length]];
}

function addMessages(
  store: Store,
  { group, messages }: FilledGroup,
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
function describeArray(attributes: ZarrAttributes, { run, members }: Axes): ZarrAttributes {
  const types = new Set([members].flat().map((member) => dataTypeOf(run, member)));
  const { GRIB_dataType: _, GRIB_totalNumber: ensembleSize, ...others } = attributes;
  return {
    ...(types.size === 1 && { GRIB_dataType: [...types][0] }),
    ...(!types.has("fc") && ensembleSize !== undefined && { GRIB_totalNumber: ensembleSize }),
    ...others,
  };
}
