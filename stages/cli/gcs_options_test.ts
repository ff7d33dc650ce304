import { assert, assertEquals, assertStringIncludes, assertThrows } from "jsr:@std/assert@^1.0.0";
import { OptionValues } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/errors.ts";
import { parseStoresOptions, parseUploadOptions } from "./gcs_options.ts";

const VARIABLES = [
  "GCS_BUCKET",
  "GCS_PARQUET_PREFIX",
  "GCS_SERVICE_ACCOUNT_FILE",
  "STORAGE_EMULATOR_HOST",
] as const;

type Variables = Partial<Record<typeof VARIABLES[number], string>>;

/** Runs a test in an empty folder, with no other variables of Google's than these. */
async function withVariables(
  variables: Variables,
  test: () => unknown,
  dotEnv?: string,
): Promise<void> {
  const before = VARIABLES.map((name) => [name, Deno.env.get(name)] as const);
  const home = Deno.cwd();
  const folder = await Deno.makeTempDir();
  const set = (name: string, value: string | undefined) =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  try {
    Deno.chdir(folder);
    if (dotEnv !== undefined) await Deno.writeTextFile(".env", dotEnv);
    for (const name of VARIABLES) set(name, variables[name]);
    await test();
  } finally {
    Deno.chdir(home);
    for (const [name, value] of before) set(name, value);
    await Deno.remove(folder, { recursive: true });
  }
}

const values = (given: Record<string, string | true>) =>
  new OptionValues(new Map(Object.entries(given)));

const UPLOADS: {
  what: string;
  variables: Variables;
  given: Record<string, string | true>;
  root: string;
}[] = [
  {
    what: "the project's bucket by default",
    variables: {},
    given: {},
    root: "gs://gik-ecmwf-aws-tf/run_par_ecmwf",
  },
  {
    what: "the variables before the defaults",
    variables: { GCS_BUCKET: "mine", GCS_PARQUET_PREFIX: "a/b/" },
    given: {},
    root: "gs://mine/a/b",
  },
  {
    what: "the options before the variables",
    variables: { GCS_BUCKET: "mine", GCS_PARQUET_PREFIX: "a/b" },
    given: { "gcs-bucket": "yours", "gcs-prefix": "c" },
    root: "gs://yours/c",
  },
];

for (const { what, variables, given, root } of UPLOADS) {
  Deno.test(`parseUploadOptions() takes ${what}`, () =>
    withVariables(variables, () => {
      const { uploadRoot } = parseUploadOptions(values({ "upload-gcs": true, ...given }));
      assertEquals(uploadRoot, root);
    }));
}

Deno.test("parseUploadOptions() reads variables from the environment, then from .env", () =>
  withVariables({ GCS_PARQUET_PREFIX: "from-environment" }, () => {
    const { uploadRoot, gcs } = parseUploadOptions(values({ "upload-gcs": true }));
    assertEquals(uploadRoot, "gs://from-file/from-environment");
    assertEquals(gcs?.keyFile, "key.json");
  }, "GCS_BUCKET=from-file\nGCS_PARQUET_PREFIX=x\nGCS_SERVICE_ACCOUNT_FILE=key.json\n"));

Deno.test("parseUploadOptions() takes key file and server, and without credentials no key file", () => {
  const variables = {
    GCS_SERVICE_ACCOUNT_FILE: "/keys/a.json",
    STORAGE_EMULATOR_HOST: "http://localhost:9023",
  };
  return withVariables(variables, () => {
    const read = (given: Record<string, true>) => {
      const { anonymous, keyFile, endpoint } = parseUploadOptions(
        values({ "upload-gcs": true, ...given }),
      ).gcs!;
      return [anonymous, keyFile, endpoint];
    };
    const endpoint = "http://localhost:9023";
    assertEquals(read({}), [false, "/keys/a.json", endpoint]);
    assertEquals(read({ "gcs-anonymous": true }), [true, undefined, endpoint]);
  });
});

Deno.test("parseUploadOptions() reads no variable of Google's without --upload-gcs, and refuses options that need it", () =>
  withVariables({ GCS_BUCKET: "mine" }, () => {
    assertEquals(parseUploadOptions(values({})), {});
    const stray = [["gcs-bucket", "b"], ["gcs-prefix", "p"], ["gcs-anonymous", true]] as const;
    for (const [name, value] of stray) {
      const parse = () => parseUploadOptions(values({ [name]: value }));
      const error = assertThrows(parse, UsageError, "without --upload-gcs");
      assertStringIncludes(error.message, `--${name}`);
    }
  }));

Deno.test("parseUploadOptions() refuses a text that is no bucket or no folder", () =>
  withVariables({}, () => {
    const refuse = (name: string, text: string, says: string) => {
      const given = values({ "upload-gcs": true, [name]: text });
      assertThrows(() => parseUploadOptions(given), UsageError, says);
    };
    for (const bucket of ["gs://mine", "mine/runs"]) {
      refuse("gcs-bucket", bucket, "give its name alone");
    }
    refuse("gcs-bucket", "Mine", "it is not gs://<bucket>/<path>");
    for (const prefix of ["/", "a//b", "a b"]) {
      refuse("gcs-prefix", prefix, "it is not gs://<bucket>/<path>");
    }
  }));

Deno.test("parseStoresOptions() takes the given folder, and reads no variable for a local one", () =>
  withVariables({ GCS_BUCKET: "mine", STORAGE_EMULATOR_HOST: "http://localhost:1" }, () => {
    assertEquals(parseStoresOptions(values({ "parquet-dir": "stores" })), { parquetDir: "stores" });
    const named = parseStoresOptions(values({ "gcs-parquet-path": "gs://b2/p/20260207_00z/" }));
    assertEquals(named.parquetDir, "gs://b2/p/20260207_00z");
    assertEquals(named.gcs?.endpoint, "http://localhost:1");
  }));

Deno.test("parseStoresOptions() without a folder takes GCS_BUCKET, if it is set", async () => {
  await withVariables({}, () => assertEquals(parseStoresOptions(values({})), {}));
  await withVariables({}, () => {
    const { publishedRoot, parquetDir, gcs } = parseStoresOptions(values({}));
    assertEquals([publishedRoot, parquetDir], ["gs://mine/run_par_ecmwf", undefined]);
    assert(gcs);
  }, "GCS_BUCKET=mine\n");
});

const REFUSED: { given: Record<string, string | true>; says: string }[] = [
  { given: { "parquet-dir": "a", "gcs-parquet-path": "gs://b2/c" }, says: "choose one" },
  { given: { "parquet-dir": "gs://b2/c" }, says: "give it as --gcs-parquet-path" },
  { given: { "gcs-parquet-path": "b2/c" }, says: "it is not gs://<bucket>/<path>" },
  { given: { "gcs-anonymous": true }, says: "give --gcs-parquet-path or set GCS_BUCKET" },
  { given: { "gcs-anonymous": true, "parquet-dir": "a" }, says: "without a bucket" },
];

for (const { given, says } of REFUSED) {
  Deno.test(`parseStoresOptions() refuses ${JSON.stringify(given)}: ${says}`, () =>
    withVariables({}, () => {
      assertThrows(() => parseStoresOptions(values(given)), UsageError, says);
    }));
}

Deno.test({
  name:
    "a variable that Deno hides counts as unset where it is optional, and is an error where it is needed",
  permissions: { env: false, read: true },
  fn() {
    assertEquals(parseStoresOptions(values({})), {});
    const given = values({ "gcs-parquet-path": "gs://mine/p/20260207_00z" });
    assertThrows(() => parseStoresOptions(given), Deno.errors.NotCapable, "GCS_SERVICE_ACCOUNT");
  },
});

const CATALOG_MISTAKES: [what: string, given: Record<string, string | true>, says: string][] = [
  ["without a run", { catalog: "icpac-hf" }, "give --date"],
  ["that is not known", { catalog: "icpac-fh", date: "20240715" }, "did you mean icpac-hf?"],
  ["beside a folder", { catalog: "icpac-hf", "parquet-dir": "x" }, "choose one"],
  ["beside a bucket", { catalog: "icpac-hf", "gcs-parquet-path": "gs://b/x" }, "choose one"],
  [
    "on a web server, without credentials of Google",
    { catalog: "icpac-hf", date: "20240715", "gcs-anonymous": true },
    "leave it out",
  ],
];

for (const [what, given, says] of CATALOG_MISTAKES) {
  Deno.test(`parseStoresOptions() refuses a catalogue ${what}`, () =>
    withVariables({}, () => {
      const error = assertThrows(() => parseStoresOptions(values(given)), UsageError);
      assertStringIncludes(error.message, says);
    }));
}

Deno.test("parseStoresOptions() takes a catalogue before GCS_BUCKET, with credentials where it needs them", () =>
  withVariables({ GCS_BUCKET: "b" }, () => {
    const parse = (catalog: string, more = {}) =>
      parseStoresOptions(values({ catalog, date: "20240715", ...more }));
    const { catalog, gcs, ...others } = parse("icpac-hf");
    assertEquals([catalog?.name, gcs, others], ["icpac-hf", undefined, {}]);
    assertEquals(parse("icpac-gcs", { "gcs-anonymous": true }).gcs?.anonymous, true);
  }));
