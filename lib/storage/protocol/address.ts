/**
 * Addresses of objects: URLs of several schemes, and paths.
 *
 * @module
 */

/** Scheme in lower case; "file" for a path. */
export function parseScheme(url: string): string {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase() ?? "file";
}

/** Whether an address is not of a file on this machine. */
export function isRemote(url: string): boolean {
  return parseScheme(url) !== "file";
}
