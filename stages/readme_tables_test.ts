/** What the README says of options and messages is what the code has. */
import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import type { OptionSpec } from "../lib/cli/command.ts";
import { openStorage } from "../lib/storage/mod.ts";
import { findCommandModules } from "./commands_fixture.ts";

const ROOT = new URL("../", import.meta.url);
const README = await Deno.readTextFile(new URL("README.md", ROOT));

/** Cells of the rows of a table under a heading, without head and rule. */
function readTable(heading: string): string[][] {
  const section = README.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  return section.split("\n").filter((line) => line.startsWith("|")).slice(2)
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()));
}

/** An option as the table has it: how it is written, its default, its help. */
function describeOption(option: OptionSpec): string[] {
  const { name, value, defaultName, help } = option;
  const fallback = defaultName ?? (option.default === undefined ? "" : `\`${option.default}\``);
  const [line] = help.split("\n");
  const text = line!.replace(/:$/, "").replaceAll("<", "\\<");
  return [`\`--${name}${value ? ` ${value}` : ""}\``, fallback, text];
}

const OPTION_ROWS = readTable("Options");

Deno.test({
  name:
    "the README's table of options has every option of every command, its default and help (needs the table)",
  ignore: OPTION_ROWS.length === 0,
  fn: async () => {
    const rows = new Map<string, { cells: string[]; names: string[] }>();
    for (const { command } of await findCommandModules()) {
      for (const option of command.options) {
        const cells = describeOption(option);
        const row = rows.get(cells.join()) ?? { cells, names: [] };
        row.names.push(command.name);
        rows.set(cells.join(), row);
      }
    }
    const expected = [...rows.values()].map(({ cells: [name, fallback, help], names }) =>
      [name, fallback, help, names.join(" ")].join(" | ")
    );
    assertEquals(OPTION_ROWS.map((cells) => cells.join(" | ")).toSorted(), expected.toSorted());
  },
});

/** The source of everything that writes messages, strings that go on joined. */
async function readSources(): Promise<string> {
  let text = "";
  for (const folder of ["lib", "stages"]) {
    for await (const { url } of openStorage().list(new URL(`${folder}/`, ROOT).pathname)) {
      const isSource = url.endsWith(".ts") && !url.endsWith("_test.ts");
      if (isSource) text += await Deno.readTextFile(url);
    }
  }
  return text.replaceAll(/["`] \+\s*["`]/g, "");
}

const MESSAGE_ROWS = readTable("When something goes wrong");

Deno.test({
  name: "the messages that the README explains are messages of the code (needs the table)",
  ignore: MESSAGE_ROWS.length === 0,
  fn: async () => {
    const sources = await readSources();
    assert(MESSAGE_ROWS.length >= 10);
    for (const [message] of MESSAGE_ROWS) {
      const quoted = [...message!.matchAll(/`([^`]+)`/g)].map(([, text]) => text!);
      assert(quoted.length > 0, message);
      // Dots and numbers stand for what differs from case to case.
      const fixed = quoted.flatMap((text) => text.split(/…|\d+/)).map((part) => part.trim())
        .filter((part) => part.length > 5);
      assertEquals(fixed.filter((part) => !sources.includes(part)), [], message);
    }
  },
});
