import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "jsr:@std/assert@^1.0.0";
import { join } from "node:path";
import { ALL_PERMISSIONS, startGcsServer } from "../../../fixtures/gcs_server.ts";
import { type GcsOptions, openStorage, StorageError } from "../mod.ts";

const ROBOT = "robot@local.iam.gserviceaccount.com";
const USER = "someone@example.org";
const KEY = "gs://my-bucket/key";
/** The variables read for Application Default Credentials. */
const VARIABLES = [
  "GOOGLE_APPLICATION_CREDENTIALS",
  "CLOUDSDK_CONFIG",
  "HOME",
  "GCE_METADATA_HOST",
  "STORAGE_EMULATOR_HOST",
];

/** A server with accounts, and a folder for credentials. */
async function start() {
  const server = await startGcsServer({
    buckets: { "my-bucket": new Map([["key", new Uint8Array(10)]]) },
    accounts: { [ROBOT]: ALL_PERMISSIONS, [USER]: ALL_PERMISSIONS },
    machineAccount: ROBOT,
  });
  const folder = await Deno.makeTempDir();
  const write = async (name: string, text: string) => {
    const path = join(folder, name);
    await Deno.writeTextFile(path, text);
    return path;
  };
  return {
    server,
    folder,
    write,
    open: (gcs: GcsOptions) =>
      openStorage({ gcs: { endpoint: server.url, ...gcs }, maxAttempts: 1 }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Runs with these variables and no others about credentials. */
async function withVariables(set: Record<string, string | undefined>, run: () => Promise<void>) {
  const before = VARIABLES.map((name) => [name, Deno.env.get(name)] as const);
  const assign = (values: Iterable<readonly [string, string | undefined]>) => {
    for (const [name, value] of values) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  };
  assign(VARIABLES.map((name) => [name, set[name]]));
  try {
    await run();
  } finally {
    assign(before);
  }
}

Deno.test("a key file comes before Application Default Credentials", async () => {
  await using setup = await start();
  const { server, write, open } = setup;
  const keyFile = await write("key.json", await server.formatKeyFile(ROBOT));
  const path = await write("user.json", server.formatUserFile(USER));
  await withVariables({ GOOGLE_APPLICATION_CREDENTIALS: path }, async () => {
    await open({ keyFile }).head(KEY);
    await open({}).head(KEY);
  });
  const described = server.requests.filter(({ action }) => action === "describe");
  assertEquals(described.map(({ account }) => account), [ROBOT, USER]);
});

Deno.test("Application Default Credentials are looked for in the order that Google defines", async () => {
  await using setup = await start();
  const { server, folder, write, open } = setup;
  const name = "application_default_credentials.json";
  await Deno.mkdir(join(folder, "home/.config/gcloud"), { recursive: true });
  await write(`home/.config/gcloud/${name}`, server.formatUserFile(USER));
  await write(name, await server.formatKeyFile(ROBOT));
  const named = await write("named.json", server.formatUserFile(USER));
  const home = { HOME: join(folder, "home") };
  const asked: (string | undefined)[] = [];
  for (
    const set of [
      { ...home, CLOUDSDK_CONFIG: folder, GOOGLE_APPLICATION_CREDENTIALS: named },
      { ...home, CLOUDSDK_CONFIG: folder },
      home,
      { HOME: "/nowhere", GCE_METADATA_HOST: `127.0.0.1:${server.port}` },
    ]
  ) {
    await withVariables(set, async () => void await open({}).head(KEY));
    asked.push(server.requests.at(-1)?.account);
  }
  assertEquals(asked, [USER, ROBOT, USER, ROBOT]);
  assertEquals(server.counters.byAction, { token: 3, machine: 2, describe: 4 });
});

Deno.test("the machine's token is fetched once for requests that begin together", async () => {
  await using setup = await start();
  const { server, open } = setup;
  await withVariables({ GCE_METADATA_HOST: `127.0.0.1:${server.port}` }, async () => {
    const storage = open({});
    await Promise.all(Array.from({ length: 8 }, () => storage.head(KEY)));
  });
  assertEquals(server.counters.byAction, { machine: 2, describe: 8 });
});

Deno.test("without any credentials one error explains all ways to give them", async () => {
  await withVariables({ GCE_METADATA_HOST: "127.0.0.1:1" }, async () => {
    const storage = openStorage({ maxAttempts: 1 });
    const error = await assertRejects(() => storage.head(KEY), StorageError);
    assertEquals(error.kind, "denied");
    for (
      const part of [
        "GCS_SERVICE_ACCOUNT_FILE",
        "gcloud auth application-default login",
        "--gcs-anonymous",
        "127.0.0.1:1: ",
      ]
    ) assertStringIncludes(error.message, part);
  });
});

Deno.test("a server that is not Google's works without credentials, and gets none of Google's", async () => {
  await using setup = await start();
  const { server, write } = setup;
  const key = JSON.parse(await server.formatKeyFile(ROBOT));
  delete key.token_uri;
  const keyFile = await write("google.json", JSON.stringify(key));
  await withVariables({ HOME: "/nowhere" }, async () => {
    // Without a scheme, as STORAGE_EMULATOR_HOST often is.
    const storage = setup.open({ endpoint: `127.0.0.1:${server.port}` });
    await assertRejects(() => storage.head(KEY), StorageError, "to anonymous (401 ");
    const error = await assertRejects(() => setup.open({ keyFile }).head(KEY), StorageError);
    assertStringIncludes(error.message, `"${keyFile}" is not for 127.0.0.1 and was not sent to it`);
  });
  assertEquals(server.counters.byAction, { describe: 2 });
});

Deno.test("credentials of another server are not sent to Google", async () => {
  await using setup = await start();
  const keyFile = await setup.write("key.json", await setup.server.formatKeyFile(ROBOT));
  const storage = openStorage({ gcs: { keyFile }, maxAttempts: 1 });
  const error = await assertRejects(() => storage.head(KEY), StorageError, "they are not Google's");
  assertEquals(error.kind, "denied");
  assertEquals(setup.server.requests.length, 0);
});

Deno.test("STORAGE_EMULATOR_HOST that the SDK sees changes nothing", async () => {
  await using setup = await start();
  const keyFile = await setup.write("key.json", await setup.server.formatKeyFile(ROBOT));
  await withVariables({ STORAGE_EMULATOR_HOST: "http://127.0.0.1:1" }, async () => {
    assertEquals((await setup.open({ keyFile }).head(KEY)).size, 10);
  });
});

Deno.test("a file of credentials that cannot be used is named, and not quoted", async () => {
  await using setup = await start();
  const { server, folder, write, open } = setup;
  const key = JSON.parse(await server.formatKeyFile(ROBOT));
  const cases: [string, string, RegExp][] = [
    ["none.json", "", /there is no such file/],
    ["text.json", "SECRET", /it is not the JSON that Google's tools write/],
    ["list.json", "[]", /its type is not "service_account" or "authorized_user"/],
    ["type.json", '{"type":"SECRET"}', /its type is not/],
    [
      "user.json",
      '{"type":"authorized_user","client_id":"SECRET"}',
      /client_secret, refresh_token/,
    ],
    ["partial.json", '{"type":"service_account","client_email":"SECRET"}', /it lacks private_key/],
    ["key.json", JSON.stringify({ ...key, private_key: "SECRET" }), /its private_key is damaged/],
  ];
  for (const [name, text, expected] of cases) {
    const keyFile = name === "none.json" ? join(folder, name) : await write(name, text);
    const error = await assertRejects(() => open({ keyFile }).head(KEY), StorageError);
    assertMatch(error.message, expected);
    assertEquals(error.kind, "denied");
    assertEquals(Deno.inspect(error, { depth: 99 }).includes("SECRET"), false, name);
    assertStringIncludes(error.message, keyFile);
  }
});

Deno.test("the error of a refused token names the reason and the account, and nothing secret", async () => {
  await using setup = await start();
  const { server, write, open } = setup;
  const key = JSON.parse(await server.formatKeyFile("stranger@example.org"));
  const keyFile = await write("key.json", JSON.stringify(key));
  const error = await assertRejects(() => open({ keyFile }).head(KEY), StorageError);
  assertMatch(
    error.message,
    /^Cannot get a token for stranger@example\.org .* \(400 invalid_grant: Account not found\.\)/,
  );
  const user = JSON.parse(server.formatUserFile(USER));
  user.refresh_token = "1//local-refresh-SECRET";
  const userFile = await write("user.json", JSON.stringify(user));
  const refused = await assertRejects(() => open({ keyFile: userFile }).head(KEY), StorageError);
  assertStringIncludes(refused.message, `the user of "${userFile}"`);
  const text = Deno.inspect([error, refused], { depth: 99, strAbbreviateSize: Infinity });
  const [assertionStart] = btoa('{"alg":"RS256"').split("=");
  for (const secret of ["SECRET", "local-client-secret", assertionStart!, key.private_key]) {
    assertEquals(text.includes(secret.slice(0, 60)), false);
  }
});

Deno.test("a token server that is busy or gone is retried", async () => {
  await using setup = await start();
  const { server, write } = setup;
  const keyFile = await write("key.json", await server.formatKeyFile(ROBOT));
  const storage = openStorage({
    gcs: { keyFile, endpoint: server.url },
    maxAttempts: 4,
    minDelayMs: 1,
  });
  let strikes = 0;
  server.setFaults(({ action }) => {
    if (action !== "token" || ++strikes > 3) return undefined;
    return strikes === 2 ? { kind: "cut", bytes: 3 } : { kind: "status", status: 503 };
  });
  assertEquals((await storage.head(KEY)).size, 10);
  assertEquals(server.counters.byAction, { token: 4, describe: 1 });
  assertEquals(storage.counters.retries, 3);
});
