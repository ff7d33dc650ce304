/**
 * The text of `--help`: purpose, options, examples, exit codes and permissions of a command.
 *
 * @module
 */
import { type Command, COMMON_OPTIONS, type OptionSpec } from "./command.ts";
import type { TaskPermissions } from "./task_permissions.ts";

/** Length of a line of help, at most. */
const HELP_COLUMNS = 100;

const EXIT_CODES = [
  "0    done",
  "1    failed",
  "2    usage: an option or argument cannot be read",
  "3    the data is not there: a run, step, member or file",
  "4    network, server or permissions",
  "5    done, but incomplete: the warnings name what is missing",
  "130  stopped by SIGINT or SIGTERM",
];

/**
 * The help of a command, no line longer than 100 characters.
 *
 * @param permissions of the tasks that run it; those of the first are listed as flags.
 */
export function formatHelp<Options>(
  command: Command<Options>,
  permissions: readonly TaskPermissions[],
): string {
  return [
    command.purpose,
    "",
    "Options:",
    ...formatOptions([...command.options, ...COMMON_OPTIONS]),
    "",
    "Examples:",
    ...command.examples.map((example) => `  ${example}`),
    "",
    "Exit codes:",
    ...EXIT_CODES.map((line) => `  ${line}`),
    "",
    ...formatPermissions(permissions),
    "",
  ].join("\n");
}

function formatOptions(options: readonly OptionSpec[]): string[] {
  const rows = options.map((option) => {
    const left = `  --${option.name}${option.value ? ` ${option.value}` : ""}`;
    return { left, right: option.help + formatDefault(option) };
  });
  const width = Math.max(...rows.map(({ left }) => left.length)) + 2;
  const indent = `\n${" ".repeat(width)}`;
  return rows.map(({ left, right }) => {
    const lines = right.split("\n").flatMap((line) => wrapLine(line, HELP_COLUMNS - width, " "));
    return left.padEnd(width) + lines.join(indent).replaceAll("\xa0", " ");
  });
}

/** With spaces that do not break, so that it stays on one line. */
function formatDefault({ defaultName, default: text }: OptionSpec): string {
  const name = defaultName ?? text;
  return name === undefined ? "" : ` (default: ${name})`.replaceAll(/(?<=\S) /g, "\xa0");
}

function formatPermissions([own, ...others]: readonly TaskPermissions[]): string[] {
  if (!own) return ["Permissions: it needs none."];
  const also = others.map(({ task, set }) => `\`deno task ${task}\` with -P=${set}`).join(", ");
  return [
    `Permissions: \`deno task ${own.task}\` grants -P=${own.set}, which is`,
    ...own.flags.flatMap((flag) => splitFlag(flag).map((line) => `  ${line}`)),
    ...(also === "" ? [] : wrapLine(`Other tasks that run it: ${also}.`, HELP_COLUMNS, " ")),
  ];
}

/** A flag with a long list as several flags, which mean the same. */
function splitFlag(flag: string): string[] {
  const start = flag.slice(0, flag.indexOf("=") + 1);
  const items = wrapLine(flag.slice(start.length), HELP_COLUMNS - 2 - start.length, ",");
  return items.map((list) => start + list);
}

/** Breaks a line at separators so that each piece fits, where it can. */
function wrapLine(line: string, columns: number, separator: string): string[] {
  const lines: string[] = [];
  for (const part of line.split(separator)) {
    const longer = lines.length === 0 ? part : `${lines.at(-1)}${separator}${part}`;
    if (lines.length === 0 || longer.length <= columns) lines.splice(-1, 1, longer);
    else lines.push(part);
  }
  return lines;
}
