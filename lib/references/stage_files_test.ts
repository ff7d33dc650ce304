import { assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { listNames, withFolder } from "../../fixtures/folder.ts";
import { parseRun } from "../ecmwf/run.ts";
import { ParquetError } from "./store_parquet.ts";
import type { Store, StoreValue } from "./store.ts";
import {
  readIfThere,
  readStageStore,
  removePartialStageFiles,
  stageFileName,
  writeArchiveFile,
  writeStageStore,
} from "./stage_files.ts";
import { stageFolder } from "./stage_folders.ts";
import { openStorage, StorageError } from "../storage/mod.ts";

const storage = openStorage();

const STORE: Store = new Map<string, StoreValue>([
  [".zgroup", new TextEncoder().encode("{}")],
  ["step_036/tp/sfc/ens01/0.0.0", { url: "s3://b/k.grib2", offset: 0, length: 9 }],
]);

Deno.test("stageFolder() and stageFileName() give the names of the Python tools", () => {
  assertEquals(stageFolder(parseRun("20260206", "00")), "ecmwf_three_stage_20260206_00z");
  assertEquals(stageFileName(1, 0), "stage1_control_deflated.parquet");
  assertEquals(stageFileName(2, 1), "stage2_ens_01_merged.parquet");
  assertEquals(stageFileName(3, 50), "stage3_ens_50_final.parquet");
});

Deno.test("readStageStore() reads what writeStageStore() wrote, in a folder that was not there", () =>
  withFolder(async (folder) => {
    await writeStageStore(storage, `${folder}/new`, 2, 1, STORE);
    assertEquals([...Deno.readDirSync(`${folder}/new`)].map(({ name }) => name), [
      "stage2_ens_01_merged.parquet",
    ]);
    assertEquals(await readStageStore(storage, `${folder}/new`, 2, 1), STORE);
    const keys = new Set([".zgroup"]);
    const found = await readStageStore(storage, `${folder}/new`, 2, 1, { keys });
    assertEquals([...found!.keys()], [".zgroup"]);
  }));

Deno.test("readStageStore() gives nothing for another stage, another member, or no folder", () =>
  withFolder(async (folder) => {
    await writeStageStore(storage, folder, 2, 1, STORE);
    assertEquals(await readStageStore(storage, folder, 3, 1), undefined);
    assertEquals(await readStageStore(storage, folder, 2, 2), undefined);
    assertEquals(await readStageStore(storage, `${folder}/none`, 2, 1), undefined);
  }));

Deno.test("readStageStore() names the file that is damaged", () =>
  withFolder(async (folder) => {
    const path = `${folder}/stage3_control_final.parquet`;
    await Deno.writeTextFile(path, "PAR1 no more");
    const error = await assertRejects(
      () => readStageStore(storage, folder, 3, 0),
      ParquetError,
      `Cannot read ${path} as a store`,
    );
    assertEquals(error.source, path);
  }));

Deno.test("readIfThere() throws any other failure than a missing file", () =>
  withFolder(async (folder) => {
    await assertRejects(() => readIfThere(storage, folder), StorageError);
    await assertRejects(() => readIfThere(storage, "ftp://host/key"), StorageError, "ftp");
  }));

const leavePartialFile = (folder: string, name: string) =>
  Deno.writeTextFile(`${folder}/.${name}.${crypto.randomUUID()}.part`, "half");

Deno.test("removePartialStageFiles() removes what killed stages left, and nothing else", () =>
  withFolder(async (folder) => {
    await removePartialStageFiles(`${folder}/none`);
    const names = [
      "stage1_control_deflated.parquet",
      "stage2_ens_07_merged.parquet",
      "stage3_ens_50_final.parquet",
      "stage3_combined_final.json",
    ];
    for (const name of names) await leavePartialFile(folder, name);
    await leavePartialFile(folder, "mine.parquet");
    await Deno.writeTextFile(`${folder}/${names[0]}`, "whole");
    await removePartialStageFiles(folder);
    const left = await listNames(folder);
    assertEquals(left.length, 2);
    assertEquals(left.filter((name) => !name.startsWith(".mine.parquet.")), [names[0]]);
  }));

Deno.test("writeArchiveFile() removes what killed commands left of the same file", () =>
  withFolder(async (folder) => {
    for (const name of ["a.zip", "b.zip"]) await leavePartialFile(folder, name);
    await writeArchiveFile(storage, `${folder}/a.zip`, new Uint8Array(3));
    const left = await listNames(folder);
    assertEquals(left.map((name) => name.slice(0, 6)), [".b.zip", "a.zip"]);
  }));
