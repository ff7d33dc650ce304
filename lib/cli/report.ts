/**
 * What a command tells while it works: lines, warnings and a progress bar.
 *
 * @module
 */

/** Receives what a command tells. */
export interface Reporter {
  /** A line for the user. */
  info(line: string): void;
  /** A line that the user should not miss. */
  warn(line: string): void;
  /** Starts a bar for work that takes a while. */
  progress(label: string, total: number): Progress;
}

/** A running bar. */
export interface Progress {
  /** Adds to the work done, with a few words on it. */
  advance(amount: number, note?: string): void;
  /** Removes the bar. */
  finish(): void;
}

/** Where text goes, and what kind of place that is. */
export interface TextSink {
  write(text: string): void;
  /** Whether the place is a terminal: bars redraw in place, else they print a line now and then. */
  isTerminal: boolean;
}

/** A reporter that tells nothing. */
export const silentReporter: Reporter = {
  info() {},
  warn() {},
  progress: () => ({ advance() {}, finish() {} }),
};

/** Empties the line of a terminal on which a bar stands. */
export const CLEAR_LINE = "\r\x1b[K";

const REDRAW_MS = 100;
const LINE_MS = 10_000;
const BAR_CELLS = 24;

/**
 * A reporter that writes text.
 *
 * @param quiet leave out everything but warnings.
 */
export function textReporter(sink: TextSink, quiet = false): Reporter {
  let bar: TextProgress | undefined;
  const writeLine = (line: string) => {
    bar?.clear();
    sink.write(`${line}\n`);
    if (sink.isTerminal) bar?.draw();
  };
  return {
    info: (line) => quiet || writeLine(line),
    warn: (line) => writeLine(`warning: ${line}`),
    progress(label, total) {
      if (quiet) return silentReporter.progress(label, total);
      const started = new TextProgress(sink, label, total, () => (bar = undefined));
      bar = started;
      return started;
    },
  };
}

class TextProgress implements Progress {
  #done = 0;
  #note = "";
  readonly #start = Date.now();
  #drawn: number;

  constructor(
    private readonly sink: TextSink,
    private readonly label: string,
    private readonly total: number,
    private readonly onFinish: () => void,
  ) {
    this.#drawn = sink.isTerminal ? 0 : this.#start;
  }

  advance(amount: number, note = ""): void {
    this.#done += amount;
    this.#note = note;
    const wait = this.sink.isTerminal ? REDRAW_MS : LINE_MS;
    if (Date.now() - this.#drawn >= wait) this.draw();
  }

  finish(): void {
    this.clear();
    this.onFinish();
  }

  clear(): void {
    if (this.sink.isTerminal) this.sink.write(CLEAR_LINE);
  }

  draw(): void {
    this.#drawn = Date.now();
    const text = formatProgress(this.label, this.#done, this.total, this.#drawn - this.#start);
    const line = this.#note ? `${text}  ${this.#note}` : text;
    this.sink.write(this.sink.isTerminal ? CLEAR_LINE + line : `${line}\n`);
  }
}

/** One line of a bar: label, cells, share done and the time left at the pace so far. */
export function formatProgress(
  label: string,
  done: number,
  total: number,
  elapsedMs: number,
): string {
  const share = total > 0 ? Math.min(1, done / total) : 1;
  const cells = Math.round(share * BAR_CELLS);
  const bar = "█".repeat(cells) + "░".repeat(BAR_CELLS - cells);
  const left = share > 0 && share < 1
    ? `  ${Math.ceil(elapsedMs / 1000 * (1 / share - 1))} s left`
    : "";
  return `${label} ${bar} ${Math.floor(share * 100)} %${left}`;
}
