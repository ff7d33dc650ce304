/**
 * Hours of runs and the time → the runs that are due, the next one, and when one that failed is tried
 * again.
 *
 * @module
 */
import type { ModelName } from "../ecmwf/datasets.ts";
import { expectStep } from "../ecmwf/published.ts";
import { formatDate, parseRun, type Run, type RunHour, runLabel } from "../ecmwf/run.ts";

const DAY_MS = 86_400_000;

/** Which runs are made. */
export interface WatchedRuns {
  /** Of each day, in UTC. */
  hours: readonly RunHour[];
  /** @default {"ifs"} */
  model?: ModelName;
  /** Days before today whose runs are made, too. */
  catchUpDays: number;
  /** The steps that an output needs, ascending. */
  steps(run: Run): readonly number[];
}

/** When the first step of a run may be there, milliseconds since 1970. */
export function findDue(run: Run, { steps }: WatchedRuns): number {
  return expectStep(run, steps(run)[0]!);
}

/** The runs of today and the days before that are due, the newest first. */
export function listDueRuns(watched: WatchedRuns, nowMs: number): Run[] {
  return listRuns(watched, nowMs, watched.catchUpDays).filter((run) =>
    findDue(run, watched) <= nowMs
  );
}

/** The next run that is not due yet. */
export function findNextRun(watched: WatchedRuns, nowMs: number): Run {
  const next = listRuns(watched, nowMs + DAY_MS, 1).findLast((run) =>
    findDue(run, watched) > nowMs
  );
  return next!;
}

/** The runs up to that of a day, the newest first. */
function listRuns({ hours, model }: WatchedRuns, lastMs: number, daysBefore: number): Run[] {
  const descending = hours.toSorted().toReversed();
  return Array.from({ length: daysBefore + 1 }, (_, days) => {
    const date = formatDate(new Date(lastMs - days * DAY_MS));
    return descending.map((hour) => parseRun(date, hour, model));
  }).flat();
}

const FIRST_PAUSE_MS = 10 * 60_000;
const LONGEST_PAUSE_MS = 60 * 60_000;

/** What became of the runs so far, and when those that are not complete are tried again. */
export class RunRetries {
  readonly #complete = new Set<string>();
  readonly #failures = new Map<string, { count: number; nextMs: number }>();

  /** The runs that are to be made now. */
  select(runs: readonly Run[], nowMs: number): Run[] {
    return runs.filter((run) => {
      const { nextMs = nowMs } = this.#failures.get(runLabel(run)) ?? {};
      return !this.isComplete(run) && nextMs <= nowMs;
    });
  }

  isComplete(run: Run): boolean {
    return this.#complete.has(runLabel(run));
  }

  complete(run: Run): void {
    this.#complete.add(runLabel(run));
    this.#failures.delete(runLabel(run));
  }

  /**
   * Puts a run off: by 10 minutes, twice as long each time, at most an hour.
   *
   * @param random from 0 to 1; machines that failed together do not meet.
   */
  putOff(run: Run, nowMs: number, random: number): void {
    const { count = 0 } = this.#failures.get(runLabel(run)) ?? {};
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** count, LONGEST_PAUSE_MS) * (0.75 + random / 4);
    this.#failures.set(runLabel(run), { count: count + 1, nextMs: nowMs + pauseMs });
  }

  /** When the first of these runs is tried again; `undefined` when none waits for that. */
  findNext(runs: readonly Run[]): number | undefined {
    const times = runs.filter((run) => !this.isComplete(run))
      .flatMap((run) => this.#failures.get(runLabel(run))?.nextMs ?? []);
    return times.length > 0 ? Math.min(...times) : undefined;
  }
}
