import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { parseRun } from "../ecmwf/run.ts";
import { isReference, type Store, type StoreValue } from "../references/store.ts";
import { decodeInline } from "../references/skeleton.ts";
import type { IndexedField } from "../references/step_index.ts";
import { GroupJoiner } from "./join_groups.ts";
import type { MessageGroup } from "./message_groups.ts";
import { makeField, makeGroup } from "./message_groups_fixture.ts";
import { type Axes, formatHierarchy } from "./hierarchy.ts";
import { GroupCatalog, groupFields } from "./group_catalog.ts";

const RUN = parseRun("20260206", "00");
const AXES: Axes = { run: RUN, steps: [0, 3, 6], members: 1 };
const PATH = "t/instant/isobaricInhPa";

function fill(group: MessageGroup, fields: readonly IndexedField[]) {
  return groupFields(new GroupCatalog([group]), fields).groups;
}

function format(group: MessageGroup, fields: readonly IndexedField[], axes = AXES): Store {
  return new Map(formatHierarchy(fill(group, fields), axes).flatMap((store) => [...store]));
}

function readJson(store: Store, key: string) {
  return JSON.parse(new TextDecoder().decode(store.get(key) as Uint8Array));
}

function readNumbers(store: Store, key: string): number[] {
  const { buffer } = decodeInline(key, store.get(key) as Uint8Array).slice();
  const { dtype } = readJson(store, key.replace(/[\d.]+$/, ".zarray"));
  return dtype === "<f8"
    ? [...new Float64Array(buffer)]
    : Array.from(new BigInt64Array(buffer), Number);
}

/** The chunks that are messages. */
function references(store: Iterable<[string, StoreValue]>) {
  return Object.fromEntries([...store].filter(([, value]) => isReference(value)));
}

Deno.test("levels that the skeleton lacks extend its axis, those that the run lacks stay", () => {
  const fields = [makeField(0, 1000), makeField(3, 700), makeField(3, 850)];
  const store = format(makeGroup(), fields);
  assertEquals(readNumbers(store, `${PATH}/isobaricInhPa/0`), [500, 700, 850, 1000]);
  assertEquals(readJson(store, `${PATH}/t/.zarray`).shape, [1, 3, 4, 2, 2]);
  assertEquals(references(store), {
    [`${PATH}/t/0.0.3.0.0`]: fields[0]!.reference,
    [`${PATH}/t/0.1.1.0.0`]: fields[1]!.reference,
    [`${PATH}/t/0.1.2.0.0`]: fields[2]!.reference,
  });
});

Deno.test("one level is a coordinate without axis, and becomes an axis when the run has a second", () => {
  const one = format(makeGroup({ levels: [500] }), [makeField(0, 500)]);
  assertEquals(readJson(one, `${PATH}/isobaricInhPa/.zarray`).shape, []);
  assertEquals(Object.keys(references(one)), [`${PATH}/t/0.0.0.0`]);
  const two = format(makeGroup({ levels: [500] }), [makeField(0, 500), makeField(0, 850)]);
  assertEquals(readJson(two, `${PATH}/isobaricInhPa/.zarray`).shape, [2]);
  assertEquals(Object.keys(references(two)), [`${PATH}/t/0.0.0.0.0`, `${PATH}/t/0.0.1.0.0`]);
});

Deno.test("coordinates hold the values of the run, and missing messages are NaN", () => {
  const store = format(makeGroup(), [makeField(6, 500)]);
  const start = Date.UTC(2026, 1, 6) / 1000;
  assertEquals(readNumbers(store, `${PATH}/time/0`), [start]);
  assertEquals(readNumbers(store, `${PATH}/step/0`), [0, 3, 6]);
  const validTimes = [start, start + 3 * 3600, start + 6 * 3600];
  assertEquals(readNumbers(store, `${PATH}/valid_time/0.0`), validTimes);
  assertEquals(readNumbers(store, `${PATH}/number/0`), [1]);
  const { _ARRAY_DIMENSIONS: dimensions } = readJson(store, `${PATH}/valid_time/.zattrs`);
  assertEquals(dimensions, ["time", "step"]);
  const { fill_value, filters } = readJson(store, `${PATH}/t/.zarray`);
  assertEquals([fill_value, filters[0].id], ["NaN", "grib"]);
});

Deno.test("attributes are those of the member in this run, whatever the template says", () => {
  const attributes = (date: string, member: number) => {
    const axes = { ...AXES, run: parseRun(date, "12"), members: member };
    const store = format(makeGroup(), [makeField(0, 500, member)], axes);
    const { GRIB_dataType, GRIB_totalNumber } = readJson(store, `${PATH}/t/.zattrs`);
    return [GRIB_dataType, GRIB_totalNumber];
  };
  assertEquals(attributes("20260206", 0), ["cf", 51]);
  assertEquals(attributes("20260206", 1), ["pf", 51]);
  assertEquals(attributes("20260520", 0), ["fc", undefined]);
  assertEquals(attributes("20260520", 1), ["pf", 51]);
});

Deno.test("groups on the path of several variables stand once", () => {
  const fields = [makeField(0, 500)];
  const other = makeGroup({ path: "t/instant/hybrid" });
  const groups = [...fill(other, fields), ...fill(makeGroup(), fields)];
  const keys = formatHierarchy(groups, AXES).flatMap((store) => [...store.keys()]).toArray();
  assertEquals(keys.filter((key) => key === "t/.zgroup").length, 1);
  assertEquals(keys.filter((key) => key === "t/instant/.zattrs").length, 1);
});

Deno.test("the store of all members has an axis number, its levels are those of any", () => {
  const joiner = new GroupJoiner();
  joiner.add(0, fill(makeGroup({ levels: [500] }), [makeField(0, 500, 0)]));
  joiner.add(7, fill(makeGroup(), [makeField(3, 850, 7), makeField(6, 1000, 7)]));
  const axes = { ...AXES, members: joiner.members };
  const store = new Map(formatHierarchy(joiner.groups, axes).flatMap((it) => [...it]));
  assertEquals(readNumbers(store, `${PATH}/number/0`), [0, 7]);
  assertEquals(readNumbers(store, `${PATH}/isobaricInhPa/0`), [500, 850, 1000]);
  const { _ARRAY_DIMENSIONS: dimensions, GRIB_dataType } = readJson(store, `${PATH}/t/.zattrs`);
  assertEquals(dimensions.slice(0, 4), ["number", "time", "step", "isobaricInhPa"]);
  assertEquals(GRIB_dataType, undefined);
  assertEquals(references(store), {
    [`${PATH}/t/0.0.0.0.0.0`]: makeField(0, 500, 0).reference,
    [`${PATH}/t/1.0.1.1.0.0`]: makeField(3, 850, 7).reference,
    [`${PATH}/t/1.0.2.2.0.0`]: makeField(6, 1000, 7).reference,
  });
});

Deno.test("the store of all members leaves out attributes that differ, and members on another grid", () => {
  const joiner = new GroupJoiner();
  const differing = { attributes: { units: "K", GRIB_NV: 1 } };
  joiner.add(1, fill(makeGroup(), [makeField(0, 500, 1)]));
  joiner.add(2, fill(makeGroup(differing), [makeField(0, 500, 2)]));
  joiner.add(3, fill(makeGroup({ north: 89 }), [makeField(0, 500, 3)]));
  const [{ group, messages }] = joiner.groups as [ReturnType<typeof fill>[0]];
  assertEquals(group.attributes, { units: "K" });
  assertEquals(messages.map(({ member }) => member), [1, 2]);
  assertEquals(joiner.problems, ["t/instant/isobaricInhPa of member 3 is on another grid"]);
});
