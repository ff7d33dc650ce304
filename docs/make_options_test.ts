import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { COMMON_OPTIONS } from "../lib/cli/command.ts";
import { findCommandModules } from "../stages/commands_fixture.ts";
import { formatHelpText, formatOptionsPage, formatUsage, listOptions } from "./make_options.ts";

const PAGE = await Deno.readTextFile(new URL("options.md", import.meta.url));

Deno.test("docs/options.md is what `deno task docs` writes", async () => {
  assertEquals(PAGE, await formatOptionsPage());
});

Deno.test("docs/options.md has every option of every command, its default and every line of its help", async () => {
  const plain = (text: string) => text.replaceAll(/[\\`]/g, "").replaceAll(/\s+/g, " ");
  const entries = PAGE.split(/^- /m).slice(1).map(plain);
  for (const { command } of await findCommandModules()) {
    for (const option of [...command.options, ...COMMON_OPTIONS]) {
      const usage = formatUsage(option);
      const lines = option.help.split("\n").map((line) => line.replace(/^(\S+) {2,}/, "$1: "));
      const parts = [...lines, option.defaultName ?? option.default ?? ""].map(plain);
      const entry = entries.filter((text) => text.startsWith(`${usage} (`))
        .filter((text) => /^[^)]*?\bevery command\b/.test(text) || text.includes(command.name))
        .find((text) => parts.every((part) => text.includes(part)));
      assert(entry !== undefined, `${command.name} ${usage}`);
    }
  }
});

Deno.test("listOptions() names each meaning of an option once, with the commands that take it", async () => {
  const dates = (await listOptions()).filter(({ option }) => option.name === "date");
  assertEquals(dates.map(({ commands }) => commands), [
    ["distribute", "stream"],
    ["extract", "forecast"],
    ["pipeline"],
    ["stage1", "stage2", "stage3"],
  ]);
});

Deno.test("formatHelpText() makes a list of choices, and one sentence of other lines", () => {
  assertEquals(
    formatHelpText("who serves:\naws    <Amazon>\ngcs    Google\nor a URL"),
    "who serves:\n  - `aws`: \\<Amazon>\n  - `gcs`: Google\n  - or a URL",
  );
  assertEquals(formatHelpText("where\nanother\n(note)"), "where; another (note)");
});
