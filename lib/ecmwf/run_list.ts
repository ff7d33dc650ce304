/**
 * The days and hours of a command line → the runs that they name.
 *
 * @module
 */
import { findNearest } from "../util/text.ts";
import { ERAS } from "./eras.ts";
import { findUnpublishedRun, type RunRequest } from "./published.ts";
import { formatDate, parseRun, referenceTime, type Run, RunError } from "./run.ts";

const DAY_MS = 86_400_000;
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
export function parseRunList(dates: readonly string[], hours: readonly string[]): RunRequest[] {
  const requests = dates.flatMap(expandDates).flatMap((date) =>
    hours.map((hour): RunRequest => {
      // `latest` gets any day, so that the hour is checked now.
      const known = parseRun(date === "latest" ? "20260101" : date, hour);
      return { date, hour: known.hour };
    })
  );
  return [...new Map(requests.map((request) => [`${request.date} ${request.hour}`, request]))
    .values()];
}

/** Why no server can have a run, from its time alone; `undefined` when one can. */
export function describeImpossible(run: Run, now: Date): string | undefined {
  const state = findUnpublishedRun(run, now);
  if (state === "in the future") return "not published yet";
  if (state === undefined) return undefined;
  const first = referenceTime(ERAS[0]!.firstRun).toISOString().slice(0, 10);
  return `no run of ECMWF's open data before ${first}`;
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
