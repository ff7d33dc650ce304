import { assert, assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { unzipSync, zipSync } from "npm:fflate@0.8.3";
import { parseRun } from "../ecmwf/run.ts";
import { encodeStore } from "../references/encode_store.ts";
import type { Store } from "../references/store.ts";
import { encodeStage1Zip, isZip, readStage1Zip, stage1ZipName } from "./stage1_zip.ts";
import { TemplateError } from "./template_archive.ts";

const run = parseRun("20240529", "12");

/** A store of a run: its time, and a reference. */
function makeStore(hours = 12): Store {
  const seconds = BigInt(Date.UTC(2024, 4, 29, hours) / 1000);
  return new Map<string, Store extends Map<string, infer Value> ? Value : never>([
    ["tp/accum/surface/time/0", new Uint8Array(new BigInt64Array([seconds]).buffer)],
    ["tp/accum/surface/tp/0.0.0.0", { url: "s3://b/f.grib2", offset: 5, length: 7 }],
  ]);
}

const file = (hours?: number) => encodeStore(makeStore(hours));
const read = (files: Record<string, Uint8Array>, keep?: (member: number) => boolean) =>
  readStage1Zip(zipSync(files), "stage1.zip", keep);

Deno.test("readStage1Zip() reads what encodeStage1Zip() wrote", async () => {
  const template = { run, stores: new Map([[0, makeStore()], [17, makeStore()]]) };
  const zip = encodeStage1Zip(template);
  assert(isZip(zip) && !isZip(new Uint8Array([0x1f, 0x8b, 8, 0])));
  assertEquals(zip, encodeStage1Zip(template));
  assertEquals(Object.keys(unzipSync(zip)), [
    "members/control/control.parquet",
    "members/ens_17/ens_17.parquet",
  ]);
  assertEquals(await readStage1Zip(zip, "stage1.zip"), template);
  assertEquals(stage1ZipName(run), "ecmwf_20240529_12z_efficient.zip");
});

Deno.test("readStage1Zip() takes any Parquet file of a member wanted, in either spelling", async () => {
  const { stores } = await read({
    "ecmwf/members/ens01/refs.parquet": file(),
    "members/ens_02/refs.parquet": file(),
    "members/ens_03/damaged.parquet": new Uint8Array(9),
    "members/mean/refs.parquet": file(),
    "summary.json": new Uint8Array(2),
  }, (member) => member !== 3);
  assertEquals([...stores.keys()], [1, 2]);
});

const REFUSED: { name: string; files: Record<string, Uint8Array>; says: string }[] = [
  { name: "without a store", files: { "a.txt": new Uint8Array(1) }, says: "it holds no members/" },
  {
    name: "with a path that leaves it",
    files: { "../members/ens_01/a.parquet": file() },
    says: "leaves the archive",
  },
  {
    name: "with stores of two runs",
    files: { "members/ens_01/a.parquet": file(), "members/ens_02/a.parquet": file(0) },
    says: "stores of 20240529_12z and 20240529_00z",
  },
  {
    name: "with a store without time",
    files: { "members/ens_01/a.parquet": encodeStore(new Map([["a", new Uint8Array(1)]])) },
    says: "has no time coordinate",
  },
  {
    name: "with a damaged store",
    files: { "members/ens_01/a.parquet": new Uint8Array(9) },
    says: "Cannot read members/ens_01/a.parquet in stage1.zip",
  },
];

for (const { name, files, says } of REFUSED) {
  Deno.test(`readStage1Zip() refuses a zip ${name}`, async () => {
    await assertRejects(() => read(files), TemplateError, says);
  });
}

Deno.test("readStage1Zip() refuses a zip beyond a limit, and unpacks nothing of it", async () => {
  const zeros = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [
        `members/ens_${String(i + 1).padStart(2, "0")}/a.parquet`,
        new Uint8Array(1000),
      ]),
    );
  const limits = { entryBytes: 1000, totalBytes: 3000, entries: 9 };
  const refused: [zip: Record<string, Uint8Array>, says: string][] = [
    [
      { "members/ens_01/a.parquet": new Uint8Array(1001) },
      '"members/ens_01/a.parquet" claims 1001 bytes, the limit of an entry is 1000',
    ],
    [zeros(4), '"members/ens_04/a.parquet" and those before it unpack to more than 3000 bytes'],
    [zeros(10), "unpack to more than"],
    [
      Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`${i}.txt`, new Uint8Array(1)])),
      '"9.txt" is one of more than 9 entries',
    ],
  ];
  for (const [files, says] of refused) {
    const error = await assertRejects(
      () => readStage1Zip(zipSync(files), "stage1.zip", undefined, limits),
      TemplateError,
      says,
    );
    assert(error.message.includes("stage1.zip"));
  }
  // Of the entries that are not used, only the number counts.
  const other = { "notes.txt": new Uint8Array(5000), "members/ens_01/a.parquet": file() };
  const { stores } = await readStage1Zip(zipSync(other), "stage1.zip", undefined, limits);
  assertEquals([...stores.keys()], [1]);
});

Deno.test("readStage1Zip() refuses bytes that are no zip", async () => {
  await assertRejects(
    () => readStage1Zip(new Uint8Array(40), "stage1.zip"),
    TemplateError,
    "Cannot read stage1.zip",
  );
});
