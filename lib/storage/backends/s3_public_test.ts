import { assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { stub } from "jsr:@std/testing@^1.0.0/mock";
import { openStorage, StorageError } from "../mod.ts";

/** The addresses that are asked for an object, by a fetch that answers all of them alike. */
async function fetchOf(
  url: string,
  options: Parameters<typeof openStorage>[0],
  answer: () => Response = () => new Response("0123456789"),
): Promise<string[]> {
  const asked: string[] = [];
  using _ = stub(globalThis, "fetch", (input) => {
    asked.push(String(input));
    return Promise.resolve(answer());
  });
  await openStorage({ maxAttempts: 1, ...options }).get(url);
  return asked;
}

Deno.test("a public object is asked of its bucket's host, or of the endpoint by its path", async () => {
  const at = async (url: string, endpoint?: string) => (await fetchOf(url, { endpoint }))[0];
  assertEquals(
    await at("s3://b/2026/a b+c.grib2"),
    "https://b.s3.eu-central-1.amazonaws.com/2026/a%20b%2Bc.grib2",
  );
  assertEquals(await at("s3://b.c/key"), "https://s3.eu-central-1.amazonaws.com/b.c/key");
  assertEquals(await at("s3://b/key", "http://localhost:9000"), "http://localhost:9000/b/key");
  assertEquals(
    await at("s3://b/key", "http://localhost:9000/s3/"),
    "http://localhost:9000/s3/b/key",
  );
});

Deno.test("S3's name for an error is in the message, whatever the status", async () => {
  const answer = () =>
    new Response("<Error><Code>AccessDenied</Code></Error>", {
      status: 403,
      statusText: "Forbidden",
    });
  const error = await assertRejects(() => fetchOf("s3://b/key", {}, answer), StorageError);
  assertEquals(error.answer, "403 AccessDenied");
});
