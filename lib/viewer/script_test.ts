import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { formatScript } from "./script.ts";

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

/** Functions of other rooms that modules of the page import, and what those call. */
const SHARED = [
  "findPlace",
  "fitFrame",
  "formatLatitude",
  "formatLongitude",
  "formatTick",
  "placePoint",
  "placeValue",
  "planArrows",
  "planGraticule",
  "range",
];

Deno.test("every function of the modules of the page is in the script once, without types", () => {
  const declared = readSources().flatMap(({ text }) =>
    [...text.matchAll(/^export (?:async )?function (\w+)/gm)].map(([, name]) => name!)
  );
  const script = formatScript();
  const embedded = [...script.matchAll(/^(?:async )?function (\w+)\(/gm)].map(([, name]) => name!);
  assertEquals(embedded.toSorted(), [...declared, ...SHARED].toSorted());
  new Function(script); // it is JavaScript
});
