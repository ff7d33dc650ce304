import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { NetCDFReader } from "npm:netcdfjs@4.0.0";
import { parseRun } from "../ecmwf/run.ts";
import { findVariable, findVariables, type Variable } from "../ecmwf/variables.ts";
import { plainProduct } from "../ensemble/field_product.ts";
import { encodeNetcdf, type NetcdfVariable, streamNetcdf } from "../netcdf/encode_netcdf.ts";
import { buildDataset, type OutputContent, type OutputField } from "./forecast_dataset.ts";
import { GIK } from "./profile.ts";

const VARIABLES = [findVariable("tp")!, findVariable("u700")!, findVariable("ro")!];

function makeField(name: string, stepHours: number, first: number): OutputField {
  const points = (start: number) => Float32Array.from({ length: 6 }, (_, i) => start + i);
  const variable = findVariable(name)!;
  const [mean, deviation] = [points(first), points(first + 100)];
  return {
    product: plainProduct(variable),
    stepHours,
    statistics: [mean, deviation],
    membersUsed: first / 10,
  };
}

/** Two steps on 2 × 3 points; tp at both of them, u700 at the second, ro nowhere. */
function makeContent(change: Partial<OutputContent> = {}): OutputContent {
  return {
    profile: GIK,
    run: parseRun("20260206", "00"),
    products: VARIABLES.map(plainProduct),
    steps: [36, 39],
    axes: { latitudes: Float64Array.of(25, 24.75), longitudes: Float64Array.of(19, 19.25, 19.5) },
    fields: [makeField("tp", 39, 10), makeField("tp", 36, 20), makeField("u700", 39, 30)],
    membersUsed: [0, 1, 2, 5],
    membersAbsent: [3, 4],
    history: "2026-02-06T09:00:00.000Z written by a test",
    ...change,
  };
}

function findOutput(name: string, content = makeContent()): NetcdfVariable {
  return buildDataset(content).variables.find((variable) => variable.name === name)!;
}

const NOTHING = Array(6).fill(NaN);

Deno.test("buildDataset() has the profile's dimensions, coordinates and two statistics and a count a variable", () => {
  const dataset = buildDataset(makeContent());
  assertEquals(dataset.dimensions, { time: 1, valid_time: 2, latitude: 2, longitude: 3, bnds: 2 });
  assertEquals(dataset.variables.map(({ name }) => name), [
    "time",
    "valid_time",
    "valid_time_bnds",
    "latitude",
    "longitude",
    "tp_ensemble_mean",
    "tp_ensemble_standard_deviation",
    "u700_ensemble_mean",
    "u700_ensemble_standard_deviation",
    "ro_ensemble_mean",
    "ro_ensemble_standard_deviation",
    "tp_members_used",
    "u700_members_used",
    "ro_members_used",
  ]);
  for (const { name, dimensions, data } of dataset.variables) {
    const size = dimensions.reduce((product, dimension) => {
      return product * dataset.dimensions[dimension]!;
    }, 1);
    assertEquals(data.length, size, name);
  }
});

Deno.test("buildDataset() orders fields by step, and puts NaN where there is no field", () => {
  const tp = [20, 21, 22, 23, 24, 25, 10, 11, 12, 13, 14, 15];
  assertEquals([...findOutput("tp_ensemble_mean").data], tp);
  assertEquals(
    [...findOutput("tp_ensemble_standard_deviation").data],
    tp.map((value) => value + 100),
  );
  const u700 = [...NOTHING, 30, 31, 32, 33, 34, 35];
  assertEquals([...findOutput("u700_ensemble_mean").data], u700);
  assertEquals([...findOutput("ro_ensemble_mean").data], [...NOTHING, ...NOTHING]);
});

Deno.test("buildDataset() counts the members of each variable and step, and its statistics refer to the counts", () => {
  assertEquals(findOutput("tp_members_used"), {
    name: "tp_members_used",
    dimensions: ["time", "valid_time"],
    attributes: {
      long_name: "ensemble members used for total precipitation",
      standard_name: "number_of_observations",
      units: "1",
    },
    data: Int32Array.of(2, 1),
  });
  assertEquals(findOutput("u700_members_used").data, Int32Array.of(0, 3));
  assertEquals(findOutput("ro_members_used").data, Int32Array.of(0, 0));
  for (const statistic of ["mean", "standard_deviation"]) {
    const { ancillary_variables } = findOutput(`ro_ensemble_${statistic}`).attributes;
    assertEquals(ancillary_variables, "ro_members_used");
  }
});

// python3 -c "from datetime import datetime as d; print([(d(2026,*t)-d(1900,1,1)).total_seconds()/3600 for t in ((2,6),(5,20,12))])"
Deno.test("buildDataset() counts hours since 1900 whatever the run", () => {
  for (const [date, hour, hours] of [["20260206", "00", 1105368], ["20260520", "12", 1107852]]) {
    const content = makeContent({ run: parseRun(`${date}`, `${hour}`) });
    const [time, validTime] = buildDataset(content).variables;
    assertEquals(time!.attributes?.units, "hours since 1900-01-01 00:00:00");
    assertEquals([...time!.data], [Number(hours)]);
    assertEquals([...validTime!.data], [Number(hours) + 36, Number(hours) + 39]);
  }
});

Deno.test("buildDataset() names the members used and those that are absent", () => {
  const { attributes } = buildDataset(makeContent());
  assertEquals(attributes, {
    Conventions: "CF-1.8",
    title: "ECMWF ensemble mean and standard deviation for the cGAN rainfall model",
    institution: GIK.institution,
    source: "ECMWF IFS ensemble open data, 0.25 degrees, s3://ecmwf-forecasts, CC-BY-4.0",
    model_date: "20260206",
    model_run: "00Z",
    forecast_hours: Int32Array.of(36, 39),
    n_ensemble_members: Int32Array.of(4),
    absent_ensemble_members: "3-4",
    history: "2026-02-06T09:00:00.000Z written by a test",
  });
  const complete = buildDataset(makeContent({ membersAbsent: [] })).attributes;
  assertEquals(complete?.absent_ensemble_members, "none");
});

Deno.test("buildDataset() says that accumulations run from the start, and other values are of a moment", () => {
  const tp = findOutput("tp_ensemble_mean").attributes!;
  assertEquals(tp.units, "m");
  assertEquals(tp.standard_name, "lwe_thickness_of_precipitation_amount");
  assertEquals(
    tp.long_name,
    "ensemble mean of total precipitation accumulated from the start of the run",
  );
  assertStringIncludes(`${tp.cell_methods}`, "from the start of the run");
  assertStringIncludes(`${tp.cell_methods}`, "realization: mean");
  const u700 = findOutput("u700_ensemble_standard_deviation").attributes!;
  assertEquals(u700.long_name, "ensemble standard deviation of eastward wind at 700 hPa");
  assertEquals(u700.cell_methods, "valid_time: point realization: standard_deviation");
});

Deno.test("buildDataset() bounds accumulations by the start of the run and the step", () => {
  assertEquals(findOutput("valid_time").attributes.bounds, "valid_time_bnds");
  assertEquals(findOutput("valid_time_bnds"), {
    name: "valid_time_bnds",
    dimensions: ["valid_time", "bnds"],
    attributes: {},
    data: Float64Array.of(1105368, 1105368 + 36, 1105368, 1105368 + 39),
  });
  assertEquals(
    findOutput("tp_ensemble_mean").attributes.cell_methods,
    "valid_time: sum (from the start of the run) realization: mean",
  );
});

Deno.test("buildDataset() writes no bounds where no variable accumulates", () => {
  const content = makeContent({ products: [plainProduct(findVariable("u700")!)], fields: [] });
  const { dimensions, variables } = buildDataset(content);
  assertEquals(dimensions, { time: 1, valid_time: 2, latitude: 2, longitude: 3 });
  assertEquals(variables.some(({ name }) => name === "valid_time_bnds"), false);
  assertEquals("bounds" in findOutput("valid_time", content).attributes, false);
});

Deno.test("buildDataset() gives no standard name where CF has none", () => {
  assert(!("standard_name" in findOutput("ro_ensemble_mean").attributes!));
});

Deno.test("buildDataset() makes a file that netcdfjs reads", async () => {
  const file = new Blob([...encodeNetcdf(buildDataset(makeContent()))]);
  const reader = new NetCDFReader(await file.bytes());
  assertEquals(reader.dimensions.map(({ name, size }) => [name, size]), [
    ["time", 1],
    ["valid_time", 2],
    ["latitude", 2],
    ["longitude", 3],
    ["bnds", 2],
  ]);
  assertEquals(reader.getDataVariable("latitude"), [25, 24.75]);
  assertEquals(reader.getDataVariable("u700_ensemble_mean"), [...NOTHING, 30, 31, 32, 33, 34, 35]);
  assertEquals(reader.getAttribute("n_ensemble_members"), 4);
});

Deno.test("buildDataset() names the units that messages were converted from, and counts these", () => {
  const conversions = [{ units: "kg m-2", factor: 0.001, messages: 4 }];
  const fields = [
    { ...makeField("tp", 36, 20), conversions },
    { ...makeField("tp", 39, 10), conversions },
    makeField("u700", 39, 30),
  ];
  const content = makeContent({ fields });
  const comment = "8 messages in kg m-2, multiplied by 0.001";
  for (const statistic of ["ensemble_mean", "ensemble_standard_deviation"]) {
    assertEquals(findOutput(`tp_${statistic}`, content).attributes.comment, comment);
    assertEquals(findOutput(`u700_${statistic}`, content).attributes.comment, undefined);
  }
});

Deno.test("buildDataset() names the grid by the distance of its points, and by the run's era at one point", () => {
  const source = (label: string, latitudes: number[], longitudes: number[]) => {
    const axes = {
      latitudes: Float64Array.from(latitudes),
      longitudes: Float64Array.from(longitudes),
    };
    const run = parseRun(label, "00");
    const { attributes } = buildDataset(makeContent({ run, axes, fields: [] }));
    return /data, (.*)s3:/.exec(`${attributes!.source}`)![1];
  };
  assertEquals(source("20230601", [24.8, 24.4], [19.2, 19.6]), "0.4 degrees, ");
  assertEquals(source("20230601", [24.8, 24.4], [19.2]), "0.4 degrees, ");
  assertEquals(source("20240215", [24.8, 24.4], [19.6]), "0.4 degrees, ");
  assertEquals(source("20240215", [24.75, 24.5], [19.25, 19.5]), "0.25 degrees, ");
  assertEquals(source("20230601", [24.8], [19.2]), "0.4 degrees, ");
  assertEquals(source("20260206", [24.8], [19.2]), "0.25 degrees, ");
  assertEquals(source("20240215", [24.8], [19.2]), "");
});

Deno.test("buildDataset() lists the variables and fields that ECMWF did not publish, if there are any", () => {
  const [tp, tcc, sf] = findVariables(["tp", "tcc", "sf"]);
  const list = (variables: Variable[], fields: { variable: Variable; stepHours: number }[]) => {
    const { attributes = {} } = buildDataset(makeContent({ unpublished: { variables, fields } }));
    return [attributes.variables_not_published, attributes.fields_not_published];
  };
  assertEquals(list([], []), [undefined, undefined]);
  assertEquals(list([tcc!, sf!], []), ["tcc, sf", undefined]);
  const fields = [{ variable: tp!, stepHours: 0 }, { variable: sf!, stepHours: 0 }];
  assertEquals(list([tcc!], fields), ["tcc", "tp (0 h), sf (0 h)"]);
});

Deno.test("a dataset whose fields are read when they are written has the bytes of one that holds them", async () => {
  const content = makeContent();
  const expected = await new Blob([...encodeNetcdf(buildDataset(content))]).bytes();
  const reads: string[] = [];
  const fields = content.fields.map((field) => ({
    ...field,
    statistics: field.statistics.map((values, i) => () => {
      reads.push(`${field.product.name} ${i} ${field.stepHours}`);
      return Promise.resolve(values.slice());
    }),
  }));
  const dataset = buildDataset({ ...content, fields });
  assertEquals(reads, []);
  const pieces = await Array.fromAsync(streamNetcdf(dataset));
  assertEquals(await new Blob(pieces).bytes(), expected);
  // In the order of the file.
  assertEquals(reads, ["tp 0 36", "tp 0 39", "tp 1 36", "tp 1 39", "u700 0 39", "u700 1 39"]);
});
