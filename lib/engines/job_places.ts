/**
 * Where the tasks of a job leave what they made, and where their machines find what they need.
 *
 * @module
 */
import { UsageError } from "../errors.ts";
import { type Run, runLabel } from "../ecmwf/run.ts";
import { isRemote } from "../storage/mod.ts";

/** A path from the root of the file system; addresses stay as they are. */
export function makeAbsolute(place: string): string {
  return isRemote(place) || place.startsWith("/") ? place : `${Deno.cwd()}/${place}`;
}

/** What a job is called: its run, or the folder of its stores when nobody has named the run. */
export function labelJob(run: Run | undefined, parquetDir: string | undefined): string {
  return run ? runLabel(run) : parquetDir?.replace(/\/+$/, "").split("/").at(-1) ?? "stream";
}

/** The name of a job as every engine takes it: small letters, digits and dashes, at most 31. */
export function nameJob(label: string): string {
  const letters = label.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "");
  return `gik-${letters.slice(-27).replace(/^-+/, "")}`;
}

/**
 * Path or URL of `stream.ts` as the machines of an engine see it: beside this module.
 *
 * @throws {UsageError} for a path that machines elsewhere could not read.
 */
export function locateStream(given: string | undefined, sharesFiles: boolean): string {
  const url = new URL("../../stages/stream.ts", import.meta.url);
  const script = given ?? (url.protocol === "file:" ? decodeURIComponent(url.pathname) : url.href);
  if (sharesFiles || isRemote(script)) return script;
  throw new UsageError(
    `Cannot run "${script}" on machines that do not have it: give --script https://…/stream.ts`,
  );
}

/**
 * Checks that the machines of an engine reach a folder.
 *
 * @throws {UsageError} when it is on this machine only.
 */
export function requireReachable(
  option: string,
  folder: string | undefined,
  sharesFiles: boolean,
): void {
  if (sharesFiles || (folder !== undefined && isRemote(folder))) return;
  throw new UsageError(
    `Cannot use ${option} "${folder ?? ""}" from machines elsewhere: give a folder gs://…`,
  );
}
