/**
 * Measures work under way: how much is done, how fast, how much time is left; and puts it in words.
 *
 * @module
 */
import { formatCount, formatDuration, formatMegabytes } from "../util/numbers.ts";
import type { Traffic } from "../util/reporter.ts";

/** The state of work under way. */
export interface ProgressState {
  label: string;
  done: number;
  /** In the unit of `done`. */
  total: number;
  seconds: number;
  /** At the rate so far. Absent before anything is done. */
  secondsLeft?: number;
  /** Moved since the work began. Absent, like the next two, for work without traffic. */
  bytes?: number;
  bytesPerSecond?: number;
  retries?: number;
  /** A few words on what is being done. */
  note?: string;
}

/** Measures work from the moment it is made. */
export class ProgressMeter {
  #done = 0;
  #note = "";
  readonly #startMs = Date.now();
  readonly #trafficBefore: ReturnType<Traffic> | undefined;

  constructor(
    private readonly label: string,
    private readonly total: number,
    private readonly traffic?: Traffic,
  ) {
    this.#trafficBefore = traffic?.();
  }

  add(amount: number, note = ""): void {
    this.#done += amount;
    this.#note = note;
  }

  /** The state at this moment. */
  measure(): ProgressState {
    const { label, total } = this;
    const done = this.#done;
    const seconds = (Date.now() - this.#startMs) / 1000;
    return {
      label,
      done,
      total,
      seconds,
      ...(done > 0 && { secondsLeft: seconds * Math.max(0, total / done - 1) }),
      ...this.#measureTraffic(seconds),
      ...(this.#note && { note: this.#note }),
    };
  }

  #measureTraffic(seconds: number) {
    if (!this.traffic) return {};
    const now = this.traffic();
    const bytes = now.bytes - this.#trafficBefore!.bytes;
    return {
      bytes,
      bytesPerSecond: seconds > 0 ? bytes / seconds : 0,
      retries: now.retries - this.#trafficBefore!.retries,
    };
  }
}

const BAR_CELLS = 24;

/**
 * The state in one line: `indexes 40 %  34 of 85  9.1 MB  3.1 MB/s  4 s left`. With enough columns a
 * bar follows the label; with too few the end is cut.
 *
 * @param columns limit of its length. @default {undefined} (none, and no bar)
 */
export function formatProgress(state: ProgressState, columns?: number): string {
  const { label, done, total, secondsLeft = 0, bytes, bytesPerSecond = 0, retries = 0, note } =
    state;
  const share = total > 0 ? Math.min(1, done / total) : 1;
  const parts = [
    `${Math.floor(share * 100)} %`,
    `${formatCount(done)} of ${formatCount(total)}`,
    bytes !== undefined && `${formatMegabytes(bytes)} MB`,
    bytesPerSecond > 0 && `${formatMegabytes(bytesPerSecond)} MB/s`,
    retries > 0 && `${retries} ${retries === 1 ? "retry" : "retries"}`,
    secondsLeft > 0 && `${formatDuration(secondsLeft)} left`,
    note,
  ].filter(Boolean).join("  ");
  const line = `${label} ${parts}`;
  if (columns === undefined) return line;
  const cells = Math.round(share * BAR_CELLS);
  const withBar = `${label} ${"█".repeat(cells)}${"░".repeat(BAR_CELLS - cells)} ${parts}`;
  return withBar.length <= columns ? withBar : cutLine(line, columns);
}

function cutLine(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;
}
