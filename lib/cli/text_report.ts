/**
 * Tells people what a command does: lines and, on a terminal, a bar below them.
 *
 * @module
 */
import { formatPace, PaceCounter } from "./progress_meter.ts";
import { type Progress, type Reporter, silentReporter, type Traffic } from "../util/reporter.ts";
import { formatSummary } from "./format_summary.ts";

/** Where text goes, and what kind of place that is. */
export interface TextSink {
  write(text: string): void;
  /** Columns of the terminal, asked at each drawing; `undefined` elsewhere, where there is no bar. */
  columns(): number | undefined;
}

/** Empties the line of a terminal on which a bar stands. */
export const CLEAR_LINE = "\r\x1b[K";

const REDRAW_MS = 100;
const LINE_MS = 10_000;

/**
 * A reporter that writes text. A bar is redrawn in place at most ten times a second, and never leaves
 * its line; where there is no terminal it is a line every ten seconds.
 *
 * @param quiet leave out everything but warnings.
 */
export function textReporter(sink: TextSink, quiet = false): Reporter {
  let bar: TextProgress | undefined;
  const writeLine = (line: string) => {
    const isTerminal = sink.columns() !== undefined;
    sink.write(`${bar && isTerminal ? CLEAR_LINE : ""}${line}\n`);
    if (isTerminal) bar?.draw();
  };
  return {
    info: (line) => quiet || writeLine(line),
    warn: (line) => writeLine(`warning: ${line}`),
    progress(label, total, traffic) {
      if (quiet) return silentReporter.progress(label, total);
      return bar = new TextProgress(sink, label, total, () => (bar = undefined), traffic);
    },
    result: (summary) => quiet || writeLine(formatSummary(summary)),
  };
}

class TextProgress implements Progress {
  readonly #counter: PaceCounter;
  /** The last drawing in ms; a line may wait, the first bar does not. */
  #drawn: number;
  /** Whether lines were written that lack the last one. */
  #hasLines = false;

  constructor(
    private readonly sink: TextSink,
    label: string,
    total: number,
    private readonly onFinish: () => void,
    traffic?: Traffic,
  ) {
    this.#counter = new PaceCounter(label, total, traffic);
    this.#drawn = sink.columns() === undefined ? Date.now() : 0;
  }

  advance(amount: number, note?: string): void {
    this.#counter.add(amount, note);
    const wait = this.sink.columns() === undefined ? LINE_MS : REDRAW_MS;
    if (Date.now() - this.#drawn >= wait) this.draw();
  }

  finish(): void {
    if (this.sink.columns() !== undefined) this.sink.write(CLEAR_LINE);
    else if (this.#hasLines) this.draw();
    this.onFinish();
  }

  draw(): void {
    this.#drawn = Date.now();
    const columns = this.sink.columns();
    const pace = this.#counter.measure();
    if (columns === undefined) {
      this.#hasLines = true;
      this.sink.write(`${formatPace(pace)}\n`);
    } else {
      // Written over the old one, then the rest of that removed: the line is never empty between. The
      // last column stays free, where some terminals go on to the next line.
      this.sink.write(`\r${formatPace(pace, columns - 1)}\x1b[K`);
    }
  }
}
