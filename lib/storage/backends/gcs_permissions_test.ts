import { assertEquals, assertMatch } from "jsr:@std/assert@^1.0.0";
import { join } from "node:path";
import { ALL_PERMISSIONS, startGcsServer } from "../../../fixtures/gcs_server.ts";
import { runWith } from "../permissions_fixture.ts";

const ACCOUNT = "robot@local.iam.gserviceaccount.com";
/** Variables that the SDK reads and does not need. */
const SDK = "DEBUG,FUNCTION_NAME,GOOGLE_SDK_NODE_LOGGING,READABLE_STREAM,STORAGE_EMULATOR_HOST," +
  "TEENY_REQUEST_WARN_CONCURRENT_REQUESTS";
/** Variables that the auth library reads and does not need. */
const PROXIES = "HTTPS_PROXY,https_proxy,HTTP_PROXY,http_proxy";

const READ = [
  'storage.get("gs://my-bucket/key", { offset: 0, length: 10 })',
  'storage.head("gs://my-bucket/key")',
  'Array.fromAsync(storage.list("gs://my-bucket/"))',
];
const WRITE = [
  'storage.put("gs://my-bucket/new", [new Uint8Array(9)]).then(() => 1)',
  'storage.put("gs://my-bucket/large", [new Uint8Array(9_000_000)]).then(() => 1)',
];

/** A server, and a home folder with a key file, a user's login and another cloud's secrets. */
async function start() {
  const server = await startGcsServer({
    buckets: { "my-bucket": new Map([["key", new Uint8Array(1000)]]) },
    publicBuckets: ["my-bucket"],
    accounts: { [ACCOUNT]: ALL_PERMISSIONS },
    machineAccount: ACCOUNT,
  });
  const home = await Deno.makeTempDir();
  const keyFile = join(home, "key.json");
  const login = join(home, ".config/gcloud/application_default_credentials.json");
  const secrets = join(home, ".aws/credentials");
  const write = async (path: string, text: string) => {
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(path, text);
  };
  await write(keyFile, await server.formatKeyFile(ACCOUNT));
  await write(login, server.formatUserFile(ACCOUNT));
  await write(secrets, "[default]");
  return {
    server,
    home,
    keyFile,
    login,
    net: `--allow-net=127.0.0.1:${server.port}`,
    /** What must be refused in every case. */
    forbidden: [
      `Deno.readTextFile("${secrets}")`,
      'storage.get("http://127.0.0.2:8080/key")',
      `storage.put("${home}/file", [])`,
      'Deno.env.get("USER")',
    ],
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(home, { recursive: true });
    },
  };
}

function assertForbidden(results: unknown[]) {
  assertMatch(String(results[0]), /^NotCapable .*--allow-read/);
  assertMatch(String(results[1]), /^StorageError permission .*--allow-net=127\.0\.0\.2:8080$/);
  assertMatch(String(results[2]), /^StorageError permission .*--allow-write=/);
  assertMatch(String(results[3]), /^NotCapable .*"USER"/);
}

Deno.test("gs:// with a key file needs the server's host, that file and no variable", async () => {
  await using setup = await start();
  const { server, keyFile, net, forbidden } = setup;
  const flags = [net, `--allow-read=${keyFile}`, `--ignore-env=${SDK},${PROXIES}`];
  const results = await runWith(flags, { gcs: { keyFile, endpoint: server.url } }, [
    ...READ,
    ...WRITE,
    ...forbidden,
  ]);
  assertEquals(results.slice(0, 5), [10, 1000, 1, 1, 1] as unknown[]);
  assertForbidden(results.slice(5));
  assertEquals(server.counters.byAction.token, 1);
});

Deno.test("gs:// with a user's login needs HOME and that file", async () => {
  await using setup = await start();
  const { server, home, login, net, forbidden } = setup;
  const others = "GOOGLE_APPLICATION_CREDENTIALS,CLOUDSDK_CONFIG";
  const flags = [
    net,
    `--allow-read=${login}`,
    "--allow-env=HOME",
    `--ignore-env=${SDK},${PROXIES},${others}`,
  ];
  // Otherwise Deno would look for its own cache below HOME.
  const env = {
    HOME: home,
    DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
  };
  const uses = [...READ, ...WRITE, ...forbidden];
  const results = await runWith(flags, { gcs: { endpoint: server.url } }, uses, env);
  assertEquals(results.slice(0, 5), [10, 1000, 1, 1, 1] as unknown[]);
  assertForbidden(results.slice(5));
  assertEquals(
    server.requests.every(({ account, action }) =>
      account === (action === "token" ? "anonymous" : ACCOUNT)
    ),
    true,
  );
});

Deno.test("gs:// on a machine with an account needs the metadata server's host", async () => {
  await using setup = await start();
  const { server, net, forbidden } = setup;
  const flags = [
    net,
    "--allow-env=GCE_METADATA_HOST",
    `--ignore-env=${SDK},GOOGLE_APPLICATION_CREDENTIALS,CLOUDSDK_CONFIG,HOME`,
  ];
  const results = await runWith(
    flags,
    { gcs: { endpoint: server.url } },
    [...READ, ...forbidden],
    { GCE_METADATA_HOST: `127.0.0.1:${server.port}` },
  );
  assertEquals(results.slice(0, 3), [10, 1000, 1] as unknown[]);
  assertForbidden(results.slice(3));
  assertEquals(server.counters.byAction.machine, 2);
});

Deno.test("gs:// of a public bucket needs only the host", async () => {
  await using setup = await start();
  const { server, net, forbidden } = setup;
  const options = { gcs: { anonymous: true, endpoint: server.url } };
  const flags = [net, `--ignore-env=${SDK}`];
  const results = await runWith(flags, options, [...READ, ...forbidden]);
  assertEquals(results.slice(0, 3), [10, 1000, 1] as unknown[]);
  assertForbidden(results.slice(3));
  assertEquals(server.requests.every(({ account }) => account === "anonymous"), true);
});

Deno.test("gs:// reports which host, file or variable is refused, and the flag to add", async () => {
  await using setup = await start();
  const { server, keyFile, net } = setup;
  const ignored = `--ignore-env=${SDK},${PROXIES}`;
  const key = { gcs: { keyFile, endpoint: server.url } };
  const fail = async (flags: string[], options: Record<string, unknown>) =>
    String(await runWith(flags, options, READ.slice(1, 2)));
  assertMatch(
    await fail([net, ignored], key),
    new RegExp(`^StorageError permission .*"${keyFile}".* add --allow-read=${keyFile}$`),
  );
  assertMatch(
    await fail([`--allow-read=${keyFile}`, ignored], key),
    /^StorageError permission .* add --allow-net=127\.0\.0\.1:\d+$/,
  );
  assertMatch(
    await fail([ignored], { gcs: { anonymous: true } }),
    /^StorageError permission .* add --allow-net=storage\.googleapis\.com:443$/,
  );
  assertMatch(await fail([net], key), /^StorageError permission .* add --ignore-env=\w+$/);
  assertMatch(
    await fail([net, ignored], { gcs: {} }),
    /^StorageError permission .*hides the variable GOOGLE_APPLICATION_CREDENTIALS/,
  );
});
