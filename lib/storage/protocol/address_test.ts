import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { isRemote, parseBucketUrl, parseObjectUrl, parseScheme } from "./address.ts";
import { StorageError } from "./storage_error.ts";

const SCHEMES: [address: string, scheme: string][] = [
  ["s3://ecmwf-forecasts/20260206/00z", "s3"],
  ["GS://gik-ecmwf-aws-tf", "gs"],
  ["https://example.org/a", "https"],
  ["file:///tmp/a", "file"],
  ["/tmp/a", "file"],
  ["folder/with:colon", "file"],
];

for (const [address, scheme] of SCHEMES) {
  Deno.test(`parseScheme("${address}") is "${scheme}"`, () => {
    assertEquals(parseScheme(address), scheme);
    assertEquals(isRemote(address), scheme !== "file");
  });
}

Deno.test("parseObjectUrl() takes keys literally", () => {
  for (const scheme of ["s3", "gs"]) {
    const url = `${scheme}://bucket/a/b%20c+d?e#f`;
    assertEquals(parseObjectUrl(url), { bucket: "bucket", key: "a/b%20c+d?e#f" });
  }
});

Deno.test("parseBucketUrl() needs no key, parseObjectUrl() does", () => {
  for (const url of ["s3://bucket", "s3://bucket/"]) {
    assertEquals(parseBucketUrl(url), { bucket: "bucket", key: "" });
    const error = assertThrows(() => parseObjectUrl(url), StorageError);
    assertEquals(
      error.message,
      `Cannot read "${url}": it names no object, expected s3://<bucket>/<key>`,
    );
  }
});

Deno.test("parseBucketUrl() reports that an address names no bucket", () => {
  const error = assertThrows(() => parseBucketUrl("gs:///key"), StorageError);
  assertEquals(error.kind, "unsupported");
  assertEquals(
    error.message,
    'Cannot read "gs:///key": it names no bucket, expected gs://<bucket>/<key>',
  );
});
