/**
 * Final stores: the references of a run in the hierarchy of a skeleton, so that they open as Zarr.
 *
 * @module
 */
import { canonicalUrl, parseFileName } from "../ecmwf/files.ts";
import { isSameRun, type Run } from "../ecmwf/run.ts";
import { isReference, type Reference, type Store, type StoreValue } from "../references/store.ts";
import { addGroup } from "./zarr_nodes.ts";
import { sortUnique } from "../util/numbers.ts";
import type { IndexedField } from "../references/step_index.ts";
import { keysOutsideGroups } from "./message_groups.ts";
import { type Axes, formatHierarchy } from "./hierarchy.ts";
import type { PlacedGroup } from "./group_catalog.ts";

export { GroupJoiner } from "./join_groups.ts";
export { readGroups } from "./message_groups.ts";
export { HeaderReader } from "./read_headers.ts";
export { formatHierarchy } from "./hierarchy.ts";
export { distinctFields, GroupCatalog, type PlacedGroup, placeFields } from "./group_catalog.ts";

/** What the final store of a member is made of. */
export interface StoreParts {
  skeleton: Store;
  /** References of this run by their fresh keys. */
  fresh: Map<string, Reference>;
  /** References to other runs, which are left out. */
  strayReferences: number;
}

/**
 * Takes apart what stages 1 and 2 left for a member.
 *
 * @param merged what stage 2 left.
 * @param skeleton what stage 1 left; without it the metadata that `merged` holds.
 */
export function takeApart(merged: Store, skeleton: Store | undefined, run: Run): StoreParts {
  const inline: Store = new Map();
  const fresh = new Map<string, Reference>();
  const ownUrls = new Map<string, string | undefined>();
  let strayReferences = 0;
  for (const [key, value] of merged) {
    if (!isReference(value)) {
      inline.set(key, value);
      continue;
    }
    if (!ownUrls.has(value.url)) ownUrls.set(value.url, ownUrl(value.url, run));
    const url = ownUrls.get(value.url);
    if (url === undefined) strayReferences++;
    else fresh.set(key, { ...value, url });
  }
  return { skeleton: skeleton ?? inline, fresh, strayReferences };
}

/** The canonical form of a URL of this run; `undefined` for others. */
function ownUrl(url: string, run: Run): string | undefined {
  const file = parseFileName(url);
  return file && isSameRun(file.run, run) ? canonicalUrl(url) : undefined;
}

/** The steps in hours that fields have, ascending. */
export function stepsOf(fields: readonly IndexedField[]): number[] {
  return sortUnique(fields.map(({ field }) => field.stepHours));
}

/** Fresh keys begin with it. */
const FRESH_KEYS = "step_";

/**
 * The keys of a member's final store: what of the skeleton is no group, then the groups and the fresh
 * keys. These stand where their name belongs among the groups, which lie in alphabetical order: so a
 * Parquet file tells a reader of some steps which of its parts hold other keys.
 *
 * @param groups in the order of their paths.
 */
export function* formatMemberStore(
  { skeleton, fresh }: StoreParts,
  groups: readonly PlacedGroup[],
  axes: Axes,
): Generator<[string, StoreValue]> {
  const root = groups.length > 0 && !skeleton.has(".zgroup") ? rootGroup() : [];
  const before = groups.filter(({ group }) => group.path < FRESH_KEYS);
  const after = groups.slice(before.length);
  yield* root;
  yield* keysOutsideGroups(skeleton);
  for (const store of formatHierarchy(before, axes)) yield* store;
  yield* fresh;
  for (const store of formatHierarchy(after, axes)) yield* store;
}

/** The keys of the store of all members. */
export function* formatCombinedStore(
  groups: readonly PlacedGroup[],
  axes: Axes,
): Generator<[string, StoreValue]> {
  yield* rootGroup();
  for (const store of formatHierarchy(groups, axes)) yield* store;
}

function rootGroup(): Store {
  const store: Store = new Map();
  addGroup(store, "");
  return store;
}
