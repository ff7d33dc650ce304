/**
 * How a run of tomorrow compares with the table → two tables for people, facts for programs.
 *
 * @module
 */
import { describeRun, runLabel } from "../ecmwf/run.ts";
import type { Rehearsal } from "../pipeline/rehearse_run.ts";
import type { StageContext } from "../storage/mod.ts";
import { formatMegabytes } from "../util/numbers.ts";
import type { Outcome } from "../util/reporter.ts";
import { formatTable } from "./text_report.ts";

/** The outcome of a rehearsal: complete when the output would be as it is today. */
export function reportRehearsal(rehearsal: Rehearsal, { storage }: StageContext): Outcome {
  const { layout, era, differences, variables, obstacles, complete } = rehearsal;
  const { address, run, sampledSteps } = layout;
  const { requests, retries, bytesReceived } = storage.counters;
  const head = (names: readonly string[]) => names.map((name) => ({ head: name }));
  const none = differences.length === 0 ? "  no difference\n" : "";
  const text = [
    `${describeRun(run)} at steps ${sampledSteps.join(", ")} beside "${era.name}":\n`,
    none || `${
      formatTable({
        columns: head(["difference", "of", "in the table", "in the run"]),
        rows: differences.map(({ kind, what, table, run }) => [kind, what, table, run]),
      })
    }\n`,
    "\nWhat stream would do with the variables of its default file:\n",
    `${
      formatTable({
        columns: head(["variable", "it is", ""]),
        rows: variables.map(({ name, action, detail }) => [name, action, detail]),
      })
    }\n`,
    complete
      ? "\nThe default file would be as it is today.\n"
      : `\nThe default file would NOT be as it is today: ${obstacles.join(", ")}.\n`,
    `${requests} requests, ${formatMegabytes(bytesReceived)} MB\n`,
  ].join("");
  const facts = {
    address,
    run: runLabel(run),
    era: era.name,
    complete,
    obstacles,
    steps: layout.steps ?? null,
    sampledSteps,
    differences,
    variables,
    requests,
    retries,
    bytesReceived,
  };
  return { complete, printed: { text, facts } };
}
