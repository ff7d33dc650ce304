import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { openStorage } from "../storage/mod.ts";

const ROOT = new URL("../../", import.meta.url);

/** A specifier that a module imports, statically or not. */
const IMPORTED = /(?:\bfrom|\bimport\(?)\s*"(jsr:[^"]+)"/g;

/** The `jsr:` specifiers in the code, sorted, each once. */
async function findSpecifiers(): Promise<string[]> {
  const found = new Set<string>();
  for (const folder of ["lib", "stages", "fixtures", "bench"]) {
    const path = decodeURIComponent(new URL(`${folder}/`, ROOT).pathname);
    for await (const { url } of openStorage().list(path)) {
      if (!url.endsWith(".ts")) continue;
      for (const [, specifier] of (await Deno.readTextFile(url)).matchAll(IMPORTED)) {
        found.add(specifier!);
      }
    }
  }
  return [...found].sort();
}

/** The mapping of deno.json: specifier to path of a module. */
async function readMapping(): Promise<[specifier: string, path: string][]> {
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  return Object.entries<string>(imports).filter(([key]) => key.startsWith("jsr:"));
}

Deno.test("deno.json maps every jsr: specifier of the code, and no other", async () => {
  const mapped = (await readMapping()).map(([specifier]) => specifier).sort();
  assertEquals(await findSpecifiers(), mapped);
});

Deno.test("deno.json maps jsr: specifiers to modules of this folder, and each of them once", async () => {
  const paths = (await readMapping()).map(([, path]) => path.replace("./lib/jsr/", "")).sort();
  const modules = [...Deno.readDirSync(new URL("./", import.meta.url))]
    .map(({ name }) => name)
    .filter((name) => !name.endsWith("_test.ts"));
  assertEquals(paths, modules.sort());
});
