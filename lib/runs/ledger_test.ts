import { assertEquals, assertNotEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { ALL_PERMISSIONS, startGcsServer } from "../../fixtures/gcs_server.ts";
import { UserError } from "../errors.ts";
import { openStorage } from "../storage/mod.ts";
import { Ledger, type LedgerEntry, listDifferences } from "./ledger.ts";
import { digestOutput } from "./run_output.ts";

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
    await Deno.mkdir(`${folder}/new`);
    // As a command leaves it that is killed while it writes.
    await Deno.writeTextFile(`${folder}/new/.runs.json.${crypto.randomUUID()}.part`, "{");
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

Deno.test("an entry replaces the earlier one of its output, and what that had", async () => {
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
  assertEquals(listDifferences({ a: "1", b: "2" }, { b: "2", a: "1" }), []);
  assertEquals(listDifferences({ a: "1" }, { a: "1", b: "2" }), ["b"]);
  assertEquals(listDifferences({ a: "1", c: "3" }, { a: "2", b: "2", c: "3" }), ["a", "b"]);
});

const line = (entry: Record<string, unknown>) =>
  JSON.stringify({ version: 1, runs: [ENTRY, { ...ENTRY, ...entry }] });
const REMEDY = "repair it, or move it away and give --overwrite once";
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
    line({ source: { sizes: "ab" } }),
    `in entry 2 of "runs", "source" is {"sizes":"ab"}, expected sizes and etags; ${REMEDY}`,
  ],
  [
    '{"version": 1, "stepsSeen": {"20230301_00z": {"36": "soon"}}, "runs": []}',
    `its "stepsSeen" is {"20230301_00z":{"36":"soon"}}, expected times by run and step; ${REMEDY}`,
  ],
  [
    line({ files: "x.png" }),
    `in entry 2 of "runs", "files" is "x.png", expected a list of texts; ${REMEDY}`,
  ],
  [line({ removed: 5 }), `in entry 2 of "runs", "removed" is 5, expected text; ${REMEDY}`],
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

Deno.test("a ledger and its outputs may be on Google Cloud Storage", async () => {
  const account = "ledger@gik.iam.gserviceaccount.com";
  await using gcs = await startGcsServer({
    buckets: { outputs: new Map() },
    accounts: { [account]: { outputs: ALL_PERMISSIONS } },
  });
  const keyFile = await Deno.makeTempFile();
  await Deno.writeTextFile(keyFile, await gcs.formatKeyFile(account));
  const openRemote = () => openStorage({ gcs: { keyFile, endpoint: gcs.url }, minDelayMs: 1 });
  const storage = openRemote();
  const folder = "gs://outputs/cgan_output";
  const [one, two] = [await Ledger.open(folder, storage), await Ledger.open(folder, storage)];
  await one.record(ENTRY);
  await two.record({ ...ENTRY, output: "b.nc" });
  await one.record({ ...ENTRY, state: "incomplete", reason: "x" });
  const read = await Ledger.open(folder, openRemote());
  assertEquals([read.find(ENTRY.output)?.state, read.find("b.nc")?.state], [
    "incomplete",
    "complete",
  ]);

  const output = { folder, name: "b.nc" };
  assertEquals(await digestOutput(output, storage), undefined);
  await storage.put(`${folder}/b.nc`, [new TextEncoder().encode("abc")]);
  const sha256 = await digestOutput(output, storage);
  assertEquals(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  await storage.put(`${folder}/b.nc`, [new TextEncoder().encode("abd")]);
  assertNotEquals(await digestOutput(output, storage), sha256);
  await Deno.remove(keyFile);
});

Deno.test("the digest of a folder is that of the lines of its files, as sha256sum prints them", async () => {
  await withText("", async (folder) => {
    const path = `${folder}/stores`;
    await Deno.mkdir(`${path}/stage3_b.parq`, { recursive: true });
    const output = { folder, name: "stores", filePrefix: "stage3_" };
    assertEquals(await digestOutput(output, openStorage()), undefined);
    await Deno.writeTextFile(`${path}/stage3_b.parq/1`, "abc");
    await Deno.writeTextFile(`${path}/stage3_a`, "");
    await Deno.writeTextFile(`${path}/stage2_a`, "not counted");
    const lines = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  stage3_a\n" +
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  stage3_b.parq/1\n";
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(lines));
    assertEquals(await digestOutput(output, openStorage()), new Uint8Array(digest).toHex());
  });
});
