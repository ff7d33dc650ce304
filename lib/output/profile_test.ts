import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { checkSteps, parseRun } from "../ecmwf/run.ts";
import { findVariable, GIK_VARIABLES } from "../ecmwf/variables.ts";
import { GIK, withStatistics } from "./profile.ts";

Deno.test("GIK names known variables, each once", () => {
  const known = GIK_VARIABLES.map((name) => findVariable(name)?.name);
  assertEquals(known, [...GIK_VARIABLES]);
  assertEquals(new Set(known).size, 12);
});

Deno.test("GIK names steps that runs of every hour have, ascending", () => {
  for (const hour of ["00", "06", "12", "18"]) {
    assertEquals(checkSteps(parseRun("20260206", hour), GIK.steps), [...GIK.steps]);
  }
});

Deno.test("GIK counts time from the instant that its unit names", () => {
  const [, instant] = /^hours since (.*)$/.exec(GIK.timeOrigin.units)!;
  assertEquals(GIK.timeOrigin.epochMs, Date.parse(`${instant!.replace(" ", "T")}Z`));
});

Deno.test("GIK names files as the rainfall model looks for them", () => {
  assertEquals(GIK.fileName(parseRun("20260206", "00")), "IFS_20260206_00Z_cgan.nc");
  assertEquals(GIK.fileName(parseRun("20261231", "18")), "IFS_20261231_18Z_cgan.nc");
});

Deno.test("GIK names the model of a run in the file, its name and its title", () => {
  const run = parseRun("20260206", "00", "aifs-ens");
  assertEquals(GIK.fileName(run), "AIFS-ENS_20260206_00Z_cgan.nc");
  assertEquals(
    GIK.source(0.25, run),
    "ECMWF AIFS ensemble open data, 0.25 degrees, s3://ecmwf-forecasts, CC-BY-4.0",
  );
  assertEquals(
    GIK.title(run),
    "ECMWF AIFS ensemble mean and standard deviation for the cGAN rainfall model",
  );
});

Deno.test("a profile with other statistics has a title that is true of them", () => {
  const profile = withStatistics(GIK, [{ kind: "maximum" }]);
  const run = parseRun("20260206", "00");
  assertEquals(profile.title(run), "ECMWF IFS ensemble statistics over members");
  assertEquals([profile.name, profile.statistics], ["gik", [{ kind: "maximum" }]]);
});
