import { assertEquals, assertStringIncludes, assertThrows } from "jsr:@std/assert@^1.0.0";
import { type Store, StoreError } from "../references/store.ts";
import { addArray, addCoordinate, addGroup } from "./zarr_nodes.ts";
import { entriesOutsideGroups, readGroups } from "./message_groups.ts";

interface Given {
  typeOfLevel: string;
  levels: number[];
  grid?: [string, string];
}

/** The skeleton of one variable, made from steps 0 and 3. */
function makeSkeleton({ typeOfLevel, levels, grid = ["latitude", "longitude"] }: Given): Store {
  const store: Store = new Map();
  const path = `u/instant/${typeOfLevel}`;
  addGroup(store, "");
  for (const group of ["u", "u/instant", path]) addGroup(store, group, {});
  const add = (name: string, values: Float64Array | BigInt64Array) => {
    const dimensions = [[name, values.length]] as const;
    addCoordinate(store, `${path}/${name}`, { dimensions, attributes: {} }, values);
  };
  add("time", BigInt64Array.of(0n));
  add("step", BigInt64Array.of(0n, 3n));
  add("latitude", Float64Array.of(90, 0, -90));
  add("longitude", Float64Array.of(0, 180));
  if (levels.length > 0) add(typeOfLevel, Float64Array.from(levels));
  addArray(store, `${path}/u`, {
    dtype: "<f8",
    dimensions: [["time", 1], ["step", 2], [grid[0], 3], [grid[1], 2]],
    chunks: [1, 1, 3, 2],
    filter: { id: "grib" },
    attributes: { GRIB_shortName: "u", GRIB_typeOfLevel: typeOfLevel },
  });
  return store;
}

Deno.test("readGroups() reads parameter, steps, levels, grid, and the entries that are the same in every run", () => {
  const skeleton = makeSkeleton({ typeOfLevel: "isobaricInhPa", levels: [850, 500] });
  const [{ fixedEntries, ...group }] = readGroups(skeleton) as [ReturnType<typeof readGroups>[0]];
  const path = "u/instant/isobaricInhPa";
  assertEquals(group, {
    path,
    name: "u",
    param: "u",
    levtype: "pl",
    typeOfLevel: "isobaricInhPa",
    steps: [0, 3],
    levels: [500, 850],
    attributes: { GRIB_shortName: "u", GRIB_typeOfLevel: "isobaricInhPa" },
    gridShape: [3, 2],
  });
  const ofGrid = ["latitude", "longitude"].flatMap((name) =>
    [".zarray", ".zattrs", "0"].map((last) => `${path}/${name}/${last}`)
  );
  const ofPath = ["u", "u/instant", path].flatMap((it) => [`${it}/.zgroup`, `${it}/.zattrs`]);
  assertEquals([...fixedEntries.keys()], [...ofPath, ...ofGrid]);
});

Deno.test("readGroups() leaves out surface fields on several levels, which an index does not tell apart", () => {
  const levels = [10, 100];
  assertEquals(readGroups(makeSkeleton({ typeOfLevel: "heightAboveGround", levels })), []);
  const one = readGroups(makeSkeleton({ typeOfLevel: "heightAboveGround", levels: [10] }));
  assertEquals(one[0]!.levels, [10]);
});

Deno.test("readGroups() leaves out what is not on latitudes and longitudes", () => {
  const grid: [string, string] = ["y", "x"];
  assertEquals(readGroups(makeSkeleton({ typeOfLevel: "surface", levels: [], grid })), []);
});

Deno.test("readGroups() refuses metadata that are not those of an array, by key and field", () => {
  const isGrib = '"filters":[{"id":"grib"}]';
  const path = "u/instant/isobaricInhPa";
  const cases: [key: string, text: string, state: string][] = [
    ["u/.zattrs", '{"_ARRAY_DIMENSIONS":', "it is not JSON"],
    ["u/.zattrs", "null", "it is null, expected an object"],
    ["u/.zattrs", "[1]", "it is [1], expected an object"],
    ["u/.zattrs", '{"_ARRAY_DIMENSIONS":"x"}', '`_ARRAY_DIMENSIONS` is "x", expected a list'],
    ["u/.zarray", `{${isGrib},"shape":`, "it is not JSON"],
    ["u/.zarray", `{${isGrib}}`, "`shape` is undefined, expected a list"],
    ["u/.zarray", `{${isGrib},"shape":7}`, "`shape` is 7, expected a list"],
    ["u/.zarray", `{${isGrib},"shape":[1,2,-3,2]}`, "`shape` is [1,2,-3,2], expected a list"],
    ["u/.zarray", `{${isGrib},"shape":[3]}`, "`shape` is [3], expected 2 numbers or more"],
    ["step/.zarray", "null", "it is null, expected an object"],
  ];
  for (const [name, text, state] of cases) {
    const skeleton = makeSkeleton({ typeOfLevel: "isobaricInhPa", levels: [500] });
    const key = `${path}/${name}`;
    skeleton.set(key, new TextEncoder().encode(text));
    const error = assertThrows(() => readGroups(skeleton), StoreError);
    assertEquals(error.key, key);
    assertStringIncludes(error.message, `Cannot read the metadata "${key}": ${state}`);
  }
});

Deno.test("entriesOutsideGroups() has nothing of a variable, whether it can be used or not", () => {
  const skeleton = makeSkeleton({ typeOfLevel: "surface", levels: [], grid: ["y", "x"] });
  skeleton.set(".zattrs", new Uint8Array());
  skeleton.set("history/.zgroup", new Uint8Array());
  const keys = entriesOutsideGroups(skeleton).map(([key]) => key);
  assertEquals(keys, [".zgroup", ".zattrs", "history/.zgroup"]);
});
