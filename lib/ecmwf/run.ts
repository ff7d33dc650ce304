/**
 * A run of the ECMWF open-data ensemble → its name, hours and steps here; its files, members,
 * parameters, variables and mirrors in the other files of this room, which holds all knowledge of
 * the service as data.
 *
 * Source: ECMWF, "Open data: real-time forecasts from IFS and AIFS".
 *
 * @module
 */
import { UserError } from "../errors.ts";
import {
  DATASETS,
  DEFAULT_MODEL,
  findDataset,
  findStepRanges,
  listHours,
  type ModelName,
  parseModel,
} from "./datasets.ts";
import { suggestNearest } from "../util/text.ts";
import { sortUnique } from "../util/numbers.ts";

/** A run hour in UTC. */
export type RunHour = "00" | "06" | "12" | "18";

/** One forecast run, for example `{ date: "20260206", hour: "00" }`. */
export interface Run {
  /** Date of the run in UTC, `YYYYMMDD`. */
  date: string;
  /** Hour of the run in UTC. */
  hour: RunHour;
  /** The model that makes it, of the other datasets. @default {"ifs"} */
  model?: Exclude<ModelName, typeof DEFAULT_MODEL>;
}

/** A run or step that is not in ECMWF's schedule. */
export class RunError extends UserError {
  override readonly name = "RunError";

  constructor(message: string, options?: ErrorOptions) {
    super("usage", message, options);
  }
}

/**
 * A run from its date, `YYYYMMDD`, and its hour, with or without the leading zero.
 *
 * @throws {RunError} when the date is not a day of the calendar or the hour is not a run hour.
 */
export function parseRun(date: string, hour: string, model: ModelName = DEFAULT_MODEL): Run {
  const hours: readonly string[] = listHours(DATASETS[model]);
  const paddedHour = hour.padStart(2, "0");
  if (hour === "" || !hours.includes(paddedHour)) {
    throw new RunError(
      `Cannot use run hour "${hour}": ECMWF runs at ${hours.slice(0, -1).join(", ")} and ` +
        `${hours.at(-1)} UTC` + suggestNearest(hour, hours),
    );
  }
  const run: Run = {
    date,
    hour: paddedHour as RunHour,
    ...(model !== DEFAULT_MODEL && { model }),
  };
  if (!/^\d{8}$/.test(date) || formatDate(referenceTime(run)) !== date) {
    throw new RunError(`Cannot use date "${date}": give a day of the calendar as YYYYMMDD`);
  }
  return run;
}

/** The instant at which the run starts. */
export function referenceTime(run: Run): Date {
  const { date, hour } = run;
  return new Date(
    Date.UTC(+date.slice(0, 4), +date.slice(4, 6) - 1, +date.slice(6, 8), +hour),
  );
}

/** A day as `YYYYMMDD`, in UTC. */
export function formatDate(time: Date): string {
  return Number.isNaN(time.getTime()) ? "" : time.toISOString().slice(0, 10).replaceAll("-", "");
}

/** The run for people: `20260206 00 UTC`, or `AIFS-ENS 20260206 00 UTC`. */
export function describeRun(run: Run): string {
  return `${run.model ? `${findDataset(run).label} ` : ""}${run.date} ${run.hour} UTC`;
}

/** The run in file names: `20260206_00z`, or `aifs-ens_20260206_00z`. */
export function runLabel({ date, hour, model }: Run): string {
  return `${model ? `${model}_` : ""}${date}_${hour}z`;
}

/** The run at the end of a name that {@linkcode runLabel} ends; `undefined` when there is none. */
export function parseRunLabel(name: string): Run | undefined {
  const [, word, date, hour] = /(?:([a-z-]+)_)?(\d{8})_(00|06|12|18)z$/.exec(name) ?? [];
  return date === undefined ? undefined : parseRun(date, hour!, parseModel(word ?? ""));
}

/** Whether two runs are the same one. */
export function isSameRun(a: Run, b: Run): boolean {
  return a.date === b.date && a.hour === b.hour && a.model === b.model;
}

/**
 * Forecast steps of a run in hours, ascending: of the IFS 85 (0–144 by 3, 150–360 by 6) at 00 and 12
 * UTC, 49 (0–144 by 3) at 06 and 18 UTC.
 */
export function runSteps(run: Run): number[] {
  return findStepRanges(findDataset(run), run.hour).flatMap(([from, to, by]) =>
    Array.from({ length: (to - from) / by + 1 }, (_, i) => from + i * by)
  );
}

/** Steps of a run, neighbours joined: `6-33, 42`. */
export function formatSteps(run: Run, steps: readonly number[]): string {
  const all = runSteps(run);
  const groups: number[][] = [];
  for (const step of sortUnique(steps)) {
    const last = groups.at(-1);
    const isNext = last && all.indexOf(step) === all.indexOf(last.at(-1)!) + 1;
    if (isNext) last.push(step);
    else groups.push([step]);
  }
  return groups.map((group) => group.length === 1 ? `${group[0]}` : `${group[0]}-${group.at(-1)}`)
    .join(", ");
}

/**
 * Checks that the run has all of these steps.
 *
 * @returns the steps, ascending, each once.
 * @throws {RunError} naming the first step that the run does not have.
 */
export function checkSteps(run: Run, steps: readonly number[]): number[] {
  const known = new Set(runSteps(run));
  for (const step of steps) {
    if (!known.has(step)) {
      const rule = findStepRanges(findDataset(run), run.hour)
        .map(([from, to, by]) => `${from}–${to} by ${by}`).join(" and ");
      const name = run.model ? `${findDataset(run).label} run` : "run";
      throw new RunError(
        `Cannot use step ${step}: the ${run.hour} UTC ${name} has steps ${rule} hours`,
      );
    }
  }
  return sortUnique(steps);
}

const RANGE_FORM = "give <first>-<last>, as 36-60, or <first>-<last>/<hours>, as 36-60/3";

/**
 * The steps of a range with both ends: `36-60` has those that ECMWF publishes of a run at 00 UTC,
 * `36-60/3` every third hour.
 *
 * @returns `undefined` for a text that is no range.
 * @throws {RunError} for a range that ends before it begins or has no step, and a width of 0.
 */
export function expandSteps(text: string, model?: ModelName): number[] | undefined {
  const [, first, last, width] = /^(\d+)-(\d+)(?:\/(\d+))?$/.exec(text) ?? [];
  if (first === undefined || last === undefined) {
    if (!/^\d+(?:-|\.\.|\/)/.test(text)) return undefined;
    throw new RunError(`Cannot use steps "${text}": they are no range; ${RANGE_FORM}`);
  }
  const [start, end] = [Number(first), Number(last)];
  if (end < start) {
    throw new RunError(
      `Cannot use steps "${text}": the range ends before it begins; swap its ends`,
    );
  }
  if (Number(width) === 0) {
    throw new RunError(
      `Cannot use steps "${text}": steps 0 hours apart have no end; ${RANGE_FORM}`,
    );
  }
  if (width === undefined) {
    const between = runSteps(parseRun("20260101", "00", model))
      .filter((step) => step > start && step < end);
    return sortUnique([start, ...between, end]);
  }
  const steps = range(start, Math.min(end, LAST_STEP), Number(width));
  // Those beyond the last step are not listed, however many they would be, but named as one.
  return end > LAST_STEP ? [...steps, end] : steps;
}

/** Of runs at 00 and 12 UTC. */
const LAST_STEP = 360;

function range(start: number, end: number, width: number): number[] {
  const numbers: number[] = [];
  for (let number = start; number <= end; number += width) numbers.push(number);
  return numbers;
}

/**
 * These steps, checked as {@linkcode checkSteps} does; without any, those of the default ones that the
 * run has.
 *
 * @param defaults @default every step of the run
 */
export function chooseSteps(
  run: Run,
  steps: readonly number[] | undefined,
  defaults?: readonly number[],
): number[] {
  if (steps) return checkSteps(run, steps);
  return runSteps(run).filter((step) => defaults?.includes(step) ?? true);
}
