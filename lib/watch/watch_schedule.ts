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

/** A complete run is looked at again once an hour, in its first day: ECMWF may publish it again. */
const LOOK_AGAIN_MS = 60 * 60_000;

/** Whether a complete run may still be published again. @param dueMs when its first step was due. */
export function isLookedAtAgain(dueMs: number, nowMs: number): boolean {
  return nowMs - dueMs < DAY_MS;
}

/** When a run is made the next time. */
interface Turn {
  isComplete: boolean;
  /** Attempts that failed. */
  count: number;
  nextMs: number;
}

/** What became of the runs so far, and when each is tried or looked at again. */
export class RunRetries {
  readonly #turns = new Map<string, Turn>();

  /** The runs that are to be made now; those that are complete when there is no other. */
  select(runs: readonly Run[], nowMs: number): Run[] {
    const [complete, others] = [true, false].map((isComplete) =>
      runs.filter((run) => {
        const turn = this.#turns.get(runLabel(run));
        return (turn?.isComplete ?? false) === isComplete && isTurn(turn, nowMs);
      })
    );
    return others!.length > 0 ? others! : complete!;
  }

  /** @param dueMs when its first step was due. */
  complete(run: Run, dueMs: number, nowMs: number): void {
    const nextMs = isLookedAtAgain(dueMs, nowMs) ? nowMs + LOOK_AGAIN_MS : Infinity;
    this.#turns.set(runLabel(run), { isComplete: true, count: 0, nextMs });
  }

  /**
   * Puts a run off: by 10 minutes, twice as long each time, at most an hour.
   *
   * @param random from 0 to 1; machines that failed together do not meet.
   */
  putOff(run: Run, nowMs: number, random: number): void {
    const { count = 0 } = this.#turns.get(runLabel(run)) ?? {};
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** count, LONGEST_PAUSE_MS) * (0.75 + random / 4);
    this.#turns.set(runLabel(run), {
      isComplete: false,
      count: count + 1,
      nextMs: nowMs + pauseMs,
    });
  }

  /** When the first of these runs is tried or looked at again; `undefined` when none is. */
  findNext(runs: readonly Run[]): number | undefined {
    const times = runs.flatMap((run) => this.#turns.get(runLabel(run))?.nextMs ?? [])
      .filter(Number.isFinite);
    return times.length > 0 ? Math.min(...times) : undefined;
  }
}

/** Whether the time has come; also where the clock was set back since. */
function isTurn(turn: Turn | undefined, nowMs: number): boolean {
  if (!turn || turn.nextMs <= nowMs) return true;
  return turn.nextMs !== Infinity && turn.nextMs - nowMs > LONGEST_PAUSE_MS;
}
