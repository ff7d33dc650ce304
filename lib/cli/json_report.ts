/**
 * Reports what a command does to programs: one JSON object a line.
 *
 * @module
 */
import { ProgressMeter, type ProgressState } from "./progress_meter.ts";
import { type Reporter, silentReporter } from "../util/reporter.ts";

/** A line of a command with `--json`. */
export type ReportEvent =
  & {
    /** UTC, ISO 8601. */
    time: string;
  }
  & (
    | { type: "info" | "warning"; text: string }
    /** At most one a second for each work, and one at its end. */
    | ({ type: "progress" } & ProgressState)
    /** What the command made: the facts of its summary for people. */
    | ({ type: "result" } & Record<string, unknown>)
    /** Why the command failed. */
    | { type: "error"; text: string }
    /** The last line, always and once; without it the command was killed. */
    | { type: "end"; command: string; exitCode: number }
  );

type WithoutTime<Event> = Event extends unknown ? Omit<Event, "time"> : never;

/** The line of an event, with the time. */
export function formatEvent(event: WithoutTime<ReportEvent>): string {
  return `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`;
}

const PROGRESS_MS = 1000;

/**
 * A reporter that writes events.
 *
 * @param quiet leave out lines and progress; warnings and results stay.
 */
export function jsonReporter(print: (text: string) => void, quiet = false): Reporter {
  return {
    info: (text) => quiet || print(formatEvent({ type: "info", text })),
    warn: (text) => print(formatEvent({ type: "warning", text })),
    progress(label, total, traffic) {
      if (quiet) return silentReporter.progress(label, total);
      const meter = new ProgressMeter(label, total, traffic);
      let reportedMs = Date.now();
      const report = () => {
        reportedMs = Date.now();
        print(formatEvent({ type: "progress", ...meter.measure() }));
      };
      return {
        advance(amount, note) {
          meter.add(amount, note);
          if (Date.now() - reportedMs >= PROGRESS_MS) report();
        },
        finish: report,
      };
    },
    result: ({ facts }) => print(formatEvent({ type: "result", ...facts })),
  };
}
