import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { findLeastBytes, readNeeds } from "../bench/least_bytes.ts";
import {
  AFTER_50R1,
  BEFORE_50R1,
  bucketKey,
  EMBEDDED_FOLDER,
  type EmbeddedRun,
  openWorkplace,
} from "../fixtures/embedded_run.ts";
import { stepFiles } from "../lib/ecmwf/files.ts";
import { listFields } from "../lib/ecmwf/inventory_fields.ts";
import { type IndexEntry, parseIndex } from "../lib/index/entries.ts";
import { decodeNetcdf } from "../lib/netcdf/decode_netcdf.ts";
import { GIK } from "../lib/output/profile.ts";
import { execute } from "./commands_fixture.ts";
import { command } from "./extract.ts";
import { command as forecast } from "./forecast.ts";
import { command as plot } from "./plot.ts";

const PYTHON = "/usr/bin/python3";
const SCRIPT = decodeURIComponent(new URL("../fixtures/field_run.py", import.meta.url).pathname);
const STEP = 36;

const dateOf = ({ date, hour }: EmbeddedRun["run"]) => ["--date", date, "--run", hour];

/** What a fixture's script prints; `undefined` without ecCodes. */
async function runScript(...args: string[]): Promise<string | undefined> {
  const output = await new Deno.Command(PYTHON, { args: [SCRIPT, ...args] }).output()
    .catch(() => undefined);
  return output?.success ? new TextDecoder().decode(output.stdout) : undefined;
}

const hasPython = await runScript("--help") !== undefined;

/** The fields of a step of a run, by their MARS names. */
async function listPublished({ run }: EmbeddedRun): Promise<string[]> {
  const files = stepFiles(run, STEP).map(({ indexUrl }) => EMBEDDED_FOLDER + bucketKey(indexUrl));
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(file)));
  const entries = texts.flatMap((text) => parseIndex(text).entries);
  return [...new Set(entries.map(formatEntry))];
}

const formatEntry = ({ param, levelist }: IndexEntry) =>
  levelist === undefined ? param : `${param}@${levelist}`;

for (const embedded of [BEFORE_50R1, AFTER_50R1]) {
  const { run, members } = embedded;
  Deno.test(`extract writes every field that ECMWF published of ${run.date}, each message checked`, async () => {
    await using workplace = await openWorkplace();
    const { folder, server } = workplace;
    const fields = await listPublished(embedded);
    // In the files of the deterministic forecast alone, that of the control.
    const ofAll = fields.filter((name) => !/^(?:sdor|slor|z|z@\d+)$/.test(name));
    const output = `${folder}/all.nc`;
    const { code, reported } = await execute(command, [
      ...[...dateOf(run), "--steps", `${STEP}`, "--endpoint", server.url, "--output", output],
      ...["--fields", ofAll.join(), "--members", `0-${members - 1}`],
    ]);
    assertEquals(code, 0, reported);
    const { variables } = decodeNetcdf(await Deno.readFile(output));
    const written = variables.map(({ name }) => name).filter((name) => name.endsWith("_members"));
    const wanted = ofAll.map((name) => `${listFields().get(name)!.name}_members`);
    assertEquals(written.sort(), wanted.sort());
    assert(wanted.length >= 160, `${wanted.length} fields`);
    assertEquals(
      variables.find(({ name }) => name === "number")!.read(),
      Int32Array.from({ length: members }, (_, i) => i),
    );
  });
}

Deno.test("extract --members takes these members, and no index of a file that has none of them", async () => {
  await using workplace = await openWorkplace();
  const { folder, server } = workplace;
  const args = [...dateOf(AFTER_50R1.run), "--steps", "36,39", "--endpoint", server.url];
  const output = ["--fields", "t@850", "--members", "1-2", "--output", `${folder}/t.nc`];
  const { code, reported } = await execute(command, [...args, ...output]);
  assertEquals(code, 0, reported);
  const { variables } = decodeNetcdf(await Deno.readFile(`${folder}/t.nc`));
  assertEquals(variables.find(({ name }) => name === "number")!.read(), Int32Array.of(1, 2));
  const indexes = server.requests.filter(({ key }) => key.endsWith(".index"));
  assertEquals(indexes.map(({ key }) => /enfo|oper/.exec(key)![0]), ["enfo", "enfo"]);
});

Deno.test("forecast --fields writes mean and deviation of any field, and not beside --variables", async () => {
  await using workplace = await openWorkplace();
  const { folder, server } = workplace;
  const run = [...dateOf(BEFORE_50R1.run), "--steps", "36", "--max-members", "4"];
  const args = [...run, "--endpoint", server.url, "--output", `${folder}/some.nc`];
  const { code, reported } = await execute(forecast, [...args, "--fields", "msl, t@850, wind500"]);
  assertEquals(code, 0, reported);
  const { variables } = decodeNetcdf(await Deno.readFile(`${folder}/some.nc`));
  const means = variables.map(({ name }) => name).filter((name) => name.endsWith("_mean"));
  assertEquals(means, ["msl", "t850", "wind500"].map((name) => `${name}_ensemble_mean`));
  const both = await execute(forecast, [...args, "--fields", "msl", "--variables", "tp"]);
  assertEquals(both.code, 2);
  assertStringIncludes(both.reported, "Cannot use --fields with --variables: give all of them");
});

Deno.test("plot draws the first step at which every field of a file was published", async () => {
  await using workplace = await openWorkplace();
  const { folder, server } = workplace;
  const output = ["--endpoint", server.url, "--output", `${folder}/some.nc`, "--members", "0-2"];
  const fields = ["--steps", "0,36", "--fields", "2t,tp"];
  const { code, reported } = await execute(command, [
    ...[...dateOf(BEFORE_50R1.run), ...fields, ...output],
  ]);
  assertEquals(code, 0, reported);
  const drawn = await execute(plot, [`${folder}/some.nc`, "--format", "svg"]);
  assertEquals(drawn.code, 0, drawn.reported);
  assertStringIncludes(drawn.reported, "some_036h.svg");
});

Deno.test("extract --exceed takes the names of --fields, and periods of them", async () => {
  await using workplace = await openWorkplace();
  const { folder, server } = workplace;
  const output = ["--endpoint", server.url, "--output", `${folder}/some.nc`, "--members", "0-2"];
  const { code, reported } = await execute(command, [
    ...[...dateOf(BEFORE_50R1.run), "--steps", "36,39", "--fields", "2t,u@500,2t_3h", ...output],
    ...["--exceed", "2t>300K,u@500>5", "--statistics", "mean"],
  ]);
  assertEquals(code, 0, reported);
  const { variables } = decodeNetcdf(await Deno.readFile(`${folder}/some.nc`));
  const names = variables.map(({ name }) => name).filter((name) => /_mean$|probability/.test(name));
  assertEquals(names, [
    ...["t2m_ensemble_mean", "t2m_probability_above_300K"],
    ...["u500_ensemble_mean", "u500_probability_above_5", "t2m_3h_ensemble_mean"],
  ]);
});

const MISTAKES: [args: string, error: string][] = [
  ["--fields msll", 'Cannot write field "msll": no run has it; did you mean msl?'],
  ["--fields u", 'Cannot write field "u": it is on levels; give u@1000'],
  ["--fields u@775", 'Cannot write field "u@775": no run has that level; give one of 10, 50'],
  ["--fields tp@700", 'Cannot write field "tp@700": it is on no level; give tp'],
  ["--fields u@10", "the first run with u10hPa is 2026-05-12 06 UTC"],
  ["--fields 2d,rsn", "the first run with rsn is 2026-05-12 06 UTC"],
  ["--fields tp --steps 0", "ECMWF does not publish that; give later --steps"],
  ["--fields tp_day", 'Cannot write "tp_day": none of steps 36 ends the day from 06 to 06 UTC'],
  ["--fields tp --members 51", "Cannot use --members 51: the members are 0 to 50"],
  ["--fields tp --members 3-1", 'Cannot read --members "3-1"'],
  ["--steps 36", "Cannot run without --fields: give it a value"],
];

for (const [given, error] of MISTAKES) {
  Deno.test(`extract ${given} ends with exit code 2, says why, and writes nothing`, async () => {
    await using workplace = await openWorkplace();
    const { folder, server } = workplace;
    const steps = given.includes("--steps") ? [] : ["--steps", "36"];
    const output = ["--endpoint", server.url, "--output", `${folder}/out.nc`];
    const { code, reported } = await execute(command, [
      ...[...dateOf(BEFORE_50R1.run), ...steps, ...output, ...given.split(" ")],
    ]);
    assertEquals(code, 2, reported);
    assertStringIncludes(reported, error);
    assertEquals([...Deno.readDirSync(folder)], []);
  });
}

Deno.test({
  name:
    "extract of 51 members reads one index and near to the fewest bytes, and gives ecCodes' bits " +
    "(needs python3-eccodes, python3-netcdf4)",
  ignore: !hasPython,
  fn: async () => {
    const bucket = await Deno.makeTempDir();
    try {
      await runScript("make", bucket);
      await using workplace = await openWorkplace(bucket);
      const { folder, server } = workplace;
      const extract = (fields: string) =>
        execute(command, [
          ...[...dateOf(BEFORE_50R1.run), "--steps", `${STEP}`, "--endpoint", server.url],
          ...["--fields", fields, "--output", `${folder}/out.nc`, "--overwrite"],
        ]);
      const { code, reported } = await extract("gh@500");
      assertEquals(code, 0, reported);
      const gets = server.requests.filter(({ method }) => method === "GET");
      const messages = gets.filter(({ key }) => key.endsWith(".grib2"));
      assertEquals([gets.length - messages.length, messages.length], [1, 51]);
      const received = messages.reduce((sum, { bytesSent }) => sum + bytesSent, 0);
      const isWanted = (entry: IndexEntry) => formatEntry(entry) === "gh@500";
      const needs = await readNeeds(`${bucket}/`, BEFORE_50R1.run, [STEP], GIK.region, isWanted);
      const least = findLeastBytes(needs, messages.length);
      assert(received <= 1.05 * least, `${received} bytes, at least ${least}`);
      const written = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
      assertEquals(written, ["out.nc", "runs.json"]);

      assertEquals((await extract("2d,msl,gh@500,w@925,vsw@2")).code, 0);
      const compared = JSON.parse((await runScript("compare", bucket, `${folder}/out.nc`))!);
      assertEquals(compared, { compared: 5 * 51 * 40 * 37, differing: 0 });
    } finally {
      await Deno.remove(bucket, { recursive: true });
    }
  },
});
