/**
 * Files of the profiles by the real command, on a run at 0.25° around the region of the rainfall models,
 * read by Python as those models read them.
 */
import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { command as forecast } from "./forecast.ts";
import { readVariable } from "../lib/stream/final_stores_fixture.ts";
import { execute } from "./commands_fixture.ts";

const PYTHON = "/usr/bin/python3";
const FIXTURES = decodeURIComponent(new URL("../fixtures/", import.meta.url).pathname);
const DAY = ["--date", "20260206", "--run", "00"];
const SIX_HOURS = "30,36,42,48,54";
/** The first steps of the 24-hour model: ECMWF publishes no accumulation at step 0. */
const FIRST_DAY = "0,6,12";
const MEMBERS = 4;

/** Runs a program of fixtures; what it printed, and what it failed with. */
async function runPython(name: string, args: readonly string[]) {
  const options = { args: [`${FIXTURES}${name}`, ...args] };
  const { code, stdout, stderr } = await new Deno.Command(PYTHON, options).output();
  const decoder = new TextDecoder();
  return { code, printed: decoder.decode(stdout), failed: decoder.decode(stderr) };
}

const ignore = !await new Deno.Command(PYTHON, {
  args: ["-c", "import eccodes, netCDF4, numpy, xarray"],
  stderr: "null",
}).output().then(({ success }) => success, () => false);

/** A run in a folder that is removed with it. */
async function makeRun(steps: string, ...args: string[]) {
  const folder = await Deno.makeTempDir();
  const made = await runPython("make_rain_model_run.py", [
    ...[`${folder}/bucket`, ...DAY, "--steps", steps, "--members", `${MEMBERS}`, ...args],
  ]);
  assertEquals(made.code, 0, made.failed);
  return {
    folder,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Makes the forecast of a run in a folder; returns the path of the file. */
async function makeForecast(folder: string, profile: string, ...args: string[]): Promise<string> {
  const { code, reported } = await execute(forecast, [
    ...[...DAY, "--source", `${folder}/bucket`, "--max-members", `${MEMBERS}`],
    ...["--output-dir", `${folder}/${profile}`, "--profile", profile, ...args],
  ]);
  assertEquals(code, 0, reported);
  return `${folder}/${profile}/IFS_20260206_00Z.nc`;
}

async function readAsModel(file: string, folder: string, steps: string, ...args: string[]) {
  const check = [file, "--run-dir", `${folder}/bucket`, ...DAY, "--steps", steps, ...args];
  const { code, printed, failed } = await runPython("read_rain_model.py", check);
  assertEquals(code, 0, `${printed}${failed}`);
}

Deno.test({
  name:
    "the files of the rainfall models are what their readers expect, to 1e-6 (needs Debian's Python)",
  ignore,
  async fn() {
    await using run = await makeRun(`${FIRST_DAY},${SIX_HOURS}`);
    const { folder } = run;
    const file = await makeForecast(folder, "sewaa-6h");
    await readAsModel(file, folder, SIX_HOURS);
    const compressed = ["--format", "netcdf4"];
    const day = await makeForecast(folder, "sewaa-24h", "--steps", FIRST_DAY, ...compressed);
    await readAsModel(day, folder, FIRST_DAY, "--no-cape");
  },
});

Deno.test({
  name: "a control of absurd values changes no value of the rainfall models' files (needs Python)",
  ignore,
  async fn() {
    const steps = "30,36";
    await using sound = await makeRun(steps);
    await using absurd = await makeRun(steps, "--absurd-control");
    const [before, after] = await Promise.all([sound, absurd].map(async ({ folder }) => {
      return await makeForecast(folder, "sewaa-6h", "--steps", steps);
    }));
    for (const statistic of ["mean", "standard_deviation"]) {
      const name = `t2m_ensemble_${statistic}`;
      assertEquals(await readVariable(after!, name), await readVariable(before!, name));
    }
  },
});

Deno.test({
  name: "a file of the rainfall models with too few members is not written (needs Python)",
  ignore,
  async fn() {
    await using run = await makeRun("30");
    const { folder } = run;
    const { code, reported } = await execute(forecast, [
      ...[...DAY, "--source", `${folder}/bucket`, "--max-members", "2", "--steps", "30"],
      ...["--output-dir", `${folder}/out`, "--profile", "sewaa-6h"],
    ]);
    assertEquals(code, 3, reported);
    const fault = "cape at step 30 has 1 of the 2 members required";
    assert(reported.includes(`IFS_20260206_00Z.nc": ${fault}`), reported);
    const files = [...Deno.readDirSync(`${folder}/out`)].filter(({ isFile }) => isFile);
    assertEquals(files, []);
  },
});
