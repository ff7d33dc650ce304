import { assertEquals, assertStringIncludes, assertThrows } from "jsr:@std/assert@^1.0.0";
import { parquetMetadata, parquetReadObjects } from "npm:hyparquet@1.31.5";
import { readParquet, writeParquet } from "npm:parquet-wasm@0.8.0/node";
import { isReference, type Store, StoreError, type StoreValue } from "../references/store.ts";
import { addArray, addCoordinate, addGroup } from "./zarr_nodes.ts";
import { decodeInline } from "../references/skeleton.ts";
import { encodeReferenceFile, encodeReferenceFolder } from "./fsspec_references.ts";

const parseFile = async (store: Store) =>
  JSON.parse(await new Blob([...encodeReferenceFile(store)]).text());

Deno.test("encodeReferenceFile() writes texts, bytes and references as fsspec's version 1", async () => {
  const store: Store = new Map();
  store.set(".zgroup", new TextEncoder().encode('{"zarr_format":2}'));
  store.set("t/.zattrs", new TextEncoder().encode('{"name":"précipitation"}'));
  store.set("t/latitude/0", new TextEncoder().encode("base64:AAAAAACAVkA="));
  store.set("t/time/0", Uint8Array.of(0, 1, 34, 127));
  store.set("t/bytes/0", Uint8Array.of(0, 0x80, 0xff));
  store.set("t/t/0.0", { url: "s3://b/k.grib2", offset: 5_000_000_000, length: 7 });
  assertEquals(await parseFile(store), {
    version: 1,
    refs: {
      ".zgroup": '{"zarr_format":2}',
      "t/.zattrs": '{"name":"précipitation"}',
      "t/latitude/0": "base64:AAAAAACAVkA=",
      "t/time/0": '\0\x01"\x7f',
      "t/bytes/0": "base64:AID/",
      "t/t/0.0": ["s3://b/k.grib2", 5_000_000_000, 7],
    },
  });
});

Deno.test("encodeReferenceFile() writes stores of any size as one JSON document", async () => {
  for (const size of [0, 1, 1999, 2000, 2001, 4000]) {
    const store: Store = new Map();
    for (let i = 0; i < size; i++) store.set(`a/${i}`, { url: "s3://b/k", offset: i, length: 1 });
    assertEquals(Object.keys((await parseFile(store)).refs).length, size);
  }
});

/** Chunks in a file of the folder. */
const RECORD_SIZE = 10_000;
const STEPS = 2501;
const LEVELS = 10;

/** An array of 25,010 chunks of which every seventh is missing, and coordinates. */
function makeStore(): Store {
  const store: Store = new Map();
  addGroup(store, "");
  addGroup(store, "t", { name: "Temperature" });
  addCoordinate(store, "t/number", { dimensions: [], attributes: {} }, BigInt64Array.of(200n));
  const steps = Float64Array.from({ length: STEPS }, (_, i) => i);
  addCoordinate(store, "t/step", { dimensions: [["step", STEPS]], attributes: {} }, steps);
  addArray(store, "t/t", {
    dtype: "<f8",
    dimensions: [["step", STEPS], ["level", LEVELS], ["latitude", 7], ["longitude", 9]],
    chunks: [1, 1, 7, 9],
    attributes: {},
  });
  for (let i = 0; i < STEPS * LEVELS; i++) {
    const url = `s3://ecmwf-forecasts/${i % 85}.grib2`;
    const key = `t/t/${Math.floor(i / LEVELS)}.${i % LEVELS}.0.0`;
    if (i % 7 !== 3) store.set(key, { url, offset: 5_000_000_000 + i, length: 1 + i });
  }
  return store;
}

/** A row of a file, as Apache Arrow has read it. */
interface Row {
  path: string | null;
  offset: bigint;
  size: bigint;
  raw: Uint8Array | null;
}

/** Rows that Apache Arrow, which shares no code with the writer, has read and written again. */
async function readRows(bytes: Uint8Array): Promise<Row[]> {
  const file = writeParquet(readParquet(bytes)).slice().buffer;
  return await parquetReadObjects({ file, utf8: false }) as unknown as Row[];
}

/** Looks a chunk up as fsspec's LazyReferenceMapper does. */
async function openFolder(files: ReadonlyMap<string, Uint8Array>) {
  const { metadata, record_size: recordSize } = JSON.parse(
    new TextDecoder().decode(files.get(".zmetadata")),
  );
  const records = new Map<string, Row[]>();
  for (const [name, bytes] of files) {
    if (name !== ".zmetadata") records.set(name, await readRows(bytes));
  }
  const find = (key: string): StoreValue | undefined => {
    const [, array, chunk] = /^(.*)\/([\d.]+)$/.exec(key)!;
    const { shape, chunks } = metadata[`${array}/.zarray`];
    const counts = shape.map((length: number, i: number) => Math.ceil(length / chunks[i]));
    const number = chunk!.split(".").reduce((sum, it, i) => sum * (counts[i] ?? 1) + Number(it), 0);
    const record = records.get(`${array}/refs.${Math.floor(number / recordSize)}.parq`)!;
    const { path, offset, size, raw } = record[number % recordSize]!;
    if (raw !== null) return raw;
    return path === null ? undefined : { url: path, offset: Number(offset), length: Number(size) };
  };
  return { metadata, find };
}

Deno.test("a reader that works like fsspec's finds every chunk in the folder, and none that is missing", async () => {
  const store = makeStore();
  const files = new Map(encodeReferenceFolder(store).map(({ name, bytes }) => [name, bytes]));
  const { metadata, find } = await openFolder(files);
  for (const [key, value] of store) {
    if (isReference(value)) assertEquals(find(key), value);
    else if (key.includes(".z")) {
      assertEquals(metadata[key], JSON.parse(new TextDecoder().decode(value)));
    } else assertEquals(find(key), decodeInline(key, value));
  }
  assertEquals(find("t/t/0.3.0.0"), undefined);
  assertEquals(
    Object.keys(metadata).length,
    [...store.keys()].filter((it) => /\.z/.test(it)).length,
  );
});

Deno.test("the folder has files of 10,000 chunks each, and its metadata last", () => {
  const names = encodeReferenceFolder(makeStore()).map(({ name }) => name).toArray();
  const records = [0, 1, 2].map((record) => `t/t/refs.${record}.parq`);
  assertEquals(names, ["t/number/refs.0.parq", "t/step/refs.0.parq", ...records, ".zmetadata"]);
});

Deno.test("files of the folder have the columns that fsspec writes, and end with the last chunk", () => {
  const files = new Map(encodeReferenceFolder(makeStore()).map(({ name, bytes }) => [name, bytes]));
  const schemaOf = (name: string) => {
    const { schema, num_rows } = parquetMetadata(files.get(name)!.slice().buffer);
    const columns = schema.slice(1).map((it) =>
      `${it.name} ${it.type} ${it.repetition_type} ${it.converted_type ?? ""}`.trim()
    );
    return { columns, rows: Number(num_rows) };
  };
  const columns = [
    "path BYTE_ARRAY OPTIONAL UTF8",
    "offset INT64 REQUIRED",
    "size INT64 REQUIRED",
    "raw BYTE_ARRAY OPTIONAL",
  ];
  assertEquals(schemaOf("t/t/refs.0.parq"), { columns, rows: RECORD_SIZE });
  assertEquals(schemaOf("t/t/refs.2.parq"), { columns, rows: STEPS * LEVELS - 2 * RECORD_SIZE });
  assertEquals(schemaOf("t/number/refs.0.parq"), { columns, rows: 1 });
});

Deno.test("encodeReferenceFolder() refuses a chunk of no array, or outside of its array", () => {
  for (const key of ["step_036/tp/sfc/ens01/0.0.0", `t/t/${STEPS}.0.0.0`, "t/t/0.0"]) {
    const store = makeStore();
    store.set(key, { url: "s3://b/k", offset: 0, length: 1 });
    const error = assertThrows(() => encodeReferenceFolder(store).toArray(), StoreError);
    assertEquals(error.key, key);
  }
});

Deno.test("encodeReferenceFolder() refuses metadata that are not those of an array, by key and field", () => {
  const cases: [text: string, state: string][] = [
    ['{"shape":', "it is not JSON"],
    ["null", "it is null, expected an object"],
    ['{"chunks":[1]}', "`shape` is undefined, expected a list"],
    ['{"shape":[1,2],"chunks":[1]}', "`chunks` is [1], expected 2 numbers, one a dimension"],
    ['{"shape":[3],"chunks":[0]}', "`chunks` is [0], expected a list of whole numbers, 1 or more"],
    ['{"shape":[3],"chunks":{"length":1}}', '`chunks` is {"length":1}, expected a list'],
    ['{"shape":[1e6,2e3],"chunks":[1,1]}', "it has 2000000000 chunks, more than 10000000"],
  ];
  for (const [text, state] of cases) {
    const store = makeStore();
    store.set("t/t/.zarray", new TextEncoder().encode(text));
    const error = assertThrows(() => encodeReferenceFolder(store).toArray(), StoreError);
    assertEquals(error.key, "t/t/.zarray");
    assertStringIncludes(error.message, `Cannot read the metadata "t/t/.zarray": ${state}`);
  }
});
