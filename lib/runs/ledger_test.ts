import { assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { UserError } from "../errors.ts";
import { openStorage } from "../storage/mod.ts";
import { Ledger, type LedgerEntry, listDifferences, sameOptions } from "./ledger.ts";

const ENTRY: LedgerEntry = {
  run: "20230301_00z",
  output: "IFS_20230301_00Z_cgan.nc",
  state: "complete",
  messages: { used: 27, wanted: 27 },
  options: { variables: "t2m" },
  sha256: "ab",
  command: "stream",
  time: "2026-05-20T06:00:00.000Z",
};

/** A ledger with this text. */
async function withText<Result>(
  text: string | undefined,
  use: (folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = await Deno.makeTempDir();
  try {
    if (text !== undefined) await Deno.writeTextFile(`${folder}/runs.json`, text);
    return await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const open = (folder: string) => Ledger.open(folder, openStorage());

Deno.test("a ledger is JSON with a version, and a line for each run in the order of the runs", async () => {
  await withText(undefined, async (folder) => {
    const ledger = await open(`${folder}/new`);
    assertEquals(ledger.find(ENTRY.output), undefined);
    const earlier = { ...ENTRY, run: "20230228_00z", output: "IFS_20230228_00Z_cgan.nc" };
    await ledger.record(ENTRY);
    await ledger.record(earlier);
    assertEquals((await open(`${folder}/new`)).find(ENTRY.output), ENTRY);
    const lines = (await Deno.readTextFile(`${folder}/new/runs.json`)).split("\n");
    assertEquals(lines, [
      "{",
      '"version": 1,',
      '"runs": [',
      `${JSON.stringify(earlier)},`,
      JSON.stringify(ENTRY),
      "]",
      "}",
      "",
    ]);
    const names = await Array.fromAsync(Deno.readDir(`${folder}/new`), ({ name }) => name);
    assertEquals(names, ["runs.json"]);
  });
});

Deno.test("an entry takes the place of the earlier one of its output, with what it no longer has", async () => {
  await withText(undefined, async (folder) => {
    const ledger = await open(folder);
    await ledger.record(ENTRY);
    const { messages: _, sha256: __, ...rest } = ENTRY;
    const failed: LedgerEntry = { ...rest, state: "failed", reason: "Cannot read" };
    await ledger.record(failed);
    assertEquals((await open(folder)).find(ENTRY.output), failed);
    await ledger.record(ENTRY);
    assertEquals((await open(folder)).find(ENTRY.output), ENTRY);
  });
});

Deno.test("entries of another command at the same time, and fields of other programs, stay", async () => {
  const seen = { stepsSeen: { "36": "2023-03-01T07:00:00Z" } };
  const text = JSON.stringify({ note: "x", version: 1, runs: [{ ...ENTRY, ...seen }] });
  await withText(text, async (folder) => {
    const [one, two] = [await open(folder), await open(folder)];
    await one.record({ ...ENTRY, output: "a.nc" });
    await two.record({ ...ENTRY, output: "b.nc" });
    await one.record(ENTRY);
    const { note, runs } = JSON.parse(await Deno.readTextFile(`${folder}/runs.json`));
    assertEquals(note, "x");
    assertEquals(runs.map(({ output }: LedgerEntry) => output), [ENTRY.output, "a.nc", "b.nc"]);
    assertEquals(runs[0], { ...ENTRY, ...seen });
  });
});

Deno.test("options are compared by name and text, in any order", () => {
  assertEquals(sameOptions({ a: "1", b: "2" }, { b: "2", a: "1" }), true);
  assertEquals(sameOptions({ a: "1" }, { a: "1", b: "2" }), false);
  assertEquals(listDifferences({ a: "1", c: "3" }, { a: "2", b: "2", c: "3" }), ["a", "b"]);
});

const line = (entry: Record<string, unknown>) =>
  JSON.stringify({ version: 1, runs: [ENTRY, { ...ENTRY, ...entry }] });
const REMEDY = "repair it or move it away, then complete runs are made again";
const DAMAGES: [text: string, state: string][] = [
  ["[]", `its "version" is undefined, not 1; ${REMEDY}`],
  ['{"version": "1"}', `its "version" is "1", not 1; ${REMEDY}`],
  ['{"version": 1}', `its "runs" is not a list; ${REMEDY}`],
  [
    '{"version": 2, "runs": "?"}',
    "its version is 2, this program knows versions up to 1; use the program that wrote it, " +
    "or another folder for the outputs",
  ],
  [line({ run: 5 }), `in entry 2 of "runs", "run" is 5, expected text; ${REMEDY}`],
  [
    line({ output: undefined }),
    `in entry 2 of "runs", "output" is undefined, expected text; ${REMEDY}`,
  ],
  [line({ sha256: 5 }), `in entry 2 of "runs", "sha256" is 5, expected text; ${REMEDY}`],
  [
    line({ state: "done" }),
    'in entry 2 of "runs", "state" is "done", expected one of complete, incomplete, ' +
    `not published, failed; ${REMEDY}`,
  ],
  [
    line({ options: { a: 1 } }),
    `in entry 2 of "runs", "options" is {"a":1}, expected an object of texts; ${REMEDY}`,
  ],
  [
    line({ messages: { used: 1 } }),
    'in entry 2 of "runs", "messages" is {"used":1}, expected the whole numbers used and wanted; ' +
    REMEDY,
  ],
];

for (const [text, state] of DAMAGES) {
  Deno.test(`a ledger is refused: ${state}`, async () => {
    await withText(text, async (folder) => {
      const error = await assertRejects(() => open(folder), UserError);
      assertEquals(error.message, `Cannot read "${folder}/runs.json": ${state}`);
    });
  });
}

Deno.test("a ledger that is cut short is refused, and not written over", async () => {
  await withText('{"version": 1, "runs": [', async (folder) => {
    await assertRejects(() => open(folder), UserError, "it is not JSON");
    assertEquals(await Deno.readTextFile(`${folder}/runs.json`), '{"version": 1, "runs": [');
  });
});
