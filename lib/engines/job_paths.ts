/**
 * The name of a job, and the paths that its tasks read and write on their machines.
 *
 * @module
 */
import { UsageError } from "../errors.ts";
import { type Run, runLabel } from "../ecmwf/run.ts";
import { isRemote } from "../storage/mod.ts";

/** The work of a job, and whether its machines see the files of this one. */
export interface JobPathOptions {
  /** @default {undefined} (that of the references) */
  run?: Run;
  /** Folder of the final stores that was given. @default {undefined} (none: found by the run) */
  parquetDir?: string;
  /** Where the final stores are: that folder, or the one above those of all runs. */
  stores: string;
  outputDir: string;
  /** Folder of the finished fields. @default {undefined} (chosen here where machines share no files) */
  work?: string;
  /** Path or URL of `stream.ts`. @default {undefined} (the one of this program) */
  script?: string;
  sharesFiles: boolean;
}

/** A job's name and its paths, each local or remote. */
export interface JobPaths {
  /** As every engine takes it: small letters, digits and dashes, at most 31. */
  name: string;
  /** `stream.ts` as the machines see it. */
  script: string;
  /** `undefined` where tasks find the default folder by themselves. */
  work: string | undefined;
  /** Absolute path of the folder of logs on this machine. */
  logFolder: string;
}

/**
 * Names a job and locates its files.
 *
 * @throws {UsageError} for a path that the machines of the engine do not reach.
 */
export function planJobPaths(options: JobPathOptions): JobPaths {
  const { stores, outputDir, sharesFiles } = options;
  const label = labelJob(options);
  // Machines with the same files find the folder that one machine would use.
  const work = options.work ?? (sharesFiles ? undefined : `${outputDir}/${label}.work`);
  if (!sharesFiles) {
    requireRemote("the final stores in", stores);
    requireRemote("--output-dir", outputDir);
    requireRemote("--work", work!);
  }
  const logs = isRemote(outputDir) ? `${label}.logs` : `${outputDir}/${label}.logs`;
  return {
    name: nameJob(label),
    script: locateStream(options.script, sharesFiles),
    work,
    logFolder: logs.startsWith("/") ? logs : `${Deno.cwd()}/${logs}`,
  };
}

function labelJob({ run, parquetDir }: JobPathOptions): string {
  return run ? runLabel(run) : parquetDir?.replace(/\/+$/, "").split("/").at(-1) ?? "stream";
}

function nameJob(label: string): string {
  const letters = label.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "");
  return `gik-${letters.slice(-27).replace(/^-+/, "")}`;
}

function locateStream(given: string | undefined, sharesFiles: boolean): string {
  const url = new URL("../../stages/stream.ts", import.meta.url);
  const script = given ?? (url.protocol === "file:" ? decodeURIComponent(url.pathname) : url.href);
  if (!sharesFiles && !isRemote(script)) {
    throw new UsageError(
      `Cannot run "${script}" on machines that do not have it: give --script https://…/stream.ts`,
    );
  }
  requirePinned(script);
  return script;
}

/** A file of a repository on GitHub: owner, repository, and the branch, tag or commit. */
const GITHUB_FILE =
  /^https:\/\/raw\.githubusercontent\.com\/[^/]+\/[^/]+\/(?:refs\/(?:heads|tags)\/)?([^/]+)\//;

/** Tasks load the script one after the other, and a branch may move in between. */
function requirePinned(script: string): void {
  const version = GITHUB_FILE.exec(script)?.[1];
  if (version === undefined || /^(?:v?\d+\.\d+.*|[0-9a-f]{40})$/.test(version)) return;
  throw new UsageError(
    `Cannot run tasks from "${version}" of "${script}": a branch may change between two tasks; ` +
      "name a tag such as v0.1.0, or a whole commit",
  );
}

function requireRemote(option: string, folder: string): void {
  if (isRemote(folder)) return;
  throw new UsageError(
    `Cannot use ${option} "${folder}" from machines elsewhere: give a folder gs://…`,
  );
}
