/**
 * A command that reports nothing for a while → a line on what it waits for: silence looks like a fault.
 *
 * @module
 */
import { formatDuration } from "../util/numbers.ts";
import type { Progress, Reporter } from "../util/reporter.ts";

/** The silence after which a line comes; each further line waits twice as long. */
const FIRST_MS = 10_000;
/** The longest wait for a further line. */
const LONGEST_MS = 600_000;
const LOOK_EVERY_MS = 1000;

/** A reporter that breaks silences, until it is disposed of. */
export interface WatchedReporter extends Disposable {
  reporter: Reporter;
}

/**
 * Watches what a command writes. When it has written nothing for ten seconds, and later at growing
 * distances, a line says how long that has been and what is awaited: the work under way with what
 * `explainSilence` was given, else the last line.
 *
 * @param open gives the reporter, which calls `onWrite` with each writing.
 */
export function watchSilence(open: (onWrite: () => void) => Reporter): WatchedReporter {
  const watch = new SilenceWatch(open);
  const timer = setInterval(() => watch.look(), LOOK_EVERY_MS);
  return { reporter: watch.reporter, [Symbol.dispose]: () => clearInterval(timer) };
}

class SilenceWatch {
  readonly #target: Reporter;
  readonly #explanations: (() => string | undefined)[] = [];
  readonly #underWay = new Set<WatchedProgress>();
  #lastLine = "the command has begun";
  #writtenMs = Date.now();
  /** The silence after which the next line comes. */
  #patienceMs = FIRST_MS;
  #isSpeaking = false;

  constructor(open: (onWrite: () => void) => Reporter) {
    this.#target = open(() => this.#noteWriting());
  }

  readonly reporter: Reporter = {
    info: (line) => {
      this.#lastLine = line.trim();
      this.#target.info(line);
    },
    warn: (line) => this.#target.warn(line),
    progress: (label, total, traffic) => {
      const target = this.#target.progress(label, total, traffic);
      const progress = new WatchedProgress(label, total, target, () => {
        this.#underWay.delete(progress);
      });
      this.#underWay.add(progress);
      return progress;
    },
    result: (summary) => this.#target.result(summary),
    explainSilence: (explain) => void this.#explanations.push(explain),
  };

  #noteWriting(): void {
    // Its own lines end no silence.
    if (this.#isSpeaking) return;
    this.#writtenMs = Date.now();
    this.#patienceMs = FIRST_MS;
  }

  look(): void {
    const silentMs = Date.now() - this.#writtenMs;
    if (silentMs < this.#patienceMs || this.#isAdvancing) return;
    this.#patienceMs = Math.min(2 * this.#patienceMs, this.#patienceMs + LONGEST_MS);
    this.#isSpeaking = true;
    this.#target.info(
      `no news for ${formatDuration(Math.floor(silentMs / 1000))}: ${this.#explain()}`,
    );
    this.#isSpeaking = false;
  }

  /** Whether a line of progress is about to come. */
  get #isAdvancing(): boolean {
    return [...this.#underWay].some((work) => Date.now() - work.advancedMs < 2 * LOOK_EVERY_MS);
  }

  #explain(): string {
    const requests = this.#explanations.flatMap((explain) => explain() ?? []);
    const work = [...this.#underWay].at(-1)?.state;
    const parts = [...(work === undefined ? [] : [work]), ...requests];
    return parts.length > 0 ? parts.join("; ") : this.#lastLine;
  }
}

/** Work under way, and how much of it is done. */
class WatchedProgress implements Progress {
  advancedMs = -Infinity;
  #done = 0;

  constructor(
    private readonly label: string,
    private readonly total: number,
    private readonly target: Progress,
    private readonly onEnd: () => void,
  ) {}

  get state(): string {
    return `${this.label}, ${Math.floor(this.#done)} of ${Math.ceil(this.total)}`;
  }

  advance(amount: number, note?: string): void {
    this.#done += amount;
    this.advancedMs = Date.now();
    this.target.advance(amount, note);
  }

  finish(): void {
    this.onEnd();
    this.target.finish();
  }
}
