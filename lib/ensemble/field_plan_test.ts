import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { stepFiles } from "../ecmwf/files.ts";
import { memberKeyName } from "../ecmwf/members.ts";
import { parseRun } from "../ecmwf/run.ts";
import { findVariable } from "../ecmwf/variables.ts";
import type { Reference, Store, StoreValue } from "../references/store.ts";
import { findRun, isReferenced, neededKeys, planFields } from "./field_plan.ts";

const RUN = parseRun("20260206", "00");
const TP = findVariable("tp")!;
const T2M = findVariable("t2m")!;
const U700 = findVariable("u700")!;

function refer(stepHours: number, offset: number, run = RUN): Reference {
  return { url: stepFiles(run, stepHours)[0]!.url, offset, length: 10 };
}

function makeStore(values: Record<string, StoreValue>): Store {
  return new Map(Object.entries(values));
}

/** The plan of one variable at step 36 for member 1 with that store. */
function planOne(variable: typeof U700, values: Record<string, StoreValue>) {
  const [field] = planFields(new Map([[1, makeStore(values)]]), [1], [variable], [36], RUN);
  return field!;
}

Deno.test("neededKeys() gives the keys of every variable and step, with level first and without", () => {
  assertEquals([...neededKeys([T2M, U700], [36, 39], 7)], [
    "step_036/2t/sfc/ens07/0.0.0",
    "step_039/2t/sfc/ens07/0.0.0",
    "step_036/u/pl/700/ens07/0.0.0",
    "step_036/u/pl/ens07/0.0.0",
    "step_039/u/pl/700/ens07/0.0.0",
    "step_039/u/pl/ens07/0.0.0",
  ]);
  assertEquals([...neededKeys([TP], [0], 0)], ["step_000/tp/sfc/control/0.0.0"]);
});

Deno.test("neededKeys() gives every name that a parameter has had, and planFields() uses that of the era", () => {
  const cape = findVariable("cape")!;
  const names = ["mucape", "cape"].map((param) => `step_036/${param}/sfc/control/0.0.0`);
  assertEquals([...neededKeys([cape], [36], 0)], names);
  for (const [date, name] of [["20240601", names[1]], ["20250601", names[0]]]) {
    const run = parseRun(date!, "00");
    const stores = new Map([[0, makeStore({ [name!]: refer(36, 5, run) })]]);
    const [field] = planFields(stores, [0], [cape], [36], run);
    assertEquals(field!.messages.length, 1);
    assert(isReferenced(stores, field!));
    assert(!isReferenced(stores, { ...field!, stepHours: 39 }));
  }
});

Deno.test("planFields() turns stores into fields, steps first, messages in the order of the file", () => {
  const stores = new Map([0, 1, 2].map((member) => {
    const name = memberKeyName(member);
    return [
      member,
      makeStore({
        [`step_036/tp/sfc/${name}/0.0.0`]: refer(36, 500 - 100 * member),
        [`step_036/2t/sfc/${name}/0.0.0`]: refer(36, 1000 + member),
        [`step_039/tp/sfc/${name}/0.0.0`]: refer(39, member),
        [`step_039/2t/sfc/${name}/0.0.0`]: refer(39, 1000 - member),
      }),
    ];
  }));
  const plan = planFields(stores, [0, 1, 2], [TP, T2M], [36, 39], RUN);
  const order = plan.map(({ variable, stepHours, messages }) => [
    variable.name,
    stepHours,
    messages.map(({ member }) => member),
  ]);
  assertEquals(order, [
    ["tp", 36, [2, 1, 0]],
    ["t2m", 36, [0, 1, 2]],
    ["tp", 39, [0, 1, 2]],
    ["t2m", 39, [2, 1, 0]],
  ]);
  assertEquals(plan[0]!.messages[0], { member: 2, reference: refer(36, 300) });
  assertEquals(plan.flatMap(({ rejections }) => rejections), []);
});

Deno.test("planFields() orders messages of several files by file, then by offset", () => {
  const run = parseRun("20260520", "12");
  const [enfo, oper] = stepFiles(run, 36);
  const stores = new Map([
    [0, makeStore({ "step_036/tp/sfc/control/0.0.0": { ...refer(36, 0), url: oper!.url } })],
    [1, makeStore({ "step_036/tp/sfc/ens01/0.0.0": { ...refer(36, 90), url: enfo!.url } })],
    [2, makeStore({ "step_036/tp/sfc/ens02/0.0.0": { ...refer(36, 80), url: enfo!.url } })],
  ]);
  const [field] = planFields(stores, [0, 1, 2], [TP], [36], run);
  assertEquals(field!.messages.map(({ member }) => member), [2, 1, 0]);
});

Deno.test("planFields() prefers the key with the level to the one without", () => {
  const { messages } = planOne(U700, {
    "step_036/u/pl/ens01/0.0.0": refer(36, 1),
    "step_036/u/pl/700/ens01/0.0.0": refer(36, 2),
    "step_036/u/pl/850/ens01/0.0.0": refer(36, 3),
  });
  assertEquals(messages.map(({ reference }) => reference.offset), [2]);
});

Deno.test("planFields() accepts the Python tools' keys without level and URLs without .grib2", () => {
  const reference = refer(36, 5);
  const short = { ...reference, url: reference.url.slice(0, -".grib2".length) };
  const { messages, rejections } = planOne(U700, { "step_036/u/pl/ens01/0.0.0": short });
  assertEquals(messages, [{ member: 1, reference }]);
  assertEquals(rejections, []);
});

Deno.test("planFields() uses no key of another level type for a surface field", () => {
  const { messages, rejections } = planOne(TP, { "step_036/tp/pl/ens01/0.0.0": refer(36, 1) });
  assertEquals([messages, rejections], [[], [{ member: 1, reason: "it is not referenced" }]]);
});

Deno.test("planFields() rejects references to another step, run or kind of file, and names them", () => {
  const urls = [
    refer(39, 0).url,
    refer(36, 0, parseRun("20260205", "00")).url,
    refer(36, 0, parseRun("20260206", "12")).url,
    "s3://ecmwf-forecasts/20260230/00z/ifs/0p25/enfo/20260230000000-36h-enfo-ef.grib2",
    "s3://ecmwf-forecasts/else.grib2",
  ];
  for (const url of urls) {
    const { messages, rejections } = planOne(TP, {
      "step_036/tp/sfc/ens01/0.0.0": { url, offset: 0, length: 10 },
    });
    const reason = `its reference points to ${url}`;
    assertEquals([messages, rejections], [[], [{ member: 1, reason }]]);
  }
});

Deno.test("planFields() names the members without a store, without a reference, or with bytes instead", () => {
  const stores = new Map([
    [1, makeStore({})],
    [2, makeStore({ "step_036/tp/sfc/ens02/0.0.0": new Uint8Array(4) })],
    [3, makeStore({ "step_036/tp/sfc/ens03/0.0.0": refer(36, 0) })],
  ]);
  const [field] = planFields(stores, [0, 1, 2, 3], [TP], [36], RUN);
  assertEquals(field!.messages.map(({ member }) => member), [3]);
  assertEquals(field!.rejections, [
    { member: 0, reason: "no store" },
    { member: 1, reason: "it is not referenced" },
    { member: 2, reason: "it is not referenced" },
  ]);
});

Deno.test("planFields() loses to a reference that cannot be an address its message alone", () => {
  const at = (address: string) => `${address}/20260206000000-36h-enfo-ef.grib2`;
  const urls = [at("ftp://b"), at("http://[bad"), at("s3://ecmwf-forecasts")];
  const stores = new Map(urls.map((url, member) => [
    member,
    makeStore({ [`step_036/tp/sfc/${memberKeyName(member)}/0.0.0`]: { ...refer(36, 0), url } }),
  ]));
  const text = `["${urls[2]}",-5,9]`;
  stores.set(3, makeStore({ "step_036/tp/sfc/ens03/0.0.0": new TextEncoder().encode(text) }));
  const [field] = planFields(stores, [0, 1, 2, 3], [TP], [36], RUN);
  assertEquals(field!.messages.map(({ member }) => member), [2]);
  assertEquals(field!.rejections, [
    { member: 0, reason: `its reference points to ${urls[0]}: the scheme "ftp" is not supported` },
    { member: 1, reason: `its reference points to ${urls[1]}: it is no address` },
    { member: 3, reason: `its reference ${text} is not [url, offset, length]` },
  ]);
});

Deno.test("planFields() reads references to other servers only where they are allowed", () => {
  const at = (root: string) => ({
    "step_036/tp/sfc/ens01/0.0.0": {
      ...refer(36, 0),
      url: `${root}/20260206000000-36h-enfo-ef.grib2`,
    },
  });
  const plan = (root: string, hosts: string[]) => {
    const stores = new Map([[1, makeStore(at(root))]]);
    const [field] = planFields(stores, [1], [TP], [36], RUN, { bases: ["/mirror"], hosts });
    return field!;
  };
  for (const root of ["https://a.example/x", "s3://b", "/mirror/a"]) {
    const { messages, rejections } = plan(root, ["a.example", "s3://b"]);
    assertEquals([messages.length, rejections], [1, []], root);
  }
  for (const root of ["https://a.example/x", "s3://b", "/etc"]) {
    const { messages, rejections } = plan(root, []);
    assertEquals(messages, [], root);
    assertStringIncludes(rejections[0]!.reason, `its reference points to ${root}/2026`);
    assertStringIncludes(
      rejections[0]!.reason,
      "only s3://ecmwf-forecasts/ and the sources in use",
    );
  }
});

Deno.test("findRun() takes the run that most references name", () => {
  const stores = new Map([
    [0, makeStore({ ".zgroup": new Uint8Array(2) })],
    [1, makeStore({ a: { url: "s3://b/else.grib2", offset: 0, length: 1 }, b: refer(36, 0) })],
  ]);
  assertEquals(findRun(stores), RUN);
  const other = refer(36, 0, parseRun("20260205", "00"));
  stores.set(0, makeStore({ a: other }));
  stores.set(2, makeStore({ b: refer(36, 9) }));
  assertEquals(findRun(stores), RUN);
  assertEquals(findRun(new Map([[0, makeStore({ ".zgroup": new Uint8Array(2) })]])), undefined);
});
