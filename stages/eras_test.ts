/**
 * Runs of every era, as ECMWF published them, through the pipeline and streaming with their defaults.
 * `../shared/tools/make_run.py` makes them with ecCodes, on a coarse grid.
 */
import { assert, assertEquals, assertMatch } from "jsr:@std/assert@^1.0.0";
import { openWorkplace } from "../fixtures/embedded_run.ts";
import { moveRuns } from "../fixtures/moved_run.ts";
import { type S3Server, startS3Server } from "../fixtures/s3_server.ts";
import { BUCKET } from "../lib/ecmwf/files.ts";
import { parseRun, type Run } from "../lib/ecmwf/run.ts";
import { decodeNetcdf } from "../lib/netcdf/decode_netcdf.ts";
import { execute } from "./commands_fixture.ts";
import { command as pipeline } from "./pipeline.ts";
import { command as stream } from "./stream.ts";

const ROOT = decodeURIComponent(new URL("../", import.meta.url).pathname);
const MAKE_RUN = `${ROOT}../shared/tools/make_run.py`;
const PYTHON = "/usr/bin/python3";
const MEMBERS = 2;

async function runPython(args: string[]): Promise<{ success: boolean; text: string }> {
  try {
    const result = await new Deno.Command(PYTHON, { args, cwd: ROOT }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { success: result.success, text: decode(result.stdout) + decode(result.stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { success: false, text: `${error}` };
    throw error;
  }
}

const hasTool = await Deno.stat(MAKE_RUN).then(() => true, () => false) &&
  (await runPython(["-c", "import eccodes, numpy, xarray, netCDF4"])).success;

/** Makes a run as its era had it. */
async function makeRun(bucket: string, date: string, hour: string, ...more: string[]) {
  const args = ["--date", date, "--run", hour, "--era", "auto", "--growing"];
  const members = ["--members", `${MEMBERS}`];
  const { success, text } = await runPython([MAKE_RUN, bucket, ...args, ...members, ...more]);
  assert(success, text);
}

/** An empty folder with a bucket in it, and what the commands need to read it. */
async function openArchive() {
  const folder = await Deno.makeTempDir();
  const bucket = `${folder}/bucket`;
  const server = startS3Server({ buckets: { [BUCKET]: bucket } });
  return {
    folder,
    bucket,
    server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

interface RunFolder {
  server: S3Server;
  folder: string;
  date: string;
  hour: string;
}

function runStages({ server, folder, date, hour }: RunFolder) {
  const given = [
    ...["--date", date, "--run", hour, "--max-members", `${MEMBERS}`],
    ...["--endpoint", server.url],
  ];
  const stores = `${folder}/ecmwf_three_stage_${date}_${hour}z`;
  return {
    pipeline: (...args: string[]) =>
      execute(pipeline, [...given, "--output-dir", stores, "--no-template", ...args]),
    stream: (...args: string[]) =>
      execute(stream, [...given, "--parquet-dir", stores, "--output-dir", folder, ...args]),
    output: `${folder}/IFS_${date}_${hour}Z_cgan.nc`,
  };
}

/** Runs of every era, and the default variables that ECMWF did not publish then. */
const RUNS: [date: string, hour: string, absent: string][] = [
  ["20230601", "00", "ssr, ssrd, tcw, tcc, sf"],
  ["20240215", "00", "ssr, ssrd, tcw, tcc, sf"],
  ["20240601", "00", "tcw, tcc, sf"],
  ["20250601", "00", "tcc, sf"],
  ["20251120", "00", "tcc, sf"],
  ["20251120", "12", ""],
  ["20260206", "00", ""],
  ["20260512", "00", ""],
  ["20260512", "06", ""],
  ["20261015", "00", ""],
];

for (const [date, hour, absent] of RUNS) {
  Deno.test({
    name: `the run of ${date} ${hour} UTC is complete without a warning, and equals ecCodes ` +
      "(needs ../shared, Debian's python3-eccodes, -xarray, -netcdf4)",
    ignore: !hasTool,
    fn: async () => {
      await using archive = await openArchive();
      const steps = ["--steps", "0,36"];
      await makeRun(archive.bucket, date, hour, ...steps, "--grid", "5");
      const stages = runStages({ ...archive, date, hour });
      const references = await stages.pipeline(...steps);
      assertEquals(references.code, 0, references.reported);
      assert(!references.reported.includes("warning"), references.reported);
      const { code, reported } = await stages.stream(...steps);
      assertEquals(code, 0, reported);
      assert(!reported.includes("warning"), reported);
      const { attributes } = decodeNetcdf(await Deno.readFile(stages.output));
      assertEquals(attributes.get("variables_not_published") ?? "", absent);
      assertMatch(`${attributes.get("fields_not_published")}`, /^tp \(0 h\), .*ro \(0 h\)$/);
      const compared = await runPython([
        ...["fixtures/compare_netcdf.py", stages.output, "--run-dir", archive.bucket],
        ...["--date", date, "--run", hour, ...steps],
      ]);
      assert(compared.success, compared.text);
    },
  });
}

Deno.test({
  name: "a run in both folders of February 2024 is read from 0p25, and from 0p4-beta without it " +
    "(needs ../shared, Debian's python3-eccodes)",
  ignore: !hasTool,
  fn: async () => {
    const [date, hour] = ["20240215", "00"];
    await using archive = await openArchive();
    const { bucket, folder, server } = archive;
    const steps = ["--steps", "36"];
    await makeRun(`${folder}/other`, date, hour, ...steps, "--grid", "3");
    await makeRun(bucket, date, hour, ...steps, "--grid", "5");
    const root = `${bucket}/${date}/${hour}z`;
    await Deno.rename(`${folder}/other/${date}/${hour}z/0p4-beta`, `${root}/0p25`);
    for (const spacing of [3, 5]) {
      const stages = runStages({ server, folder, date, hour });
      const { code, reported } = await stages.pipeline(...steps);
      assertEquals(code, 0, reported);
      const streamed = await stages.stream(...steps);
      assertEquals(streamed.code, 0, streamed.reported);
      const source = decodeNetcdf(await Deno.readFile(stages.output)).attributes.get("source");
      assertMatch(`${source}`, new RegExp(`, ${spacing} degrees, `));
      await Deno.remove(`${root}/0p25`, { recursive: true }).catch(() => {});
    }
  },
});

Deno.test({
  name: "a run at 0.4° has the points of its grid in the region, and says so (needs ../shared, " +
    "Debian's python3-eccodes, -xarray, -netcdf4)",
  ignore: !hasTool,
  fn: async () => {
    const [date, hour] = ["20230601", "12"];
    await using archive = await openArchive();
    await makeRun(archive.bucket, date, hour, "--steps", "36", "--only", "tp,2t");
    const stages = runStages({ ...archive, date, hour });
    const references = await stages.pipeline("--steps", "36", "--allow-missing");
    assertEquals(references.code, 0, references.reported);
    assertMatch(
      references.reported,
      /fields are missing: step 36, all members: ro, sp, tcwv, u \(700\), v \(700\)/,
    );
    const { code, reported } = await stages.stream("--steps", "36", "--variables", "tp,t2m");
    assertEquals(code, 0, reported);
    const { attributes, variables } = decodeNetcdf(await Deno.readFile(stages.output));
    assertMatch(`${attributes.get("source")}`, /, 0\.4 degrees, /);
    const axis = (name: string) => {
      const values = [...variables.find((it) => it.name === name)!.read()].map(Number);
      return [values.length, values[0]!.toFixed(2), values.at(-1)!.toFixed(2)];
    };
    assertEquals(axis("latitude"), [98, "24.80", "-14.00"]);
    assertEquals(axis("longitude"), [90, "19.20", "54.80"]);

    const refused = await stages.stream("--steps", "36", "--variables", "tp,tcc");
    assertEquals(refused.code, 2, refused.reported);
    assertMatch(refused.reported, /the first run with tcc is 2025-11-20 12 UTC/);
  },
});

Deno.test("stream reports what ECMWF did not publish to people and programs, and refuses to write it", async () => {
  const run = parseRun("20250601", "00");
  const lacking = ["tcc", "sf"];
  const bucket = await moveRuns({
    run,
    change: (line) => lacking.includes(line.param) ? undefined : line,
  });
  await using place = await openWorkplace(bucket);
  const { folder, server } = place;
  const given = { server, folder, date: run.date, hour: run.hour };
  const stages = runStages(given);
  const steps = ["--steps", "36,39"];
  assertEquals((await stages.pipeline(...steps)).code, 0);

  const line = "ECMWF published no tcc, sf for the ensemble before 2025-11-20 12 UTC";
  const summary = `${folder}/summary.json`;
  const whole = await stages.stream(...steps, "--summary", summary);
  assertEquals(whole.code, 0, whole.reported);
  assertEquals(whole.reported.split(line).length, 2);
  assertMatch(whole.reported, /^ {2}not published +tcc, sf$/m);
  const facts = JSON.parse(await Deno.readTextFile(summary));
  assertEquals([facts.complete, facts.notPublished], [true, lacking]);
  const json = await stages.stream(...steps, "--json", "--fresh");
  const events = json.printed.trim().split("\n").map((text) => JSON.parse(text));
  assertEquals(events.filter(({ text }) => text === line).map(({ type }) => type), ["info"]);
  assertEquals(events.find(({ type }) => type === "result").notPublished, lacking);

  const work = ["--work", `${folder}/work`];
  for (const part of [["--task", "0/2"], ["--task", "1/2"], ["--merge"]]) {
    const { code, reported } = await stages.stream(...steps, ...work, ...part);
    assertEquals(code, 0, reported);
    assertEquals(reported.split(line).length, 2);
  }
  for (const names of ["tcc", "tp,sf"]) {
    const { code, reported } = await stages.stream(...steps, "--variables", names);
    assertEquals(code, 2);
    assertMatch(reported, /^stream: Cannot write (tcc|sf) of .* is 2025-11-20 12 UTC$/m);
  }
});

Deno.test("a range over the beginning of a variable, of a catalogue and to one grid, stacks; asked for by name it is exit 2 for the runs before", async () => {
  const lacking = ["tcc", "sf"];
  const [before, after] = ["00", "12"].map((hour) => parseRun("20251120", hour)) as [Run, Run];
  const bucket = await moveRuns({
    run: before,
    change: (line) => lacking.includes(line.param) ? undefined : line,
  }, { run: after });
  await using place = await openWorkplace(bucket);
  const { server, folder } = place;
  const steps = ["--steps", "36,39"];
  const catalog = `${folder}/catalog`;
  for (const { date, hour } of [before, after]) {
    const stages = runStages({ server, folder, date, hour });
    const layout = ["--layout", "catalog", "--catalog-dir", catalog];
    assertEquals((await stages.pipeline(...steps, ...layout)).code, 0);
  }
  const streamBoth = (output: string, ...more: string[]) =>
    execute(stream, [
      ...["--date", "20251120", "--run", "00,12", "--max-members", `${MEMBERS}`],
      ...["--endpoint", server.url, "--catalog", catalog, "--grid", "4"],
      ...["--output-dir", `${folder}/${output}`, ...steps, ...more],
    ]);
  const readLedger = async (output: string) =>
    JSON.parse(await Deno.readTextFile(`${folder}/${output}/runs.json`)).runs as {
      output: string;
      state: string;
      reason?: string;
    }[];

  const { code, reported } = await streamBoth("whole");
  assertEquals(code, 0, reported);
  assert(!reported.includes("warning"), reported);
  const outputs = await Promise.all((await readLedger("whole")).map(async ({ output }) => {
    const { attributes, variables } = decodeNetcdf(
      await Deno.readFile(`${folder}/whole/${output}`),
    );
    const axes = ["latitude", "longitude"].map((name) =>
      [...variables.find((it) => it.name === name)!.read()].join()
    );
    return { axes, absent: attributes.get("variables_not_published"), attributes };
  }));
  assertEquals(outputs.map(({ absent }) => absent), ["tcc, sf", undefined]);
  assertEquals(outputs[0]!.axes, outputs[1]!.axes);
  for (const { attributes } of outputs) assertMatch(`${attributes.get("interpolation")}`, / to 4 /);

  const named = await streamBoth("named", "--variables", "tp,tcc");
  assertEquals(named.code, 2, named.reported);
  const entries = await readLedger("named");
  assertEquals(entries.map(({ state }) => state), ["failed", "complete"]);
  assertMatch(entries[0]!.reason!, /the first run with tcc is 2025-11-20 12 UTC$/);
});
