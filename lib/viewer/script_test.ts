import { assertEquals, assertMatch } from "jsr:@std/assert@^1.0.0";
import { formatScript, PAGE_FUNCTIONS } from "./script.ts";

const FOLDER = new URL("./page/", import.meta.url);

/** Sources of the modules whose functions are the script. */
function readSources(): { name: string; text: string }[] {
  const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name);
  return names
    .filter((name) => !/_test\.ts$|^data\.ts$/.test(name))
    .map((name) => ({ name, text: Deno.readTextFileSync(new URL(name, FOLDER)) }));
}

Deno.test("modules of the page declare exported functions and types only: nothing else is embedded", () => {
  for (const { name, text } of readSources()) {
    const declarations = text.split("\n").filter((line) => /^[a-z]/.test(line));
    const others = declarations.filter((line) =>
      !/^(import|export (async )?function|export (type|interface)|declare)\b/.test(line)
    );
    assertEquals([name, others], [name, []]);
    const imports = [...text.matchAll(/^import [^;]*;/gm)].map(String);
    assertEquals([name, imports.filter((it) => / as |import (?!type)\w/.test(it))], [name, []]);
  }
});

Deno.test("every function of the modules of the page is in the script, without types", () => {
  const script = formatScript();
  for (const { name, text } of readSources()) {
    for (const [, declared] of text.matchAll(/^export (?:async )?function (\w+)/gm)) {
      assertEquals([name, declared, declared! in PAGE_FUNCTIONS], [name, declared, true]);
    }
  }
  for (const [name, value] of Object.entries(PAGE_FUNCTIONS)) {
    assertEquals([name, value.name], [name, name]);
    assertMatch(script, new RegExp(`^(async )?function ${name}\\(`, "m"));
  }
  new Function(script); // it is JavaScript
});
