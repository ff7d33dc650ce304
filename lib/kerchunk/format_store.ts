/**
 * The entries of final stores: the references of a run in the hierarchy of a skeleton.
 *
 * @module
 */
import { canonicalUrl, parseFileName } from "../ecmwf/files.ts";
import { isSameRun, type Run } from "../ecmwf/run.ts";
import { findTargetFault } from "../references/reference_targets.ts";
import { isReference, type Reference, type Store, type StoreValue } from "../references/store.ts";
import type { FilledGroup } from "./group_catalog.ts";
import { type Axes, formatHierarchy } from "./hierarchy.ts";
import { entriesOutsideGroups } from "./message_groups.ts";
import { addGroup } from "./zarr_nodes.ts";

/** What the final store of a member is made of. */
export interface StoreParts {
  skeleton: Store;
  /** References of this run by their fresh keys. */
  fresh: Map<string, Reference>;
  /** References to other runs or servers, which are left out. */
  foreignReferences: number;
}

/**
 * Splits what stages 1 and 2 wrote for a member.
 *
 * @param merged what stage 2 wrote.
 * @param skeleton what stage 1 wrote. @default the metadata in `merged`
 */
export function splitStore(merged: Store, skeleton: Store | undefined, run: Run): StoreParts {
  const inline: Store = new Map();
  const fresh = new Map<string, Reference>();
  const ownUrls = new Map<string, string | undefined>();
  let foreignReferences = 0;
  for (const [key, value] of merged) {
    if (!isReference(value)) {
      inline.set(key, value);
      continue;
    }
    if (!ownUrls.has(value.url)) ownUrls.set(value.url, ownUrl(value.url, run));
    const url = ownUrls.get(value.url);
    if (url === undefined) foreignReferences++;
    else fresh.set(key, { ...value, url });
  }
  return { skeleton: skeleton ?? inline, fresh, foreignReferences };
}

/** The canonical form of a URL of this run; `undefined` for others. */
function ownUrl(url: string, run: Run): string | undefined {
  const file = parseFileName(url);
  const isOwn = file !== undefined && isSameRun(file.run, run) && !findTargetFault(url);
  return isOwn ? canonicalUrl(url) : undefined;
}

/** The beginning of fresh keys. */
const FRESH_KEYS = "step_";

/**
 * The entries of a member's final store: those of the skeleton outside of groups, then the groups in
 * alphabetical order, with the fresh keys at their position among them. So the bounds in a Parquet file
 * let a reader of some steps skip the parts with other keys.
 *
 * @param groups in the order of their paths.
 */
export function* formatMemberStore(
  { skeleton, fresh }: StoreParts,
  groups: readonly FilledGroup[],
  axes: Axes,
): Generator<[string, StoreValue]> {
  const root = groups.length > 0 && !skeleton.has(".zgroup") ? rootGroup() : [];
  const before = groups.filter(({ group }) => group.path < FRESH_KEYS);
  const after = groups.slice(before.length);
  yield* root;
  yield* entriesOutsideGroups(skeleton);
  for (const store of formatHierarchy(before, axes)) yield* store;
  yield* fresh;
  for (const store of formatHierarchy(after, axes)) yield* store;
}

/** The entries of the store of all members. */
export function* formatCombinedStore(
  groups: readonly FilledGroup[],
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
