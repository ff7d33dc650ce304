/**
 * How far work is, how fast it goes and how long it takes, and the words for it.
 *
 * @module
 */
import { formatDuration, formatMegabytes } from "../util/numbers.ts";
import type { Traffic } from "../util/reporter.ts";

/** How far work is. */
export interface Pace {
  label: string;
  done: number;
  /** Of the same unit as `done`. */
  total: number;
  seconds: number;
  /** At the pace so far. Absent before anything is done. */
  secondsLeft?: number;
  /** Moved since the work began. Absent where the work moves none, as are the next two. */
  bytes?: number;
  bytesPerSecond?: number;
  retries?: number;
  /** A few words on what is being done. */
  note?: string;
}

/** Counts work from the moment it is made. */
export class PaceCounter {
  #done = 0;
  #note = "";
  readonly #startMs = Date.now();
  readonly #before: ReturnType<Traffic> | undefined;

  constructor(
    private readonly label: string,
    private readonly total: number,
    private readonly traffic?: Traffic,
  ) {
    this.#before = traffic?.();
  }

  add(amount: number, note = ""): void {
    this.#done += amount;
    this.#note = note;
  }

  /** The pace at this moment. */
  measure(): Pace {
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
    const bytes = now.bytes - this.#before!.bytes;
    return {
      bytes,
      bytesPerSecond: seconds > 0 ? bytes / seconds : 0,
      retries: now.retries - this.#before!.retries,
    };
  }
}

const BAR_CELLS = 24;

/**
 * The pace in one line of at most so many columns: `indexes 40 %  34 of 85  9.1 MB  3.1 MB/s  4 s left`.
 * Where there is room a bar follows the label; what does not fit is cut.
 *
 * @param columns of a terminal. @default {undefined} (any length, without a bar)
 */
export function formatPace(pace: Pace, columns?: number): string {
  const { label, done, total, secondsLeft = 0, bytes, bytesPerSecond = 0, retries = 0, note } =
    pace;
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

function formatCount(count: number): string {
  return Number.isInteger(count) ? `${count}` : count.toFixed(1);
}
