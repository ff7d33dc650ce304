/**
 * Which runs are on the server.
 *
 * @module
 */
import { MissingDataError } from "../errors.ts";
import { type StageContext, type Storage, unlessMissing } from "../storage/mod.ts";
import { stepFiles } from "./files.ts";
import { describeRun, formatDate, parseRun, type Run, type RunHour, runSteps } from "./run.ts";

/** The public bucket keeps at least the last days; older runs are not "latest" in any case. */
const DAYS_TO_LOOK_BACK = 5;

/**
 * The newest run of an hour whose last step is published: every index of that step is there.
 *
 * Costs one HEAD a file, one or two a day looked at.
 *
 * @returns `undefined` when none of the last days is complete.
 * @throws {StorageError} when the server cannot be asked.
 */
export async function findLatestRun(
  storage: Storage,
  hour: RunHour,
  now: Date,
): Promise<Run | undefined> {
  for (let daysAgo = 0; daysAgo <= DAYS_TO_LOOK_BACK; daysAgo++) {
    const run = parseRun(formatDate(new Date(now.getTime() - daysAgo * 86_400_000)), hour);
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

/**
 * The error for a run that is not on the server.
 *
 * @param action what cannot be done, up to the run's name: "find anything of".
 * @param cause what says that a file is missing.
 */
export function absentRunError(action: string, run: Run, cause: Error): MissingDataError {
  return new MissingDataError(
    `Cannot ${action} ${describeRun(run)}: ${cause.message}; ` +
      "the run is not published yet, or no longer kept",
  );
}

/** A run as asked for: a day or `latest`, and an hour. */
export interface RunRequest {
  date: string;
  hour: RunHour;
}

/**
 * Finds the day of `latest`.
 *
 * @throws {MissingDataError} when no run of the last days is complete.
 */
export async function resolveRun(
  request: RunRequest,
  { storage, reporter }: StageContext,
): Promise<Run> {
  if (request.date !== "latest") return parseRun(request.date, request.hour);
  const run = await findLatestRun(storage, request.hour, new Date());
  if (!run) {
    throw new MissingDataError(
      `Cannot find a complete ${request.hour} UTC run of the last days: give --date`,
    );
  }
  reporter.info(`latest complete run: ${run.date} ${run.hour} UTC`);
  return run;
}
