/**
 * Fields of a step belong together only when they are of the same versions of its files.
 *
 * @module
 */
import type { SavedField } from "./field_file.ts";
import type { PlannedField } from "../ensemble/field_plan.ts";
import { isOtherVersion, type ObjectVersion, type Storage, unlessMissing } from "../storage/mod.ts";

/** The versions of the files that a field was made of. */
type Versioned = Pick<SavedField, "versions">;

/** Whether fields may be of the same versions of the files that both were read from. */
export function sameVersions(a: Versioned, b: Versioned): boolean {
  return Object.entries(a.versions).every(([url, version]) => {
    const other = b.versions[url];
    return !other || !isOtherVersion(version, other);
  });
}

/** The steps some of whose fields are of different versions of a file, ascending. */
export function findMixedSteps(
  plan: readonly PlannedField[],
  fields: Iterable<[fieldIndex: number, field: Versioned]>,
): number[] {
  const byStep = Map.groupBy(fields, ([fieldIndex]) => plan[fieldIndex]!.stepHours);
  return [...byStep].filter(([, own]) => !areOfOneVersion(own.map(([, field]) => field)))
    .map(([stepHours]) => stepHours).sort((a, b) => a - b);
}

/** Compares every pair: fields may know the versions of different servers. */
function areOfOneVersion(fields: readonly Versioned[]): boolean {
  return fields.every((a, i) => fields.slice(i + 1).every((b) => sameVersions(a, b)));
}

/** The steps of which some fields are saved and others not, or that are of different versions. */
export function findOpenSteps(
  plan: readonly PlannedField[],
  fields: ReadonlyMap<number, Versioned>,
): Set<number> {
  const fieldIndexes = [...plan.keys()].filter((i) => plan[i]!.messages.length > 0);
  const stepOf = (fieldIndex: number) => plan[fieldIndex]!.stepHours;
  const begun = new Set([...fields.keys()].map(stepOf));
  const lacking = fieldIndexes.filter((i) => !fields.has(i)).map(stepOf);
  return begun.intersection(new Set([...lacking, ...findMixedSteps(plan, fields)]));
}

/**
 * Finds the fields whose files were replaced since. Costs one HEAD for each file that nothing was read
 * of so far.
 *
 * @returns their indexes.
 * @throws {StorageError} when the server cannot be reached or refuses.
 */
export async function findReplaced(
  fields: Iterable<[fieldIndex: number, field: Versioned]>,
  storage: Storage,
): Promise<number[]> {
  const replaced: number[] = [];
  for (const [fieldIndex, { versions }] of fields) {
    if (await isAnyReplaced(versions, storage)) replaced.push(fieldIndex);
  }
  return replaced;
}

async function isAnyReplaced(
  versions: Readonly<Record<string, ObjectVersion>>,
  storage: Storage,
): Promise<boolean> {
  for (const [url, version] of Object.entries(versions)) {
    const current = await findCurrent(url, storage);
    if (current && isOtherVersion(version, current)) return true;
  }
  return false;
}

/** The version that is read from now on; `undefined` when the file is gone. */
async function findCurrent(url: string, storage: Storage): Promise<ObjectVersion | undefined> {
  const known = storage.versionOf(url);
  if (known) return known;
  await unlessMissing(storage.head(url));
  return storage.versionOf(url);
}
