/**
 * The ledger and the time → whether the newest run is there as early as usual.
 *
 * @module
 */
import { DEFAULT_MODEL } from "../ecmwf/datasets.ts";
import { expectStep } from "../ecmwf/published.ts";
import { describeRun, parseRunLabel, referenceTime, type Run, runLabel } from "../ecmwf/run.ts";
import type { LedgerEntry, StepsSeen } from "../runs/ledger.ts";
import { findUsualDelay } from "../runs/step_delays.ts";
import { listDueRuns, type WatchedRuns } from "./watch_schedule.ts";

const MINUTE_MS = 60_000;

/** Delay of a step that is usual as long as too few runs are known to tell. */
const ASSUMED_DELAY_MS = 120 * MINUTE_MS;

/** From the last step to the file: the next look, the messages, the picture. */
const WORK_MS = 30 * MINUTE_MS;

/** What is known of runs: a ledger, or its parts. */
export interface KnownRuns {
  entries: readonly LedgerEntry[];
  stepsSeen: StepsSeen;
}

/** Whether the newest run is there. */
export interface Health {
  healthy: boolean;
  /** What is late, and since when. @default {undefined} (nothing) */
  problem?: string;
}

/**
 * When a run is late, milliseconds since 1970: half an hour after its last step came in 95 % of the last
 * 60 runs of its hour, or two and a half hours after it may come at the earliest when fewer than 20 runs
 * are known.
 */
export function findLateTime(run: Run, watched: WatchedRuns, stepsSeen: StepsSeen): number {
  const last = watched.steps(run).at(-1)!;
  const delayMs = findUsualDelay(stepsSeen, run, last) ?? ASSUMED_DELAY_MS;
  return expectStep(run, last) + Math.max(0, delayMs) + WORK_MS;
}

/** The newest run of a model that has an output, whichever command made it. */
export function findNewestOutput(
  { entries }: KnownRuns,
  { model }: Pick<WatchedRuns, "model">,
): LedgerEntry | undefined {
  const name = model === DEFAULT_MODEL ? undefined : model;
  return entries.filter(hasOutput).filter(({ run }) => parseRunLabel(run)?.model === name)
    .toSorted((a, b) => timeOf(b) - timeOf(a))[0];
}

/** Whether an entry has a NetCDF that is there; that of another command may have a folder. */
export function hasOutput({ state, removed, output }: LedgerEntry): boolean {
  return output.endsWith(".nc") && (state === "complete" || state === "incomplete") &&
    removed === undefined;
}

function timeOf({ run }: LedgerEntry): number {
  const parsed = parseRunLabel(run);
  return parsed ? referenceTime(parsed).getTime() : 0;
}

/** Judges the newest run that should be there; one that is newer will do as well. */
export function judgeHealth(known: KnownRuns, watched: WatchedRuns, nowMs: number): Health {
  const lateTime = (run: Run) => findLateTime(run, watched, known.stepsSeen);
  // Without catching up, too, the run of yesterday is the newest one until that of today is late.
  const due = listDueRuns({ ...watched, catchUpDays: Math.max(1, watched.catchUpDays) }, nowMs);
  const expected = due.find((run) => lateTime(run) <= nowMs);
  const newest = findNewestOutput(known, watched);
  const isThere = !expected ||
    (newest && timeOf(newest) >= referenceTime(expected).getTime());
  if (isThere) return { healthy: true };
  const since = new Date(lateTime(expected)).toISOString().slice(0, 16).replace("T", " ");
  const entry = known.entries.find(({ run }) => run === runLabel(expected));
  const reason = entry?.reason === undefined ? "" : `: ${entry.reason}`;
  return {
    healthy: false,
    problem: `${describeRun(expected)} is later than usual since ${since} UTC${reason}`,
  };
}
