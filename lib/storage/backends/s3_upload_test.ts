import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { SLOW_DOWN, startS3Server } from "../../../fixtures/s3_server.ts";
import { checkSignature } from "../../../fixtures/s3_signature.ts";
import { openStorage, type S3Credentials, StorageError, type StorageOptions } from "../mod.ts";

const KEY: S3Credentials = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPx",
};
const BYTES = crypto.getRandomValues(new Uint8Array(60_000));

function start(given: Partial<StorageOptions> = {}, region?: string) {
  const bucket = new Map<string, Uint8Array<ArrayBuffer>>();
  const server = startS3Server({
    buckets: { "my-bucket": bucket },
    accounts: { [KEY.accessKeyId]: KEY.secretAccessKey },
    ...(region && { region }),
  });
  const storage = openStorage({
    ...{ endpoint: server.url, s3Credentials: KEY, minDelayMs: 1, maxDelayMs: 2 },
    ...given,
  });
  return { bucket, server, storage };
}

Deno.test("put() writes an object to S3 in one request that its signature covers, whatever the key", async () => {
  const { bucket, server, storage } = start();
  await using _ = server;
  const keys = ["run/IFS.nc", "a b+c&d=e%20f/é?#(1)*.nc", "2026-02-06T00:00:00Z"];
  for (const key of keys) await storage.put(`s3://my-bucket/${key}`, [BYTES.slice(0, 9), BYTES]);
  assertEquals([...bucket.keys()], keys);
  assertEquals(bucket.get(keys[0]!), Uint8Array.from([...BYTES.slice(0, 9), ...BYTES]));
  assertEquals(
    server.requests.map(({ method, status }) => `${method} ${status}`),
    keys.map(() => "PUT 200"),
  );
  assertEquals((await storage.get(`s3://my-bucket/${keys[0]}`)).length, BYTES.length + 9);
});

Deno.test("a session token is signed, too", async () => {
  const seen: Headers[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      await request.bytes();
      seen.push(request.headers);
      return new Response();
    },
  );
  const endpoint = `http://127.0.0.1:${server.addr.port}`;
  const { storage, server: other } = start({
    endpoint,
    s3Credentials: { ...KEY, sessionToken: "t0" },
  });
  await using _ = other;
  await storage.put("s3://my-bucket/k", [BYTES]);
  assertEquals(seen[0]!.get("x-amz-security-token"), "t0");
  assertStringIncludes(seen[0]!.get("authorization")!, "x-amz-security-token");
});

const WRONG: readonly {
  what: string;
  given: Partial<StorageOptions>;
  says: string;
  region?: string;
}[] = [
  {
    what: "another secret",
    given: { s3Credentials: { ...KEY, secretAccessKey: "other" } },
    says: "the key does not fit; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (403 Sig",
  },
  {
    what: "a key that is not known",
    given: { s3Credentials: { ...KEY, accessKeyId: "AKOTHER" } },
    says: "the key is not known; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (403 Inv",
  },
  {
    what: "another region",
    given: {},
    region: "us-east-1",
    says:
      "the bucket is in another region; give --publish-region (400 AuthorizationHeaderMalformed)",
  },
];

for (const { what, given, says, region } of WRONG) {
  Deno.test(`put() with ${what} is refused once, says what to check, and shows no secret`, async () => {
    const { bucket, server, storage } = start(given, region);
    await using _ = server;
    const error = await assertRejects(
      () => storage.put("s3://my-bucket/forecasts/IFS_20260206_00Z_cgan.nc", [BYTES]),
      StorageError,
    );
    assertEquals(
      error.message.startsWith(`Cannot write to s3://my-bucket: ${says}`),
      true,
      error.message,
    );
    assertEquals([error.category, bucket.size, server.requests.length], ["unreachable", 0, 1]);
    assert(!Deno.inspect(error).includes(KEY.secretAccessKey));
  });
}

Deno.test("put() names a bucket that is not there", async () => {
  const { server, storage } = start();
  await using _ = server;
  const put = () => storage.put("s3://no-bucket/x", [BYTES]);
  const error = await assertRejects(put, StorageError, "there is no such bucket; check its name");
  assertEquals(error.category, "unreachable");
});

Deno.test("put() is tried again while the server is overloaded", async () => {
  const { bucket, server, storage } = start();
  await using _ = server;
  let left = 2;
  server.setFaults(() => left-- > 0 ? SLOW_DOWN : undefined);
  await storage.put("s3://my-bucket/x", [BYTES]);
  assertEquals([bucket.get("x"), server.requests.length], [BYTES, 3]);
});

Deno.test("put() follows no redirect with a signature", async () => {
  let asked = 0;
  await using other = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    asked++;
    return new Response();
  });
  const location = `http://127.0.0.1:${other.addr.port}/my-bucket/x`;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      await request.bytes();
      return new Response(null, { status: 307, headers: { location } });
    },
  );
  const storage = openStorage({
    endpoint: `http://127.0.0.1:${server.addr.port}`,
    s3Credentials: KEY,
  });
  const put = () => storage.put("s3://my-bucket/x", [BYTES]);
  await assertRejects(
    put,
    StorageError,
    "in another region; give --publish-region (307 Temporary Redirect)",
  );
  assertEquals(asked, 0);
});

Deno.test("without a key nothing is written to S3", async () => {
  const { server, storage } = start({ s3Credentials: undefined });
  await using _ = server;
  const put = () => storage.put("s3://my-bucket/x", [BYTES]);
  await assertRejects(put, StorageError, "only gs:// addresses, s3:// with a key and local paths");
  assertEquals(server.requests.length, 0);
});

Deno.test("the stand-in computes the signature of the example in Amazon's documentation", () => {
  // AWS, "Signature Calculations: Transferring Payload in a Single Chunk", example "PUT Object".
  const headers = {
    "date": "Fri, 24 May 2013 00:00:00 GMT",
    "host": "examplebucket.s3.amazonaws.com",
    "x-amz-date": "20130524T000000Z",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
    "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
    "authorization":
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
      "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, " +
      "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  };
  const request = new Request("https://examplebucket.s3.amazonaws.com/test$file.text", {
    method: "PUT",
    headers,
  });
  const body = new TextEncoder().encode("Welcome to Amazon S3.");
  const accounts = { AKIAIOSFODNN7EXAMPLE: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
  const at = Date.UTC(2013, 4, 24);
  assertEquals(checkSignature(request, body, accounts, "us-east-1", at), undefined);
  const other = new TextEncoder().encode("Welcome to Amazon S4.");
  assertEquals(
    checkSignature(request, other, accounts, "us-east-1", at),
    "XAmzContentSHA256Mismatch",
  );
  assertEquals(checkSignature(request, body, accounts, "us-east-1"), "RequestTimeTooSkewed");
});
