import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { finalFileName, writeFinalStore } from "./final_files.ts";
import type { Store } from "../references/store.ts";
import { addArray } from "./zarr_nodes.ts";
import { openStorage } from "../storage/mod.ts";

Deno.test("finalFileName() names the stores of members and of all in each format", () => {
  assertEquals(finalFileName("parquet", 50), "stage3_ens_50_final.parquet");
  assertEquals(finalFileName("kerchunk-json", 0), "stage3_control_final.json");
  assertEquals(finalFileName("kerchunk-parquet", "combined"), "stage3_combined_final.parq");
});

function makeStore(name: string): Store {
  const store: Store = new Map();
  addArray(store, name, { dtype: "<f8", dimensions: [["step", 1]], attributes: {} });
  store.set(`${name}/0`, { url: "s3://b/k", offset: 0, length: 1 });
  return store;
}

Deno.test("a folder holds nothing of the store that it replaces", async () => {
  const folder = await Deno.makeTempDir();
  const write = (store: Store) =>
    writeFinalStore(openStorage(), folder, "kerchunk-parquet", 1, store);
  await write(makeStore("tp"));
  await write(makeStore("sp"));
  const store = `${folder}/stage3_ens_01_final.parq`;
  assertEquals(Array.from(Deno.readDirSync(store), ({ name }) => name).sort(), [
    ".zmetadata",
    "sp",
  ]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a folder that is not finished has no metadata, without which it does not open", async () => {
  const folder = await Deno.makeTempDir();
  await writeFinalStore(openStorage(), folder, "kerchunk-parquet", 1, makeStore("tp"));
  const broken = makeStore("tp");
  broken.set("step_000/tp/sfc/ens01/0.0.0", { url: "s3://b/k", offset: 0, length: 1 });
  const done = writeFinalStore(openStorage(), folder, "kerchunk-parquet", 1, broken);
  assertEquals(await done.then(() => "written", (error) => error.name), "StoreError");
  assertThrows(
    () => Deno.statSync(`${folder}/stage3_ens_01_final.parq/.zmetadata`),
    Deno.errors.NotFound,
  );
  await Deno.remove(folder, { recursive: true });
});
