/**
 * The closing summary of a command on several runs: a line for each, for people, and for programs; and
 * how the command ends.
 *
 * @module
 */
import { categoryOf, EXIT, UserError } from "../errors.ts";
import { findWorst, type RunOutcome } from "../runs/make_runs.ts";
import type { StageContext } from "../storage/mod.ts";
import { formatMegabytes } from "../util/numbers.ts";
import type { Column, Outcome, Summary } from "../util/reporter.ts";

const COLUMNS: readonly Column[] = [
  { head: "run" },
  { head: "state" },
  { head: "messages", align: "right" },
  { head: "output, and what is missing" },
];

/** The table of runs, and what they cost together. */
export function summarizeRange(
  outcomes: readonly RunOutcome[],
  ledger: string | undefined,
  { storage }: StageContext,
  startedMs: number,
): Summary {
  const { requests, retries, bytesReceived } = storage.counters;
  const seconds = (Date.now() - startedMs) / 1000;
  const rows = outcomes.map((outcome) => {
    const { name, messages } = outcome;
    const count = messages ? `${messages.used} of ${messages.wanted}` : "–";
    return [name, describeEnd(outcome), count, describeOutput(outcome)];
  });
  return {
    title: `${outcomes.length} runs: ${countStates(outcomes)}`,
    table: { columns: COLUMNS, rows },
    lines: [
      ...(ledger === undefined ? [] : [["ledger", ledger] as const]),
      ["requests", `${requests}, ${retries} of them retries`],
      ["received", `${formatMegabytes(bytesReceived)} MB`],
      ["time", `${seconds.toFixed(1)} s`],
    ],
    facts: {
      complete: outcomes.every(({ state }) => state === "complete"),
      runs: outcomes.map(({ name: _, ...facts }) => facts),
      ...(ledger !== undefined && { ledger }),
      requests,
      retries,
      bytesReceived,
      seconds,
    },
  };
}

/** `4 complete, 1 incomplete, 2 not published`. */
export function countStates(outcomes: readonly Pick<RunOutcome, "state">[]): string {
  return (["complete", "incomplete", "not published", "failed"] as const)
    .map((state) => ({ state, count: outcomes.filter((it) => it.state === state).length }))
    .filter(({ count }) => count > 0)
    .map(({ state, count }) => `${count} ${state}`).join(", ");
}

function describeEnd({ state, skipped }: RunOutcome): string {
  return skipped ? `already ${state}` : state;
}

function describeOutput({ output, reason }: RunOutcome): string {
  return [output, reason].filter((part) => part !== undefined).join(": ");
}

/**
 * The outcome of a command from those of its runs.
 *
 * @throws {UserError} of the category of the worst run, unless that only lacks something.
 */
export function concludeRange(
  outcomes: readonly Pick<RunOutcome, "state" | "exitCode">[],
): Outcome {
  const worst = findWorst(outcomes);
  if (worst === EXIT.done || worst === EXIT.incomplete) return { complete: worst === EXIT.done };
  const bad = outcomes.filter(({ exitCode }) => exitCode !== EXIT.done);
  throw new UserError(
    categoryOf(worst),
    `Cannot complete ${bad.length} of ${outcomes.length} runs: ${countStates(bad)}; ` +
      "the same command tries these again",
  );
}
