/**
 * What a watch knows of itself → `status.json`, which appears whole or not at all, and back.
 *
 * @module
 */
import { countRejections } from "../ensemble/field_result.ts";
import { type Run, runLabel } from "../ecmwf/run.ts";
import type { ForecastResult } from "../forecast/run_forecast.ts";
import type { LedgerEntry } from "../runs/ledger.ts";
import { type Storage, type StorageCounters, unlessMissing } from "../storage/mod.ts";
import type { LockHolder } from "./folder_lock.ts";
import type { NotifierState } from "./notifier.ts";

/** Name of the status in the folder of the outputs. */
const STATUS_NAME = "status.json";

/** The version of the format. */
const VERSION = 1;

/** The last run that was made, and what it cost. */
export interface RunFacts {
  /** `20260206_00z` */
  run: string;
  complete: boolean;
  /** When it was written: UTC, ISO 8601. */
  time: string;
  /** Seconds from the start of the work, waiting included. */
  seconds: number;
  /** Seconds of each phase. */
  phases: Record<string, number>;
  requests: number;
  retries: number;
  /** Received. */
  bytes: number;
  /** Members that are in at least one field. */
  membersUsed: number;
  messages: {
    wanted: number;
    used: number;
    /** Those that could not be fetched. */
    missing: number;
    /** Left out or used. */
    implausible: number;
  };
  /** Requests by host. */
  sources: Record<string, number>;
}

/** The newest run that has an output. */
export interface GoodRun {
  run: string;
  output: string;
  complete: boolean;
  /** When it was written: UTC, ISO 8601. */
  time: string;
  /** Seconds since the hour of the run. */
  ageSeconds: number;
}

/** Sums since the first start in the folder. */
export interface WatchCounts {
  complete: number;
  incomplete: number;
  failed: number;
  requests: number;
  retries: number;
  bytes: number;
}

/** What is in `status.json`. */
export interface WatchStatus {
  version: number;
  /** When it was written: UTC, ISO 8601. A minute ago at most while the watch is alive. */
  time: string;
  host: string;
  pid: number;
  /** `making` also while steps of the run are awaited. */
  state: "waiting" | "making" | "stopped";
  /** The run that is made. */
  making?: string;
  /** The next run, and when it is due. */
  next?: { run: string; due: string };
  /** Whether the newest run is there, or not later than usual. */
  healthy: boolean;
  /** What is wrong. */
  problem?: string;
  lastGood?: GoodRun;
  last?: RunFacts;
  counts: WatchCounts;
  /** Of the disk with the outputs; absent where it is not known. */
  freeBytes?: number;
  notified: NotifierState;
}

const NO_COUNTS: WatchCounts = {
  complete: 0,
  incomplete: 0,
  failed: 0,
  requests: 0,
  retries: 0,
  bytes: 0,
};

/** A status before anything is known. */
export function startStatus({ host, pid, time }: LockHolder): WatchStatus {
  return {
    version: VERSION,
    time,
    host,
    pid,
    state: "waiting",
    healthy: true,
    counts: { ...NO_COUNTS },
    notified: {},
  };
}

/** The path of the status of a folder. */
export function statusPath(folder: string): string {
  return `${folder}/${STATUS_NAME}`;
}

/**
 * The status that a watch left in a folder; `undefined` for none, and for one of another version: what it
 * holds is counted anew.
 */
export async function readStatus(
  folder: string,
  storage: Storage,
): Promise<WatchStatus | undefined> {
  const path = statusPath(folder);
  storage.forget(path);
  const bytes = await unlessMissing(storage.get(path));
  if (!bytes) return undefined;
  try {
    const status = JSON.parse(new TextDecoder().decode(bytes));
    if (status?.version !== VERSION) return undefined;
    return { ...status, counts: readCounts(status.counts), notified: toObject(status.notified) };
  } catch {
    return undefined;
  }
}

/** The sums of a status; those that are no numbers, as those that someone changed, begin anew. */
function readCounts(counts: unknown): WatchCounts {
  const known = Object.entries(toObject(counts)).filter(([, count]) => Number.isFinite(count));
  return { ...NO_COUNTS, ...Object.fromEntries(known) };
}

function toObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

/** A status as text. */
export function formatStatus(status: WatchStatus): string {
  return `${JSON.stringify(status, null, 2)}\n`;
}

/** The facts on a run that was made. */
export function collectRunFacts(
  result: ForecastResult,
  counters: Readonly<StorageCounters>,
  startedMs: number,
  nowMs: number,
): RunFacts {
  const { fields, messagesWanted, messagesUsed, phasesMs } = result;
  const left = countRejections(fields);
  const doubted = fields.reduce((sum, { reduced }) => sum + reduced.implausible.length, 0);
  const phases = Object.entries(phasesMs).map(([name, ms]) => [name, ms / 1000] as const);
  return {
    run: runLabel(result.run),
    complete: result.complete,
    time: new Date(nowMs).toISOString(),
    seconds: (nowMs - startedMs) / 1000,
    phases: Object.fromEntries(phases),
    requests: counters.requests,
    retries: counters.retries,
    bytes: counters.bytesReceived,
    membersUsed: result.membersUsed.length,
    messages: {
      wanted: messagesWanted,
      used: messagesUsed,
      missing: left.missing,
      implausible: left.implausible + doubted,
    },
    sources: { ...counters.requestsByHost },
  };
}

/** The newest output, and how old its run is. */
export function describeGoodRun(
  { run: label, output, state, time }: LedgerEntry,
  run: Date,
  nowMs: number,
): GoodRun {
  const ageSeconds = Math.round((nowMs - run.getTime()) / 1000);
  return { run: label, output, complete: state === "complete", time, ageSeconds };
}

/** Adds what a run cost to the sums. */
export function addCosts(counts: WatchCounts, counters: Readonly<StorageCounters>): WatchCounts {
  return {
    ...counts,
    requests: counts.requests + counters.requests,
    retries: counts.retries + counters.retries,
    bytes: counts.bytes + counters.bytesReceived,
  };
}

/** A run in the status. */
export function describeNext(run: Run, dueMs: number): WatchStatus["next"] {
  return { run: runLabel(run), due: new Date(dueMs).toISOString() };
}
