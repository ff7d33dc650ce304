import { assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@^1.0.0";
import { encodeNetcdf, type NetcdfDataset } from "../netcdf/encode_netcdf.ts";
import { ForecastError, parseForecast } from "./forecast_file.ts";
import { parseRun } from "../ecmwf/run.ts";
import { findVariables } from "../ecmwf/variables.ts";
import { buildDataset } from "./forecast_dataset.ts";
import { GIK } from "./profile.ts";

const [TP] = findVariables(["tp"]);

/** tp on 2 × 3 points: values at 39 h, nothing at 36 h. */
function makeDataset(): NetcdfDataset {
  return buildDataset({
    profile: GIK,
    run: parseRun("20260206", "06"),
    variables: [TP!],
    steps: [36, 39],
    axes: { latitudes: Float64Array.of(25, 24.75), longitudes: Float64Array.of(19, 19.25, 19.5) },
    fields: [{
      variable: TP!,
      stepHours: 39,
      mean: Float32Array.of(1, 2, 3, 4, NaN, 6),
      deviation: Float32Array.of(7, 8, 9, 10, 11, 12),
      membersUsed: 3,
    }],
    membersUsed: [0, 1, 5],
    membersAbsent: [2, 3, 4, 7],
    history: "written by a test",
  });
}

async function parse(dataset: NetcdfDataset) {
  const bytes = await new Blob([...encodeNetcdf(dataset)]).bytes();
  return parseForecast(bytes, "a.nc");
}

/** The dataset with its data and attributes changed. */
function change(
  name: string,
  edit: (variable: NetcdfDataset["variables"][number]) => void,
): NetcdfDataset {
  const dataset = makeDataset();
  edit(dataset.variables.find((variable) => variable.name === name)!);
  return dataset;
}

Deno.test("parseForecast() reads what stream writes", async () => {
  const file = await parse(makeDataset());
  const { variables, ...rest } = file;
  assertEquals(rest, {
    path: "a.nc",
    title: GIK.title,
    runLabel: "2026-02-06 06 UTC",
    referenceTime: new Date("2026-02-06T06:00:00Z"),
    validTimes: [new Date("2026-02-07T18:00:00Z"), new Date("2026-02-07T21:00:00Z")],
    stepHours: [36, 39],
    latitudes: Float64Array.of(25, 24.75),
    longitudes: Float64Array.of(19, 19.25, 19.5),
    memberCount: 3,
    absentMembers: ["2-4", "7"],
  });
  const [tp] = variables;
  assertEquals(variables.length, 1);
  assertEquals([tp!.name, tp!.longName, tp!.units], ["tp", "total precipitation", "m"]);
  assertEquals(tp!.mean(0), new Float32Array(6).fill(NaN));
  assertEquals(tp!.mean(1), Float32Array.of(1, 2, 3, 4, NaN, 6));
  assertEquals(tp!.deviation(1), Float32Array.of(7, 8, 9, 10, 11, 12));
  assertEquals([tp!.membersUsed(0), tp!.membersUsed(1)], [0, 3]);
  assertThrows(() => tp!.mean(2), RangeError, "2 steps");
});

Deno.test("parseForecast() flips rows that begin in the south", async () => {
  const file = await parse(
    change("latitude", (axis) => axis.data = Float64Array.of(24.75, 25)),
  );
  assertEquals(file.latitudes, Float64Array.of(25, 24.75));
  assertEquals(file.variables[0]!.mean(1), Float32Array.of(4, NaN, 6, 1, 2, 3));
});

Deno.test("parseForecast() reads times in other units, and units in other spellings", async () => {
  const dataset = makeDataset();
  for (const { name, attributes } of dataset.variables) {
    if (name === "time") attributes.units = "days since 2026-02-06";
    if (name === "valid_time") attributes.units = "seconds since 2026-02-06T12:00:00.0";
    if (name === "tp_ensemble_mean") attributes.units = "kg m**-2";
  }
  for (const { name, data } of dataset.variables) {
    if (name === "time") data.set([1]);
    if (name === "valid_time") data.set([12 * 3600, 15 * 3600]);
  }
  const file = await parse(dataset);
  assertEquals(file.runLabel, "2026-02-07 00 UTC");
  assertEquals(file.stepHours, [0, 3]);
  assertEquals(file.variables[0]!.units, "kg m-2");
});

Deno.test("parseForecast() reads fill values as NaN, and unpacks scaled values", async () => {
  const file = await parse(change("tp_ensemble_mean", (variable) => {
    variable.attributes = {
      units: "m",
      _FillValue: Float32Array.of(-999),
      scale_factor: 0.5,
      add_offset: 10,
    };
    variable.data = Float32Array.of(-999, 0, 0, 0, 0, 0, 1, 2, 3, 4, -999, 6);
  }));
  assertEquals(file.variables[0]!.mean(0), Float32Array.of(NaN, 10, 10, 10, 10, 10));
  assertEquals(file.variables[0]!.mean(1), Float32Array.of(10.5, 11, 11.5, 12, NaN, 13));
});

Deno.test("parseForecast() reads values that were never written as NaN", async () => {
  const file = await parse(change("tp_ensemble_standard_deviation", (it) => {
    it.attributes = { units: "m" };
    it.data = new Float32Array(12).fill(9.9692099683868690e36); // NC_FILL_FLOAT of netcdf.h
  }));
  assertEquals(file.variables[0]!.deviation(0), new Float32Array(6).fill(NaN));
});

Deno.test("parseForecast() reads files of the Python tools, which have no counts and no members", async () => {
  const dataset = makeDataset();
  dataset.variables = dataset.variables.filter(({ name }) => name !== "tp_members_used");
  dataset.attributes = {};
  const file = await parse(dataset);
  assertEquals([file.title, file.memberCount, file.absentMembers], ["a.nc", undefined, []]);
  assertEquals(file.variables[0]!.membersUsed(0), undefined);
});

Deno.test("parseForecast() says what a file lacks to be a forecast", async () => {
  const fails = (bytes: Uint8Array, says: string) =>
    assertThrows(() => parseForecast(bytes, "a.nc"), ForecastError, says);
  fails(new TextEncoder().encode("GRIB and more"), '"a.nc": it is no NetCDF classic file');
  fails(new Uint8Array(0), "it is no NetCDF classic file");
  fails(Uint8Array.of(0x89, 0x48, 0x44, 0x46, 13, 10), "nccopy -k nc6");

  const lacking = async (name: string, says: string) => {
    const dataset = makeDataset();
    dataset.variables = dataset.variables.filter((variable) => variable.name !== name);
    fails(await new Blob([...encodeNetcdf(dataset)]).bytes(), says);
  };
  await lacking("latitude", "it has no variable latitude");
  await lacking("valid_time", "it has no variable valid_time");
  await lacking("tp_ensemble_mean", "it has no variable <name>_ensemble_mean");
  await lacking("tp_ensemble_standard_deviation", "no variable tp_ensemble_standard_deviation");

  const changed = async (dataset: NetcdfDataset, says: string) =>
    fails(await new Blob([...encodeNetcdf(dataset)]).bytes(), says);
  await changed(change("time", (it) => it.attributes.units = "fortnights"), 'in "fortnights"');
  await changed(
    change("longitude", (it) => it.data = Float64Array.of(3, 2, 1)),
    "longitudes do not ascend",
  );
  await changed(
    change("longitude", (it) => it.data = Float64Array.of(1, 2, 4)),
    "points along longitude are not equally spaced",
  );
  await changed(
    change(
      "tp_ensemble_mean",
      (it) => it.dimensions = ["time", "valid_time", "longitude", "latitude"],
    ),
    "(1,2,3,2)",
  );
});

Deno.test("parseForecast() tells a file that is cut short from missing values", async () => {
  const dataset = makeDataset();
  const cut = async () => {
    const bytes = await new Blob([...encodeNetcdf(dataset)]).bytes();
    return parseForecast(bytes.subarray(0, bytes.length - 4), "a.nc");
  };
  await assertRejects(cut, ForecastError, "its variable tp_members_used is cut short");
  dataset.variables.pop();
  const { variables: [tp] } = await cut();
  assertEquals(tp!.mean(1)[0], 1);
  assertThrows(() => tp!.deviation(0), ForecastError, "deviation is cut short");
});
