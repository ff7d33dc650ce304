import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, EMBEDDED_FOLDER } from "../fixtures/embedded_run.ts";
import { readBase, writeMessages } from "../fixtures/full_run.ts";
import { startS3Server } from "../fixtures/s3_server.ts";
import { BUCKET } from "../lib/ecmwf/files.ts";
import { parseRun } from "../lib/ecmwf/run.ts";
import { findVariables, GIK_VARIABLES } from "../lib/ecmwf/variables.ts";
import { decodeNetcdf } from "../lib/netcdf/decode_netcdf.ts";
import { decodeNetcdf4 } from "../lib/netcdf/decode_netcdf4.ts";
import { findPython, runProgram } from "../lib/netcdf/netcdf4_fixture.ts";
import { GIK } from "../lib/output/profile.ts";
import { readStore } from "../lib/zarr/zarr_fixture.ts";
import { execute } from "./commands_fixture.ts";
import { command as extract } from "./extract.ts";
import { command as forecast } from "./forecast.ts";
import { command as pipeline } from "./pipeline.ts";
import { command as plot } from "./plot.ts";
import { command as stream } from "./stream.ts";
import { command as view } from "./view.ts";

const RUNS = ["20260509", "20260510"].map((date) => parseRun(date, "00"));
const WANTED = ["--steps", "36,39", "--max-members", "3"];
const python = findPython("xarray", "zarr", "netCDF4");

/** A server with both runs, and a folder in which commands run. */
async function openWorkplace() {
  const root = await Deno.makeTempDir();
  const base = await readBase(EMBEDDED_FOLDER, BEFORE_50R1.run, 36, findVariables(GIK_VARIABLES));
  for (const run of RUNS) await writeMessages(`${root}/bucket`, run, [36, 39], base);
  const server = startS3Server({ buckets: { [BUCKET]: `${root}/bucket` } });
  const before = Deno.cwd();
  await Deno.mkdir(`${root}/here`);
  Deno.chdir(`${root}/here`);
  return {
    args: ["--endpoint", server.url, ...WANTED],
    /** Requests for bytes of messages since the last call. */
    countMessages() {
      const count = server.requests
        .filter(({ method, key }) => method === "GET" && key.endsWith(".grib2")).length;
      server.requests.length = 0;
      return count;
    },
    async [Symbol.asyncDispose]() {
      Deno.chdir(before);
      await server[Symbol.asyncDispose]();
      await Deno.remove(root, { recursive: true });
    },
  };
}

/** The values of a file by variable. */
function readValues({ variables }: ReturnType<typeof decodeNetcdf>) {
  return Object.fromEntries(variables.map(({ name, read }) => [name, [...read()]]));
}

Deno.test("forecast writes the same values in every format, and plot and view read NetCDF-4", async () => {
  await using place = await openWorkplace();
  const name = "IFS_20260509_00Z_cgan";
  const make = async (folder: string, ...more: string[]) => {
    const given = ["--date", "20260509", "--run", "00", "--variables", "tp,t2m"];
    const { code, reported } = await execute(forecast, [
      ...[...given, ...place.args, "--output-dir", folder, ...more],
    ]);
    assertEquals(code, 0, reported);
  };
  await make("classic");
  const classic = decodeNetcdf(await Deno.readFile(`classic/${name}.nc`));
  await make("packed", "--format", "netcdf4", "--plot", "--view");
  const packed = await decodeNetcdf4(await Deno.readFile(`packed/${name}.nc`));
  assertEquals(readValues(packed), readValues(classic));
  const withoutHistory = (attributes: ReadonlyMap<string, unknown>) =>
    [...attributes].filter(([key]) => key !== "history");
  assertEquals(withoutHistory(packed.attributes), withoutHistory(classic.attributes));
  const drawn = [...Deno.readDirSync("packed")].map(({ name }) => name.slice(name.indexOf(".")));
  assertEquals(drawn.toSorted(), [".html", ".json", ".nc", ".png"]);
  for (const [command, output] of [[plot, "a.svg"], [view, "a.html"]] as const) {
    for (const folder of ["classic", "packed"]) {
      const { code, reported } = await execute(command as typeof plot, [
        `${folder}/${name}.nc`,
        "--output",
        `${folder}_${output}`,
      ]);
      assertEquals(
        [code === 0 || code === 5, reported.includes("Cannot")],
        [true, false],
        reported,
      );
    }
  }
  const pictures = ["classic", "packed"].map((folder) => Deno.readTextFileSync(`${folder}_a.svg`));
  assertEquals(pictures[0], pictures[1]);
  for (const version of ["2", "3"]) {
    await make(`zarr${version}`, "--format", "zarr", "--zarr-format", version);
    const { arrays } = (await readStore(`zarr${version}/${name}.zarr`))!;
    const values = [...arrays].map(([name, { data }]) => [name, [...data]] as const);
    assertEquals(Object.fromEntries(values.toSorted()), readValues(classic));
    const left = [...Deno.readDirSync(`zarr${version}`)].map(({ name }) => name).toSorted();
    assertEquals(left, [`${name}.zarr`, "runs.json"]);
  }
});

const countRuns = `
import sys, xarray
ds = xarray.open_zarr(sys.argv[1])
files = [xarray.open_dataset(f) for f in sys.argv[2:]]
for f in files:
    run = ds.sel(time=f.time[0])
    assert (run.t2m_ensemble_mean.values == f.t2m_ensemble_mean[0].values).all()
    assert (run.valid_time.values == f.valid_time.values).all()
print(dict(ds.sizes)["time"], ds.t2m_ensemble_mean.dims)
`;

Deno.test("a range of runs becomes one archive, and the same command fetches nothing more", async () => {
  await using place = await openWorkplace();
  const dates = ["--date", "20260509..20260510", "--run", "00"];
  const made = await execute(pipeline, [...dates, "--no-template", ...place.args]);
  assertEquals(made.code, 0, made.reported);
  const given = [...dates, ...place.args, "--variables", "t2m"];
  const append = (...more: string[]) =>
    execute(stream, [...given, "--append", "years/archive.zarr", "--zarr-format", "2", ...more]);
  place.countMessages();
  const first = await append();
  assertEquals(first.code, 0, first.reported);
  assertStringIncludes(first.reported, "20260509 00 UTC: the first run of years/archive.zarr");
  assertStringIncludes(first.reported, "20260510 00 UTC: appended to years/archive.zarr");
  assert(place.countMessages() > 0);
  const { arrays } = (await readStore("years/archive.zarr"))!;
  assertEquals(arrays.get("t2m_ensemble_mean")!.shape.slice(0, 2), [2, 2]);
  const { runs } = JSON.parse(await Deno.readTextFile("years/runs.json"));
  assertEquals(
    runs.map((
      { output, state, sha256 }: Record<string, string>,
    ) => [output, state, sha256!.length]),
    RUNS.map(({ date }) => [`archive.zarr/${date}_00z`, "complete", 64]),
  );

  const again = await append();
  assertEquals([again.code, place.countMessages()], [0, 0], again.reported);
  assertStringIncludes(again.reported, "already complete, years/archive.zarr/20260509_00z");
  // Without its ledger the archive itself says what it has.
  await Deno.remove("years/runs.json");
  const alone = await append();
  assertEquals([alone.code, place.countMessages()], [0, 0], alone.reported);
  assertStringIncludes(
    alone.reported,
    "20260510 00 UTC is in years/archive.zarr already: it is left",
  );
  const one = await execute(forecast, [
    ...["--date", "20260509", "--run", "00", ...place.args, "--variables", "t2m"],
    ...["--append", "years/archive.zarr"],
  ]);
  assertEquals([one.code, place.countMessages()], [0, 0], one.reported);
  const oneAgain = await execute(forecast, [
    ...["--date", "20260509", "--run", "00", ...place.args, "--variables", "t2m"],
    ...["--append", "years/archive.zarr", "--replace"],
  ]);
  assertStringIncludes(oneAgain.reported, "20260509 00 UTC: replaced in years/archive.zarr");
  assert(place.countMessages() > 0);
  const replaced = await append("--replace");
  assertEquals(replaced.code, 0, replaced.reported);
  assertStringIncludes(replaced.reported, "20260509 00 UTC: replaced in years/archive.zarr");
  assert(place.countMessages() > 0);

  const other = await execute(stream, [
    ...["--date", "20260509", "--run", "00", ...place.args, "--variables", "tp"],
    ...["--append", "years/archive.zarr", "--replace"],
  ]);
  assertEquals(other.code, 2);
  assertStringIncludes(
    other.reported,
    'Cannot append to "years/archive.zarr": it has no valid_time_bnds, tp_',
  );
  if (python) {
    const plain = await execute(stream, [...given, "--output-dir", "out"]);
    assertEquals(plain.code, 0, plain.reported);
    const files = RUNS.map((run) => `out/${GIK.fileName(run)}`);
    assertEquals(
      await runProgram(python, "-c", countRuns, "years/archive.zarr", ...files),
      "2 ('time', 'step', 'latitude', 'longitude')\n",
    );
  }
});

const REFUSALS: readonly (readonly [args: string[], says: string])[] = [
  [["--format", "hdf5"], "it is one of netcdf, netcdf4, zarr"],
  [["--zarr-format", "2"], "Cannot use --zarr-format without --format zarr"],
  [["--format", "zarr", "--zarr-format", "1"], 'Cannot use --zarr-format "1": give 2 or 3'],
  [["--replace"], "Cannot use --replace without --append"],
  [["--append", "gs://b/a.zarr"], "give a folder of this machine"],
  [["--append", "a.zarr", "--format", "netcdf"], "Cannot use --format netcdf with --append"],
  [["--append", "a.zarr", "--task", "0/2"], "Cannot use --append with --task"],
  [["--append", "a.zarr", "--plot"], "Cannot use --append with --plot"],
  [["--format", "zarr", "--output-dir", "gs://b/a"], "--format zarr with --output-dir gs://b/a"],
  [["--format", "zarr", "--view"], "Cannot use --format zarr with --view: it reads one file"],
];

Deno.test("options on formats that contradict each other are refused", async () => {
  for (const [args, says] of REFUSALS) {
    const { code, reported } = await execute(forecast, args);
    if (args.includes("--task")) continue;
    assertEquals(code, 2, reported);
    assertStringIncludes(reported, says);
  }
  const task = await execute(stream, ["--date", "20260509", "--append", "a.zarr", "--task", "0/2"]);
  assertEquals(task.code, 2);
  assertStringIncludes(task.reported, "Cannot use --append with --task");
});

Deno.test("extract appends the members of runs to an archive, and writes the other formats", async () => {
  await using place = await openWorkplace();
  // It chooses members by their numbers.
  const args = place.args.slice(0, -2);
  const run = (date: string, ...more: string[]) =>
    execute(extract, ["--date", date, "--run", "00", "--fields", "2t,tp", ...args, ...more]);
  const members = ["--members", "0,2-3", "--append", "members.zarr"];
  for (const { date } of RUNS) {
    const { code, reported } = await run(date, ...members);
    assertEquals(code, 0, reported);
  }
  const { arrays } = (await readStore("members.zarr"))!;
  assertEquals(arrays.get("t2m_members")!.shape.slice(0, 3), [2, 2, 3]);
  place.countMessages();
  const again = await run("20260509", ...members);
  assertEquals([again.code, place.countMessages()], [0, 0], again.reported);
  const replaced = await run("20260509", ...members, "--replace");
  assertStringIncludes(replaced.reported, "20260509 00 UTC: replaced in members.zarr");
  const others = await run("20260509", "--members", "0-2", "--append", "members.zarr", "--replace");
  assertEquals(others.code, 2, others.reported);
  assertStringIncludes(others.reported, "the values of its number are not those of run 20260509_");
  place.countMessages();
  for (
    const [differing, state] of [
      [["--members", "0,2"], "its number has shape [3], not [2]"],
      [["--members", "0,2-3", "--steps", "36"], "its step has shape [2], not [1]"],
      [
        ["--members", "0,2-3", "--region", "10,30,0,40"],
        "the values of its latitude are not those",
      ],
      [["--members", "0,2-3", "--grid", "1.5"], "the values of its latitude are not those"],
      [["--members", "0,2-3", "--statistics", "mean"], "it has no t2m_ensemble_mean"],
    ] as const
  ) {
    const other = ["--append", "members.zarr", "--replace"];
    const { code, reported } = await run("20260509", ...differing, ...other);
    assertEquals([code, place.countMessages()], [2, 0], reported);
    assertStringIncludes(reported, state);
  }

  const packed = ["--members", "2", "--time-axis", "valid_time", "--format", "netcdf4"];
  const { code, reported } = await run("20260509", ...packed, "--output", "packed.nc");
  assertEquals(code, 0, reported);
  const file = await decodeNetcdf4(await Deno.readFile("packed.nc"));
  const field = file.variables.find(({ name }) => name === "t2m_members")!;
  assertEquals(field.dimensions, ["valid_time", "number", "latitude", "longitude"]);
});

Deno.test("a folder is not drawn, and what is no archive is not appended to, before any message", async () => {
  await using place = await openWorkplace();
  await Deno.mkdir("store.zarr");
  await Deno.writeTextFile("store.zarr/note.txt", "");
  for (const draw of [execute(plot, ["store.zarr"]), execute(view, ["store.zarr"])]) {
    const drawn = await draw;
    assertEquals(drawn.code, 2);
    assertStringIncludes(
      drawn.reported,
      'Cannot draw "store.zarr": it is a folder, as a Zarr store',
    );
  }
  const append = (path: string) =>
    execute(forecast, ["--date", "20260509", "--run", "00", ...place.args, "--append", path]);
  const folder = await append("store.zarr");
  assertEquals([folder.code, place.countMessages()], [2, 0], folder.reported);
  assertStringIncludes(folder.reported, 'Cannot append to "store.zarr": it holds files and is no');
  const file = await append("store.zarr/note.txt");
  assertEquals([file.code, place.countMessages()], [2, 0], file.reported);
  assertStringIncludes(
    file.reported,
    'Cannot read "store.zarr/note.txt": it is a file, and a Zarr',
  );
});
