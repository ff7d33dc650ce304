import { assert, assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { isReference, type Store, StoreError } from "./store.ts";
import { decodeInline, deflateStore, storeParameters } from "./skeleton.ts";
import { readTemplate } from "../template/template_archive.ts";

const encode = (text: string) => new TextEncoder().encode(text);

const TEMPLATE_TIME = new Date("2024-05-29T00:00:00Z");
const RUN_TIME = new Date("2026-02-06T12:00:00Z");

/** Seconds since 1970 as kerchunk stores them: the bytes, or base64 where they are not ASCII. */
function encodeTimes(...seconds: number[]): Uint8Array {
  const bytes = new Uint8Array(BigInt64Array.from(seconds, BigInt).buffer);
  return bytes.some((byte) => byte > 127) ? encode(`base64:${bytes.toBase64()}`) : bytes;
}

function decodeTimes(value: unknown): number[] {
  assert(value instanceof Uint8Array);
  return Array.from(new BigInt64Array(decodeInline("x", value).slice().buffer), Number);
}

const GRIB_ARRAY = '{"dtype":"<f4","filters":[{"id":"grib","var":"tp","dtype":"float32"}]}';
const PLAIN_ARRAY = '{"dtype":"<f8","filters":null}';

/** One variable as kerchunk describes it: a referenced and an inline message, and coordinates. */
function makeTemplate(): Store {
  const seconds = TEMPLATE_TIME.getTime() / 1000;
  const store: Store = new Map();
  store.set(".zgroup", encode('{"zarr_format":2}'));
  store.set("tp/tp/.zarray", encode(GRIB_ARRAY));
  store.set("tp/tp/.zattrs", encode('{"GRIB_name":"Total","GRIB_shortName":"tp"}'));
  store.set("tp/tp/0.0.0", encode("base64:R1JJQg=="));
  store.set("tp/tp/0.1.0", { url: "s3://b/20240529000000-3h-enfo-ef.grib2", offset: 5, length: 9 });
  store.set("tp/latitude/.zarray", encode(PLAIN_ARRAY));
  store.set("tp/latitude/0", encode("base64:AAAAAACAVkA="));
  store.set("tp/time/0", encodeTimes(seconds));
  store.set("tp/valid_time/0.0", encodeTimes(seconds, seconds + 3 * 3600));
  store.set("tp/lifetime/0", encodeTimes(seconds));
  return store;
}

Deno.test("deflateStore() leaves out referenced and inline messages, and has the rest in order", () => {
  const { store, droppedChunks } = deflateStore(makeTemplate(), TEMPLATE_TIME, RUN_TIME);
  assertEquals([...store.keys()], [
    ".zgroup",
    "tp/tp/.zarray",
    "tp/tp/.zattrs",
    "tp/latitude/.zarray",
    "tp/latitude/0",
    "tp/time/0",
    "tp/valid_time/0.0",
    "tp/lifetime/0",
  ]);
  assertEquals(droppedChunks, 2);
  for (const key of [".zgroup", "tp/tp/.zarray", "tp/latitude/0"]) {
    assertEquals(store.get(key), makeTemplate().get(key));
  }
});

Deno.test("deflateStore() moves time and valid_time by the distance of the runs, nothing else", () => {
  const { store } = deflateStore(makeTemplate(), TEMPLATE_TIME, RUN_TIME);
  const [template, run] = [TEMPLATE_TIME.getTime() / 1000, RUN_TIME.getTime() / 1000];
  assertEquals(decodeTimes(store.get("tp/time/0")), [run]);
  assertEquals(decodeTimes(store.get("tp/valid_time/0.0")), [run, run + 10_800]);
  assertEquals(decodeTimes(store.get("tp/lifetime/0")), [template]);
});

Deno.test("deflateStore() stores times as base64 only where they are not ASCII, as kerchunk does", () => {
  // 0x6641d300 has a byte above 0x7f, 0x66430000 has none.
  const [ascii, other] = [0x66430000, 0x6641d300];
  const move = (from: number, to: number) => {
    const template = new Map([["time/0", encodeTimes(from)]]);
    return deflateStore(template, new Date(from * 1000), new Date(to * 1000)).store.get("time/0");
  };
  assertEquals(move(ascii, other), encodeTimes(other));
  assertEquals(move(other, ascii), encodeTimes(ascii));
  assertEquals(encodeTimes(ascii).length, 8);
  assertEquals(encodeTimes(other).length, "base64:".length + 12);
});

Deno.test("deflateStore() leaves the template as it was", () => {
  const template = makeTemplate();
  deflateStore(template, TEMPLATE_TIME, RUN_TIME);
  assertEquals(template, makeTemplate());
});

Deno.test("deflateStore() refuses times that are not whole int64 values", () => {
  assertThrows(
    () => deflateStore(new Map([["a/time/0", new Uint8Array(12)]]), TEMPLATE_TIME, RUN_TIME),
    StoreError,
    'Cannot move time coordinate "a/time/0": it has 12 bytes',
  );
});

Deno.test("decodeInline() names the key whose base64 is damaged", () => {
  const error = assertThrows(
    () => decodeInline("time/0", encode("base64:A?8=")),
    StoreError,
    'Cannot read "time/0": its base64 is damaged',
  );
  assertEquals([error.key, error.category], ["time/0", "damaged"]);
});

Deno.test("decodeInline() gives the bytes of plain and of base64 text", () => {
  assertEquals(decodeInline("x", encode("base64:AP8=")), Uint8Array.of(0, 255));
  assertEquals(decodeInline("x", encode("base6")), encode("base6"));
});

Deno.test("storeParameters() lists the MARS names in the attributes, each once", () => {
  const store = makeTemplate();
  store.set("t2m/2t/.zattrs", encode('{ "GRIB_shortName" : "2t" }'));
  store.set("t2m/other/.zattrs", encode('{"GRIB_shortName":"2t"}'));
  store.set("t2m/text", encode('{"GRIB_shortName":"10u"}'));
  assertEquals([...storeParameters(store)], ["tp", "2t"]);
});

const SAMPLE = new URL("../../../shared/data/template-sample.tar.gz", import.meta.url);

/** Steps 0 and 3 of a store made by kerchunk. */
async function readSample(): Promise<Store> {
  const archive = await Deno.open(SAMPLE);
  const { stores } = await readTemplate(archive.readable, "template-sample.tar.gz");
  return stores.get(1)!;
}

Deno.test({
  name: "deflateStore() leaves no trace of the date of kerchunk's store (needs ../shared)",
  ignore: !isFile(SAMPLE),
  async fn() {
    const sample = await readSample();
    const traces = (store: Store) =>
      [...store].filter(([key, value]) => isReference(value) || showsTemplateDate(key, value));
    assert(traces(sample).length > 100);
    const { store, droppedChunks } = deflateStore(sample, TEMPLATE_TIME, RUN_TIME);
    assertEquals(traces(store), []);
    assertEquals(store.size, sample.size - droppedChunks);
    const arrays = [...sample.keys()].filter((key) => key.endsWith("/.zarray"));
    assertEquals([...store.keys()].filter((key) => key.endsWith("/.zarray")), arrays);
    for (const [key, value] of store) {
      const steps = key.endsWith("/time/0") ? [0] : /\/valid_time\/0\.(\d)/.exec(key)?.slice(1);
      if (!steps) continue;
      const expected = steps.map((step) => RUN_TIME.getTime() / 1000 + Number(step) * 10_800);
      assertEquals(decodeTimes(value), expected, key);
    }
  },
});

/** Whether the day of the template stands in a value as text, or as seconds of steps 0 or 3. */
function showsTemplateDate(key: string, value: Uint8Array): boolean {
  const bytes = decodeInline("x", value);
  const text = new TextDecoder("latin1").decode(bytes);
  const epochs = [0, 3].map((step) => encodeLatin1(TEMPLATE_TIME.getTime() / 1000 + step * 3600));
  return /2024-?05-?29/.test(key + text) || epochs.some((epoch) => text.includes(epoch));
}

/** The first four bytes of an int64, one letter a byte. */
function encodeLatin1(seconds: number): string {
  return new TextDecoder("latin1").decode(Uint32Array.of(seconds));
}

Deno.test({
  name: "storeParameters() lists the parameters of kerchunk's store (needs ../shared)",
  ignore: !isFile(SAMPLE),
  async fn() {
    const names = [...storeParameters(await readSample())].sort();
    assertEquals(
      names,
      "10u 2t msl ro sf sp ssr ssrd t tcc tcw tcwv tp u v".split(" "),
    );
  },
});

function isFile(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch {
    return false;
  }
}
