/**
 * Reports what a command does to people: lines, tables and, on a terminal, a bar below them.
 *
 * @module
 */
import { formatProgress, ProgressMeter } from "./progress_meter.ts";
import {
  type Progress,
  type Reporter,
  silentReporter,
  type Summary,
  type Table,
  type Traffic,
} from "../util/reporter.ts";

/** The output for people: a terminal, a file or a pipe. */
export interface TextSink {
  write(text: string): void;
  /** Columns of the terminal, asked at each drawing; `undefined` elsewhere: then there is no bar. */
  columns(): number | undefined;
}

/** Empties the line of a terminal on which a bar stands. */
export const CLEAR_LINE = "\r\x1b[K";

const REDRAW_MS = 100;
const LINE_MS = 10_000;

/**
 * A reporter that writes text. On a terminal it redraws a bar in its line, at most ten times a second;
 * elsewhere it writes a line of progress every ten seconds.
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
  readonly #meter: ProgressMeter;
  /** Time of the last drawing; elsewhere than on a terminal the first line waits, too. */
  #drawnMs: number;
  /** Whether a line was written, so that one for the end must follow. */
  #hasLines = false;

  constructor(
    private readonly sink: TextSink,
    label: string,
    total: number,
    private readonly onFinish: () => void,
    traffic?: Traffic,
  ) {
    this.#meter = new ProgressMeter(label, total, traffic);
    this.#drawnMs = sink.columns() === undefined ? Date.now() : 0;
  }

  advance(amount: number, note?: string): void {
    this.#meter.add(amount, note);
    const intervalMs = this.sink.columns() === undefined ? LINE_MS : REDRAW_MS;
    if (Date.now() - this.#drawnMs >= intervalMs) this.draw();
  }

  finish(): void {
    if (this.sink.columns() !== undefined) this.sink.write(CLEAR_LINE);
    else if (this.#hasLines) this.draw();
    this.onFinish();
  }

  draw(): void {
    this.#drawnMs = Date.now();
    const columns = this.sink.columns();
    const state = this.#meter.measure();
    if (columns === undefined) {
      this.#hasLines = true;
      this.sink.write(`${formatProgress(state)}\n`);
    } else {
      // Overwrites the old bar before it clears the rest, so that the line never flickers. The last
      // column stays free: some terminals wrap there.
      this.sink.write(`\r${formatProgress(state, columns - 1)}\x1b[K`);
    }
  }
}

/** A summary as lines, the values aligned, without the last line end. */
function formatSummary({ title, table, lines }: Summary): string {
  const width = Math.max(...lines.map(([label]) => label.length));
  return [
    title,
    ...(table ? [formatTable(table), ""] : []),
    ...lines.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`),
  ].join("\n");
}

/** A table as lines, the columns aligned, indented like the lines of a summary. */
export function formatTable({ columns, rows }: Table): string {
  const all = [columns.map(({ head }) => head), ...rows];
  const widths = columns.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  return all.map((row) => {
    const cells = row.map((cell, i) =>
      columns[i]!.align === "right" ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)
    );
    return `  ${cells.join("  ")}`.trimEnd();
  }).join("\n");
}
