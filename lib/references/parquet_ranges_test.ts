import { assert, assertEquals, assertLess, assertRejects } from "jsr:@std/assert@^1.0.0";
import { parquetWriteBuffer } from "npm:hyparquet-writer@0.17.0";
import { ParquetFile, readParquet, writeParquet } from "npm:parquet-wasm@0.8.0/node";
import { keysOfSteps, makeRunStore } from "../../fixtures/run_store.ts";
import { decodeStore, ParquetError } from "./store_parquet.ts";
import { encodeStore } from "./encode_store.ts";
import type { Store } from "./store.ts";

const encoder = new TextEncoder();
/** A file that notes what is read of it. */
class WatchedFile {
  readonly reads: { start: number; end: number }[] = [];
  readonly byteLength: number;

  constructor(private readonly bytes: Uint8Array) {
    this.byteLength = bytes.length;
  }

  slice(start: number, end: number = this.byteLength): Promise<ArrayBuffer> {
    this.reads.push({ start, end });
    return Promise.resolve(this.bytes.slice(start, end).buffer as ArrayBuffer);
  }

  get bytesRead(): number {
    return this.reads.reduce((sum, { start, end }) => sum + end - start, 0);
  }
}

/** Reads keys of a file and checks that they are the store's, all that it has of them. */
async function readKeys(bytes: Uint8Array, store: Store, keys: Set<string>): Promise<WatchedFile> {
  const file = new WatchedFile(bytes);
  const read = await decodeStore(file, { source: "a.parquet", keys });
  assertEquals([...read], [...store].filter(([key]) => keys.has(key)));
  return file;
}

const store = makeRunStore();
const file = encodeStore(store);

Deno.test("decodeStore() reads 9 steps of 85 with three reads and a quarter of the file", async () => {
  const steps = [36, 39, 42, 45, 48, 51, 54, 57, 60];
  const { reads, bytesRead } = await readKeys(file, store, keysOfSteps(steps));
  // The footer, the steps, and the metadata at the front: its names enclose all others.
  assertEquals(reads.length, 3);
  assertLess(bytesRead, file.length / 4);
});

Deno.test("decodeStore() reads steps that lie apart one by one, without what is between", async () => {
  const { reads, bytesRead } = await readKeys(file, store, keysOfSteps([36, 360]));
  assertEquals(reads.length, 4);
  assertLess(bytesRead, file.length / 7);
});

Deno.test("decodeStore() reads only the footer when no key can be there", async () => {
  const { reads } = await readKeys(file, store, new Set(["!", "~"]));
  assertEquals(reads.length, 1);
});

Deno.test("decodeStore() takes a small file, and one of which everything is wanted, with one read", async () => {
  const small: Store = new Map([...store].slice(0, 2000));
  assertEquals((await readKeys(encodeStore(small), small, keysOfSteps([3]))).reads.length, 1);
  const watched = new WatchedFile(file);
  assertEquals(await decodeStore(watched, { source: "a.parquet" }), store);
  assertEquals(watched.reads, [{ start: 0, end: file.length }]);
});

Deno.test("decodeStore() finds every key, whatever the order of the rows and the alphabet", async () => {
  const odd: Store = new Map();
  // As UTF-16, surrogates come before U+FFFD; as UTF-8, after it.
  const heads = ["\u{1F600}", "\uFFFD", "é", "z", "", "\u07FF", "~"];
  for (let i = 0; i < 9000; i++) {
    odd.set(`${heads[Math.floor(i / 1300)]}${(i * 7919) % 9000}`, encoder.encode(`value ${i}`));
  }
  const bytes = encodeStore(odd);
  const keys = [...odd.keys()];
  for (let end = 500; end <= keys.length; end += 500) {
    // Each by itself: no other key may be the one for which the group is read.
    const sorted = keys.slice(end - 500, end).sort();
    await readKeys(bytes, odd, new Set([sorted.at(0)!]));
    await readKeys(bytes, odd, new Set([sorted.at(-1)!]));
  }
  await readKeys(bytes, odd, new Set(heads.map((_, i) => keys[1000 + i * 1300]!)));
});

Deno.test("decodeStore() finds keys in files whose bounds are cut short, or no UTF-8", async () => {
  const odd: Store = new Map();
  for (let i = 0; i < 9000; i++) odd.set(`\u{10FFFF}${i}é`, encoder.encode(`value ${i}`));
  const names = [...odd.keys()].map((key) => encoder.encode(key));
  for (let i = 250; i < 9000; i += 500) names[i] = Uint8Array.of(0xff);
  for (const statisticsTruncateLength of [7, Infinity]) {
    const bytes = new Uint8Array(parquetWriteBuffer({
      columnData: [
        { name: "key", data: names, type: "STRING" },
        { name: "value", data: [...odd.values()], type: "BYTE_ARRAY" },
      ],
      rowGroupSize: 1000,
      statisticsTruncateLength,
    }));
    await readKeys(bytes, odd, new Set([...odd.keys()].slice(4000, 4003)));
  }
});

/** The file with another table layout: values before keys, other columns between. */
function encodeOtherColumns(statistics: boolean): Uint8Array {
  const keys = [...store.keys()];
  const noise = keys.map((_, i) => crypto.getRandomValues(new Uint8Array(64 + i % 2)));
  return new Uint8Array(parquetWriteBuffer({
    columnData: [
      {
        name: "value",
        data: keys.map((key) => encoder.encode(JSON.stringify({ key }))),
        type: "BYTE_ARRAY",
      },
      { name: "noise", data: noise, type: "BYTE_ARRAY" },
      { name: "key", data: keys, type: "STRING" },
    ],
    statistics,
    rowGroupSize: 1000,
  }));
}

Deno.test("decodeStore() reads no other columns of a file that has some", async () => {
  const bytes = encodeOtherColumns(true);
  const expected: Store = new Map(
    [...store.keys()].map((key) => [key, encoder.encode(JSON.stringify({ key }))]),
  );
  const { reads, bytesRead } = await readKeys(bytes, expected, keysOfSteps([39, 42]));
  assertLess(reads.length, 6);
  assertLess(bytesRead, bytes.length / 10);
});

Deno.test("decodeStore() reads files without bounds and files of one row group right", async () => {
  const keys = keysOfSteps([36, 360]);
  const expected: Store = new Map(
    [...store.keys()].map((key) => [key, encoder.encode(JSON.stringify({ key }))]),
  );
  await readKeys(encodeOtherColumns(false), expected, keys);
  const oneGroup = writeParquet(readParquet(file));
  assertEquals(
    (await ParquetFile.fromFile(new Blob([oneGroup.slice()]))).metadata().numRowGroups(),
    1,
  );
  await readKeys(oneGroup, store, keys);
});

Deno.test("decodeStore() reads a footer that is longer than what it takes at first", async () => {
  const bytes = new Uint8Array(parquetWriteBuffer({
    columnData: [
      { name: "key", data: [...store.keys()], type: "STRING" },
      { name: "value", data: [...store.keys()].map(encoder.encode, encoder), type: "BYTE_ARRAY" },
    ],
    rowGroupSize: 60,
  }));
  const expected: Store = new Map([...store.keys()].map((key) => [key, encoder.encode(key)]));
  const { reads } = await readKeys(bytes, expected, keysOfSteps([36]));
  assertEquals(reads.map(({ end }) => end === bytes.length), [true, true, false, false]);
});

Deno.test("decodeStore() throws the reason why a part could not be read, and calls no file damaged for it", async () => {
  const reason = new Error("the cable is out");
  const broken = { byteLength: file.length, slice: () => Promise.reject(reason) };
  const error = await assertRejects(() => decodeStore(broken, { source: "a.parquet" }), Error);
  assert(error === reason);
});

Deno.test("decodeStore() refuses a footer that points outside of the file", async () => {
  const shortened = new Uint8Array([...file.subarray(0, 200_000), ...file.subarray(-16_384)]);
  await assertRejects(
    () => readKeys(shortened, store, keysOfSteps([360])),
    ParquetError,
    "Cannot read a.parquet as a store: a column chunk lies at",
  );
});

Deno.test("encodeStore() writes groups of 500 rows, bounds of keys and none of values", async () => {
  const metadata = (await ParquetFile.fromFile(new Blob([file]))).metadata();
  assertEquals(metadata.numRowGroups(), Math.ceil(store.size / 500));
  const footerBytes = new DataView(file.buffer).getUint32(file.length - 8, true) + 8;
  const footer = new TextDecoder("latin1").decode(file.subarray(-footerBytes));
  assert(footer.includes("step_360/u/pl/") && !footer.includes("s3://"));
});
