import { assert, assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@^1.0.0";
import { stub } from "jsr:@std/testing@^1.0.0/mock";
import { parquetWriteBuffer } from "npm:hyparquet-writer@0.17.0";
import {
  Compression,
  ParquetFile,
  readParquet,
  writeParquet,
  WriterPropertiesBuilder,
} from "npm:parquet-wasm@0.8.0/node";
import { decodeStore, ParquetError } from "./store_parquet.ts";
import { encodeStore } from "./encode_store.ts";
import type { Store, StoreValue } from "./store.ts";

/** As many rows as a member's store of a whole run. */
const ROWS_OF_A_RUN = 14_000;

const encode = (text: string) => new TextEncoder().encode(text);

const decode = (bytes: Uint8Array) => decodeStore(bytes.slice().buffer, { source: "a.parquet" });

/** Metadata, bytes of every value, no bytes at all, and references, not in the order of the keys. */
function makeStore(references: number): Store {
  const store: Store = new Map();
  store.set("tp/.zattrs", encode('{"GRIB_shortName":"tp","long_name":"précipitation"}'));
  store.set(".zgroup", encode('{"zarr_format":2}'));
  store.set("latitude/0", Uint8Array.from({ length: 256 }, (_, i) => i));
  store.set("empty/0", new Uint8Array());
  for (let i = references; i > 0; i--) {
    const url = `s3://ecmwf-forecasts/20260206000000-${3 * (i % 9)}h-enfo-ef.grib2`;
    store.set(`step_036/u/pl/${i}/ens01/0.0.0`, { url, offset: i * 1000, length: i });
  }
  return store;
}

/** The same keys in the same order, each with the same value. */
function assertSameStore(actual: Store, expected: Store): void {
  assertEquals([...actual], [...expected]);
}

Deno.test("decodeStore() gives back what encodeStore() was given, in its order", async () => {
  for (const store of [makeStore(3), makeStore(ROWS_OF_A_RUN), new Map()]) {
    assertSameStore(await decode(encodeStore(store)), store);
  }
});

// Apache Arrow's own Parquet library, in Rust: no code shared with the packages under test.
Deno.test("encodeStore() writes what Apache Arrow reads, and decodeStore() reads what it writes", async () => {
  const store = makeStore(ROWS_OF_A_RUN);
  const rewritten = writeParquet(readParquet(encodeStore(store)));
  assertSameStore(await decode(rewritten), store);
});

Deno.test("decodeStore() frees the pages of a file, and its values do not need them", async () => {
  const store = makeStore(ROWS_OF_A_RUN);
  const file = encodeStore(store);
  const freed: number[] = [];
  const { transfer } = ArrayBuffer.prototype;
  using _ = stub(ArrayBuffer.prototype, "transfer", function (this: ArrayBuffer, length) {
    freed.push(this.byteLength);
    return transfer.call(this, length);
  });
  const read = await decode(file);
  const keyBytes = [...store.keys()].reduce((sum, { length }) => sum + length, 0);
  assert(freed.reduce((sum, bytes) => sum + bytes, 0) > 2 * keyBytes, `${freed}`);
  assertSameStore(read, store);
});

for (const codec of ["SNAPPY", "GZIP", "ZSTD", "UNCOMPRESSED"] as const) {
  Deno.test(`decodeStore() reads pages that Apache Arrow has written as ${codec}`, async () => {
    const store = makeStore(500);
    const properties = new WriterPropertiesBuilder().setCompression(Compression[codec]).build();
    const file = writeParquet(readParquet(encodeStore(store)), properties);
    assertSameStore(await decode(file), store);
    if (codec === "UNCOMPRESSED") return;
    await assertRejects(
      () => decodeStore(file.slice().buffer, { source: "a.parquet", maxBytes: 99 }),
      ParquetError,
      "unpacks to more than 99 bytes",
    );
  });
}

Deno.test("decodeStore() reads values that are texts instead of bytes", async () => {
  const value = '["s3://b/k",0,5]';
  const file = parquetWriteBuffer({
    columnData: [
      { name: "key", type: "STRING", data: ["a", "é"] },
      { name: "value", type: "STRING", data: [value, "{}"] },
    ],
  });
  const reference = { url: "s3://b/k", offset: 0, length: 5 };
  const expected: Store = new Map<string, StoreValue>([["a", reference], ["é", encode("{}")]]);
  assertSameStore(await decodeStore(file, { source: "a.parquet" }), expected);
});

Deno.test("encodeStore() writes the columns key and value, with Snappy", async () => {
  const file = await ParquetFile.fromFile(new Blob([Uint8Array.from(encodeStore(makeStore(50)))]));
  const metadata = file.metadata();
  assertEquals(metadata.fileMetadata().numRows(), 54);
  const columns = Array.from({ length: metadata.rowGroup(0).numColumns() }, (_, i) => {
    const column = metadata.rowGroup(0).column(i);
    return [...column.columnPath(), Compression[column.compression()]];
  });
  assertEquals(columns, [["key", "SNAPPY"], ["value", "SNAPPY"]]);
  file.free();
});

Deno.test("decodeStore() keeps the keys asked for and reads no value of the others", async () => {
  const store = new Map([["bad", encode('["s3://b/k"]')], ["good", encode("{}")]]);
  const kept = await decodeStore(encodeStore(store).buffer, {
    source: "a.parquet",
    keys: new Set(["good", "absent"]),
  });
  assertSameStore(kept, new Map([["good", encode("{}")]]));
});

Deno.test("decodeStore() loses no other value to one that only begins like a reference", async () => {
  const reference = { url: "s3://b/k", offset: 0, length: 5 };
  const store: Store = new Map<string, StoreValue>([
    ["bad", encode('["s3://b/k",-5,1]')],
    ["good", reference],
  ]);
  assertSameStore(await decode(encodeStore(store)), store);
});

Deno.test("decodeStore() refuses a Snappy block with a length that it cannot have", async () => {
  const file = encodeStore(makeStore(600));
  const says: string[] = [];
  // A copy that becomes a text of up to 4 GB: counted as a negative length, it took five seconds.
  for (let byte = 0; byte < file.length && says.length < 20; byte++) {
    if ((file[byte]! & 3) !== 2 || file[byte]! < 0xf0) continue;
    const damaged = file.slice();
    damaged[byte]! ^= 2;
    await decode(damaged).catch((error) => says.push(error.message));
  }
  assertEquals(says.length, 20);
  const [first] = says.filter((it) => it.includes("bytes reaches past its end"));
  assertMatch(
    first!,
    /^Cannot read a.parquet as a store: a Snappy block is damaged: a text of \d+ /,
  );
});

Deno.test("decodeStore() names the file that is damaged, cut short or no Parquet file", async () => {
  const file = encodeStore(makeStore(50));
  const damaged = file.slice();
  damaged.fill(0xff, 4, 200); // headers and data of the first column
  const files = [
    new Uint8Array(),
    encode("key,value\n"),
    file.slice(0, -9),
    file.slice(9),
    damaged,
  ];
  for (const bytes of files) {
    const error = await assertRejects(
      () => decode(bytes),
      ParquetError,
      "Cannot read a.parquet as a store: ",
    );
    assertEquals(error.source, "a.parquet");
  }
});

Deno.test("decodeStore() says which columns a file has that holds no store", async () => {
  const columnData = [
    { name: "key", data: ["a"], type: "STRING" as const },
    { name: "path", data: ["b"], type: "STRING" as const },
  ];
  await assertRejects(
    () => decode(new Uint8Array(parquetWriteBuffer({ columnData }))),
    ParquetError,
    "its columns are key, path, not key and value",
  );
});

Deno.test("decodeStore() refuses rows without a value or with one that is not bytes", async () => {
  for (const column of [{ data: [null], type: "BYTE_ARRAY" }, { data: [7], type: "INT32" }]) {
    const key = { name: "key", data: ["a"], type: "STRING" as const };
    const value = { name: "value", ...column as { data: unknown[]; type: "INT32" } };
    const file = new Uint8Array(parquetWriteBuffer({ columnData: [key, value] }));
    await assertRejects(
      () => decode(file),
      ParquetError,
      "Cannot read a.parquet: a row has no key or no value",
    );
  }
});
