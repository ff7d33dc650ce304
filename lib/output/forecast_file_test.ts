import { assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@^1.0.0";
import { encodeNetcdf, type NetcdfDataset } from "../netcdf/encode_netcdf.ts";
import { encodeNetcdf4 } from "../netcdf/encode_netcdf4.ts";
import { collectBytes, findPython, runProgram, withBytes } from "../netcdf/netcdf4_fixture.ts";
import { findField } from "./forecast_fields.ts";
import {
  ForecastError,
  type ForecastVariable,
  isUnpublished,
  parseForecast,
  readForecast,
} from "./forecast_file.ts";
import { parseRun } from "../ecmwf/run.ts";
import { findVariables } from "../ecmwf/variables.ts";
import { plainProduct } from "../ensemble/field_product.ts";
import { buildDataset } from "./forecast_dataset.ts";
import { GIK } from "./profile.ts";

const [TP] = findVariables(["tp"]);

/** tp on 2 × 3 points: values at 39 h, nothing at 36 h. */
function makeDataset(): NetcdfDataset {
  return buildDataset({
    profile: GIK,
    run: parseRun("20260206", "06"),
    products: [plainProduct(TP!)],
    steps: [36, 39],
    axes: { latitudes: Float64Array.of(25, 24.75), longitudes: Float64Array.of(19, 19.25, 19.5) },
    fields: [{
      product: plainProduct(TP!),
      stepHours: 39,
      statistics: [Float32Array.of(1, 2, 3, 4, NaN, 6), Float32Array.of(7, 8, 9, 10, 11, 12)],
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

/** A statistic at a step. */
function readField(variable: ForecastVariable, key: string, stepIndex: number) {
  return findField(variable, key)!.values(stepIndex);
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
    title: "ECMWF ensemble mean and standard deviation for the cGAN rainfall model",
    runLabel: "2026-02-06 06 UTC",
    referenceTime: new Date("2026-02-06T06:00:00Z"),
    validTimes: [new Date("2026-02-07T18:00:00Z"), new Date("2026-02-07T21:00:00Z")],
    stepHours: [36, 39],
    latitudes: Float64Array.of(25, 24.75),
    longitudes: Float64Array.of(19, 19.25, 19.5),
    memberCount: 3,
    absentMembers: ["2-4", "7"],
    notPublished: [],
  });
  const [tp] = variables;
  assertEquals(variables.length, 1);
  assertEquals([tp!.name, tp!.longName, tp!.units], ["tp", "total precipitation", "m"]);
  assertEquals(readField(tp!, "mean", 0), new Float32Array(6).fill(NaN));
  assertEquals(readField(tp!, "mean", 1), Float32Array.of(1, 2, 3, 4, NaN, 6));
  assertEquals(readField(tp!, "deviation", 1), Float32Array.of(7, 8, 9, 10, 11, 12));
  assertEquals([tp!.membersUsed(0), tp!.membersUsed(1)], [0, 3]);
  assertThrows(() => readField(tp!, "mean", 2), RangeError, "2 steps");
});

Deno.test("parseForecast() flips rows that begin in the south", async () => {
  const file = await parse(
    change("latitude", (axis) => axis.data = Float64Array.of(24.75, 25)),
  );
  assertEquals(file.latitudes, Float64Array.of(25, 24.75));
  assertEquals(readField(file.variables[0]!, "mean", 1), Float32Array.of(4, NaN, 6, 1, 2, 3));
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
  assertEquals(readField(file.variables[0]!, "mean", 0), Float32Array.of(NaN, 10, 10, 10, 10, 10));
  assertEquals(
    readField(file.variables[0]!, "mean", 1),
    Float32Array.of(10.5, 11, 11.5, 12, NaN, 13),
  );
});

Deno.test("parseForecast() reads values that were never written as NaN", async () => {
  const file = await parse(change("tp_ensemble_standard_deviation", (it) => {
    it.attributes = { units: "m" };
    it.data = new Float32Array(12).fill(9.9692099683868690e36); // NC_FILL_FLOAT of netcdf.h
  }));
  assertEquals(readField(file.variables[0]!, "deviation", 0), new Float32Array(6).fill(NaN));
});

Deno.test("parseForecast() reads files of the Python tools, which have no counts and no members", async () => {
  const dataset = makeDataset();
  dataset.variables = dataset.variables.filter(({ name }) => name !== "tp_members_used");
  dataset.attributes = {};
  const file = await parse(dataset);
  assertEquals([file.title, file.memberCount, file.absentMembers], ["a.nc", undefined, []]);
  assertEquals(file.variables[0]!.membersUsed(0), undefined);
});

Deno.test("readForecast() reads NetCDF-4, and says of a damaged one which file it is", async () => {
  const bytes = await collectBytes(encodeNetcdf4(makeDataset()));
  const { variables: [tp], ...rest } = await readForecast(bytes, "a.nc");
  const { variables: [classic], ...expected } = await parse(makeDataset());
  assertEquals(rest, expected);
  assertEquals([tp!.name, tp!.units, readField(tp!, "mean", 1)], [
    classic!.name,
    "m",
    readField(classic!, "mean", 1),
  ]);
  await assertRejects(
    () => readForecast(bytes.subarray(0, 3000), "a.nc"),
    ForecastError,
    'Cannot read a forecast from "a.nc": it is damaged NetCDF-4 (truncated file',
  );
});

/** The file as xarray writes it again: compressed, packed, with whole hours and texts of its own. */
const rewrite = `
import sys, xarray
with xarray.open_dataset(sys.argv[1]) as ds:
    ds.load()
ds.attrs["n_ensemble_members"] = "3"
hours = {"dtype": "int64", "units": "hours since 2026-01-01"}
packed = {"zlib": True, "dtype": "int16", "scale_factor": 0.5, "_FillValue": -32768}
ds.to_netcdf(sys.argv[2])
ds.to_netcdf(sys.argv[3], encoding={"time": hours, "valid_time": hours, "tp_ensemble_mean": packed})
`;
const python = findPython("xarray", "netCDF4");

Deno.test({
  name:
    "readForecast() reads what xarray's to_netcdf() writes (needs python3-xarray, python3-netcdf4)",
  ignore: python === undefined,
  fn: () =>
    withBytes(encodeNetcdf(makeDataset()), async (path) => {
      const copies = [`${path}.plain.nc`, `${path}.packed.nc`];
      try {
        await runProgram(python!, "-c", rewrite, path, ...copies);
        const { variables: [classic], ...expected } = await parse(makeDataset());
        for (const copy of copies) {
          const { variables: [tp], ...rest } = await readForecast(
            await Deno.readFile(copy),
            "a.nc",
          );
          assertEquals(rest, expected);
          assertEquals([readField(tp!, "mean", 0), readField(tp!, "mean", 1)], [
            readField(classic!, "mean", 0),
            readField(classic!, "mean", 1),
          ]);
          assertEquals([readField(tp!, "deviation", 1), tp!.membersUsed(1)], [
            readField(classic!, "deviation", 1),
            3,
          ]);
        }
      } finally {
        for (const copy of copies) await Deno.remove(copy).catch(() => {});
      }
    }),
});

Deno.test("parseForecast() says what a file lacks to be a forecast", async () => {
  const fails = (bytes: Uint8Array, says: string) =>
    assertThrows(() => parseForecast(bytes, "a.nc"), ForecastError, says);
  fails(new TextEncoder().encode("GRIB and more"), '"a.nc": it is no NetCDF classic file');
  fails(new Uint8Array(0), "it is no NetCDF classic file");

  const lacking = async (name: string, says: string) => {
    const dataset = makeDataset();
    dataset.variables = dataset.variables.filter((variable) => variable.name !== name);
    fails(await new Blob([...encodeNetcdf(dataset)]).bytes(), says);
  };
  const changed = async (dataset: NetcdfDataset, says: string) =>
    fails(await new Blob([...encodeNetcdf(dataset)]).bytes(), says);
  await lacking("latitude", "it has no variable latitude");
  await lacking("valid_time", "it has no variable valid_time");
  await changed(
    {
      ...makeDataset(),
      variables: makeDataset().variables.filter(({ name }) => !/^tp_/.test(name)),
    },
    "it has no variable <name>_ensemble_mean",
  );

  await changed(change("time", (it) => it.attributes.units = "fortnights"), 'in "fortnights"');
  await changed(
    change("longitude", (it) => it.data = Float64Array.of(3, 2, 1)),
    "longitudes do not ascend",
  );
  await changed(
    change("longitude", (it) => it.data = Float64Array.of(1, 2, 4)),
    "points along longitude are not equally spaced",
  );
});

/** tp of one step on 2 × 2 points, every value another one. */
function makeSquare(): NetcdfDataset {
  const dataset = makeDataset();
  dataset.dimensions = { ...dataset.dimensions, longitude: 2 };
  for (const variable of dataset.variables) {
    if (variable.name === "longitude") variable.data = Float64Array.of(19, 19.25);
    if (!variable.name.includes("_ensemble_")) continue;
    const isMean = variable.name.endsWith("mean");
    variable.data = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8).map((it) => isMean ? it : 10 * it);
  }
  return dataset;
}

const ORDERS = [
  ["time", "valid_time", "latitude", "longitude"],
  ["time", "valid_time", "longitude", "latitude"],
  ["longitude", "latitude", "valid_time", "time"],
  ["latitude", "time", "longitude", "valid_time"],
  ["longitude", "valid_time", "latitude"],
];

for (const order of ORDERS) {
  Deno.test(`parseForecast() reads fields by the names of their dimensions: ${order}`, async () => {
    const expected = (await parse(makeSquare())).variables[0]!;
    const dataset = makeSquare();
    const sizes: Record<string, number> = dataset.dimensions;
    for (const variable of dataset.variables) {
      if (!variable.name.includes("_ensemble_")) continue;
      const { data, dimensions } = variable;
      const lengths = order.map((name) => sizes[name]!);
      variable.dimensions = order;
      variable.data = Float32Array.from(data, (_, index) => {
        const at: Record<string, number> = {};
        for (let i = order.length - 1, rest = index; i >= 0; i--) {
          at[order[i]!] = rest % lengths[i]!;
          rest = Math.floor(rest / lengths[i]!);
        }
        return data[dimensions.reduce((sum, name) => sum * sizes[name]! + (at[name] ?? 0), 0)]!;
      });
    }
    const [tp] = (await parse(dataset)).variables;
    for (const step of [0, 1]) {
      assertEquals(readField(tp!, "mean", step), readField(expected, "mean", step));
      assertEquals(readField(tp!, "deviation", step), readField(expected, "deviation", step));
    }
    assertEquals(readField(tp!, "mean", 0), Float32Array.of(1, 2, 3, 4));
  });
}

Deno.test("parseForecast() refuses fields that do not lie along the axes, or along others too", async () => {
  const refuse = async (dataset: NetcdfDataset, says: string) => {
    await assertRejects(() => parse(dataset), ForecastError, says);
  };
  const expected = "expected (valid_time = 2, latitude = 2, longitude = 2) in any order";
  const other = makeSquare();
  other.dimensions = { ...other.dimensions, x: 2 };
  for (const variable of other.variables) {
    if (variable.name === "tp_ensemble_mean") {
      variable.dimensions = ["time", "valid_time", "latitude", "x"];
    }
  }
  await refuse(
    other,
    "its variable tp_ensemble_mean has the dimensions (time = 1, valid_time = 2, latitude = 2, x = 2), " +
      expected,
  );
  const stations = makeSquare();
  for (const variable of stations.variables) {
    if (variable.name === "longitude") variable.dimensions = ["latitude"];
    if (variable.name.includes("_ensemble_")) {
      variable.dimensions = ["time", "valid_time", "latitude"];
    }
    if (variable.name.includes("_ensemble_")) variable.data = variable.data.slice(0, 4);
  }
  await refuse(stations, expected);
  const curved = makeSquare();
  for (const variable of curved.variables) {
    if (variable.name !== "latitude") continue;
    variable.dimensions = ["latitude", "longitude"];
    variable.data = Float64Array.of(25, 25, 24.75, 24.75);
  }
  await refuse(
    curved,
    "its latitude has the dimensions (latitude, longitude), put it on a regular grid",
  );
  const counts = makeSquare();
  for (const variable of counts.variables) {
    if (variable.name === "tp_members_used") variable.dimensions = ["time", "latitude"];
  }
  await refuse(counts, "its variable tp_members_used has the dimensions (time = 1, latitude = 2)");
});

Deno.test("parseForecast() reads a step whose valid_time is a scalar, as xarray's isel() leaves it", async () => {
  const dataset = makeDataset();
  for (const variable of dataset.variables) {
    if (!variable.dimensions.includes("valid_time")) continue;
    variable.dimensions = variable.dimensions.filter((name) => name !== "valid_time");
    variable.data = variable.data.slice(variable.data.length / 2);
  }
  const file = await parse(dataset);
  assertEquals(file.stepHours, [39]);
  assertEquals(readField(file.variables[0]!, "mean", 0), Float32Array.of(1, 2, 3, 4, NaN, 6));
  assertEquals(file.variables[0]!.membersUsed(0), 3);
});

type Attributes = NetcdfDataset["variables"][number]["attributes"];
type Values = NetcdfDataset["variables"][number]["data"];

const MISSING: { what: string; attributes: Attributes; data: Values; first: number[] }[] = [
  {
    what: "missing_value without _FillValue",
    attributes: { missing_value: Float32Array.of(-999) },
    data: Float32Array.of(-999, 1),
    first: [NaN, 1],
  },
  {
    what: "missing_value of float64 among values of float32",
    attributes: { missing_value: -999.9 },
    data: Float32Array.of(-999.9, 1),
    first: [NaN, 1],
  },
  {
    what: "missing_value beside another _FillValue",
    attributes: { _FillValue: Float32Array.of(-1), missing_value: Float32Array.of(-2) },
    data: Float32Array.of(-1, -2),
    first: [NaN, NaN],
  },
  {
    what: "several missing values",
    attributes: { missing_value: Float32Array.of(-8, -9) },
    data: Float32Array.of(-8, -9),
    first: [NaN, NaN],
  },
  {
    what: "missing_value as text",
    attributes: { missing_value: "-999" },
    data: Float32Array.of(-999, 1),
    first: [NaN, 1],
  },
  {
    what: "missing_value NaN as text",
    attributes: { missing_value: "NaN" },
    data: Float32Array.of(NaN, 1),
    first: [NaN, 1],
  },
  {
    what: "missing_value of packed values, before they are unpacked",
    attributes: { missing_value: Int16Array.of(0), scale_factor: 0.5, add_offset: 10 },
    data: Int16Array.of(0, 4),
    first: [NaN, 12],
  },
  {
    what: "packed values that were never written",
    attributes: { scale_factor: 0.5, add_offset: 10 },
    data: Int16Array.of(-32767, -4),
    first: [NaN, 8],
  },
  {
    what: "unsigned packed bytes",
    attributes: { _FillValue: Int8Array.of(-1), _Unsigned: "true", scale_factor: 2 },
    data: Int8Array.of(-1, -56),
    first: [NaN, 400],
  },
  {
    what: "bytes, which have no value for what was never written",
    attributes: { scale_factor: 1 },
    data: Int8Array.of(-127, -128),
    first: [-127, -128],
  },
];

for (const { what, attributes, data, first } of MISSING) {
  Deno.test(`parseForecast() unpacks, and reads as NaN what is missing: ${what}`, async () => {
    const file = await parse(change("tp_ensemble_mean", (variable) => {
      variable.attributes = { units: "m", ...attributes };
      const values = data.slice(0, 1).constructor as Float32ArrayConstructor;
      variable.data = new values(12);
      variable.data.set([...data, ...data], 0);
    }));
    assertEquals([...readField(file.variables[0]!, "mean", 0).subarray(0, 2)], first);
  });
}

Deno.test("parseForecast() refuses packing and missing values that are no numbers", async () => {
  for (const name of ["scale_factor", "add_offset", "missing_value"]) {
    for (const text of ["many", ""]) {
      const file = await parse(change("tp_ensemble_mean", (it) => it.attributes[name] = text));
      assertThrows(
        () => readField(file.variables[0]!, "mean", 0),
        ForecastError,
        `"a.nc": its variable tp_ensemble_mean has the ${name} "${text}", expected a number`,
      );
    }
  }
});

Deno.test("parseForecast() unpacks axes, times and counts too", async () => {
  const plain = await parse(makeDataset());
  const dataset = makeDataset();
  const packed: Record<string, [Values, Attributes]> = {
    latitude: [Int16Array.of(100, 99), { scale_factor: 0.25 }],
    longitude: [Int8Array.of(0, 1, 2), { scale_factor: 0.25, add_offset: 19 }],
    valid_time: [Int16Array.of(36, 39), { add_offset: 1105374 }],
    tp_members_used: [Int8Array.of(-1, 1), { _FillValue: Int8Array.of(-1), scale_factor: 3 }],
  };
  for (const variable of dataset.variables) {
    const [data, attributes] = packed[variable.name] ?? [variable.data, {}];
    Object.assign(variable, { data, attributes: { ...variable.attributes, ...attributes } });
  }
  const { variables: [tp], ...file } = await parse(dataset);
  const { variables: [plainTp], ...rest } = plain;
  assertEquals(file, rest);
  assertEquals([tp!.membersUsed(0), tp!.membersUsed(1)], [undefined, plainTp!.membersUsed(1)]);
});

Deno.test("parseForecast() reads no time in calendars whose days are not those of Date", async () => {
  const calendar = (calendar: string, units = "hours since 1900-01-01") =>
    parse(change("valid_time", (it) => Object.assign(it.attributes, { calendar, units })));
  for (const name of ["standard", "Gregorian", "proleptic_gregorian"]) {
    assertEquals((await calendar(name)).stepHours, [36, 39]);
  }
  for (const name of ["360_day", "noleap", "julian"]) {
    const says = `in the calendar "${name}", expected proleptic_gregorian`;
    await assertRejects(() => calendar(name), ForecastError, says);
  }
  const says = 'its valid_time counts "hours since 0001-01-01" in the calendar "standard"';
  await assertRejects(() => calendar("standard", "hours since 0001-01-01"), ForecastError, says);
});

Deno.test("parseForecast() names file and variable of a dimension id that does not exist, in one line", async () => {
  const bytes = await new Blob([...encodeNetcdf(makeDataset())]).bytes();
  const name = new TextDecoder("latin1").decode(bytes).indexOf("tp_ensemble_mean");
  new DataView(bytes.buffer).setUint32(name + 16 + 4, 99);
  const { message } = assertThrows(() => parseForecast(bytes, "a.nc"), ForecastError);
  assertEquals(
    message,
    'Cannot read a forecast from "a.nc": its variable tp_ensemble_mean has dimension 99, ' +
      "expected 0 to 4, fetch or write the file again",
  );
});

Deno.test("parseForecast() reads attributes beyond ASCII, in UTF-8 and in Latin-1", async () => {
  const dataset = makeDataset();
  dataset.attributes.title = "Prévision — Nairobi, 25°N 東アフリカ";
  assertEquals((await parse(dataset)).title, "Prévision — Nairobi, 25°N 東アフリカ");
  dataset.attributes.title = "Pr~vision";
  const bytes = await new Blob([...encodeNetcdf(dataset)]).bytes();
  const latin1 = bytes.map((byte) => byte === 0x7e ? 0xe9 : byte);
  assertEquals(parseForecast(latin1, "a.nc").title, "Prévision");
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
  assertEquals(readField(tp!, "mean", 1)[0], 1);
  assertThrows(() => readField(tp!, "deviation", 0), ForecastError, "deviation is cut short");
});

Deno.test("parseForecast() reads what ECMWF did not publish", async () => {
  const dataset = makeDataset();
  dataset.attributes = {
    ...dataset.attributes,
    variables_not_published: "tcc, sf",
    fields_not_published: "tp (0 h)",
  };
  const file = await parse(dataset);
  assertEquals(file.notPublished, ["tcc", "sf", "tp (0 h)"]);
  assertEquals(
    [["sf", 36], ["tp", 0], ["tp", 36]].map(([name, step]) =>
      isUnpublished(file, `${name}`, Number(step))
    ),
    [true, true, false],
  );
});
