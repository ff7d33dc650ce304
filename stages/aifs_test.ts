/**
 * A run of AIFS-ENS through the commands: that the ensemble is a row of a table, and no command knows
 * the IFS alone. `fixtures/make_aifs_run.py` has made the run and the values, with ecCodes.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { startS3Server } from "../fixtures/s3_server.ts";
import type { Command } from "../lib/cli/command.ts";
import { BUCKET } from "../lib/ecmwf/files.ts";
import { decodeNetcdf } from "../lib/netcdf/decode_netcdf.ts";
import { execute } from "./commands_fixture.ts";
import { command as distribute } from "./distribute.ts";
import { command as forecast } from "./forecast.ts";
import { command as pipeline } from "./pipeline.ts";
import { command as stage1 } from "./stage1.ts";
import { command as stage2 } from "./stage2.ts";
import { command as stage3 } from "./stage3.ts";
import { command as stream } from "./stream.ts";
import { command as view } from "./view.ts";

const BUCKET_FOLDER = decodeURIComponent(new URL("../fixtures/aifs/", import.meta.url).pathname);
const STEPS = [36, 42];
const RUN = ["--date", "20260512", "--run", "06", "--model", "aifs-ens", "--max-members", "4"];
const FOLDER = "ecmwf_three_stage_aifs-ens_20260512_06z";
const OUTPUT = "AIFS-ENS_20260512_06Z_cgan.nc";

interface Expected {
  region: [number, number, number, number];
  latitudes: number[];
  longitudes: number[];
  variables: Record<string, { mean: number[][]; standard_deviation: number[][] }>;
}

const EXPECTED: Record<"default" | "greenwich", Expected> = JSON.parse(
  Deno.readTextFileSync(`${BUCKET_FOLDER}expected.json`),
);

interface Workplace extends AsyncDisposable {
  folder: string;
  url: string;
  /** Keys of the files that were requested. */
  keys(): string[];
  /** What a command reports, and its exit code. */
  execute<Options>(
    command: Command<Options>,
    ...args: string[]
  ): Promise<{ code: number; reported: string; printed: string }>;
}

/** A server of the run, and an empty folder. */
async function openWorkplace(): Promise<Workplace> {
  const folder = await Deno.makeTempDir();
  const server = startS3Server({ buckets: { [BUCKET]: BUCKET_FOLDER } });
  return {
    folder,
    url: server.url,
    keys: () => server.requests.map(({ key }) => key),
    execute: (command, ...args) => execute(command, args),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Runs the pipeline, which must be whole. */
async function makeReferences({ execute, folder, url }: Workplace, ...more: string[]) {
  const stores = `${folder}/${FOLDER}`;
  const given = ["--steps", ["0", ...STEPS].join(","), "--endpoint", url, "--output-dir", stores];
  const { code, reported } = await execute(pipeline, ...RUN, ...given, ...more);
  assertEquals(code, 0, reported);
  assert(!reported.includes("warning"), reported);
  return { stores, reported };
}

const atSteps = ["--steps", STEPS.join(",")];

async function readOutput(path: string) {
  const { attributes, variables } = decodeNetcdf(await Deno.readFile(path));
  const find = (name: string) => variables.find((it) => it.name === name);
  return {
    attributes,
    names: variables.map(({ name }) => name),
    values: (name: string) => [...find(name)!.read()].map(Number),
    attribute: (name: string, attribute: string) => find(name)!.attributes.get(attribute),
  };
}

/** Compares every value with that of ecCodes and numpy. */
async function compare(path: string, { latitudes, longitudes, variables }: Expected) {
  const { values } = await readOutput(path);
  assertEquals([values("latitude"), values("longitude")], [latitudes, longitudes]);
  for (const [name, { mean, standard_deviation: deviation }] of Object.entries(variables)) {
    for (const [suffix, expected] of Object.entries({ mean, standard_deviation: deviation })) {
      const wanted = expected.flat();
      const floor = 1e-6 * Math.max(...wanted.map(Math.abs));
      values(`${name}_ensemble_${suffix}`).forEach((value, i) => {
        const difference = Math.abs(value - wanted[i]!);
        const limit = 1e-6 * Math.max(Math.abs(wanted[i]!), floor);
        assert(difference <= limit, `${name} ${suffix} ${i}: ${value}, expected ${wanted[i]}`);
      });
    }
  }
}

Deno.test("forecast makes the same file of an AIFS-ENS run, from the indexes of its steps alone", async () => {
  await using workplace = await openWorkplace();
  const { folder, execute, url, keys } = workplace;
  const given = ["--output-dir", folder, "--endpoint", url, ...atSteps];
  const { code, reported } = await execute(forecast, ...RUN, ...given);
  assertEquals(code, 0, reported);
  assert(!reported.includes("warning"), reported);
  await compare(`${folder}/${OUTPUT}`, EXPECTED.default);
  assertEquals(keys().filter((key) => key.endsWith(".index")).length, 2 * STEPS.length);
});

Deno.test("pipeline, stream and view make an AIFS-ENS run of their defaults, and equal ecCodes", async () => {
  await using workplace = await openWorkplace();
  const { folder, execute, url } = workplace;
  const { stores, reported } = await makeReferences(workplace);
  assertStringIncludes(reported, "4 members, 6 files of AIFS-ENS 20260512 06 UTC");
  const given = ["--parquet-dir", stores, "--output-dir", folder, "--endpoint", url, ...atSteps];
  const streamed = await execute(stream, ...RUN, ...given);
  assertEquals(streamed.code, 0, streamed.reported);
  assert(!streamed.reported.includes("warning"), streamed.reported);
  const line = "ECMWF published no ssr, tcwv for the AIFS ensemble\n";
  assertEquals(streamed.reported.split(line).length, 2, streamed.reported);
  await compare(`${folder}/${OUTPUT}`, EXPECTED.default);
  assertEquals(Object.keys(EXPECTED.default.variables).length, 10);

  const { attributes, names, attribute } = await readOutput(`${folder}/${OUTPUT}`);
  assertEquals(attributes.get("variables_not_published"), "ssr, tcwv");
  assertMatch(`${attributes.get("title")}`, /^ECMWF AIFS ensemble mean and standard deviation/);
  assertMatch(`${attributes.get("source")}`, /^ECMWF AIFS ensemble open data, 10 degrees, /);
  assert(!names.some((name) => /^(ssr|tcwv)_/.test(name)));
  assertEquals(
    ["tp", "sf", "ro", "tcc", "ssrd"].map((name) => attribute(`${name}_ensemble_mean`, "comment")),
    [
      "8 messages in kg m-2, multiplied by 0.001",
      "8 messages in kg m-2 s-1, multiplied by 0.001 and the seconds from the start of the run",
      "8 messages in kg m-2, multiplied by 0.001",
      "8 messages in %, multiplied by 0.01",
      undefined,
    ],
  );
  assertEquals(["tp", "tcc"].map((it) => attribute(`${it}_ensemble_mean`, "units")), ["m", "1"]);
  const viewed = await execute(view, `${folder}/${OUTPUT}`);
  assertEquals(viewed.code, 0, viewed.reported);
  const page = await Deno.readTextFile(`${folder}/${OUTPUT.replace(".nc", ".html")}`);
  assertStringIncludes(page, "ECMWF AIFS ensemble mean and standard deviation");
  const others = workplace.keys().filter((key) => !key.startsWith("20260512/06z/aifs-ens/0p25/"));
  assertEquals(others, []);
});

Deno.test("stream finds the model in the references, and reads a region over Greenwich from a grid that begins there", async () => {
  await using workplace = await openWorkplace();
  const { folder, execute, url } = workplace;
  const { stores } = await makeReferences(workplace);
  const { region } = EXPECTED.greenwich;
  const given = ["--parquet-dir", stores, "--output-dir", folder, "--endpoint", url, ...atSteps];
  const members = ["--max-members", "4"];
  const { code, reported } = await execute(stream, ...given, ...members, `--region=${region}`);
  assertEquals(code, 0, reported);
  await compare(`${folder}/${OUTPUT}`, EXPECTED.greenwich);

  const wrong = await execute(stream, ...given, ...members, "--model", "ifs");
  assertEquals(wrong.code, 3, wrong.reported);
  assertStringIncludes(
    wrong.reported,
    "Cannot stream a run of IFS: the references are of AIFS-ENS 20260512 06 UTC; leave --model out",
  );
  const date = ["--date", "20260512", "--run", "06"];
  const other = await execute(stream, ...given, ...members, ...date);
  assertEquals(other.code, 3, other.reported);
  assertStringIncludes(
    other.reported,
    "Cannot stream 20260512 06 UTC: the references are of AIFS-ENS 20260512 06 UTC",
  );
});

Deno.test("stages 1, 2 and 3 make an AIFS-ENS run, with groups that a scan of its files found", async () => {
  await using workplace = await openWorkplace();
  const { folder, execute, url } = workplace;
  const stores = `${folder}/${FOLDER}`;
  const given = [...RUN, "--endpoint", url, "--output-dir", stores];
  const required = await execute(stage1, ...given, "--require-template");
  assertEquals(required.code, 3, required.reported);
  assertStringIncludes(
    required.reported,
    "Cannot find a template of AIFS-ENS 20260512 06 UTC: none of this model is published",
  );
  const steps = ["--steps", "0,36,42"];
  for (
    const result of [
      await execute(stage1, ...given, "--scan", "--hours", "0,36"),
      await execute(stage2, ...given, ...steps),
      await execute(stage3, ...given),
    ]
  ) {
    assertEquals(result.code, 0, result.reported);
    assert(!result.reported.includes("warning"), result.reported);
  }
  const output = ["--parquet-dir", stores, "--output-dir", folder, "--endpoint", url];
  const streamed = await execute(stream, ...RUN, ...output, ...atSteps);
  assertEquals(streamed.code, 0, streamed.reported);
  await compare(`${folder}/${OUTPUT}`, EXPECTED.default);
});

Deno.test("the default steps of stream are those that an AIFS-ENS run has; what it lacks is asked for in vain", async () => {
  await using workplace = await openWorkplace();
  const { folder, execute, url } = workplace;
  const { stores } = await makeReferences(workplace);
  const given = [...RUN, "--parquet-dir", stores, "--output-dir", folder, "--endpoint", url];
  const summary = `${folder}/summary.json`;
  const { code } = await execute(stream, ...given, "--summary", summary);
  assertEquals(code, 5);
  const { asked } = JSON.parse(await Deno.readTextFile(summary));
  assertEquals(asked.steps, [36, 42, 48, 54, 60]);
  assertEquals(asked.run, "aifs-ens_20260512_06z");

  const refused: [args: string[], message: RegExp][] = [
    [["--steps", "36,39"], /step 39: the 06 UTC AIFS-ENS run has steps 0–360 by 6 hours/],
    [
      [...atSteps, "--variables", "tp,ssr"],
      /Cannot write ssr of AIFS-ENS 20260512 06 UTC: .* for the AIFS ensemble; no run has ssr/,
    ],
    [["--model", "aifs"], /Cannot use model "aifs": the known ones are ifs, aifs-ens/],
  ];
  for (const [args, message] of refused) {
    const result = await execute(stream, ...given, ...args);
    assertEquals(result.code, 2, result.reported);
    assertMatch(result.reported, message);
  }
});

Deno.test("distribute and a catalogue keep the model: tasks get it, and files of the IFS are not overwritten", async () => {
  await using workplace = await openWorkplace();
  const { folder, execute, url } = workplace;
  const planned = await execute(distribute, ...RUN, "--engine", "slurm", "--dry-run", ...atSteps);
  assertEquals(planned.code, 0, planned.reported);
  assertMatch(planned.printed, /--model=aifs-ens/);
  assertMatch(planned.printed, /gik-aifs-ens-20260512-06z/);
  const refused = await execute(distribute, ...RUN, "--dry-run", "--variables", "tcwv");
  assertEquals(refused.code, 2, refused.reported);

  const layout = ["--layout", "catalog", "--catalog-dir", `${folder}/catalog`];
  await makeReferences(workplace, ...layout);
  const files = [...Deno.readDirSync(`${folder}/catalog/aifs-ens/2026/05/20260512/06z`)];
  assertEquals(files.length, 4);
  const given = ["--catalog", `${folder}/catalog`, "--output-dir", folder, "--endpoint", url];
  const streamed = await execute(stream, ...RUN, ...given, ...atSteps);
  assertEquals(streamed.code, 0, streamed.reported);
  await compare(`${folder}/${OUTPUT}`, EXPECTED.default);
});
