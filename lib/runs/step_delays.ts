/**
 * When the steps of earlier runs were first seen → how unusual it is that a step is not there yet.
 *
 * @module
 */
import { expectStep } from "../ecmwf/published.ts";
import { parseRunLabel, referenceTime, type Run, runLabel } from "../ecmwf/run.ts";
import type { StepsSeen } from "./ledger.ts";

/** Earlier runs that a step is compared with, at most. */
const RUNS_COMPARED = 60;

/** With fewer earlier runs nothing is called usual. */
const FEWEST_RUNS = 20;

/** The share of earlier runs that is usual. */
const USUAL_SHARE = 0.95;

/**
 * How much later than at the earliest a step was seen in the last runs of the same hour and model, in
 * milliseconds, ascending: of 60 runs at most.
 */
export function listDelays(seen: StepsSeen, run: Run, step: number): number[] {
  const earlier = Object.entries(seen).flatMap(([label, times]) => {
    const other = parseRunLabel(label);
    const time = times[step];
    const isLike = other && other.hour === run.hour && other.model === run.model;
    if (!isLike || time === undefined || referenceTime(other) >= referenceTime(run)) return [];
    return [{ date: other.date, delayMs: Date.parse(time) - expectStep(other, step) }];
  });
  return earlier.toSorted((a, b) => a.date < b.date ? -1 : 1).slice(-RUNS_COMPARED)
    .map(({ delayMs }) => delayMs).toSorted((a, b) => a - b);
}

/**
 * The delay within which a step came in 95 % of the last runs, in milliseconds.
 *
 * @returns `undefined` when fewer than 20 runs are known.
 */
export function findUsualDelay(seen: StepsSeen, run: Run, step: number): number | undefined {
  const delays = listDelays(seen, run, step);
  if (delays.length < FEWEST_RUNS) return undefined;
  return delays[Math.ceil(USUAL_SHARE * delays.length) - 1];
}

/**
 * Says how unusual it is that a step is not there yet: `step 48 is later than in 59 of the last 60 runs`,
 * or `… than in all 3 earlier runs that are known`.
 *
 * @returns `undefined` when no earlier run is known.
 */
export function describeDelay(
  seen: StepsSeen,
  run: Run,
  step: number,
  nowMs: number,
): string | undefined {
  const delays = listDelays(seen, run, step);
  const delayMs = nowMs - expectStep(run, step);
  const count = delays.filter((other) => other < delayMs).length;
  if (delays.length === 0) return undefined;
  const runs = delays.length < FEWEST_RUNS
    ? `${delays.length} earlier ${delays.length === 1 ? "run" : "runs"} of ${run.hour} UTC that ` +
      `${delays.length === 1 ? "is" : "are"} known`
    : `last ${delays.length} runs of ${run.hour} UTC`;
  return `step ${step} is later than in ${count} of the ${runs}`;
}

/** A step that was looked for so long after it was due says when someone looked, not when it came. */
const LATEST_LOOK_MS = 6 * 3_600_000;

/** The time for the ledger of steps that were seen now: none of a step that was due long ago. */
export function noteSteps(
  run: Run,
  steps: readonly number[],
  nowMs: number,
): { run: string; seen: Record<string, string> } {
  const recent = steps.filter((step) => nowMs - expectStep(run, step) <= LATEST_LOOK_MS);
  const time = new Date(nowMs).toISOString();
  return { run: runLabel(run), seen: Object.fromEntries(recent.map((step) => [step, time])) };
}
