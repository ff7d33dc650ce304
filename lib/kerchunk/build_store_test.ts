import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { headerOf, PARAMETER_MESSAGES } from "../../fixtures/scan/parameter_messages.ts";
import type { GribHeader } from "../grib/mod.ts";
import type { Store } from "../references/store.ts";
import { decodeInline } from "../references/skeleton.ts";
import { describeField, type FieldDescription, type ScannedMessage } from "./scanned_message.ts";
import { describeGrid } from "./grid_coordinates.ts";
import { describeLevel } from "./vertical_level.ts";
import { buildStore } from "./build_store.ts";

function findHeader(param: string): GribHeader {
  return headerOf(PARAMETER_MESSAGES.find((message) => message.param === param)!);
}

/** Values of an array whose chunk is inline. */
function readValues(store: Store, key: string): number[] {
  const bytes = decodeInline(key, store.get(key) as Uint8Array).slice();
  const { dtype } = readJson(store, key.replace(/[^/]+$/, ".zarray"));
  if (dtype === "<f8") return [...new Float64Array(bytes.buffer)];
  return Array.from(new BigInt64Array(bytes.buffer), Number);
}

// deno-lint-ignore no-explicit-any
function readJson(store: Store, key: string): any {
  return JSON.parse(new TextDecoder().decode(store.get(key) as Uint8Array));
}

/** Messages of a member that lie one behind the other in a file. */
function messagesOf(fields: readonly FieldDescription[], member = 7): ScannedMessage[] {
  return fields.map((field, i) => ({
    member,
    dataType: "pf",
    field,
    reference: { url: "s3://b/f.grib2", offset: i * 1000, length: 1000 },
  }));
}

Deno.test("the attributes of every parameter are those that ecCodes gives", () => {
  for (const message of PARAMETER_MESSAGES) {
    const header = headerOf(message);
    const field = describeField(header);
    const { typeOfLevel, value } = describeLevel(header.product);
    const { says } = message;
    const isSoil = typeOfLevel === "soilLayer";
    const found = {
      ...describeGrid(header.grid),
      typeOfLevel,
      ...(value !== undefined && !isSoil && { level: value }),
      stepType: field.stepType,
      endStep: field.stepHours,
      NV: field.coordinateCount,
      totalNumber: field.ensembleSize,
      number: header.product.perturbationNumber,
    };
    const names = ["paramId", "shortName", "cfVarName", "cfName", "units", "name"];
    const others = new Set([...names, "dataType", "numberOfPoints", "stepUnits"]);
    const expected = Object.entries(says).filter(([key]) => !others.has(key));
    assertEquals<unknown>(found, Object.fromEntries(expected), message.param);
  }
});

/** What is decided to differ from kerchunk's store, and why. Each has its test below. */
const DEVIATIONS = {
  soil:
    "layers keep their axis: for kerchunk they have no level, and one of four overwrites the rest",
  control:
    "the control of the oper file has number 0: kerchunk has no number where the message has none",
  unknown: "a parameter without a name keeps its codes: kerchunk drops it",
};

Deno.test(DEVIATIONS.soil, () => {
  const header = findHeader("sot");
  const layers = [3, 1, 4, 2].map((layer) => {
    const surface = (value: number) => ({ type: 151, value });
    const levels = { level: surface(layer - 1), secondLevel: surface(layer) };
    return describeField({ ...header, product: { ...header.product, ...levels } });
  });
  const { store, problems } = buildStore(messagesOf(layers));
  const path = "sot/instant/soilLayer";
  assertEquals(problems, []);
  assertEquals(readValues(store, `${path}/soilLayer/0`), [1, 2, 3, 4]);
  assertEquals(readJson(store, `${path}/sot/.zarray`).shape, [1, 1, 4, 91, 180]);
  const offsets = [0, 1, 2, 3].map((layer) => store.get(`${path}/sot/0.0.${layer}.0.0`));
  assertEquals(offsets.map((it) => (it as { offset: number }).offset), [1000, 3000, 0, 2000]);
});

Deno.test(DEVIATIONS.control, () => {
  const header = findHeader("2t");
  const { numberOfForecastsInEnsemble: _, perturbationNumber: _1, ...product } = header.product;
  const field = describeField({ ...header, product: { ...product, template: 0 } });
  const messages: ScannedMessage[] = messagesOf([field], 0)
    .map((message) => ({ ...message, dataType: "fc" }));
  const { store } = buildStore(messages);
  const path = "t2m/instant/heightAboveGround";
  assertEquals(readValues(store, `${path}/number/0.0`), [0]);
  const attributes = readJson(store, `${path}/t2m/.zattrs`);
  assertEquals(attributes.GRIB_dataType, "fc");
  assertEquals("GRIB_totalNumber" in attributes, false);
});

Deno.test(DEVIATIONS.unknown, () => {
  const header = findHeader("2t");
  const product = { ...header.product, parameterCategory: 191, parameterNumber: 250 };
  const { store } = buildStore(messagesOf([describeField({ ...header, product })]));
  const key = "param_0_191_250/instant/heightAboveGround/param_0_191_250/.zattrs";
  const { GRIB_paramId, long_name } = readJson(store, key);
  assertEquals([GRIB_paramId, long_name], [0, "discipline 0, category 191, number 250"]);
});

Deno.test("buildStore() names a message of a chunk that is taken, and one on another grid", () => {
  const field = describeField(findHeader("2t"));
  const other = { ...field, stepHours: 9, grid: { ...field.grid, columnCount: 90 } };
  const { store, problems } = buildStore(messagesOf([field, field, other]));
  assertEquals(problems.map((it) => it.replace(/^.*at byte /, "")), [
    "1000 is left out of t2m/instant/heightAboveGround: another message is there",
    "2000 is left out of t2m/instant/heightAboveGround: its grid is another",
  ]);
  assertEquals(
    (store.get("t2m/instant/heightAboveGround/t2m/0.0.0.0") as { offset: number }).offset,
    0,
  );
});

Deno.test("coordinates are in the order of the message", () => {
  const field = describeField(findHeader("2t"));
  const turned = { ...field.grid, rowsFromSouth: true, columnsFromEast: true };
  const { store } = buildStore(messagesOf([{ ...field, grid: turned }]));
  const path = "t2m/instant/heightAboveGround";
  const latitudes = readValues(store, `${path}/latitude/0`);
  const longitudes = readValues(store, `${path}/longitude/0`);
  assertEquals([latitudes[0], latitudes.at(-1)], [-90, 90]);
  assertEquals([longitudes[0], longitudes.at(-1)], [178, -180]);
  const attributes = readJson(store, `${path}/t2m/.zattrs`);
  assertEquals(attributes.GRIB_longitudeOfFirstGridPointInDegrees, 178);
  assertEquals(attributes.GRIB_latitudeOfFirstGridPointInDegrees, -90);
});
