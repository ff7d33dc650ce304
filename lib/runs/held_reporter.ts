/**
 * Reports of work that is done ahead of its turn → the same reports, when its turn comes.
 *
 * @module
 */
import type { Progress, Reporter } from "../util/reporter.ts";

/** A reporter whose reports wait. */
export interface HeldReports {
  reporter: Reporter;
  /** All warnings so far, also those that wait. */
  warnings: readonly string[];
  /** Reports what waits; from now on nothing waits. */
  release(): void;
}

/**
 * Holds reports back until they are released. Of progress only that of work which is then under way is
 * reported.
 */
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
        if (!waiting) return target.progress(...given);
        const held = new HeldProgress(() => target.progress(...given));
        waiting.push(() => held.release());
        return held;
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

/** Progress of work whose turn has not come. */
class HeldProgress implements Progress {
  #amount = 0;
  #isOver = false;
  #released: Progress | undefined;

  constructor(private readonly start: () => Progress) {}

  advance(amount: number, note?: string): void {
    this.#amount += amount;
    this.#released?.advance(amount, note);
  }

  finish(): void {
    this.#isOver = true;
    this.#released?.finish();
  }

  release(): void {
    if (this.#isOver) return;
    this.#released = this.start();
    this.#released.advance(this.#amount);
  }
}
