import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { parseRun } from "../ecmwf/run.ts";
import { findVariables } from "../ecmwf/variables.ts";
import { type FieldProduct, plainProduct } from "../ensemble/field_product.ts";
import type { NetcdfDataset } from "../netcdf/encode_netcdf.ts";
import { encodeNetcdf } from "../netcdf/encode_netcdf.ts";
import { buildDataset } from "./forecast_dataset.ts";
import { DEFAULT_LAYOUT, layOutDataset, type OutputLayout } from "./layout.ts";
import { GIK } from "./profile.ts";

const PRODUCTS: readonly FieldProduct[] = findVariables(["tp", "t2m", "u700", "tcw"])
  .map(plainProduct);
/** Two steps on 3 × 2 points, numbered from the north-west. */
const VALUES = [0, 1, 2, 3, 4, 5];
const FROM_SOUTH = [4, 5, 2, 3, 0, 1];

function makeDataset(products = PRODUCTS): NetcdfDataset {
  return buildDataset({
    profile: GIK,
    run: parseRun("20260206", "00"),
    products,
    steps: [36, 39],
    axes: { latitudes: Float64Array.of(1.1, 1, 0.9), longitudes: Float64Array.of(30, 30.1) },
    fields: products.flatMap((product) =>
      [36, 39].map((stepHours) => ({
        ...{ product, stepHours, membersUsed: 3 },
        statistics: [Float32Array.from(VALUES), Float32Array.from(VALUES, (it) => 10 + it)],
      }))
    ),
    membersUsed: [0, 1, 2],
    membersAbsent: [],
    history: "written by a test",
  });
}

const layOut = (change: Partial<OutputLayout>, products = PRODUCTS) =>
  layOutDataset(makeDataset(products), { ...DEFAULT_LAYOUT, ...change }, products);

const find = ({ variables }: NetcdfDataset, name: string) =>
  variables.find((variable) => variable.name === name)!;

async function toBytes(dataset: NetcdfDataset): Promise<Uint8Array> {
  return await new Blob([...encodeNetcdf(dataset)]).bytes();
}

Deno.test("the default layout changes no byte of a file", async () => {
  assertEquals(await toBytes(layOut({})), await toBytes(makeDataset()));
});

Deno.test("with one axis in time the start of the run is a scalar, and so are levels and heights", () => {
  const dataset = layOut({ timeAxis: "valid_time" });
  assertEquals(dataset.dimensions, { valid_time: 2, latitude: 3, longitude: 2, bnds: 2 });
  assertEquals(find(dataset, "time").dimensions, []);
  for (
    const [name, coordinates] of [
      ["tp_ensemble_mean", "time"],
      ["t2m_ensemble_standard_deviation", "time height_2m"],
      ["u700_ensemble_mean", "time pressure_700"],
    ] as const
  ) {
    const { dimensions, attributes, data } = find(dataset, name);
    assertEquals(dimensions, ["valid_time", "latitude", "longitude"]);
    assertEquals(attributes.coordinates, coordinates);
    assertEquals([...data.subarray(0, 6)].map((it) => it % 10), VALUES);
  }
  assertEquals(find(dataset, "tp_members_used").dimensions, ["valid_time"]);
  const { units, standard_name } = find(dataset, "pressure_700").attributes;
  assertEquals([units, standard_name, ...find(dataset, "pressure_700").data], [
    ...["hPa", "air_pressure", 700],
  ]);
  assertEquals([...find(dataset, "height_2m").data], [2]);
});

Deno.test("other layouts than the default one say licence, and CF's name of total column water", () => {
  const dataset = layOut({ timeAxis: "valid_time" });
  assertEquals(`${dataset.attributes.license}`.slice(0, 9), "CC-BY-4.0");
  const { standard_name } = find(dataset, "tcw_ensemble_mean").attributes;
  assertEquals(standard_name, "atmosphere_mass_content_of_water");
  const before = makeDataset();
  assertEquals(before.attributes.license, undefined);
  assertEquals(find(before, "tcw_ensemble_mean").attributes.standard_name, undefined);
});

Deno.test("rows from the south, coordinates in float32 and no auxiliary variables are as asked for", () => {
  const dataset = layOut({
    ...{ timeAxis: "separate", latitudes: "ascending", coordinates: "float32" },
    auxiliaries: false,
  });
  assertEquals(dataset.dimensions, { time: 1, valid_time: 2, latitude: 3, longitude: 2 });
  assertEquals(find(dataset, "time").dimensions, ["time"]);
  const { data } = find(dataset, "latitude");
  assertEquals(data, Float32Array.of(0.9, 1, 1.1));
  const field = find(dataset, "tp_ensemble_mean");
  assertEquals([...field.data], [...FROM_SOUTH, ...FROM_SOUTH]);
  assertEquals(field.dimensions, ["valid_time", "latitude", "longitude"]);
  assertEquals(field.attributes.ancillary_variables, undefined);
  assertEquals(find(dataset, "valid_time").attributes.bounds, undefined);
  const names = dataset.variables.map(({ name }) => name);
  assertEquals(names.filter((name) => /_bnds$|_members_used$/.test(name)), []);
});

Deno.test("the deviation of a sample has its name, or where asked for that of a population", () => {
  const products = PRODUCTS.slice(0, 1).map((product): FieldProduct => {
    return { ...product, statistics: [{ kind: "mean" }, { kind: "standard_deviation", ddof: 1 }] };
  });
  const name = "tp_ensemble_standard_deviation";
  assertEquals(find(layOut({}, products), name), undefined);
  assertEquals(find(layOut({ plainDeviation: true }, products), name).data.length, 12);
});

Deno.test("rows of members that are read when they are written come from the south, too", async () => {
  const dataset: NetcdfDataset = {
    ...makeDataset(),
    streamed: [{
      name: "tp_members",
      dimensions: ["time", "valid_time", "number", "latitude", "longitude"],
      attributes: {},
      async *pieces() {
        for (const member of [0, 100]) {
          yield await Promise.resolve(Float32Array.from(VALUES, (it) => member + it));
        }
      },
    }],
  };
  const layout: OutputLayout = { ...DEFAULT_LAYOUT, latitudes: "ascending" };
  const [streamed] = layOutDataset(dataset, layout, PRODUCTS).streamed!;
  const pieces = await Array.fromAsync(streamed!.pieces());
  assertEquals(pieces.map((piece) => [...piece].map((it) => it % 100)), [FROM_SOUTH, FROM_SOUTH]);
});

/** What a program prints of a file; `undefined` where it is not installed. */
async function describe(dataset: NetcdfDataset, program: string, ...args: string[]) {
  const path = await Deno.makeTempFile({ suffix: ".nc" });
  try {
    await Deno.writeFile(path, await toBytes(dataset));
    const { stdout } = await new Deno.Command(program, { args: [...args, path] }).output();
    return new TextDecoder().decode(stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  } finally {
    await Deno.remove(path);
  }
}

const hasPrograms = await describe(makeDataset(), "cdo", "-V") !== undefined &&
  await describe(makeDataset(), "ncdump", "-h") !== undefined;

Deno.test({
  name: "with one axis in time cdo and ncdump see dates and levels (needs both)",
  ignore: !hasPrograms,
  async fn() {
    const dataset = layOut({ timeAxis: "valid_time" });
    const found = await describe(dataset, "cdo", "-s", "sinfon");
    assertEquals(found!.match(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g)!.slice(-2), [
      "2026-02-07 12:00:00",
      "2026-02-07 15:00:00",
    ]);
    assertEquals(found!.match(/(?:height_2m|pressure_700) : \d+ \w+/g), [
      "height_2m : 2 m",
      "pressure_700 : 700 hPa",
    ]);
    const times = await describe(dataset, "ncdump", "-t", "-v", "valid_time");
    assertEquals(
      times!.match(/valid_time = (.*) ;\n\}/)![1],
      '"2026-02-07 12", "2026-02-07 15"',
    );
  },
});
