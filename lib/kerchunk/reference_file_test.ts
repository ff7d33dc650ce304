import { assertEquals } from "jsr:@std/assert@^1.0.0";
import type { Store } from "../references/store.ts";
import { encodeReferenceFile } from "./reference_file.ts";

const parse = async (store: Store) =>
  JSON.parse(await new Blob([...encodeReferenceFile(store)]).text());

Deno.test("encodeReferenceFile() writes texts, bytes and references as fsspec's version 1", async () => {
  const store: Store = new Map();
  store.set(".zgroup", new TextEncoder().encode('{"zarr_format":2}'));
  store.set("t/.zattrs", new TextEncoder().encode('{"name":"précipitation"}'));
  store.set("t/latitude/0", new TextEncoder().encode("base64:AAAAAACAVkA="));
  store.set("t/time/0", Uint8Array.of(0, 1, 34, 127));
  store.set("t/bytes/0", Uint8Array.of(0, 0x80, 0xff));
  store.set("t/t/0.0", { url: "s3://b/k.grib2", offset: 5_000_000_000, length: 7 });
  assertEquals(await parse(store), {
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
    assertEquals(Object.keys((await parse(store)).refs).length, size);
  }
});
