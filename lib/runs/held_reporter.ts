/**
 * Reports of work that is done ahead of its turn → the same reports, when its turn comes.
 *
 * @module
 */
import { type Reporter, silentReporter } from "../util/reporter.ts";

/** A reporter whose reports wait. */
export interface HeldReports {
  reporter: Reporter;
  /** All warnings so far, also those that wait. */
  warnings: readonly string[];
  /** Reports what waits; from now on nothing waits. */
  release(): void;
}

/** Holds reports back until they are released. Progress that begins before is not reported. */
export function holdReports(target: Reporter): HeldReports {
  let waiting: (() => void)[] | undefined = [];
  const warnings: string[] = [];
  const report = (action: () => void) => waiting ? void waiting.push(action) : action();
  return {
    reporter: {
      info: (line) => report(() => target.info(line)),
      warn(line) {
        warnings.push(line);
        report(() => target.warn(line));
      },
      progress(...given) {
        return waiting ? silentReporter.progress(...given) : target.progress(...given);
      },
      result: (summary) => report(() => target.result(summary)),
    },
    warnings,
    release() {
      const held = waiting ?? [];
      waiting = undefined;
      for (const action of held) action();
    },
  };
}
