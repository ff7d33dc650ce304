import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { parseBucketUrl, parseObjectUrl } from "./bucket_url.ts";
import { StorageError } from "./storage_error.ts";

Deno.test("parseObjectUrl() takes keys as they stand", () => {
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

Deno.test("parseBucketUrl() says what an address without a bucket lacks", () => {
  const error = assertThrows(() => parseBucketUrl("gs:///key"), StorageError);
  assertEquals(error.kind, "unsupported");
  assertEquals(
    error.message,
    'Cannot read "gs:///key": it names no bucket, expected gs://<bucket>/<key>',
  );
});
