/**
 * Publishes the files of a run in a bucket, so that a reader never takes a part of them for all.
 *
 * @module
 */
import { type Run, runLabel } from "../ecmwf/run.ts";
import { MissingDataError } from "../errors.ts";
import { type ListedObject, type Storage, StorageError, unlessMissing } from "../storage/mod.ts";
import { crc32c } from "../storage/protocol/checksum.ts";
import { mapInParallel } from "../util/parallel.ts";
import type { Reporter } from "../util/reporter.ts";
import { encodeManifest, MANIFEST_NAME, parseManifest, type PublishedFile } from "./manifest.ts";

/** A file to publish. */
export interface SourceFile {
  path: string;
  /** Its name in the published folder. */
  name: string;
  /** The member that it is of, as in file names. */
  member: string;
}

/** How files are published. */
export interface PublishOptions {
  run: Run;
  reporter: Reporter;
  /** Files uploaded at once. @default {8} */
  parallelUploads?: number;
}

/** What was published. */
export interface PublishResult {
  /** The folder, without a slash at the end. */
  target: string;
  /** Files uploaded. */
  uploaded: number;
  bytesUploaded: number;
  /** Files that the folder had already. */
  skipped: number;
}

/**
 * Publishes files of a run in a folder. Files that an earlier attempt left there, with the same size and
 * CRC32C, are not sent again.
 *
 * While files are missing or being replaced, the manifest of the folder says that it is incomplete. The
 * complete manifest is written last, when the server has listed every file with the checksum of the
 * local one. The same files give the same manifest.
 *
 * Costs two listings, an upload for each file that is new, and two for the manifest; one listing when
 * every file is there.
 *
 * @throws {StorageError} when a file cannot be written, or the server lists it with other bytes.
 */
export async function publishFolder(
  storage: Storage,
  sources: readonly SourceFile[],
  target: string,
  { run, reporter, parallelUploads = 8 }: PublishOptions,
): Promise<PublishResult> {
  const published = await listFolder(storage, target);
  const files = await describeFiles(storage, sources, reporter);
  const isWaiting = ({ name, size, crc32c }: PublishedFile) =>
    published.get(name)?.size !== size || published.get(name)?.crc32c !== crc32c;
  const waiting = sources.filter((_, i) => isWaiting(files[i]!));
  const manifestUrl = `${target}/${MANIFEST_NAME}`;
  const describe = (complete: boolean) => encodeManifest({ run: runLabel(run), complete, files });

  if (waiting.length > 0) {
    await storage.put(manifestUrl, [describe(false)]);
    await uploadFiles(storage, waiting, target, reporter, parallelUploads);
    await checkUploads(storage, files, target);
  }
  const manifest = describe(true);
  if (waiting.length > 0 || published.get(MANIFEST_NAME)?.crc32c !== crc32c(manifest)) {
    await storage.put(manifestUrl, [manifest]);
  }
  warnOfOthers([...published.keys()], files, target, reporter);
  const bytesUploaded = files.filter(isWaiting).reduce((sum, { size }) => sum + size, 0);
  const uploaded = waiting.length;
  return { target, uploaded, bytesUploaded, skipped: files.length - uploaded };
}

/** The objects of a folder by name. */
async function listFolder(storage: Storage, folder: string): Promise<Map<string, ListedObject>> {
  const objects = new Map<string, ListedObject>();
  for await (const object of storage.list(`${folder}/`)) {
    objects.set(object.url.slice(folder.length + 1), object);
  }
  return objects;
}

async function describeFiles(
  storage: Storage,
  sources: readonly SourceFile[],
  reporter: Reporter,
): Promise<PublishedFile[]> {
  const bar = reporter.progress("checksums", sources.length);
  // One by one: a checksum needs the processor alone, and files may be large.
  const files = await Array.fromAsync(sources, async ({ path, name, member }) => {
    const bytes = await storage.get(path);
    bar.advance(1);
    return {
      name,
      member,
      size: bytes.length,
      crc32c: crc32c(bytes),
    };
  });
  bar.finish();
  return files;
}

async function uploadFiles(
  storage: Storage,
  sources: readonly SourceFile[],
  target: string,
  reporter: Reporter,
  parallelUploads: number,
): Promise<void> {
  let sent = 0;
  const traffic = () => ({ bytes: sent, retries: storage.counters.retries });
  const bar = reporter.progress("upload", sources.length, traffic);
  try {
    const uploads = mapInParallel(parallelUploads, sources, async ({ path, name }) => {
      const bytes = await storage.get(path);
      await storage.put(`${target}/${name}`, [bytes]);
      sent += bytes.length;
    });
    for await (const _ of uploads) bar.advance(1);
  } finally {
    bar.finish();
  }
}

/** @throws {StorageError} for a file that the server lists with other bytes, or not at all. */
async function checkUploads(
  storage: Storage,
  files: readonly PublishedFile[],
  target: string,
): Promise<void> {
  const damage = findDamage(files, await listFolder(storage, target));
  if (!damage) return;
  const url = `${target}/${damage.name}`;
  const state = `${damage.state}; run the upload again`;
  throw new StorageError({ kind: "corrupt", action: "publish", url, state });
}

/** The first file that a folder lacks, or has with other bytes. */
function findDamage(
  files: readonly PublishedFile[],
  objects: ReadonlyMap<string, ListedObject>,
): { name: string; state: string } | undefined {
  for (const file of files) {
    const state = findDifference(file, objects.get(file.name));
    if (state !== undefined) return { name: file.name, state };
  }
  return undefined;
}

/** How an object differs from the published file; `undefined` when it does not. */
function findDifference(
  file: PublishedFile,
  object: ListedObject | undefined,
): string | undefined {
  if (!object) return "it is not there";
  if (object.size !== file.size) return `it has ${object.size} bytes instead of ${file.size}`;
  // Only some servers list checksums.
  if ((object.crc32c ?? file.crc32c) === file.crc32c) return undefined;
  return `its CRC32C is ${object.crc32c} instead of ${file.crc32c}`;
}

/** Warns of files that are not of this upload: readers without manifests take every file. */
function warnOfOthers(
  names: readonly string[],
  files: readonly PublishedFile[],
  target: string,
  reporter: Reporter,
): void {
  const own = new Set([MANIFEST_NAME, ...files.map(({ name }) => name)]);
  const others = names.filter((name) => !own.has(name));
  if (others.length === 0) return;
  const example = others.length === 1 ? others[0] : `${others[0]} and ${others.length - 1} more`;
  reporter.warn(`${target} also holds files that are not of this upload: ${example}`);
}

/**
 * Opens a published folder, and checks that every file of its manifest is there unchanged. A folder
 * without a manifest, as other programs write it, is accepted with a warning.
 *
 * Costs the manifest and one listing. The listing comes second, so that it shows an upload that begins
 * between the two.
 *
 * @returns sizes in bytes of the files that belong to the folder, by name.
 * @throws {MissingDataError} when the upload has not ended, or a file is missing or has other bytes.
 * @throws {UserError} when the manifest is damaged.
 */
export async function openPublished(
  storage: Storage,
  folder: string,
  reporter: Reporter,
): Promise<Map<string, number>> {
  const manifestUrl = `${folder}/${MANIFEST_NAME}`;
  const bytes = await unlessMissing(storage.get(manifestUrl));
  const objects = await listFolder(storage, folder);
  if (!bytes) {
    if (objects.size > 0) {
      reporter.warn(`${folder} has no ${MANIFEST_NAME}: files may be missing`);
    }
    return new Map(Array.from(objects, ([name, { size }]) => [name, size]));
  }
  const { complete, files } = parseManifest(bytes, manifestUrl);
  // With another manifest in the listing an upload has just begun, or a cache gave an old one.
  const listed = objects.get(MANIFEST_NAME)?.crc32c;
  if (!complete || (listed !== undefined && listed !== crc32c(bytes))) {
    throw new MissingDataError(
      `Cannot use "${folder}": it is being uploaded, or that was interrupted; wait, or run the ` +
        "upload again",
    );
  }
  const damage = findDamage(files, objects);
  if (damage) {
    throw new MissingDataError(
      `Cannot use "${folder}/${damage.name}": ${damage.state}; run the upload again`,
    );
  }
  return new Map(files.map(({ name, size }) => [name, size]));
}
