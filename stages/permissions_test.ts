import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { cp } from "node:fs/promises";
import config from "../deno.json" with { type: "json" };
import {
  BEFORE_50R1,
  EMBEDDED_STEPS,
  openWorkplace,
  type Workplace,
} from "../fixtures/embedded_run.ts";
import { startS3Server } from "../fixtures/s3_server.ts";
import { installProgram } from "../fixtures/fake_program.ts";
import { ALL_PERMISSIONS, startGcsServer } from "../fixtures/gcs_server.ts";
import type { PermissionSet } from "../lib/cli/task_permissions.ts";
import { BUCKET, BUCKET_REGION } from "../lib/ecmwf/files.ts";
import { runLabel } from "../lib/ecmwf/run.ts";
import { SOURCES } from "../lib/ecmwf/sources.ts";
import { GIK } from "../lib/output/profile.ts";

const ROOT = decodeURIComponent(new URL("../", import.meta.url).pathname);

interface Finished {
  code: number;
  output: string;
  errors: string;
}

/** Runs Deno in the checkout, or in a copy of it: where the permission sets are. */
async function runDeno(
  args: string[],
  env: Record<string, string> = {},
  input = "",
  folder = ROOT,
): Promise<Finished> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", ...args],
    cwd: folder,
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
  await using process = command.spawn();
  await new Blob([input]).stream().pipeTo(process.stdin);
  const { code, stdout, stderr } = await process.output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout), errors: decoder.decode(stderr) };
}

/** Runs code under a permission set. @returns its output. */
async function runUnder(set: string, code: string): Promise<string[]> {
  const { output, errors } = await runDeno([`-P=${set}`, "-"], { ...SECRETS, HOME }, code);
  return (output.trim() || errors).split("\n");
}

const HOME = Deno.env.get("HOME") ?? "/";
/** Variables that no stage may see, and those that only stages with Google Cloud Storage may. */
const SECRETS = {
  AWS_ACCESS_KEY_ID: "AKX",
  AWS_SECRET_ACCESS_KEY: "x",
  AWS_SHARED_CREDENTIALS_FILE: "x",
};
const GOOGLE_VARIABLES = [
  "GCS_SERVICE_ACCOUNT_FILE",
  "GCS_BUCKET",
  "GOOGLE_APPLICATION_CREDENTIALS",
  "STORAGE_EMULATOR_HOST",
  "HOME",
];

const PLAIN = [
  ...["stage1", "stage2", "stage3", "pipeline", "stream", "forecast", "extract", "watch"],
  "distribute-slurm",
];
const MIRRORS = [
  "pipeline-mirrors",
  "stream-mirrors",
  "forecast-mirrors",
  "watch-mirrors",
  "extract-mirrors",
];
const CATALOG = ["stream-catalog"];
const S3 = ["forecast-s3", "watch-s3"];
const GCS = ["stage3-gcs", "pipeline-gcs", "stream-gcs", "forecast-gcs", "watch-gcs"];
const CLOUDS = ["distribute-coiled", "distribute-kubernetes", "distribute-cloudrun"];
/** Sets of stages that need no server. */
const OFFLINE = ["plot", "view"];
const EVERY_SET = [...PLAIN, ...MIRRORS, ...CATALOG, ...S3, ...GCS, ...CLOUDS, ...OFFLINE];

const REFUSED = [
  { what: "a request to another host", code: `await fetch("https://example.org/")` },
  { what: "a request to this machine", code: `await fetch("http://127.0.0.1:4567/")` },
  { what: "a read outside the working folder", code: `Deno.readTextFileSync("/etc/hosts")` },
  {
    what: "a read of Amazon's credentials",
    code: `Deno.readTextFileSync("${HOME}/.aws/credentials")`,
  },
  { what: "a write outside the working folder", code: `Deno.writeTextFileSync("/tmp/x", "")` },
  { what: "a write among the keys", code: `Deno.writeTextFileSync("keys/x", "")` },
  { what: "another program", code: `new Deno.Command("${Deno.execPath()}").outputSync()` },
];
const REFUSED_WITHOUT_KEYS = [
  { what: "a read of a key", code: `Deno.readTextFileSync("keys/service_account.json")` },
];
const REFUSED_WITHOUT_GOOGLE = [
  ...REFUSED_WITHOUT_KEYS,
  ...[...Object.keys(SECRETS), ...GOOGLE_VARIABLES].map((name) => ({
    what: `the variable ${name}`,
    code: `Deno.env.get("${name}")`,
  })),
];

for (const set of EVERY_SET) {
  Deno.test(`under -P=${set} Deno refuses what the stage does not need`, async () => {
    const others = CLOUDS.includes(set)
      ? REFUSED_WITHOUT_KEYS
      : REFUSED_WITHOUT_GOOGLE.filter(({ what }) =>
        !(S3.includes(set) && /AWS_(?:ACCESS|SECRET)/.test(what))
      );
    const refused = [...REFUSED, ...(GCS.includes(set) ? [] : others)];
    const attempts = refused.map(({ code }) =>
      `try { ${code}; console.log("allowed"); } catch (error) { console.log(error.name); }`
    );
    const printed = await runUnder(set, attempts.join("\n"));
    assertEquals(
      refused.map(({ what }, i) => `${what}: ${printed[i]}`),
      refused.map(({ what }) => `${what}: NotCapable`),
    );
  });
}

/** What the next command or test loads, and what git and the gate run; `x` is any file. */
const CODE_FOLDERS = [".ci", ".git", "bench", "docs", "fixtures", "lib", "stages"];
const CODE_FILES = [
  ...CODE_FOLDERS.map((folder) => `${folder}/x`),
  ".env",
  ".git/hooks/pre-commit",
  ".npmrc",
  "deno.json",
  "deno.lock",
  "package.json",
];
const KEY_FILES = ["keys/coiled_token", "keys/service_account.json"];

/** The key files that a set may read. */
function findOpenKeys(set: string): string[] {
  if (set === "distribute-coiled") return ["keys/coiled_token"];
  return GCS.includes(set) ? ["keys/service_account.json"] : [];
}

/** Code that prints one line an attempt: `allowed`, also of a file that is absent, or the error. */
function formatAttempts(attempts: readonly string[]): string {
  return attempts.map((code) => `
    try { ${code}; console.log("allowed"); }
    catch (error) {
      console.log(error instanceof Deno.errors.NotFound ? "allowed" : error.name);
    }`).join("");
}

for (const set of [...EVERY_SET, "demo"]) {
  Deno.test(`under -P=${set} Deno refuses to write or move code, settings and keys`, async () => {
    const open = (path: string) => `Deno.openSync("${path}", { append: true }).close()`;
    const files = [...CODE_FILES, ...KEY_FILES];
    const folders = [...CODE_FOLDERS, "keys"];
    const attempts = [
      ...files.map(open),
      ...files.map((path) => `Deno.renameSync("demo_output/absent", "${path}")`),
      ...folders.map((folder) => `Deno.renameSync("${folder}", "demo_output/absent/x")`),
      ...folders.map((folder) => `Deno.mkdirSync("${folder}/absent/x")`),
      `Deno.symlinkSync("../keys", "demo_output/absent/link")`,
      `Deno.linkSync("keys/coiled_token", "demo_output/absent/link")`,
    ];
    const printed = await runUnder(set, formatAttempts(attempts));
    assertEquals(
      attempts.map((code, i) => `${code}: ${printed[i]}`),
      attempts.map((code) => `${code}: NotCapable`),
    );
    assertEquals(await runUnder(set, formatAttempts([open("demo_output/absent/x")])), ["allowed"]);
  });

  Deno.test(`under -P=${set} Deno refuses to read .git, and every key but the set's own`, async () => {
    const read = (path: string) => `Deno.readTextFileSync("${path}")`;
    const closed = [
      ...KEY_FILES.filter((path) => !findOpenKeys(set).includes(path)),
      ".git/config",
      ".git/x",
    ].map(read);
    const attempts = [...closed, `Deno.readDirSync(".git").next()`, `Deno.statSync(".git")`];
    const printed = await runUnder(set, formatAttempts(attempts));
    assertEquals(
      attempts.map((code, i) => `${code}: ${printed[i]}`),
      attempts.map((code) => `${code}: NotCapable`),
    );
    const open = [".env", "deno.json", ...findOpenKeys(set)];
    assertEquals(
      await runUnder(set, formatAttempts(open.map(read))),
      open.map(() => "allowed"),
    );
  });
}

Deno.test("all sets deny the same writes, and no set opens all of keys", () => {
  const sets: Record<string, PermissionSet> = config.permissions;
  const denied = [...CODE_FOLDERS, ...CODE_FILES.filter((path) => !path.includes("/")), "keys"];
  for (const [set, { read, write }] of Object.entries(sets)) {
    const deny = [...denied].sort();
    assertEquals([set, write], [set, set === "demo" ? ["demo_output"] : { allow: ["."], deny }]);
    assertEquals([set, read], [set, {
      allow: [".", ...(set === "distribute-coiled" ? ["keys/coiled_token"] : [])],
      deny: [".git", GCS.includes(set) ? "keys/coiled_token" : "keys"],
    }]);
  }
});

Deno.test("Deno looks for tests only in folders that no set may write", () => {
  const { write } = config.permissions.stream;
  assertEquals(config.test.include.filter((folder) => !write.deny.includes(folder)), []);
});

Deno.test("a flag beside a set takes the place of its list, and of no other", async () => {
  const attempts = [
    `Deno.readTextFileSync(".git/config")`,
    `Deno.readDirSync("/etc").next()`,
    `Deno.openSync("lib/absent/x", { append: true })`,
  ];
  const tryWith = async (flag: string) => {
    const { output } = await runDeno(["-P=stream", flag, "-"], {}, formatAttempts(attempts));
    return output.trim().split("\n");
  };
  assertEquals(await tryWith("--allow-read=.,/etc"), ["NotCapable", "allowed", "NotCapable"]);
  assertEquals(await tryWith("--deny-write=x"), ["NotCapable", "NotCapable", "allowed"]);
});

Deno.test("a set follows a link in the working folder, also out of it and into keys", async () => {
  const elsewhere = await Deno.makeTempDir();
  const folder = await Deno.makeTempDir({ dir: ROOT, prefix: "ecmwf_three_stage_" });
  try {
    await Deno.writeTextFile(`${elsewhere}/x`, "");
    await Deno.symlink(elsewhere, `${folder}/outside`);
    await Deno.symlink("../keys", `${folder}/keys`);
    const attempts = [
      `Deno.readTextFileSync("${folder}/outside/x")`,
      `Deno.openSync("${folder}/outside/x", { append: true }).close()`,
      `Deno.readTextFileSync("${folder}/keys/coiled_token")`,
    ];
    assertEquals(
      await runUnder("stream", formatAttempts(attempts)),
      ["allowed", "allowed", "allowed"],
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
    await Deno.remove(elsewhere, { recursive: true });
  }
});

Deno.test("a program that a set may run is not bound by the set", async () => {
  using kubectl = installProgram("kubectl");
  const code = `
    try { Deno.readTextFileSync("/etc/hosts"); } catch (error) { console.log(error.name); }
    const { success } = new Deno.Command("kubectl", { stdin: "null" }).outputSync();
    console.log(success);`;
  assertEquals(await runUnder("distribute-kubernetes", code), ["NotCapable", "true"]);
  // The program noted its call in a folder that the set may not write.
  assertEquals(kubectl.readCalls().length, 1);
});

for (const set of [...GCS, ...CLOUDS]) {
  Deno.test(`under -P=${set} the variables of other clouds read as unset`, async () => {
    const names = [...Object.keys(SECRETS), "GCS_OF_ANOTHER_PROGRAM"];
    const printed = await runUnder(
      set,
      names.map((name) => `console.log(Deno.env.get("${name}"));`).join("\n"),
    );
    assertEquals(printed, names.map(() => "undefined"));
  });
}

const HUGGING_FACE = [
  "huggingface.co:443",
  "cdn-lfs.huggingface.co:443",
  "cas-bridge.xethub.hf.co:443",
];
const OWN_BUCKET_HOST = "my-forecasts.s3.eu-central-1.amazonaws.com:443";
const COILED_HOST = "cloud.coiled.io:443";
/** Where `watch` may listen. */
const LISTEN_HOST = "127.0.0.1:8080";
const BUCKET_HOST = `${BUCKET}.s3.${BUCKET_REGION}.amazonaws.com:443`;
const MIRROR_HOSTS = SOURCES.flatMap(({ hosts }) => hosts);
const GOOGLE_HOSTS = [
  "storage.googleapis.com:443",
  "oauth2.googleapis.com:443",
  "metadata.google.internal:80",
];

for (const set of EVERY_SET) {
  const allowed = OFFLINE.includes(set) ? [] : [
    BUCKET_HOST,
    ...(/^(stage1|pipeline|stream-catalog)/.test(set) ? HUGGING_FACE : []),
    ...(MIRRORS.includes(set) ? MIRROR_HOSTS : []),
    ...(GCS.includes(set) ? GOOGLE_HOSTS : []),
    ...(S3.includes(set) ? [OWN_BUCKET_HOST] : []),
    ...(set === "distribute-coiled" ? [COILED_HOST] : []),
    ...(set.startsWith("watch") ? [LISTEN_HOST] : []),
  ];
  const names = [...new Set(allowed.map((host) => host.replace(/:\d+$/, "")))].join(", ");
  Deno.test(`under -P=${set} a stage may reach ${names || "nothing"}, and no other host`, async () => {
    const hosts = [
      BUCKET_HOST,
      ...HUGGING_FACE,
      ...MIRROR_HOSTS,
      ...GOOGLE_HOSTS,
      OWN_BUCKET_HOST,
      COILED_HOST,
      LISTEN_HOST,
    ];
    const code = hosts.map((host) =>
      `console.log(Deno.permissions.querySync({ name: "net", host: "${host}" }).state);`
    );
    const states = await runUnder(set, code.join("\n"));
    assertEquals(
      hosts.map((host, i) => `${host} ${states[i]}`),
      hosts.map((host) => `${host} ${allowed.includes(host) ? "granted" : "prompt"}`),
    );
  });
}

Deno.test("only the sets of watch see the free space of a disk and the name of the machine", async () => {
  const names = ["statfs", "hostname", "osRelease", "uid"];
  const code = names.map((kind) =>
    `console.log(Deno.permissions.querySync({ name: "sys", kind: "${kind}" }).state);`
  ).join("\n");
  assertEquals(await runUnder("watch", code), ["granted", "granted", "prompt", "prompt"]);
  const sets: Record<string, PermissionSet> = config.permissions;
  const seeing = Object.keys(sets).filter((set) => sets[set]!.sys !== undefined);
  assertEquals(seeing, ["watch", "watch-mirrors", "watch-gcs", "watch-s3"]);
});

Deno.test("deno task permissions prints a row for every task that runs under a set", async () => {
  const { output } = await runDeno(["stages/permissions.ts"]);
  const tasks = Object.entries(config.tasks).filter(([, { command }]) => command.includes(" -P="));
  const column = output.split("\n").map((line) => line.split(/ {2}/)[0]);
  assertEquals(
    column.filter((cell) => cell?.startsWith("deno task")),
    tasks.map(([name]) => `deno task ${name}`),
  );
  for (const host of [BUCKET_HOST, ...MIRROR_HOSTS, ...GOOGLE_HOSTS]) {
    assertStringIncludes(output, ` ${host.replace(/:443$/, "")}`);
  }
  assertStringIncludes(output, "  not keys ");
});

Deno.test("every task that runs a stage runs it under the set of its name", () => {
  for (const [task, { command }] of Object.entries(config.tasks)) {
    const set = / -P=(\S+)/.exec(command)?.[1];
    if (set) assertEquals(set, task.replace(":", "-"));
    else {assert(
        ["test", "check", "ok", "bench", "permissions", "pictures", "docs", "fuzz"].includes(task),
      );}
  }
});

Deno.test("every set of deno.json has its tests here", () => {
  const sets = Object.keys(config.permissions).filter((set) => set !== "demo");
  assertEquals(sets.toSorted(), EVERY_SET.toSorted());
});

for (const [set, program] of [["kubernetes", "kubectl"], ["cloudrun", "gcloud"]] as const) {
  Deno.test(`under -P=distribute-${set} ${program} may run, and no other program`, async () => {
    using _kubectl = installProgram("kubectl");
    using _gcloud = installProgram("gcloud");
    const programs = ["kubectl", "gcloud", "sh", undefined];
    const code = programs.map((command) =>
      `console.log(Deno.permissions.querySync(${JSON.stringify({ name: "run", command })}).state);`
    );
    assertEquals(
      await runUnder(`distribute-${set}`, code.join("\n")),
      programs.map((name) => name === program ? "granted" : "prompt"),
    );
  });
}

/** An address of this machine without a server. */
const UNANSWERED = "http://127.0.0.1:9";
const ACCOUNT = "pipeline@gik.iam.gserviceaccount.com";
const STORE_BUCKET = "gik-ecmwf-aws-tf";

/**
 * A folder in which stages run as their tasks do, with servers on this machine instead of the real ones,
 * of which one serves the files of the folder.
 */
async function withStages(
  test: (
    workplace: Workplace,
    runStage: (set: string, stage: string, ...args: string[]) => Promise<Finished>,
    folder: string,
    webUrl: string,
  ) => Promise<void>,
): Promise<void> {
  await using workplace = await openWorkplace();
  await using gcs = await startGcsServer({
    buckets: { [STORE_BUCKET]: new Map() },
    accounts: { [ACCOUNT]: { [STORE_BUCKET]: ALL_PERMISSIONS } },
  });
  const folder = await Deno.makeTempDir({ dir: ROOT, prefix: "ecmwf_three_stage_" });
  const keyFile = `${folder}/key.json`;
  try {
    await Deno.writeTextFile(keyFile, await gcs.formatKeyFile(ACCOUNT));
    const env = {
      STORAGE_EMULATOR_HOST: gcs.url,
      GCS_SERVICE_ACCOUNT_FILE: keyFile,
      JOB_COMPLETION_INDEX: "0",
    };
    await using web = startS3Server({
      root: folder,
      buckets: { copies: new Map() },
      accounts: { [SECRETS.AWS_ACCESS_KEY_ID]: SECRETS.AWS_SECRET_ACCESS_KEY },
    });
    const hosts = [workplace.server.url, gcs.url, web.url, UNANSWERED]
      .map((url) => new URL(url).host).join(",");
    const runStage = (set: string, stage: string, ...args: string[]) =>
      runDeno(
        [`-P=${set}`, `--allow-net=${hosts}`, `stages/${stage}.ts`, ...args],
        { ...env, ...SECRETS },
      );
    await test(workplace, runStage, folder, web.url);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("every stage does its work under its own set, with the addresses of local servers", () =>
  withStages(async ({ server }, runStage, folder, webUrl) => {
    const { run, members } = BEFORE_50R1;
    const stores = `${folder}/stores`;
    const common = ["--date", run.date, "--max-members", `${members}`];
    const endpoint = ["--endpoint", server.url];
    const steps = ["--steps", EMBEDDED_STEPS.join(",")];
    const output = ["--output-dir", stores];
    // What another set has made would not be made again.
    const netcdf = ["--output-dir", `${folder}/netcdf`, "--fresh"];
    const source = ["--source", `${UNANSWERED},${server.url}/${BUCKET}`];
    const ways: [set: string, stage: string, args: string[]][] = [
      ["stage1", "stage1", [...endpoint, ...output, "--no-template"]],
      ["stage2", "stage2", [...endpoint, ...output, ...steps]],
      ["stage3", "stage3", [...endpoint, ...output]],
      ["pipeline", "pipeline", [...endpoint, ...output, ...steps, "--no-template"]],
      ["stream", "stream", [...endpoint, ...netcdf, ...steps, "--parquet-dir", stores]],
      ["pipeline-mirrors", "pipeline", [...source, ...output, ...steps, "--no-template"]],
      ["stream-mirrors", "stream", [...source, ...netcdf, ...steps, "--parquet-dir", stores]],
      ["stage3-gcs", "stage3", [...output, "--upload-gcs"]],
      ["pipeline-gcs", "pipeline", [
        ...[...endpoint, ...output, ...steps],
        ...["--no-template", "--upload-gcs"],
      ]],
      ["stream-gcs", "stream", [
        ...[...endpoint, ...netcdf, ...steps],
        ...["--gcs-parquet-path", `gs://${STORE_BUCKET}/run_par_ecmwf/${runLabel(run)}`],
      ]],
    ];
    const catalog = ["--layout", "catalog", "--catalog-dir", `${folder}/catalog`];
    const ofCatalog = [...endpoint, ...netcdf, ...steps, "--catalog"];
    ways.push(
      ["stage3-gcs", "stage3", [...output, ...catalog, "--upload-gcs"]],
      ["stream", "stream", [...ofCatalog, `${folder}/catalog`]],
      ["stream-catalog", "stream", [...ofCatalog, `${webUrl}/catalog`]],
      ["stream-gcs", "stream", [...ofCatalog, `gs://${STORE_BUCKET}/run_par_ecmwf`]],
    );
    const shared = [...netcdf, ...steps, "--parquet-dir", stores, "--task", "auto/1", "--work"];
    ways.push(
      ["stream", "stream", [...endpoint, ...shared, `${folder}/work`]],
      ["stream-mirrors", "stream", [...source, ...shared, `${folder}/work`]],
      ["stream-gcs", "stream", [...endpoint, ...shared, `gs://${STORE_BUCKET}/work`]],
    );
    const results = ["--plot", "--view", "--keep-references", `${folder}/kept`, "--publish"];
    ways.push(
      ["forecast", "forecast", [...endpoint, ...netcdf, ...steps, ...results, `${folder}/copies`]],
      ["forecast-mirrors", "forecast", [...source, ...netcdf, ...steps, "--wait", "1m"]],
      ["forecast-gcs", "forecast", [
        ...[...endpoint, ...netcdf, ...steps],
        ...["--publish", `gs://${STORE_BUCKET}/forecasts`],
      ]],
      ["forecast-s3", "forecast", [
        ...[...endpoint, ...netcdf, ...steps],
        ...["--publish", "s3://copies/forecasts", "--publish-endpoint", webUrl],
      ]],
    );
    for (const [set, stage, args] of ways) {
      const { code, errors } = await runStage(set, stage, ...common, ...args);
      assertEquals([set, code], [set, 0], errors);
    }
    const { date, hour } = run;
    const fields = [
      "--date",
      date,
      "--run",
      hour,
      ...steps,
      "--members",
      "0-3",
      "--fields",
      "t@850",
    ];
    for (const [set, server] of [["extract", endpoint], ["extract-mirrors", source]] as const) {
      const output = ["--output", `${folder}/${set}.nc`];
      const { code, errors } = await runStage(set, "extract", ...server, ...fields, ...output);
      assertEquals([set, code], [set, 0], errors);
    }
    const file = `${folder}/netcdf/${GIK.fileName(run)}`;
    for (const set of OFFLINE) {
      const { code, errors } = await runDeno([`-P=${set}`, `stages/${set}.ts`, "--input", file]);
      assertEquals([set, code], [set, 0], errors);
    }
  }));

/** A copy of the project with files of its own, and the token that `distribute` then sends to Coiled. */
async function distributeToCoiled(files: Record<string, string>, env: Record<string, string>) {
  const asked: (string | null)[] = [];
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    asked.push(request.headers.get("authorization"));
    return Response.json({ message: "no" }, { status: 400 });
  });
  const host = `127.0.0.1:${server.addr.port}`;
  const project = await Deno.makeTempDir();
  try {
    for (const name of ["deno.json", "deno.lock", "lib", "stages"]) {
      await cp(`${ROOT}${name}`, `${project}/${name}`, { recursive: true });
    }
    await Deno.mkdir(`${project}/keys`);
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${project}/${name}`, `${text}\n`);
    }
    const args = [
      ...["-P=distribute-coiled", `--allow-net=${host}`, "stages/distribute.ts"],
      ...["--engine", "coiled", "--workspace", "icpac", "--date", "20260206"],
      ...["--gcs-parquet-path", "gs://icpac/stores/20260206_00z"],
      ...["--output-dir", "gs://icpac/out", "--script", "https://example.org/stream.ts"],
    ];
    const variables = { COILED_SERVER: `http://${host}`, ...env };
    return { ...await runDeno(args, variables, "", project), asked };
  } finally {
    await Deno.remove(project, { recursive: true });
  }
}

const KEY_FILE = { "keys/coiled_token": "of-keys" };
const DOT_ENV = { ".env": "COILED_API_TOKEN=of-dotenv" };
const TOKEN_SOURCES: {
  where: string;
  files: Record<string, string>;
  env: Record<string, string>;
  token: string;
  warns: boolean;
}[] = [
  {
    where: "the environment first",
    files: { ...KEY_FILE, ...DOT_ENV },
    env: { COILED_API_TOKEN: "of-variable" },
    token: "of-variable",
    warns: false,
  },
  {
    where: "keys/ before .env",
    files: { ...KEY_FILE, ...DOT_ENV },
    env: {},
    token: "of-keys",
    warns: false,
  },
  { where: ".env with a warning", files: DOT_ENV, env: {}, token: "of-dotenv", warns: true },
];

for (const { where, files, env, token, warns } of TOKEN_SOURCES) {
  Deno.test(`under -P=distribute-coiled the token comes from ${where}`, async () => {
    const { code, asked, errors } = await distributeToCoiled(files, env);
    assertEquals([code, asked], [4, [`ApiToken ${token}`]], errors);
    assertEquals(errors.includes(token), false);
    const warning = "COILED_API_TOKEN is in .env, which every command may read: move it to keys/";
    assertEquals(errors.includes(warning), warns, errors);
  });
}

Deno.test("without a token distribute to Coiled exits 2 and names file and variable", async () => {
  const { code, asked, errors } = await distributeToCoiled({}, {});
  assertEquals([code, asked], [2, []], errors);
  assertStringIncludes(errors, "put it into the file keys/coiled_token, or set COILED_API_TOKEN");
});

Deno.test("without the server's address a stage exits 4 and names the command that may ask it", async () => {
  await using workplace = await openWorkplace();
  const args = ["--date", BEFORE_50R1.run.date, "--endpoint", workplace.server.url];
  const { code, errors } = await runDeno(["-P=stage2", "stages/stage2.ts", ...args]);
  assertEquals(code, 4, errors);
  const hosts =
    `ecmwf-forecasts.s3.eu-central-1.amazonaws.com:443,127.0.0.1:${workplace.server.port}`;
  const line = `deno run --no-prompt -P=stage2 --allow-net=${hosts} stages/stage2.ts ${
    args.join(" ")
  }`;
  assertStringIncludes(errors, `; this command allows it:\n  ${line}\n`);
});

Deno.test("under -P=stage3 --upload-gcs exits 4: Google's variables are hidden", () =>
  withStages(async (_, runStage, folder) => {
    const args = ["--date", "20260206", "--output-dir", folder, "--upload-gcs"];
    const { code, errors } = await runStage("stage3", "stage3", ...args);
    assertEquals(code, 4, errors);
    assertStringIncludes(errors, "GCS_");
  }));

Deno.test("a stage reads the server's address from the environment", async () => {
  await using workplace = await openWorkplace();
  const { server } = workplace;
  const { code, errors } = await runDeno(
    ["-P=stage2", `--allow-net=127.0.0.1:${server.port}`, "stages/stage2.ts", "--date", "20260207"],
    { AWS_ENDPOINT_URL_S3: server.url },
  );
  assertEquals(code, 3, errors);
  assertStringIncludes(errors, "Cannot find anything of 20260207 00 UTC");
});

const EXIT_CODES = [
  { args: ["--date", "20260231"], code: 2, says: 'Cannot use date "20260231"' },
  { args: ["--date", "20260206", "--run", "03"], code: 2, says: "ECMWF runs at 00, 06, 12 and 18" },
  { args: ["--date", "20260206", "--steps", "147"], code: 2, says: "Cannot use step 147" },
  { args: ["--dates", "20260206"], code: 2, says: "did you mean --date?" },
  { args: ["--max-members", "0"], code: 2, says: "at least 1" },
  { args: ["--endpoint", "nowhere"], code: 2, says: "give a URL" },
];

for (const { args, code, says } of EXIT_CODES) {
  Deno.test(`stage2 ${args.join(" ")} exits ${code} and says why`, async () => {
    const result = await runDeno(["-P=stage2", "stages/stage2.ts", ...args]);
    assertEquals(result.code, code, result.errors);
    assertStringIncludes(result.errors, says);
  });
}

Deno.test("a command on gs:// without the permissions for it names the task that has them", async () => {
  const date = ["--date", "20240226"];
  const commands: [set: string, args: string[]][] = [
    ["stream", [...date, "--catalog", "icpac-gcs"]],
    ["stream", ["--gcs-parquet-path", "gs://icpac/stores/20240226_00z"]],
    ["pipeline", [...date, "--upload-gcs"]],
  ];
  for (const [set, args] of commands) {
    const { code, errors } = await runDeno([`-P=${set}`, `stages/${set}.ts`, ...args], {});
    assertEquals(code, 4, errors);
    assertStringIncludes(errors, `${set}: Cannot use gs://: Deno refuses env access to "GCS_`);
    assertStringIncludes(errors, "such as deno task stream:gcs");
  }
});

Deno.test("forecast with --publish s3:// under another set names the task that may see the key", async () => {
  const args = ["--date", "20240226", "--publish", "s3://bucket/forecasts"];
  const { code, errors } = await runDeno(["-P=forecast", "stages/forecast.ts", ...args], SECRETS);
  assertEquals(code, 4, errors);
  assertStringIncludes(errors, 'forecast: Cannot use s3://: Deno refuses env access to "AWS_');
  assertStringIncludes(errors, "run deno task forecast:s3");
});
