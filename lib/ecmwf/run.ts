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
}

const HOURS: readonly string[] = ["00", "06", "12", "18"];

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
export function parseRun(date: string, hour: string): Run {
  const paddedHour = hour.padStart(2, "0");
  if (hour === "" || !HOURS.includes(paddedHour)) {
    throw new RunError(
      `Cannot use run hour "${hour}": ECMWF runs at 00, 06, 12 and 18 UTC` +
        suggestNearest(hour, HOURS),
    );
  }
  const run: Run = { date, hour: paddedHour as RunHour };
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

/** The run for people: `20260206 00 UTC`. */
export function describeRun(run: Run): string {
  return `${run.date} ${run.hour} UTC`;
}

/** The run in file names: `20260206_00z`. */
export function runLabel(run: Run): string {
  return `${run.date}_${run.hour}z`;
}

/** Whether two runs are the same one. */
export function isSameRun(a: Run, b: Run): boolean {
  return a.date === b.date && a.hour === b.hour;
}

/**
 * Forecast steps of a run in hours, ascending: 85 (0–144 by 3, 150–360 by 6) at 00 and 12 UTC,
 * 49 (0–144 by 3) at 06 and 18 UTC.
 */
export function runSteps(run: Run): number[] {
  const steps: number[] = [];
  for (let step = 0; step <= 144; step += 3) steps.push(step);
  if (run.hour === "00" || run.hour === "12") {
    for (let step = 150; step <= 360; step += 6) steps.push(step);
  }
  return steps;
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
      const last = runSteps(run).at(-1);
      const rule = last === 360 ? "0–144 by 3 and 150–360 by 6" : "0–144 by 3";
      throw new RunError(
        `Cannot use step ${step}: the ${run.hour} UTC run has steps ${rule} hours`,
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
export function expandSteps(text: string): number[] | undefined {
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
    const between = runSteps({ date: "", hour: "00" }).filter((step) => step > start && step < end);
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

/** These steps, checked as {@linkcode checkSteps} does; every step of the run by default. */
export function chooseSteps(run: Run, steps: readonly number[] | undefined): number[] {
  return steps ? checkSteps(run, steps) : runSteps(run);
}
