/**
 * The files that an output was made of → a mark of their versions, short enough for a ledger, by which
 * a later command sees whether the run was published again.
 *
 * @module
 */
import { type ObjectVersion, type Storage, unlessMissing } from "../storage/mod.ts";
import { mapInParallel } from "../util/parallel.ts";

/** A mark of the versions of files. */
export interface SourceVersions {
  /** Of addresses and sizes: 16 hexadecimal digits of SHA-256. */
  sizes: string;
  /** Likewise of the ETags, by the server that gave them: mirrors give the same file different ones. */
  etags: Readonly<Record<string, string>>;
}

/** Versions of files by their address. */
export type VersionsByUrl = ReadonlyMap<string, ObjectVersion>;

const DIGITS = 16;
/** HEADs at once. */
const PARALLEL = 8;

/** Marks the versions of files. */
export async function markVersions(versions: VersionsByUrl): Promise<SourceVersions> {
  const files = [...versions].sort(([a], [b]) => a < b ? -1 : 1);
  const etags = files.flatMap(([, version]) => Object.entries(version.etags))
    .toSorted(([a], [b]) => a < b ? -1 : 1);
  const byServer = Map.groupBy(etags, ([replicaUrl]) => serverOf(replicaUrl));
  const marks = [...byServer].map(async ([server, own]) =>
    [server, await mark(own.map((pair) => pair.join(" ")))] as const
  );
  return {
    sizes: await mark(files.map(([url, { size }]) => `${url} ${size ?? "unknown"}`)),
    etags: Object.fromEntries(await Promise.all(marks)),
  };
}

/** Whether two marks may be of the same versions: ETags count where one server gave both. */
export function sameMarks(a: SourceVersions, b: SourceVersions): boolean {
  const isOther = (server: string) =>
    b.etags[server] !== undefined && b.etags[server] !== a.etags[server];
  return a.sizes === b.sizes && !Object.keys(a.etags).some(isOther);
}

/**
 * The present versions of files. Costs one HEAD for each that nothing was read of so far.
 *
 * @returns without the files that are gone.
 * @throws {StorageError} when the server cannot be reached or refuses.
 */
export async function findVersions(
  urls: ReadonlySet<string>,
  storage: Storage,
): Promise<Map<string, ObjectVersion>> {
  const versions = new Map<string, ObjectVersion>();
  const heads = mapInParallel(PARALLEL, [...urls], async (url) => {
    if (!storage.versionOf(url)) await unlessMissing(storage.head(url));
    return [url, storage.versionOf(url)] as const;
  });
  for await (const [url, version] of heads) if (version) versions.set(url, version);
  return versions;
}

/** `s3://ecmwf-forecasts`, `https://data.ecmwf.int`. */
function serverOf(url: string): string {
  return /^\w+:\/\/[^/]+/.exec(url)?.[0] ?? "";
}

async function mark(lines: readonly string[]): Promise<string> {
  const bytes = new TextEncoder().encode(lines.join("\n"));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, DIGITS);
}
