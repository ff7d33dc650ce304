/**
 * The CF conventions' requirements and recommendations that concern our file, as data, in the order of
 * CF's conformance document (1.8); the file breaks none, and each rule finds a file that breaks it.
 */
import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { parseRun } from "../ecmwf/run.ts";
import { listFields } from "../ecmwf/inventory_fields.ts";
import { findVariable, VARIABLES } from "../ecmwf/variables.ts";
import { type FieldProduct, plainProduct } from "../ensemble/field_product.ts";
import { MEAN_AND_DEVIATION, type MemberStatistic } from "../ensemble/statistic.ts";
import { encodeNetcdf, type NetcdfDataset, type NetcdfVariable } from "../netcdf/encode_netcdf.ts";
import { buildDataset } from "./forecast_dataset.ts";
import { GIK } from "./profile.ts";

/** Every variable that can be written, at two steps on 2 × 3 points. */
function makeDataset(): NetcdfDataset {
  const points = Float32Array.of(1, 2, 3, 4, 5, 6);
  return buildDataset({
    profile: GIK,
    run: parseRun("20260206", "00"),
    products: VARIABLES.map(plainProduct),
    steps: [36, 39],
    axes: { latitudes: Float64Array.of(25, 24.75), longitudes: Float64Array.of(19, 19.25, 19.5) },
    fields: [36, 39].flatMap((stepHours) =>
      VARIABLES.map((variable) => {
        return {
          product: plainProduct(variable),
          stepHours,
          statistics: [points, points],
          membersUsed: 3,
        };
      })
    ),
    membersUsed: [0, 1, 2],
    membersAbsent: [],
    history: "written by a test",
  });
}

/** Every kind of product and statistic, at two steps on 2 × 3 points. */
function makeProducts(): NetcdfDataset {
  const points = Float32Array.of(1, 2, 3, 4, 5, 6);
  const [tp, t2m, u700, v700] = ["tp", "t2m", "u700", "v700"].map((it) => findVariable(it)!);
  const products: FieldProduct[] = [
    plainProduct(tp!),
    { ...plainProduct(tp!), name: "tp_24h", period: 24 },
    { ...plainProduct(t2m!), name: "t2m_day", period: "day" },
    { name: "wind700", inputs: [u700!, v700!], derive: "speed" },
  ];
  const statistics: MemberStatistic[] = [
    ...MEAN_AND_DEVIATION,
    { kind: "standard_deviation", ddof: 1 },
    ...[{ kind: "minimum" } as const, { kind: "maximum" } as const],
    ...[10, 50].map((percent) => ({ kind: "percentile", percent }) as const),
    { kind: "exceedance", comparison: ">", threshold: 0.02, label: "20mm" },
  ];
  return buildDataset({
    profile: { ...GIK, statistics },
    run: parseRun("20260206", "00"),
    products,
    steps: [30, 54],
    axes: { latitudes: Float64Array.of(25, 24.75), longitudes: Float64Array.of(19, 19.25, 19.5) },
    fields: products.flatMap((product) =>
      [30, 54].map((stepHours) => {
        return { product, stepHours, statistics: statistics.map(() => points), membersUsed: 3 };
      })
    ),
    membersUsed: [0, 1, 2],
    membersAbsent: [],
    history: "written by a test",
  });
}

/** Entries of CF's standard name table (version 88) that we use, with their canonical units. */
const STANDARD_NAMES: Record<string, string> = {
  air_pressure_at_mean_sea_level: "Pa",
  air_temperature: "K",
  atmosphere_convective_available_potential_energy: "J kg-1",
  atmosphere_mass_content_of_water_vapor: "kg m-2",
  atmosphere_upward_relative_vorticity: "s-1",
  cloud_area_fraction: "1",
  convective_precipitation_amount: "kg m-2",
  dew_point_temperature: "K",
  divergence_of_wind: "s-1",
  eastward_sea_water_velocity: "m s-1",
  eastward_wind: "m s-1",
  forecast_reference_time: "s",
  geopotential: "m2 s-2",
  geopotential_height: "m",
  high_type_cloud_area_fraction: "1",
  integral_wrt_time_of_surface_downward_eastward_stress: "Pa s",
  integral_wrt_time_of_surface_downward_northward_stress: "Pa s",
  integral_wrt_time_of_surface_downwelling_longwave_flux_in_air: "W s m-2",
  integral_wrt_time_of_surface_downwelling_shortwave_flux_in_air: "W s m-2",
  integral_wrt_time_of_surface_net_downward_longwave_flux: "W s m-2",
  integral_wrt_time_of_surface_net_downward_shortwave_flux: "W s m-2",
  lagrangian_tendency_of_air_pressure: "Pa s-1",
  land_area_fraction: "1",
  latitude: "degree_north",
  longitude: "degree_east",
  low_type_cloud_area_fraction: "1",
  lwe_thickness_of_precipitation_amount: "m",
  lwe_thickness_of_snowfall_amount: "m",
  lwe_thickness_of_surface_snow_amount: "m",
  medium_type_cloud_area_fraction: "1",
  northward_sea_water_velocity: "m s-1",
  northward_wind: "m s-1",
  number_of_observations: "1",
  precipitation_flux: "kg m-2 s-1",
  realization: "1",
  relative_humidity: "1",
  sea_ice_thickness: "m",
  sea_surface_height_above_geoid: "m",
  soil_temperature: "K",
  specific_humidity: "1",
  surface_air_pressure: "Pa",
  surface_temperature: "K",
  time: "s",
  volume_fraction_of_condensed_water_in_soil: "1",
  wind_speed: "m s-1",
  wind_speed_of_gust: "m s-1",
};
/** Units that we write in another spelling than the table has: the same quantity in UDUNITS. */
const SAME_UNITS: Record<string, string> = {
  "%": "1",
  "kg kg-1": "1",
  "N m-2 s": "Pa s",
  "J m-2": "W s m-2",
  "degrees_north": "degree_north",
  "degrees_east": "degree_east",
  "hours since 1900-01-01 00:00:00": "s",
};
/** CF appendix E, without the methods that change the unit. */
const METHODS = ["point", "sum", "mean", "maximum", "minimum", "median", "standard_deviation"];
/** Attributes that a boundary variable has from the variable it belongs to (CF 7.1). */
const INHERITED = [
  ..."units standard_name axis positive calendar leap_month leap_year month_lengths".split(" "),
  "_FillValue",
  "missing_value",
];

/** What a rule looks at. */
interface Subject {
  dataset: NetcdfDataset;
  variable: NetcdfVariable;
  isBounds: boolean;
  isCoordinate: boolean;
  find(name: string): NetcdfVariable | undefined;
}

interface Rule {
  section: string;
  says: string;
  /** Whether a variable of the file keeps the rule. */
  holds(subject: Subject): boolean;
  /** A change that breaks it. */
  breakIt(find: (name: string) => NetcdfVariable): void;
}

const attributeText = (variable: NetcdfVariable, name: string) =>
  variable.attributes[name] === undefined ? undefined : `${variable.attributes[name]}`;

/** `name: method (comment)` of `cell_methods`, in order. */
function parseCellMethods(
  text = "",
): { name: string; method: string; comment: string }[] | undefined {
  const entries = [...text.matchAll(/(\w+): (\w+)(?: \(([^)]*)\))?(?: |$)/g)];
  if (entries.map(([all]) => all).join("") !== text) return undefined;
  return entries.map(([, name, method, comment = ""]) => {
    return { name: name!, method: method!, comment };
  });
}

const RULES: Rule[] = [
  {
    section: "2.3",
    says: "names are letters, digits and underscores",
    holds: ({ variable: { name, attributes } }) =>
      [name, ...Object.keys(attributes)].every((it) => /^[A-Za-z_]\w*$/.test(it)),
    breakIt: (find) => find("tp_ensemble_mean").name = "tp-mean",
  },
  {
    section: "2.3",
    says: "no two names are equal but for their case",
    holds: ({ dataset, variable }) =>
      dataset.variables.filter(({ name }) => name.toLowerCase() === variable.name.toLowerCase())
        .length === 1,
    breakIt: (find) => find("tp_ensemble_mean").name = "SF_ensemble_mean",
  },
  {
    section: "2.4",
    says: "dimensions are different and in the order T, Y, X",
    holds: ({ variable: { dimensions } }) => {
      const known = ["valid_time", "latitude", "longitude"];
      const order = dimensions.filter((name) => known.includes(name));
      return new Set(dimensions).size === dimensions.length &&
        order.join() === known.filter((name) => order.includes(name)).join();
    },
    breakIt: (find) =>
      find("tp_ensemble_mean").dimensions = ["longitude", "latitude", "valid_time", "time"],
  },
  {
    section: "2.5.1",
    says: "_FillValue has the type of the values",
    holds: ({ variable: { attributes: { _FillValue: fill }, data } }) =>
      fill === undefined || typeof fill === "object" && fill.constructor === data.constructor,
    breakIt: (find) => find("tp_ensemble_mean").attributes._FillValue = Int16Array.of(1),
  },
  {
    section: "3",
    says: "variables other than bounds have a long_name or standard_name",
    holds: ({ variable: { attributes }, isBounds }) =>
      isBounds || "long_name" in attributes || "standard_name" in attributes,
    breakIt: (find) => delete find("ro_ensemble_mean").attributes.long_name,
  },
  {
    section: "3.1",
    says: "variables other than bounds have units",
    holds: ({ variable: { attributes }, isBounds }) => isBounds || "units" in attributes,
    breakIt: (find) => delete find("ro_ensemble_mean").attributes.units,
  },
  {
    section: "3.1",
    says: "units are those of the standard name",
    holds: ({ variable }) => {
      const name = attributeText(variable, "standard_name");
      const units = attributeText(variable, "units") ?? "";
      return name === undefined || STANDARD_NAMES[name] === (SAME_UNITS[units] ?? units);
    },
    breakIt: (find) => find("t2m_ensemble_mean").attributes.units = "Pa",
  },
  {
    section: "3.3",
    says: "standard names are in the table, without the modifiers that are deprecated",
    holds: ({ variable }) => {
      const name = attributeText(variable, "standard_name");
      return name === undefined || Object.hasOwn(STANDARD_NAMES, name);
    },
    breakIt: (find) =>
      find("t2m_members_used").attributes.standard_name = "air_temperature number_of_observations",
  },
  {
    section: "3.4",
    says: "ancillary variables exist, and their dimensions are among those of the variable",
    holds: ({ variable, find }) => {
      const name = attributeText(variable, "ancillary_variables");
      return name === undefined ||
        find(name)?.dimensions.every((it) => variable.dimensions.includes(it)) === true;
    },
    breakIt: (find) => find("tp_members_used").name = "tp_used",
  },
  {
    section: "4",
    says: "axis is on coordinates alone, and each letter once",
    holds: ({ dataset, variable, isCoordinate }) => {
      const axis = attributeText(variable, "axis");
      const same = dataset.variables.filter((other) => attributeText(other, "axis") === axis);
      return axis === undefined || isCoordinate && /^[XYZT]$/.test(axis) && same.length === 1;
    },
    breakIt: (find) => find("time").attributes.axis = "T",
  },
  {
    section: "4.4",
    says: "times have an origin and a calendar",
    holds: ({ variable }) =>
      !/time$/.test(attributeText(variable, "standard_name") ?? "") ||
      / since \d{4}-/.test(attributeText(variable, "units")!) && "calendar" in variable.attributes,
    breakIt: (find) => delete find("time").attributes.calendar,
  },
  {
    section: "5",
    says: "every dimension but that of bounds has a coordinate variable",
    holds: ({ variable, isBounds, find }) =>
      variable.dimensions.slice(0, isBounds ? -1 : undefined)
        .every((name) => find(name)?.dimensions.join() === name),
    breakIt: (find) => find("longitude").name = "lon",
  },
  {
    section: "5",
    says: "coordinates are monotonic and lack no value",
    holds: ({ variable: { attributes, data }, isCoordinate }) => {
      const values = [...data];
      const rises = values.slice(1).map((value, i) => Math.sign(value - values[i]!));
      return !isCoordinate || rises.every((rise) => rise !== 0 && rise === rises[0]) &&
          !("_FillValue" in attributes) && !("missing_value" in attributes);
    },
    breakIt: (find) => find("longitude").data.fill(19),
  },
  {
    section: "7.1",
    says: "bounds exist, with the dimensions of their variable and 2",
    holds: ({ dataset, variable, find }) => {
      const name = attributeText(variable, "bounds");
      if (name === undefined) return true;
      const dimensions = find(name)?.dimensions ?? [];
      return dimensions.slice(0, -1).join() === variable.dimensions.join() &&
        dataset.dimensions[dimensions.at(-1)!] === 2;
    },
    breakIt: (find) => find("valid_time_bnds").dimensions = ["valid_time", "longitude"],
  },
  {
    section: "7.1",
    says: "bounds have none of the attributes of their variable",
    holds: ({ variable: { attributes }, isBounds }) =>
      !isBounds || INHERITED.every((name) => !(name in attributes)),
    breakIt: (find) => find("valid_time_bnds").attributes.units = "hours since 2000-01-01",
  },
  {
    section: "7.1",
    says: "points lie within their bounds, which are in the order of the coordinate",
    holds: ({ variable, find }) => {
      const bounds = find(attributeText(variable, "bounds") ?? "");
      return !bounds ||
        variable.data.every((value: number, i: number) =>
          bounds.data[2 * i]! <= value && value <= bounds.data[2 * i + 1]!
        );
    },
    breakIt: (find) => find("valid_time_bnds").data[1] = 0,
  },
  {
    section: "7.3",
    says: "cell_methods name dimensions or standard names, each once, and methods of appendix E",
    holds: ({ variable }) => {
      const entries = parseCellMethods(attributeText(variable, "cell_methods"));
      return entries !== undefined &&
        new Set(entries.map(({ name }) => name)).size === entries.length &&
        entries.every(({ name, method }) =>
          (variable.dimensions.includes(name) || name in STANDARD_NAMES) &&
          METHODS.includes(method)
        );
    },
    breakIt: (find) => find("tp_ensemble_mean").attributes.cell_methods = "step: sum",
  },
  {
    section: "7.3",
    says: "a coordinate that a method other than point names has bounds",
    holds: ({ variable, find }) =>
      parseCellMethods(attributeText(variable, "cell_methods"))!.every(({ name, method }) =>
        method === "point" || !find(name) || "bounds" in find(name)!.attributes
      ),
    breakIt: (find) => delete find("valid_time").attributes.bounds,
  },
  {
    section: "7.3.2",
    says: "a remark in cell_methods has the keyword comment: only after an interval",
    holds: ({ variable }) =>
      parseCellMethods(attributeText(variable, "cell_methods"))!.every(({ comment }) =>
        /interval: /.test(comment) || !/comment:/.test(comment)
      ),
    breakIt: (find) =>
      find("tp_ensemble_mean").attributes.cell_methods = "valid_time: sum (comment: all)",
  },
];

/** The rules that variables of a file break. */
function findBroken(dataset: NetcdfDataset): string[] {
  const find = (name: string) => dataset.variables.find((variable) => variable.name === name);
  const bounds = dataset.variables.map((variable) => attributeText(variable, "bounds"));
  return RULES.flatMap(({ section, says, holds }) =>
    dataset.variables.filter((variable) =>
      !holds({
        dataset,
        variable,
        isBounds: bounds.includes(variable.name) || variable.name.endsWith("_bnds"),
        isCoordinate: variable.dimensions.join() === variable.name,
        find,
      })
    ).map(({ name }) => `${section} ${says}: ${name}`)
  );
}

Deno.test("the output keeps the rules of CF, all variables that can be written", () => {
  const dataset = makeDataset();
  assertEquals(findBroken(dataset), []);
  assertEquals(dataset.attributes.Conventions, "CF-1.8");
  for (const name of ["title", "institution", "source", "history"]) {
    assertEquals(typeof dataset.attributes[name], "string");
  }
});

Deno.test("the output keeps the rules of CF, all kinds of products and statistics", () => {
  assertEquals(findBroken(makeProducts()), []);
});

for (const { section, says, breakIt } of RULES) {
  Deno.test(`CF ${section} is checked: ${says}`, () => {
    const dataset = makeDataset();
    breakIt((name) => dataset.variables.find((variable) => variable.name === name)!);
    const broken = findBroken(dataset);
    assert(broken.some((it) => it.startsWith(`${section} ${says}: `)), `${broken}`);
  });
}

/** Reads a file with xarray as users do, and prints what it finds. */
const READ_WITH_XARRAY = `
import json, sys, xarray
ds = xarray.open_dataset(sys.argv[1])
tp = ds.tp_ensemble_mean.isel(time=0).sel(valid_time="2026-02-07T12")
print(json.dumps({
    "sizes": dict(ds.sizes),
    "bounds": ds.valid_time_bnds.values.astype("datetime64[h]").astype(str).tolist(),
    "dims": list(ds.tp_ensemble_mean.dims),
    "values": tp.values.tolist(),
    "used": ds.tp_members_used.values.tolist(),
    "times": ds.valid_time.values.astype("datetime64[h]").astype(str).tolist(),
}))`;

/** Whether a program starts and ends well. */
function succeeds(program: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function readWith(program: string, args: (path: string) => string[]): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".nc" });
  try {
    await Deno.writeFile(path, ReadableStream.from(encodeNetcdf(makeDataset())));
    const { success, stdout, stderr } = await new Deno.Command(program, { args: args(path) })
      .output();
    assert(success, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(path);
  }
}

const python = ["python3", "/usr/bin/python3"].find((it) => succeeds(it, "-c", "import xarray"));

Deno.test({
  name: "xarray opens the output: times, bounds, dimensions and values by name (needs xarray)",
  ignore: python === undefined,
  fn: async () => {
    const printed = await readWith(python!, (path) => ["-c", READ_WITH_XARRAY, path]);
    assertEquals(JSON.parse(printed), {
      sizes: { time: 1, valid_time: 2, latitude: 2, longitude: 3, bnds: 2 },
      bounds: [["2026-02-06T00", "2026-02-07T12"], ["2026-02-06T00", "2026-02-07T15"]],
      dims: ["time", "valid_time", "latitude", "longitude"],
      values: [[1, 2, 3], [4, 5, 6]],
      used: [[3, 3]],
      times: ["2026-02-07T12", "2026-02-07T15"],
    });
  },
});

Deno.test({
  name: "ncdump opens the output, bounds and all (needs ncdump)",
  ignore: !succeeds("ncdump"),
  fn: async () => {
    const printed = await readWith("ncdump", (path) => ["-v", "valid_time_bnds", path]);
    assertEquals(
      /valid_time_bnds =\s+([\d,\s]+);/.exec(printed)?.[1]?.replace(/\s+/g, ""),
      "1105368,1105404,1105368,1105407",
    );
  },
});

Deno.test("fields of any parameter have standard names of the table, in its units", () => {
  for (const { name, standardName, units } of listFields().values()) {
    if (standardName === undefined) continue;
    assertEquals(STANDARD_NAMES[standardName], SAME_UNITS[units] ?? units, name);
  }
});
