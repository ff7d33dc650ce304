import type { StorageError } from "../protocol/storage_error.ts";
import type { Host } from "./host.ts";

/** What a host did since the last line. */
interface Tally {
  requests: number;
  /** By what came instead of the object. */
  failures: Map<string, number>;
  /** State of the last failure without any answer. */
  silence?: string;
}

const NO_ANSWER = "no answer";
/** The first line comes after this share of the interval: a user who waits wants to know why. */
const FIRST_WAIT = 1 / 12;

/**
 * Reports, at most once an interval, which hosts fail and what is done about it. It sets no timer: a
 * line comes with the end of a request, or not at all.
 */
export class StatusReporter {
  readonly #tallies = new Map<Host, Tally>();
  #hasNews = false;
  #reportedMs: number;

  constructor(
    private readonly onStatus: ((line: string) => void) | undefined,
    private readonly intervalMs: number,
    private readonly clock: { now(): number } = performance,
  ) {
    this.#reportedMs = clock.now() - (1 - FIRST_WAIT) * intervalMs;
  }

  /** Notes that a request was served. */
  noteSuccess(host: Host): void {
    this.#tally(host).requests++;
    this.#reportIfDue();
  }

  /** Notes that a request failed, and that another attempt follows. */
  noteFailure(host: Host, error: StorageError): void {
    const tally = this.#tally(host);
    const outcome = describeOutcome(error);
    tally.requests++;
    tally.failures.set(outcome, (tally.failures.get(outcome) ?? 0) + 1);
    if (outcome === NO_ANSWER) tally.silence = error.state;
    this.#hasNews = true;
    this.#reportIfDue();
  }

  #tally(host: Host): Tally {
    let tally = this.#tallies.get(host);
    if (!tally) this.#tallies.set(host, tally = { requests: 0, failures: new Map() });
    return tally;
  }

  #reportIfDue(): void {
    const nowMs = this.clock.now();
    if (!this.#hasNews || nowMs - this.#reportedMs < this.intervalMs) return;
    this.onStatus?.([...this.#tallies].map(describeTally).join("; "));
    this.#tallies.clear();
    this.#hasNews = false;
    this.#reportedMs = nowMs;
  }
}

function describeOutcome({ kind, answer }: StorageError): string {
  return answer ?? (kind === "corrupt" ? "the wrong bytes" : NO_ANSWER);
}

function describeTally([host, { requests, failures, silence }]: [Host, Tally]): string {
  if (failures.size === 0) return `${requests} requests from ${host.name}`;
  const [first, ...others] = [...failures].sort(([, a], [, b]) => b - a);
  const outcomes = [
    `${first![1]} of ${requests} requests got ${first![0]}`,
    ...others.map(([outcome, count]) => `${count} got ${outcome}`),
  ];
  const reason = silence ? ` (${silence})` : "";
  return `${host.name}: ${outcomes.join(", ")}, ${describeState(host)}${reason}`;
}

function describeState({ state, limit }: Host): string {
  switch (state.name) {
    case "givenUp":
      return "given up";
    case "paused":
      return "paused";
    default:
      return `now ${limit} at once`;
  }
}

/** What requests to servers wait for: `a.example pauses for 12 s, 9 requests wait`; `undefined` where none does. */
export function describeWaits(hosts: Iterable<Host>): string | undefined {
  const waits = [...hosts].filter(({ underWay, waiting }) => underWay + waiting > 0)
    .map((host) => [...describeWait(host)].join(", "));
  return waits.length > 0 ? waits.join("; ") : undefined;
}

function* describeWait({ name, state, underWay, waiting }: Host): Generator<string> {
  if (state.name === "paused") {
    const seconds = Math.ceil((state.untilMs - performance.now()) / 1000);
    yield `${name} is busy or failing and pauses for ${seconds} s`;
  } else yield `waiting for ${name}`;
  if (underWay > 0) yield `${underWay} ${underWay === 1 ? "request" : "requests"} under way`;
  if (waiting > 0) yield `${waiting} in line`;
}
