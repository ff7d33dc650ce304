import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { parseRun, type Run, runLabel } from "../ecmwf/run.ts";
import { GIK } from "../output/profile.ts";
import { Ledger, type LedgerEntry } from "../runs/ledger.ts";
import { digestOutput } from "../runs/run_output.ts";
import { openStorage } from "../storage/mod.ts";
import { silentReporter } from "../util/reporter.ts";
import { removeOldRuns } from "./remove_old_runs.ts";

const NOW = new Date("2026-03-20T08:00:00Z");
const UUID = "0b0b0b0b-0000-4000-8000-000000000000";

/** An entry of the ledger, whose output has a text of its own. */
function makeEntry(date: string, change: Partial<LedgerEntry> = {}): LedgerEntry {
  const run = parseRun(date, "00");
  const output = GIK.fileName(run);
  const stem = output.replace(".nc", "");
  return {
    run: runLabel(run),
    output,
    state: "complete",
    files: [`${stem}.png`, `${stem}.html`],
    options: {},
    command: "watch",
    time: NOW.toISOString(),
    ...change,
  };
}

const OLD = makeEntry("20260301");
const STEM = "IFS_20260301_00Z_cgan";
const REFERENCES = "ecmwf_three_stage_20260301_00z";

/** What there is before, and whether it is there after that. */
const FILES: readonly (readonly [path: string, stays: boolean])[] = [
  [`${STEM}.nc`, false],
  [`${STEM}.png`, false],
  [`${STEM}.html`, false],
  [`.${STEM}.nc.${UUID}.part`, false],
  [`references/${REFERENCES}/stage2_control_merged.parquet`, false],
  [`references/${REFERENCES}/stage3_ens_01_final.parquet`, false],
  // Young enough.
  ["IFS_20260307_00Z_cgan.nc", true],
  ["IFS_20260307_00Z_cgan.png", true],
  ["references/ecmwf_three_stage_20260307_00z/stage3_control_final.parquet", true],
  // Of another command, or in no ledger.
  ["IFS_20260302_00Z_cgan.nc", true],
  ["IFS_20260101_00Z_cgan.nc", true],
  ["references/ecmwf_three_stage_20260101_00z/stage3_control_final.parquet", true],
  // Changed since it was written.
  ["IFS_20260303_00Z_cgan.nc", true],
  // Never written by the watch: the run was not published.
  ["IFS_20260306_00Z_cgan.nc", true],
  // Look alike.
  [`${STEM}.nc.bak`, true],
  [`${STEM}_2.nc`, true],
  [`${STEM}.svg`, true],
  [`.${STEM}.nc.part`, true],
  [`x${STEM}.nc`, true],
  [`${STEM}.nc.work/notes.txt`, true],
  [`references/${REFERENCES}2/stage3_control_final.parquet`, true],
  ["references/stage3_control_final.parquet", true],
];

async function readAll(folder: string, below = ""): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(`${folder}/${below}`));
  const lists = await Promise.all(
    entries.map(({ name, isDirectory }) =>
      isDirectory ? readAll(folder, `${below}${name}/`) : [`${below}${name}`]
    ),
  );
  return lists.flat().toSorted();
}

Deno.test("runs older than the days to keep are removed with all that was made of them, and nothing else is", async () => {
  const folder = await Deno.makeTempDir();
  const storage = openStorage();
  try {
    for (const [path] of FILES) {
      await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${folder}/${path}`, `text of ${path}`);
    }
    const ledger = await Ledger.open(folder, storage);
    const digest = (name: string) => digestOutput({ folder, name }, storage);
    await ledger.record({ ...OLD, sha256: (await digest(OLD.output))! });
    await ledger.record(makeEntry("20260307"));
    await ledger.record(makeEntry("20260302", { command: "stream", files: [] }));
    await ledger.record(makeEntry("20260303", { sha256: "of other bytes", files: [] }));
    await ledger.record(makeEntry("20260306", { state: "not published", files: [] }));
    // A ledger that someone changed leads nowhere else.
    const strange = {
      run: "20260304_00z",
      files: ["../x.png", "notes.txt", "IFS_20260307_00Z_cgan.png"],
    };
    await ledger.record(makeEntry("20260304", strange));
    await ledger.record(makeEntry("20260305", { output: "../outside.nc" }));
    const warnings: string[] = [];
    const reporter = { ...silentReporter, warn: (line: string) => void warnings.push(line) };
    const options = {
      folder,
      keepDays: 14,
      command: "watch",
      fileName: GIK.fileName,
      keepReferences: `${folder}/references`,
    };
    const remove = async () =>
      await removeOldRuns(options, await Ledger.open(folder, storage), { storage, reporter }, NOW);
    assertEquals(await remove(), [
      "IFS_20260301_00Z_cgan.nc",
      "IFS_20260303_00Z_cgan.nc",
      "IFS_20260304_00Z_cgan.nc",
      "IFS_20260306_00Z_cgan.nc",
    ]);
    const stay = FILES.filter(([, stays]) => stays).map(([path]) => path);
    assertEquals(await readAll(folder), [...stay, "runs.json"].toSorted());
    assertEquals(
      warnings,
      ["IFS_20260303_00Z_cgan.nc", "IFS_20260306_00Z_cgan.nc"]
        .map((name) => `${folder}/${name} is not as it was written: it stays`),
    );
    const { entries } = await Ledger.open(folder, storage);
    assertEquals(entries.filter(({ removed }) => removed === NOW.toISOString()).length, 4);
    assertEquals(await remove(), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("links with the names of a run's files and folders stay, and so does what they lead to", async () => {
  const folder = await Deno.makeTempDir();
  const elsewhere = await Deno.makeTempDir();
  const storage = openStorage();
  try {
    await Deno.writeTextFile(`${elsewhere}/stage3_control_final.parquet`, "theirs");
    const field = `00000000-0000.field`;
    await Deno.writeTextFile(`${elsewhere}/${field}`, "theirs");
    const links = [`${STEM}.nc`, `${STEM}.png`].map((name) => [name, field] as const);
    for (const [name, target] of links) {
      await Deno.symlink(`${elsewhere}/${target}`, `${folder}/${name}`);
    }
    for (const name of [`${STEM}.nc.work`, REFERENCES]) {
      await Deno.symlink(elsewhere, `${folder}/${name}`);
    }
    const ledger = await Ledger.open(folder, storage);
    await ledger.record({ ...OLD, sha256: "x" });
    const before = [await readAll(folder), await readAll(elsewhere)];
    const options = {
      keepDays: 14,
      command: "watch",
      fileName: GIK.fileName,
      keepReferences: folder,
    };
    const context = { storage, reporter: silentReporter };
    await removeOldRuns({ folder, ...options }, ledger, context, NOW);
    assertEquals([await readAll(folder), await readAll(elsewhere)], before);
  } finally {
    await Deno.remove(folder, { recursive: true });
    await Deno.remove(elsewhere, { recursive: true });
  }
});

Deno.test("a store that is older is removed whole, and one that was changed since stays", async () => {
  const folder = await Deno.makeTempDir();
  const storage = openStorage();
  const stores = ["20260301", "20260302"].map((date) =>
    makeEntry(date, { output: GIK.fileName(parseRun(date, "00")).replace(".nc", ".zarr") })
  );
  try {
    const ledger = await Ledger.open(folder, storage);
    for (const entry of stores) {
      await storage.put(`${folder}/${entry.output}/tp/c/0`, [Uint8Array.of(1)]);
      const output = { folder, name: entry.output, filePrefix: "" };
      await ledger.record({ ...entry, sha256: (await digestOutput(output, storage))! });
    }
    await storage.put(`${folder}/${stores[1]!.output}/notes.txt`, [Uint8Array.of(1)]);
    const fileName = (run: Run) => GIK.fileName(run).replace(".nc", ".zarr");
    const options = { folder, keepDays: 14, command: "watch", fileName };
    await removeOldRuns(options, ledger, { storage, reporter: silentReporter }, NOW);
    assertEquals(await readAll(folder), [
      ...["notes.txt", "tp/c/0"].map((name) => `${stores[1]!.output}/${name}`),
      "runs.json",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
