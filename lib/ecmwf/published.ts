/**
 * A run as asked for, and a server → the run that is published there, and its folder.
 *
 * @module
 */
import { MissingDataError } from "../errors.ts";
import { countUp } from "../util/numbers.ts";
import { type StageContext, type Storage, unlessMissing } from "../storage/mod.ts";
import { ERAS, findEra, IFS_FOLDER, isBefore } from "./eras.ts";
import { stepFiles, type Stream } from "./files.ts";
import {
  describeRun,
  formatDate,
  formatSteps,
  parseRun,
  referenceTime,
  type Run,
  type RunHour,
  runSteps,
} from "./run.ts";

/** A run older than this is not what a user means by the latest one. */
const DAYS_TO_LOOK_BACK = 5;

/** Why ECMWF publishes nothing of a run, however often it is asked for. */
export type UnpublishedRun = "before the archive" | "in the future";

/**
 * Whether a run cannot be published: it is older than the archive, or has not begun.
 *
 * @returns `undefined` for every other run. Six days of the 0.4° era, whose dates are not known here,
 *   are absent all the same.
 */
export function findUnpublishedRun(
  run: Run,
  now: Date = new Date(),
): UnpublishedRun | undefined {
  if (isBefore(run, ERAS[0]!.firstRun)) return "before the archive";
  return referenceTime(run) > now ? "in the future" : undefined;
}

/**
 * The error for a run that is not on the server.
 *
 * @param action what cannot be done, up to the run's name: "find anything of".
 * @param cause the error for the file that is missing.
 */
export function absentRunError(
  action: string,
  run: Run,
  cause: Error,
  now: Date = new Date(),
): MissingDataError {
  return new MissingDataError(
    `Cannot ${action} ${describeRun(run)}: ${cause.message}; ${explainAbsentRun(run, now)}`,
  );
}

function explainAbsentRun(run: Run, now: Date): string {
  const unpublished = findUnpublishedRun(run, now);
  if (unpublished === "in the future") return "the run has not begun";
  const [first] = ERAS;
  if (unpublished) return `ECMWF's archive begins with the run of ${describeRun(first!.firstRun)}`;
  const isOld = isBefore(run, ERAS.find(({ folders }) => folders.includes(IFS_FOLDER))!.firstRun);
  return isOld
    ? "six days before 2024-02-29 are absent from ECMWF's archive, this may be one of them"
    : "the run is not published yet, or no longer on the server";
}

/** A run is whole about eight hours after its time; mirrors lag. */
const PUBLISHED_AFTER_MS = 24 * 3_600_000;

/** Whether files of a run that are absent may still be published. */
export function isYoung(run: Run, now: Date): boolean {
  return now.getTime() - referenceTime(run).getTime() < PUBLISHED_AFTER_MS;
}

/** Steps of which files are absent. */
export interface AbsentSteps {
  run: Run;
  steps: readonly number[];
  /** Number of steps that were looked for. */
  wantedCount: number;
  /** Whether they may still be published. */
  mayCome: boolean;
  /** The stream whose files are absent, where those of another one are there. @default all */
  stream?: Stream;
}

/** Says which steps are absent: `80 of 85 steps are not there yet: 6-33, 42`. */
export function describeAbsent(
  { run, steps, wantedCount, mayCome, stream }: AbsentSteps,
): string {
  const noun = wantedCount === 1 ? "step" : "steps";
  const [is, have] = wantedCount === 1 ? ["is", "has"] : ["are", "have"];
  const state = stream === undefined ? `${is} not there` : `${have} no ${stream} file`;
  const yet = mayCome ? " yet" : "";
  return `${steps.length} of ${wantedCount} ${noun} ${state}${yet}: ${formatSteps(run, steps)}`;
}

/** Steps of a run that are looked for in a folder before it counts as absent. */
const STEPS_TO_LOOK_FOR = 4;

/**
 * The folder in which a run is published: the first one of its era with a file of any of the first
 * steps wanted. All files of a run are read from one folder, as those of others have another grid.
 *
 * Costs nothing where the era has one folder; else up to four HEADs a folder.
 *
 * @param steps wanted, in hours.
 * @returns the path of a folder; the first one where none has the run.
 * @throws {StorageError} when the server cannot be reached or refuses.
 */
export async function findFolder(
  run: Run,
  steps: readonly number[],
  storage: Storage,
): Promise<string> {
  const { folders } = findEra(run);
  const [preferred] = folders;
  if (folders.length === 1) return preferred!.path;
  for (const { path } of folders) {
    for (const step of steps.slice(0, STEPS_TO_LOOK_FOR)) {
      const [file] = stepFiles(run, step, path);
      if (await unlessMissing(storage.head(file!.indexUrl))) return path;
    }
  }
  return preferred!.path;
}

/** A run as asked for: a day or `latest`, and an hour. */
export interface RunRequest {
  date: string;
  hour: RunHour;
}

/**
 * The run of a request; for `latest` the newest run of its hour whose last step is published.
 *
 * Costs nothing for a given day; for `latest` one HEAD a file, so one or two a day looked at.
 *
 * @param now `latest` runs begin on this day or up to five before. @default {new Date()}
 * @throws {RunError} as {@linkcode parseRun} does.
 * @throws {MissingDataError} when no run of those days is complete.
 * @throws {StorageError} when the server cannot be reached.
 */
export async function resolveRun(
  request: RunRequest,
  { storage, reporter }: StageContext,
  now: Date = new Date(),
): Promise<Run> {
  if (request.date !== "latest") return parseRun(request.date, request.hour);
  const days = countUp(DAYS_TO_LOOK_BACK + 1).map((daysAgo) =>
    formatDate(new Date(now.getTime() - daysAgo * 86_400_000))
  );
  const run = await findLatestRun(storage, request.hour, days);
  if (!run) {
    throw new MissingDataError(
      `Cannot find the latest ${request.hour} UTC run: none of ${days.at(-1)} to ${days[0]} is ` +
        `complete, by the clock of ${formatMinute(now)}; set the clock or give --date`,
    );
  }
  reporter.info(`latest complete run: ${run.date} ${run.hour} UTC`);
  return run;
}

/** `2026-05-20 10:00 UTC` */
function formatMinute(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** The newest run of an hour whose last step is published: every index of that step is there. */
async function findLatestRun(
  storage: Storage,
  hour: RunHour,
  days: readonly string[],
): Promise<Run | undefined> {
  for (const day of days) {
    const run = parseRun(day, hour);
    if (await isPublished(storage, run)) return run;
  }
  return undefined;
}

async function isPublished(storage: Storage, run: Run): Promise<boolean> {
  for (const file of stepFiles(run, runSteps(run).at(-1)!)) {
    if (!await unlessMissing(storage.head(file.indexUrl))) return false;
  }
  return true;
}
