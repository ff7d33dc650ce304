/**
 * Writes `docs/options.md`, the list of every option, from the commands: `deno task docs`.
 *
 * @module
 */
import { COMMON_OPTIONS, type OptionSpec } from "../lib/cli/command.ts";
import { findCommandModules } from "../stages/commands_fixture.ts";

const PAGE = new URL("options.md", import.meta.url);

const INTRODUCTION = `# Options

Every option by its name: its default, the commands that take it, and what it does. A name that means
two things stands here twice. \`--help\` after a command lists the options of that command, with examples,
exit codes and permissions.

`;

/** An option, and the commands that take it with this default and this help. */
interface Entry {
  option: OptionSpec;
  commands: string[];
}

/** Options of all commands by name, one entry for each meaning of a name. */
export async function listOptions(): Promise<Entry[]> {
  const entries = new Map<string, Entry>();
  for (const { command } of await findCommandModules()) {
    for (const option of command.options) {
      const key = JSON.stringify(option);
      const entry = entries.get(key) ?? { option, commands: [] };
      entry.commands.push(command.name);
      entries.set(key, entry);
    }
  }
  const common = COMMON_OPTIONS.map((option) => ({ option, commands: ["every command"] }));
  return [...entries.values(), ...common]
    .toSorted((a, b) => a.option.name < b.option.name ? -1 : Number(a.option.name > b.option.name));
}

/** An option as it is written on a command line, for example `--steps <h,h,…>`. */
export function formatUsage({ name, value }: OptionSpec): string {
  return `--${name}${value ? ` ${value}` : ""}`;
}

/** Help as Markdown: a line that is a choice (`name  text`), and those after it, are a list. */
export function formatHelpText(help: string): string {
  let isList = false;
  return help.replaceAll("<", "\\<").split("\n").map((line, i) => {
    const [, choice, text] = /^(\S+) {2,}(.+)$/.exec(line) ?? [];
    isList ||= choice !== undefined;
    if (choice !== undefined) return `\n  - \`${choice}\`: ${text}`;
    if (isList) return `\n  - ${line}`;
    return i === 0 ? line : line.startsWith("(") ? ` ${line}` : `; ${line}`;
  }).join("");
}

function formatEntry({ option, commands }: Entry): string {
  const value = option.defaultName ?? (option.default && `\`${option.default}\``);
  const takers = commands.join(", ") + (value === undefined ? "" : `; default: ${value}`);
  return `- \`${formatUsage(option)}\` (${takers}): ${formatHelpText(option.help)}\n`;
}

/** The text of the page, as `deno fmt` leaves it. */
export async function formatOptionsPage(): Promise<string> {
  return await formatText(INTRODUCTION + (await listOptions()).map(formatEntry).join(""), "md");
}

/** A text as `deno fmt` leaves it in a file of the project with this extension. */
export async function formatText(text: string, extension: "md" | "json"): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", extension, "-"],
    cwd: decodeURIComponent(new URL("../", import.meta.url).pathname),
    stdin: "piped",
    stdout: "piped",
  });
  await using process = command.spawn();
  await new Blob([text]).stream().pipeTo(process.stdin);
  const { stdout } = await process.output();
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) await Deno.writeTextFile(PAGE, await formatOptionsPage());
