/**
 * Steps that are not published yet → the same steps, taken one after another as they land, with few
 * requests.
 *
 * @module
 */
import { delay } from "jsr:@std/async@^1.1.0";
import { expectStep } from "../ecmwf/published.ts";
import { describeRun, type Run } from "../ecmwf/run.ts";
import { MissingDataError } from "../errors.ts";
import type { Reporter } from "../util/reporter.ts";
import type { StepReader } from "./step_reader.ts";

/** Time as the waiting sees it; a test has its own. */
export interface WaitClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Waits. Rejects when the command is stopped. */
  sleep(ms: number): Promise<void>;
  /** From 0 to 1. */
  random(): number;
}

/** Shortest and longest pause between two requests, in milliseconds. */
export type PauseRange = readonly [least: number, most: number];

/** How long, and how often. */
export interface WaitOptions {
  /** From the start of the command, in milliseconds. */
  limitMs: number;
  clock: WaitClock;
  /** While the next step is due or late. @default 20 to 60 s */
  duePauseMs?: PauseRange;
  /** Before that. @default 10 to 15 min */
  earlyPauseMs?: PauseRange;
  /** Called with the steps that are there, when they are seen for the first time. */
  onSeen?: (run: Run, steps: readonly number[]) => Promise<void>;
  /** Says how unusual it is that a step is not there yet, if that is known. */
  explainDelay?: (run: Run, step: number) => Promise<string | undefined>;
}

/** The clock of this machine. @param signal ends a wait. */
export function systemClock(signal?: AbortSignal): WaitClock {
  return { now: Date.now, sleep: (ms) => delay(ms, { signal }), random: Math.random };
}

const DUE_PAUSE_MS: PauseRange = [20_000, 60_000];
const EARLY_PAUSE_MS: PauseRange = [600_000, 900_000];

/** After as many polls of the next step the one after it is polled, too: a single step may be late. */
const POLLS_OF_ONE_STEP = 3;

/**
 * Reads the steps that are there, and then each other one as it lands, until all are there or the time
 * is over. A request is sent every 20 to 60 s while the next step is due, every 10 to 15 min before; the
 * pauses are drawn at random, so that machines that started together do not meet.
 *
 * @param onLanded called when steps have landed while others have not.
 * @returns the steps that are late; none when all are there.
 * @throws {StorageError} when Deno refuses access.
 */
export async function waitForSteps(
  reader: StepReader,
  options: WaitOptions,
  reporter: Reporter,
  onLanded: () => Promise<void>,
): Promise<number[]> {
  const { clock, limitMs } = options;
  const deadlineMs = clock.now() + limitMs;
  let polledMs = clock.now();
  await readWhatIsThere(reader);
  const seen = new Set<number>();
  await noteSeen(reader, seen, options);
  if (hasLanded(reader)) await onLanded();
  let announced: number | undefined;
  for (let polls = 0; reader.waiting.length > 0; polls++) {
    const [next] = reader.waiting;
    const leftMs = deadlineMs - clock.now();
    if (leftMs <= 0) return reader.waiting;
    if (next !== announced) {
      reporter.info(`waiting for step ${describeWait(reader, next!)}`);
      announced = next;
    }
    // The clock may have been set back since.
    const passedMs = Math.max(0, clock.now() - polledMs);
    const pauseMs = choosePause(reader, next!, options) - passedMs;
    if (pauseMs > 0) await clock.sleep(Math.min(pauseMs, leftMs));
    polledMs = clock.now();
    if (!await pollNext(reader, polls)) continue;
    await noteSeen(reader, seen, options);
    // Whatever landed in the meantime is taken at once.
    if (hasLanded(reader)) await onLanded();
  }
  return [];
}

async function noteSeen(
  { run, steps, waiting }: StepReader,
  seen: Set<number>,
  { onSeen }: WaitOptions,
): Promise<void> {
  const landed = steps.filter((step) => !waiting.includes(step) && !seen.has(step));
  for (const step of landed) seen.add(step);
  if (landed.length > 0) await onSeen?.(run, landed);
}

/** Reads the first step and, if it is there, all others. */
async function readWhatIsThere(reader: StepReader): Promise<void> {
  const [first] = reader.steps;
  await reader.read([first!]);
  if (!reader.waiting.includes(first!)) await reader.read();
}

function hasLanded({ waiting, steps }: StepReader): boolean {
  return waiting.length > 0 && waiting.length < steps.length;
}

/** Polls the next step, now and then also the one after it. @returns whether any step has landed. */
async function pollNext(reader: StepReader, polls: number): Promise<boolean> {
  const before = reader.waiting;
  const isTurnOfSecond = (polls + 1) % POLLS_OF_ONE_STEP === 0 && before.length > 1;
  const [polled, ...rest] = isTurnOfSecond ? before.slice(1) : before;
  if (!await reader.poll(polled!)) return false;
  for (const step of rest) if (!await reader.poll(step)) break;
  return true;
}

function choosePause(reader: StepReader, step: number, options: WaitOptions): number {
  const { clock, duePauseMs = DUE_PAUSE_MS, earlyPauseMs = EARLY_PAUSE_MS } = options;
  const draw = ([least, most]: PauseRange) => least + (most - least) * clock.random();
  const untilDueMs = expectStep(reader.run, step) - clock.now();
  if (untilDueMs <= 0) return draw(duePauseMs);
  return Math.min(draw(earlyPauseMs), untilDueMs + draw(duePauseMs));
}

/** `54 of 20260206 00 UTC, expected from 2026-02-06 06:41 UTC on: 6 of 9 steps are there`. */
function describeWait({ run, steps, waiting }: StepReader, step: number): string {
  const expected = new Date(expectStep(run, step)).toISOString().slice(0, 16).replace("T", " ");
  return `${step} of ${describeRun(run)}, expected from ${expected} UTC on: ` +
    `${steps.length - waiting.length} of ${steps.length} steps are there`;
}

/** The error for steps that did not land in time, or for a server that cannot be reached. */
export async function lateError(
  reader: StepReader,
  late: readonly number[],
  { explainDelay }: WaitOptions,
): Promise<Error> {
  const [first] = late;
  const failure = reader.findFailure(first!);
  if (failure) return failure;
  const delay = await explainDelay?.(reader.run, first!);
  const steps = `${late.length > 1 ? "steps" : "step"} ${late.join(", ")}`;
  return new MissingDataError(
    `Cannot write ${describeRun(reader.run)} in time: ${steps} did not come ` +
      `(${reader.explain(first!)})${delay === undefined ? "" : `, ${delay}`}; ` +
      "give a longer --wait, or --allow-missing",
  );
}
