/**
 * The days and hours of a command line → the runs that they name; a run as asked for, and a server →
 * the run that is published there, and its folder.
 *
 * @module
 */
import { MissingDataError } from "../errors.ts";
import { type StageContext, type Storage, unlessMissing } from "../storage/mod.ts";
import { countUp } from "../util/numbers.ts";
import { findNearest } from "../util/text.ts";
import { findDataset, IFS_FOLDER, type ModelName } from "./datasets.ts";
import { findEra, isBefore, listEras } from "./eras.ts";
import { stepFiles } from "./files.ts";
import {
  describeRun,
  formatDate,
  formatSteps,
  parseRun,
  referenceTime,
  type Run,
  RunError,
  type RunHour,
  runSteps,
} from "./run.ts";

const DAY_MS = 86_400_000;

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
  if (isBefore(run, listEras(run)[0]!.firstRun)) return "before the archive";
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
    `Cannot ${action} ${describeRun(run)}: ${explainAbsentRun(run, now)}\n  ${cause.message}`,
  );
}

function explainAbsentRun(run: Run, now: Date): string {
  const unpublished = findUnpublishedRun(run, now);
  if (unpublished === "in the future") return "the run has not begun";
  if (unpublished) {
    return `ECMWF's archive begins with the run of ${describeRun(listEras(run)[0]!.firstRun)}`;
  }
  return findAbsentDays(run) ?? "the run is not published yet, or no longer on the server";
}

/** What is known of a run that a server lacks from the years in which the archive has gaps. */
export function findAbsentDays(run: Run): string | undefined {
  const withIfsFolder = listEras(run).find(({ folders }) => folders.includes(IFS_FOLDER));
  return withIfsFolder && isBefore(run, withIfsFolder.firstRun)
    ? "six days before 2024-02-29 are absent from ECMWF's archive, this may be one of them"
    : undefined;
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
  /** Which of the files of a step is absent, where others are there. @default all of them */
  part?: string;
}

/** Says which steps are absent: `80 of 85 steps are not there yet: 6-33, 42`. */
export function describeAbsent(
  { run, steps, wantedCount, mayCome, part }: AbsentSteps,
): string {
  const noun = wantedCount === 1 ? "step" : "steps";
  const [is, have] = wantedCount === 1 ? ["is", "has"] : ["are", "have"];
  const state = part === undefined ? `${is} not there` : `${have} no ${part} file`;
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
  /** @default {"ifs"} */
  model?: ModelName;
}

const RANGE_FORM = "give <first>..<last>, as 20230301..20230531, or <first>..<last>/<days>";

/**
 * The runs of days and hours: every hour of a day, then those of the next one, in the order given, each
 * run once.
 *
 * @param dates each a day `YYYYMMDD`, `latest`, a range `20230301..20230531` with both ends, or every
 *   n-th day of one, `20230301..20230531/7`.
 * @param hours with or without the leading zero.
 * @throws {RunError} for anything else, a day that is not in the calendar, and a range that ends before
 *   it begins.
 */
export function parseRunList(
  dates: readonly string[],
  hours: readonly string[],
  model?: ModelName,
): RunRequest[] {
  const requests = dates.flatMap(expandDates).flatMap((date) =>
    hours.map((hour): RunRequest => {
      // `latest` gets any day, so that the hour is checked now.
      const known = parseRun(date === "latest" ? "20260101" : date, hour, model);
      return { date, hour: known.hour, ...(known.model && { model: known.model }) };
    })
  );
  return [...new Map(requests.map((request) => [`${request.date} ${request.hour}`, request]))
    .values()];
}

/** Why no server can have a run, from its time alone; `undefined` when one can. */
export function describeImpossible(run: Run, now: Date): string | undefined {
  const state = findUnpublishedRun(run, now);
  if (state === "in the future") return "not published yet: the run has not begun";
  if (state === undefined) return undefined;
  const first = referenceTime(listEras(run)[0]!.firstRun).toISOString().slice(0, 10);
  return run.model
    ? `no run of ${findDataset(run).label} before ${first}`
    : `no run of ECMWF's open data before ${first}`;
}

/** The days of one item of a list. */
function expandDates(text: string): string[] {
  if (/\.\.|^\d{8}\//.test(text)) return expandRange(text);
  if (text !== "latest" && findNearest(text, ["latest"]) !== undefined) {
    throw new RunError(`Cannot use date "${text}": did you mean latest?`);
  }
  return [text];
}

function expandRange(text: string): string[] {
  const [, first, last, step = "1"] = /^([^./]+)\.\.([^./]+)(?:\/(.*))?$/.exec(text) ?? [];
  if (first === undefined || last === undefined) {
    throw new RunError(`Cannot use dates "${text}": they are no range; ${RANGE_FORM}`);
  }
  if (first === "latest" || last === "latest") {
    throw new RunError(`Cannot use dates "${text}": an end is latest; give it as YYYYMMDD`);
  }
  if (!/^\d+$/.test(step) || Number(step) === 0) {
    throw new RunError(
      `Cannot use dates "${text}": the step is "${step}"; give a whole number of days of at least 1`,
    );
  }
  const [startMs, endMs] = [first, last].map((date) =>
    referenceTime(parseRun(date, "00")).getTime()
  );
  if (endMs! < startMs!) {
    throw new RunError(
      `Cannot use dates "${text}": the range ends before it begins; swap its ends`,
    );
  }
  const days: string[] = [];
  for (let ms = startMs!; ms <= endMs!; ms += Number(step) * DAY_MS) {
    days.push(formatDate(new Date(ms)));
  }
  return days;
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
  if (request.date !== "latest") return parseRun(request.date, request.hour, request.model);
  const days = listLatestDays(now);
  const run = await findLatestRun(storage, request, days);
  if (!run) {
    throw new MissingDataError(
      `Cannot find the latest ${request.hour} UTC run: none of ${days.at(-1)} to ${days[0]} is ` +
        `complete, by the clock of ${formatMinute(now)}; set the clock or give --date`,
    );
  }
  reporter.info(`latest complete run: ${describeRun(run)}`);
  return run;
}

/** `2026-05-20 10:00 UTC` */
function formatMinute(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** The newest run of an hour whose last step is published: every index of that step is there. */
async function findLatestRun(
  storage: Storage,
  { hour, model }: RunRequest,
  days: readonly string[],
): Promise<Run | undefined> {
  for (const day of days) {
    const run = parseRun(day, hour, model);
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

const HOUR_MS = 3_600_000;
/** From the hour of a run to its step 0, and on to its step 360, in hours; a little early. */
const [FIRST_STEP_AFTER, LAST_STEP_LATER] = [6.5, 1.25];

/**
 * When a step of the IFS may be on AWS at the earliest, milliseconds since 1970; those of other models
 * come earlier or later. Steps come in their order.
 *
 * Source: ECMWF's dissemination schedule has step 0 of the ensemble 6:40 h after the hour of the run and
 * step 360 an hour later; step 360 of 00 UTC was on AWS at about 08:00 UTC.
 */
export function expectStep(run: Run, stepHours: number): number {
  const hours = FIRST_STEP_AFTER + LAST_STEP_LATER * stepHours / 360;
  return referenceTime(run).getTime() + hours * HOUR_MS;
}

/** The runs of an hour and model that `latest` may mean, the newest first: those that have begun. */
export function listLatestRuns({ hour, model }: RunRequest, now: Date): Run[] {
  return listLatestDays(now).map((day) => parseRun(day, hour, model))
    .filter((run) => referenceTime(run) <= now);
}

/** Today and the days before it that `latest` may mean. */
function listLatestDays(now: Date): string[] {
  return countUp(DAYS_TO_LOOK_BACK + 1)
    .map((daysAgo) => formatDate(new Date(now.getTime() - daysAgo * DAY_MS)));
}
