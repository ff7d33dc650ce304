/**
 * The permission sets of `deno.json` as a table: what each task may reach, read, write, see and run.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Command } from "../lib/cli/command.ts";
import { describeGrants, findTaskFlags, type TaskGrants } from "../lib/cli/task_permissions.ts";
import { UsageError } from "../lib/errors.ts";
import type { Outcome } from "../lib/util/reporter.ts";
import { suggestNearest } from "../lib/util/text.ts";
import { exitWith } from "./cli/console.ts";

/** A row of the table: cells are lists. */
type Row = readonly (readonly string[])[];

const HEAD: Row = [["task"], ["reaches"], ["reads"], ["writes"], ["sees of the environment"], [
  "runs",
]];

function toRow({ task, reaches, reads, writes, sees, runs }: TaskGrants): Row {
  return [[`deno task ${task}`], reaches, reads, writes, sees, runs];
}

/** The table as text: each item of a cell takes a line. */
function formatGrants(tasks: readonly TaskGrants[]): string {
  const all = [HEAD, ...tasks.map(toRow)];
  const widths = HEAD.map((_, column) =>
    Math.max(...all.flatMap((row) => row[column]!.map((item) => item.length)))
  );
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return all.flatMap((row) => {
    const height = Math.max(...row.map((cell) => cell.length));
    const lines = Array.from(
      { length: height },
      (_, line) => row.map((cell, i) => (cell[line] ?? "").padEnd(widths[i]!)).join("  ").trimEnd(),
    );
    return [...lines, rule];
  }).join("\n");
}

const LIBRARY = fileURLToPath(new URL("../lib", import.meta.url));

function printAll(): Outcome {
  const tasks = describeGrants();
  const facts = {
    tasks: tasks.map(({ task, reaches, reads, writes, sees }) => {
      return { command: `deno task ${task}`, reaches, reads, writes, sees };
    }),
  };
  return { complete: true, printed: { text: `${formatGrants(tasks)}\n`, facts } };
}

/** @throws {UsageError} for a task that has no permission set. */
function printFlags(task: string): Outcome {
  const flags = findTaskFlags(task, LIBRARY);
  if (flags) return { complete: true, printed: { text: `${flags.join(" ")}\n`, facts: { flags } } };
  const tasks = describeGrants().map((grants) => grants.task);
  throw new UsageError(
    `Cannot print the flags of "${task}": no task with permissions has this name` +
      suggestNearest(task, tasks),
  );
}

/** The command `permissions`; it takes the task whose flags are printed. */
export const command: Command<string | undefined> = {
  name: "permissions",
  purpose:
    "Prints what each way of working may reach, read, write, see and run, as deno.json has it.",
  options: [{
    name: "flags",
    value: "<task>",
    help:
      "print instead, in one line, the flags of deno run that grant what a task may do, for a\n" +
      "command of this clone that runs in another folder",
  }],
  examples: [
    "deno task permissions",
    "deno task permissions --json",
    "deno task permissions --flags forecast",
    "deno run stages/permissions.ts",
  ],
  parse: (values) => values.text("flags"),
  run: (task) => Promise.resolve(task === undefined ? printAll() : printFlags(task)),
};

if (import.meta.main) await exitWith(command);
