import { assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { join } from "node:path";
import { startAzureServer } from "../../fixtures/azure_server.ts";
import { startS3Server } from "../../fixtures/s3_server.ts";
import { ROOT, runWith } from "./permissions_fixture.ts";

const OBJECT = new Uint8Array(1000);
const IGNORED = "AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA,AWS_LAMBDA_BENCHMARK_MODE," +
  "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED";

function startWithObject() {
  return startS3Server({ buckets: { "my-bucket": new Map([["key", OBJECT]]) } });
}

const READ_S3 = [
  'storage.get("s3://my-bucket/key", { offset: 0, length: 10 })',
  'storage.head("s3://my-bucket/key")',
  'Array.fromAsync(storage.list("s3://my-bucket/"))',
];

Deno.test("listing s3:// needs one host and three ignored variables, and no other permission", async () => {
  await using server = startWithObject();
  const allowed = [`--allow-net=127.0.0.1:${server.port}`, `--ignore-env=${IGNORED}`];
  const [bytes, size, objects, otherHost, file, variable] = await runWith(
    allowed,
    { endpoint: server.url },
    [
      ...READ_S3,
      'storage.get("http://127.0.0.2:8080/key")',
      'storage.get("/etc/hostname")',
      'Deno.env.get("HOME")',
    ],
  );
  assertEquals([bytes, size, objects], [10, 1000, 1] as unknown[]);
  assertMatch(otherHost!, /^StorageError permission .*add --allow-net=127\.0\.0\.2:8080$/);
  assertMatch(file!, /^StorageError permission .*add --allow-read=\/etc\/hostname$/);
  assertMatch(variable!, /^NotCapable .*"HOME"/);
});

// The AWS SDK would ask for three of them.
Deno.test("https://, paths and objects in public buckets need no variable", async () => {
  await using server = startWithObject();
  const url = `${server.url}/my-bucket/key`;
  const results = await runWith(
    [`--allow-net=127.0.0.1:${server.port}`, `--allow-read=${ROOT.pathname}`],
    { endpoint: server.url },
    [
      `storage.get("${url}")`,
      `storage.head("${ROOT.pathname}/deno.json").then(() => 1)`,
      ...READ_S3.slice(0, 2),
    ],
  );
  assertEquals(results, [1000, 1, 10, 1000] as unknown[]);
});

Deno.test("az:// needs the hosts of the token service and of the account, and no variable", async () => {
  await using server = startAzureServer({
    account: "account",
    container: "run",
    blobs: new Map([["key", OBJECT]]),
  });
  const { port, tokenEndpoint, blobEndpoint } = server;
  const use = ['storage.get("az://account/run/key")'];
  const allowed = [`--allow-net=127.0.0.1:${port}`];
  const azure = { tokenEndpoint, blobEndpoint };
  assertEquals(await runWith(allowed, { azure }, use), [1000] as unknown[]);
  const [tokens] = await runWith([], {}, use);
  assertStringIncludes(tokens!, "add --allow-net=planetarycomputer.microsoft.com:443");
  const [blobs] = await runWith(allowed, { azure: { tokenEndpoint } }, use);
  assertStringIncludes(blobs!, "add --allow-net=account.blob.core.windows.net:443");
});

Deno.test("a refusal names the bucket's host on AWS, or the variable to ignore", async () => {
  const use = ['storage.get("s3://ecmwf-forecasts/key")'];
  const [host] = await runWith([`--ignore-env=${IGNORED}`], { maxAttempts: 5 }, use);
  assertStringIncludes(
    host!,
    "add --allow-net=ecmwf-forecasts.s3.eu-central-1.amazonaws.com:443",
  );
  const [variable] = await runWith([], {}, ['Array.fromAsync(storage.list("s3://bucket/"))']);
  assertMatch(variable!, /^StorageError permission .*add --ignore-env=AWS_LAMBDA_/);
});

Deno.test("s3:// uses neither variables nor files that configure AWS", async () => {
  await using server = startWithObject();
  const home = await Deno.makeTempDir();
  await Deno.mkdir(join(home, ".aws"));
  const settings = "aws_access_key_id = A\naws_secret_access_key = B\n" +
    "endpoint_url = http://127.0.0.2:8080\nregion = nowhere\nmax_attempts = 7\n";
  await Deno.writeTextFile(join(home, ".aws/config"), `[default]\n${settings}`);
  await Deno.writeTextFile(join(home, ".aws/credentials"), `[default]\n${settings}`);
  const results = await runWith(["--allow-all"], { endpoint: server.url }, READ_S3, {
    AWS_CONFIG_FILE: join(home, ".aws/config"),
    AWS_SHARED_CREDENTIALS_FILE: join(home, ".aws/credentials"),
    AWS_ACCESS_KEY_ID: "A",
    AWS_SECRET_ACCESS_KEY: "B",
    AWS_ENDPOINT_URL_S3: "http://127.0.0.2:8080",
    AWS_REGION: "nowhere",
    AWS_MAX_ATTEMPTS: "7",
  });
  assertEquals(results, [10, 1000, 1] as unknown[]);
  assertEquals(server.requests.map(({ authorization }) => authorization), [
    undefined,
    undefined,
    undefined,
  ]);
  await Deno.remove(home, { recursive: true });
});
