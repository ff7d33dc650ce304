/**
 * What each way of working may reach, read, write, see and run: the permission sets of `deno.json` as a
 * table.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };
import type { Command } from "../lib/cli/command.ts";
import type { Grant, PermissionSet } from "../lib/cli/permission_flags.ts";
import { exitWith } from "./cli/console.ts";

/** A row of the table: cells are lists. */
type Row = readonly (readonly string[])[];

const HEAD: Row = [["task"], ["reaches"], ["reads"], ["writes"], ["sees of the environment"], [
  "runs",
]];

/** The rows of the table: one a task that runs under a set of its own, in the order of `deno.json`. */
export function describeSets(): Row[] {
  const sets: Record<string, PermissionSet> = config.permissions;
  return Object.entries(config.tasks).flatMap(([task, { command }]) => {
    const set = sets[/ -P=(\S+)/.exec(command)?.[1] ?? ""];
    if (!set) return [];
    const { net, read, write, env, run } = set;
    const added = [...command.matchAll(/--allow-read=(\S+)/g)].flatMap(([, paths]) =>
      paths!.split(",").filter((path) => path !== ".")
    );
    return [[
      [`deno task ${task}`],
      listGrant(net).map((host) => host.replace(/:443$/, "")),
      [...listGrant(read), ...added],
      listGrant(write),
      listGrant(env),
      listGrant(run),
    ]];
  });
}

function listGrant(grant: Grant = []): string[] {
  const { allow = [], deny = [] } = "length" in grant ? { allow: grant } : grant;
  const name = (item: string) => item === "." ? "the working folder" : item;
  return [...allow.map(name), ...deny.map((item) => `not ${name(item)}`)];
}

/** The table for a terminal: an item of a cell takes a line. */
export function formatRows(rows: readonly Row[]): string {
  const all = [HEAD, ...rows];
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
    const rows = describeSets();
    const facts = {
      tasks: rows.map(([task, reaches, reads, writes, sees]) => {
        return { command: task![0], reaches, reads, writes, sees };
      }),
    };
    return Promise.resolve({
      complete: true,
      printed: { text: `${formatRows(rows)}\n`, facts },
    });
  },
};

if (import.meta.main) await exitWith(command);
