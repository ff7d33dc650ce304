import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { parseCommandLine } from "../../lib/cli/command.ts";
import { parseRun } from "../../lib/ecmwf/run.ts";
import { UsageError } from "../../lib/errors.ts";
import { GIK } from "../../lib/output/profile.ts";
import { command as forecast } from "../forecast.ts";
import { command as stream } from "../stream.ts";

const DATE = ["--date", "20260206"];
const parse = (...args: string[]) => stream.parse(parseCommandLine(stream, [...DATE, ...args]));

Deno.test("without an option the profile is gik, and every default is that of the file with fixed bytes", () => {
  const { profile, region, grid, steps, variables, outputDir } = parse();
  assertEquals(profile, GIK);
  assertEquals([region, grid, steps, variables, outputDir], [
    ...[GIK.region, undefined, undefined, undefined, "cgan_output"],
  ]);
});

Deno.test("a profile brings its fields, steps, members, grid and folder; stream and forecast take it", () => {
  const ofForecast = forecast.parse(
    parseCommandLine(forecast, [...DATE, "--profile", "sewaa-24h"]),
  );
  for (const { profile, grid, outputDir } of [parse("--profile", "sewaa-24h"), ofForecast]) {
    const names = profile.products.map(({ name }) => name);
    assertEquals(names, ["sp", "ssr", "t2m", "tcw", "tcwv", "tp", "u700", "v700"]);
    assertEquals([profile.steps.length, profile.steps.at(-1), profile.members], [
      ...[30, 174, "perturbed"],
    ]);
    assertEquals(grid?.spacing, 0.1);
    assertEquals(outputDir, "cgan_output/sewaa-24h");
    assertEquals(profile.fileName(parseRun("20260206", "00")), "IFS_20260206_00Z.nc");
  }
});

Deno.test("options that are given go before those of the profile", () => {
  const { profile, grid, steps, outputDir, products, format } = parse(
    ...["--profile", "sewaa-6h", "--steps", "30,36", "--variables", "tp"],
    ...["--statistics", "mean", "--grid", "0.25@-5,30,5,40", "--time-axis", "valid_time"],
    ...["--format", "zarr", "--output-dir", "here"],
  );
  assertEquals([profile.layout.timeAxis, profile.layout.latitudes], ["valid_time", "ascending"]);
  assertEquals(profile.statistics, [{ kind: "mean" }]);
  // That of the profile, not the accumulation from the start of the run.
  assertEquals(products?.map(({ name, period }) => [name, period]), [["tp", "next"]]);
  assertEquals([grid?.spacing, steps, outputDir], [0.25, [30, 36], "here"]);
  assertEquals(format, "zarr");
});

Deno.test("--substitute fills fields that the profile lacks, and no others", () => {
  const { profile } = parse("--profile", "sewaa-6h", "--substitute", "cp=0,tciw=1e-3");
  assertEquals(profile.substitutes, { cp: 0, tciw: 0.001 });
  for (
    const [args, state] of [
      [["--substitute", "cp=0"], 'Cannot use --substitute "cp=0": profile "gik" lacks no field'],
      [
        ["--profile", "sewaa-6h", "--substitute", "tp=0"],
        'Cannot use --substitute "tp=0": profile "sewaa-6h" lacks cp, mcc, tciw, tclw, tcrw alone',
      ],
      [["--profile", "sewaa-6h", "--substitute", "cp"], "give a field and a number, as cp=0"],
      [["--profile", "sewaa-6h", "--substitute", "cp=x"], "give a field and a number, as cp=0"],
    ] as const
  ) assertThrows(() => parse(...args), UsageError, state);
});

Deno.test("names that are not known are refused with the nearest one", () => {
  for (
    const [args, state] of [
      [["--profile", "sewa-6h"], 'Cannot use --profile "sewa-6h": the known ones are gik, '],
      [["--profile", "sewa-6h"], "did you mean sewaa-6h?"],
      [["--time-axis", "valid"], 'Cannot read --time-axis "valid": it is one of both, valid_time'],
      [["--format", "zar"], 'Cannot read --format "zar": it is one of netcdf, netcdf4, zarr'],
    ] as const
  ) assertThrows(() => parse(...args), UsageError, state);
});

Deno.test("the ledger and the history know the profile and the layout", () => {
  const { shapingOptions, commandLine } = parse(
    ...["--profile", "sewaa-6h", "--time-axis", "both", "--work", "w", "--fresh"],
  );
  assertEquals([shapingOptions.profile, shapingOptions["time-axis"]], ["sewaa-6h", "both"]);
  assertEquals(shapingOptions.steps, "30,36,42,48,54");
  assertEquals(commandLine, "stream --date 20260206 --profile sewaa-6h --time-axis both");
});

Deno.test("a profile brings its format, and --append needs a layout that grows along the runs", () => {
  assertEquals(parse("--profile", "ep-cgan").format, "zarr");
  assertEquals(parse("--profile", "ep-cgan", "--append", "runs.zarr").append, "runs.zarr");
  assertThrows(
    () => parse("--profile", "sewaa-6h", "--append", "runs.zarr"),
    UsageError,
    "Cannot use --append with one axis in time: ",
  );
});
