/**
 * The permission sets of `deno.json` as a table: what each task may reach, read, write, see and run.
 *
 * @module
 */
import type { Command } from "../lib/cli/command.ts";
import { describeGrants, type TaskGrants } from "../lib/cli/task_permissions.ts";
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

/** The command `permissions`. */
export const command: Command<null> = {
  name: "permissions",
  purpose:
    "Prints what each way of working may reach, read, write, see and run, as deno.json has it.",
  options: [],
  examples: [
    "deno task permissions",
    "deno task permissions --json",
    "deno run stages/permissions.ts",
  ],
  parse: () => null,
  run() {
    const tasks = describeGrants();
    const facts = {
      tasks: tasks.map(({ task, reaches, reads, writes, sees }) => {
        return { command: `deno task ${task}`, reaches, reads, writes, sees };
      }),
    };
    const text = `${formatGrants(tasks)}\n`;
    return Promise.resolve({ complete: true, printed: { text, facts } });
  },
};

if (import.meta.main) await exitWith(command);
