/**
 * Fields of a step belong together only when they are of the same versions of its files.
 *
 * @module
 */
import type { KeptField } from "./field_file.ts";
import type { PlannedField } from "../ensemble/field_plan.ts";
import { isOtherVersion, type ObjectVersion, type Storage, unlessMissing } from "../storage/mod.ts";

/** Whether fields may be of the same versions of the files that both were read from. */
export function sameVersions(a: KeptField, b: KeptField): boolean {
  return Object.entries(a.versions).every(([url, version]) => {
    const other = b.versions[url];
    return !other || !isOtherVersion(version, other);
  });
}

/** The steps some of whose fields are of different versions of a file. */
export function findMixedSteps(
  plan: readonly PlannedField[],
  fields: Iterable<[place: number, field: KeptField]>,
): number[] {
  const byStep = Map.groupBy(fields, ([place]) => plan[place]!.stepHours);
  return [...byStep].filter(([, own]) => !areOfOneVersion(own.map(([, field]) => field)))
    .map(([stepHours]) => stepHours).sort((a, b) => a - b);
}

/** Fields may tell of different servers: all are compared with all. */
function areOfOneVersion(fields: readonly KeptField[]): boolean {
  return fields.every((a, i) => fields.slice(i + 1).every((b) => sameVersions(a, b)));
}

/** The steps of which some fields are there and others not, or that are of different versions. */
export function findOpenSteps(
  plan: readonly PlannedField[],
  fields: ReadonlyMap<number, KeptField>,
): Set<number> {
  const places = [...plan.keys()].filter((place) => plan[place]!.messages.length > 0);
  const stepOf = (place: number) => plan[place]!.stepHours;
  const begun = new Set([...fields.keys()].map(stepOf));
  const lacking = places.filter((place) => !fields.has(place)).map(stepOf);
  return begun.intersection(new Set([...lacking, ...findMixedSteps(plan, fields)]));
}

/**
 * Finds the fields whose files were replaced since. Costs one HEAD for each file that nothing was read
 * of so far.
 *
 * @returns their places.
 * @throws {StorageError} when the server cannot be reached or refuses.
 */
export async function findReplaced(
  fields: Iterable<[place: number, field: KeptField]>,
  storage: Storage,
): Promise<number[]> {
  const replaced: number[] = [];
  for (const [place, { versions }] of fields) {
    if (await isAnyReplaced(versions, storage)) replaced.push(place);
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

/** The version that is read from now on; `undefined` when the file is not there any more. */
async function findCurrent(url: string, storage: Storage): Promise<ObjectVersion | undefined> {
  const known = storage.versionOf(url);
  if (known) return known;
  await unlessMissing(storage.head(url));
  return storage.versionOf(url);
}
