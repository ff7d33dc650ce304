/** The messages that docs/troubleshooting.md explains are those of the code. */
import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { openStorage } from "../lib/storage/mod.ts";
import { findSection, readPages, readTableRows, ROOT } from "./pages_fixture.ts";

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

Deno.test("the messages that docs/troubleshooting.md explains are messages of the code", async () => {
  const page = (await readPages()).find(({ file }) => file === "docs/troubleshooting.md")!;
  const rows = readTableRows(findSection(page, "Messages"));
  const sources = await readSources();
  assert(rows.length >= 19, `${rows.length} messages`);
  for (const [message] of rows) {
    const quoted = [...message!.matchAll(/`([^`]+)`/g)].map(([, text]) => text!);
    assert(quoted.length > 0, message);
    // Dots and numbers stand for what differs from case to case.
    const fixed = quoted.flatMap((text) => text.split(/…|\d+/)).map((part) => part.trim())
      .filter((part) => part.length > 5);
    assertEquals(fixed.filter((part) => !sources.includes(part)), [], message);
  }
});
