/**
 * A run as asked for, and a server → the run that is published there.
 *
 * @module
 */
import { MissingDataError } from "../errors.ts";
import { type StageContext, type Storage, unlessMissing } from "../storage/mod.ts";
import { stepFiles } from "./files.ts";
import { describeRun, formatDate, parseRun, type Run, type RunHour, runSteps } from "./run.ts";

/** A run older than this is not what a user means by the latest one. */
const DAYS_TO_LOOK_BACK = 5;

/**
 * The error for a run that is not on the server.
 *
 * @param action what cannot be done, up to the run's name: "find anything of".
 * @param cause the error for the file that is missing.
 */
export function absentRunError(action: string, run: Run, cause: Error): MissingDataError {
  return new MissingDataError(
    `Cannot ${action} ${describeRun(run)}: ${cause.message}; ` +
      "the run is not published yet, or no longer on the server",
  );
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
  const run = await findLatestRun(storage, request.hour, now);
  if (!run) {
    throw new MissingDataError(
      `Cannot find the latest ${request.hour} UTC run: no run of the last ${DAYS_TO_LOOK_BACK} days ` +
        "is complete; give --date",
    );
  }
  reporter.info(`latest complete run: ${run.date} ${run.hour} UTC`);
  return run;
}

/** The newest run of an hour whose last step is published: every index of that step is there. */
async function findLatestRun(
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
