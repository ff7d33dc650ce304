/**
 * Addresses of objects: URLs of several schemes, and paths.
 *
 * @module
 */
import { readError } from "./storage_error.ts";

/** Scheme in lower case; "file" for a path, also one that begins with the letter of a drive. */
export function parseScheme(url: string): string {
  return /^([a-z][a-z0-9+.-]+):\/\//i.exec(url)?.[1]?.toLowerCase() ?? "file";
}

const IS_WINDOWS = Deno.build.os === "windows";

/**
 * Splits a path, or an address, behind its last separator: `out/` and `a.nc`, on Windows also `C:\\out\\`
 * and `a.nc`. The folder is "" for a name alone.
 */
export function splitPath(path: string, isWindows = IS_WINDOWS): { folder: string; name: string } {
  const [folder] = (isWindows ? /^(?:[^]*[\\/]|[a-z]:)?/i : /^(?:[^]*\/)?/).exec(path)!;
  return { folder, name: path.slice(folder.length) };
}

/** A folder without separators at its end; that of the root, or of a drive, stays. */
export function trimFolder(folder: string, isWindows = IS_WINDOWS): string {
  return folder.replace(isWindows ? /(?<=[^:\\/])[\\/]+$/ : /(?<=.)\/+$/, "");
}

/** Whether an address is not of a file on this machine. */
export function isRemote(url: string): boolean {
  return parseScheme(url) !== "file";
}

/** The parts of an address in a bucket. */
export interface BucketUrl {
  bucket: string;
  /** "" for the bucket itself. */
  key: string;
}

/**
 * Parses `<scheme>://<bucket>/<key>`. Keys are taken literally: "%" and "+" have no meaning in such
 * an address.
 *
 * @throws {StorageError} `unsupported` if it names no bucket.
 */
export function parseBucketUrl(url: string): BucketUrl {
  const [, bucket, key = ""] = /^\w+:\/\/([^/]+)(?:\/(.*))?$/s.exec(url) ?? [];
  if (bucket) return { bucket, key };
  throw readError("unsupported", url, `it names no bucket, expected ${describeForm(url)}`);
}

/**
 * Parses the address of an object in a bucket, as {@linkcode parseBucketUrl} does.
 *
 * @throws {StorageError} `unsupported` if it names no object.
 */
export function parseObjectUrl(url: string): BucketUrl {
  const parts = parseBucketUrl(url);
  if (parts.key !== "") return parts;
  throw readError("unsupported", url, `it names no object, expected ${describeForm(url)}`);
}

function describeForm(url: string): string {
  return `${url.slice(0, url.indexOf(":"))}://<bucket>/<key>`;
}
