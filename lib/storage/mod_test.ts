import { assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { openStorage, StorageError } from "./mod.ts";

Deno.test("openStorage() names the supported schemes when given another", async () => {
  const storage = openStorage();
  for (
    const use of [
      () => storage.get("ftp://bucket/key"),
      () => storage.head("ftp://bucket/key"),
      () => Array.fromAsync(storage.list("ftp://bucket/")),
      () => storage.put("ftp://bucket/key", []),
    ]
  ) {
    const error = await assertRejects(use, StorageError, 'the scheme "ftp" is not supported');
    assertEquals([error.kind, error.url.startsWith("ftp://bucket/")], ["unsupported", true]);
  }
});

Deno.test("get() refuses ranges that name no bytes without a request", async () => {
  const storage = openStorage();
  for (
    const [offset, length] of [[-1, 5], [0, 0], [0.5, 5], [0, NaN], [0, -5], [2 ** 60, 1]] as const
  ) {
    await assertRejects(
      () => storage.get("s3://bucket/key", { offset, length }),
      RangeError,
      `offset ${offset} and length ${length}`,
    );
  }
  assertEquals(storage.counters.requests, 0);
});

Deno.test("get() reports what an s3:// address lacks", async () => {
  for (const url of ["s3://", "s3://bucket", "s3://bucket/", "s3:///key"]) {
    const error = await assertRejects(() => openStorage().get(url), StorageError, "expected s3://");
    assertEquals(error.kind, "unsupported");
  }
});

Deno.test("put() to S3 names what can be written", async () => {
  const error = await assertRejects(
    () => openStorage().put("s3://bucket/key", []),
    StorageError,
    'Cannot write "s3://bucket/key"',
  );
  assertEquals(error.kind, "unsupported");
});
