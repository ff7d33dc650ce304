/**
 * The command line and the permissions under which the tasks of a job run `stream`.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { BUCKET_REGION } from "../../lib/ecmwf/files.ts";
import { SOURCES } from "../../lib/ecmwf/sources.ts";
import { permissionFlags, widenSet } from "../../lib/cli/task_permissions.ts";
import { isRemote } from "../../lib/storage/mod.ts";

/**
 * Options as arguments of a command line; an option with its default is left out.
 *
 * @param replaced values by name that replace the given ones; `undefined` leaves an option out.
 */
export function formatArguments(
  options: readonly OptionSpec[],
  values: OptionValues,
  replaced: Readonly<Record<string, string | undefined>>,
): string[] {
  return options.flatMap(({ name, value, default: fallback }) => {
    if (value === undefined) return values.flag(name) ? [`--${name}`] : [];
    const text = name in replaced ? replaced[name] : values.text(name);
    return text === undefined || text === fallback ? [] : [`--${name}=${text}`];
  });
}

/** The hosts of sources, given by name or URL, and of other servers. */
export function listHosts(
  sources: readonly string[],
  ...servers: readonly (string | undefined)[]
): string[] {
  const named = sources.flatMap((name) => SOURCES.find((it) => it.name === name)?.hosts ?? []);
  const urls = [...sources, ...servers].filter((it) => it !== undefined && /^https?:/.test(it));
  return [...named, ...urls.map((url) => new URL(url!).host)];
}

/** The servers of hosts and buckets that references may point to. */
export function listReferenceHosts(items: readonly string[]): string[] {
  return items.flatMap((item) => {
    const [, scheme, name] = /^(s3|gs|az):\/\/(.+)$/.exec(item) ?? [];
    switch (scheme) {
      case "s3":
        return [`${name}.s3.${BUCKET_REGION}.amazonaws.com:443`];
      case "gs":
        return ["storage.googleapis.com:443"];
      case "az":
        return [`${name}.blob.core.windows.net:443`, "planetarycomputer.microsoft.com:443"];
      default:
        return [item];
    }
  });
}

/** What the tasks may use. */
export interface TaskAccess {
  /** Permission set of `deno.json` that they run under. */
  set: "stream" | "stream-gcs";
  /** Hosts that the set does not name. */
  hosts: readonly string[];
  /** Folders that they read, and those that they write; remote ones need no permission. */
  reads: readonly string[];
  writes: readonly string[];
}

/**
 * Young objects get 4 MB in each thread instead of up to 64, and old ones half as much again as are in
 * use instead of several times as much: a process takes a quarter less memory, and hardly more time.
 * The tasks of `deno.json` have the same flag.
 */
export const MEMORY_FLAG = "--v8-flags=--max-semi-space-size=2,--heap-growing-percent=50";

/**
 * The flags of `deno run` for the tasks: those of a permission set, what this job needs besides, and
 * `MEMORY_FLAG`.
 * Machines that run `stream` from a URL have no `deno.json`, so that `-P` does not work there.
 */
export function formatPermissions({ set, hosts, reads, writes }: TaskAccess): string[] {
  const here = (folders: readonly string[]) => folders.filter((folder) => !isRemote(folder));
  const added = { net: hosts, read: here([...reads, ...writes]), write: here(writes) };
  return ["--no-prompt", MEMORY_FLAG, ...permissionFlags(widenSet(set, added))];
}
