import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { headerOf, PARAMETER_MESSAGES } from "../../fixtures/scan/parameter_messages.ts";
import type { GribHeader } from "../grib/mod.ts";
import {
  findCodes,
  findParameter,
  isNamedByCode,
  type Parameter,
  PARAMETERS,
} from "./parameters.ts";

/** Rows that differ from ecCodes 2.28, which does not know what later versions and the index do. */
const NOT_IN_ECCODES: Record<string, string> = {
  "10fg": "it calls a maximum over other than 3 hours the instantaneous gust i10fg",
  mx2t: "it calls a maximum over other than 3 and 6 hours the instantaneous 2t",
  mn2t: "it calls a minimum over other than 3 and 6 hours the instantaneous 2t",
  sdor: "it knows the code as sdsgso, and sdor by a local code only",
  slor: "it knows slor by a local code only",
  sve: "it has the older name of the ocean's surface current, ocu",
  svn: "it has the older name of the ocean's surface current, ocv",
};

/** A row in the words of ecCodes. */
function inWordsOfEccodes(parameter: Parameter): Record<string, string | number> {
  const { paramId, shortName, cfVarName, cfName = "unknown", units, name } = parameter;
  return { paramId, shortName, cfVarName, cfName, units, name };
}

Deno.test("findParameter() names messages as ecCodes does, but for known exceptions, and all as the index", () => {
  const differing = new Set<string>();
  for (const message of PARAMETER_MESSAGES) {
    const found = findParameter(headerOf(message));
    assertEquals(found.shortName, message.param);
    const names = inWordsOfEccodes(found);
    const said = Object.fromEntries(Object.keys(names).map((key) => [key, message.says[key]]));
    if (JSON.stringify(names) !== JSON.stringify(said)) differing.add(message.param);
  }
  assertEquals([...differing].sort(), Object.keys(NOT_IN_ECCODES).sort());
});

Deno.test("each row of PARAMETERS matches a message of ecCodes and has a number of its own", () => {
  const tried = new Set(PARAMETER_MESSAGES.map((message) => findParameter(headerOf(message))));
  assertEquals(PARAMETERS.filter((row) => !tried.has(row)), []);
  assertEquals(new Set(PARAMETERS.map(({ paramId }) => paramId)).size, PARAMETERS.length);
  assert(PARAMETERS.length >= 60);
});

/** The header of the 2 m temperature with another product. */
function temperature(change: Partial<GribHeader["product"]>): GribHeader {
  const header = headerOf(PARAMETER_MESSAGES.find(({ param }) => param === "2t")!);
  return { ...header, product: { ...header.product, ...change } };
}

Deno.test("findParameter() distinguishes parameters of one code by surface, statistic and its hours", () => {
  const name = (change: Partial<GribHeader["product"]>) =>
    findParameter(temperature(change)).shortName;
  const over = (hours: number) => ({
    typeOfStatisticalProcessing: 2,
    stepRange: { startHours: 6 - hours, endHours: 6 },
  });
  assertEquals(name({}), "2t");
  assertEquals(name({ level: { type: 103, value: 80 } }), "t");
  assertEquals(name({ level: { type: 100, value: 50_000 } }), "t");
  assertEquals([1, 3, 6].map((hours) => name(over(hours))), ["mx2t", "mx2t3", "mx2t6"]);
});

Deno.test("findParameter() names a parameter that it does not know by its code", () => {
  const header = temperature({ parameterCategory: 191, parameterNumber: 250 });
  assertEquals(findParameter(header), {
    paramId: 0,
    shortName: "param_0_191_250",
    cfVarName: "param_0_191_250",
    units: "unknown",
    name: "discipline 0, category 191, number 250",
    code: { discipline: 0, category: 191, number: 250 },
  });
});

Deno.test("findCodes() gives every code of a name", () => {
  assertEquals(findCodes("ssr").map(({ discipline }) => discipline), [0, 192]);
  assertEquals(findCodes("foo"), []);
  assert(isNamedByCode(findParameter(temperature({ parameterNumber: 250 })).shortName));
  assert(!PARAMETERS.some(({ shortName }) => isNamedByCode(shortName)));
});

const FIXTURE = new URL("../../fixtures/scan/", import.meta.url);

/** What the script of the fixture prints; `undefined` without ecCodes 2.28, which made the file. */
async function makeFixture(): Promise<string | undefined> {
  const python = new Deno.Command("/usr/bin/python3", {
    args: ["-c", "import eccodes; print(eccodes.codes_get_api_version())"],
  });
  const version = await python.output().catch(() => undefined);
  if (!version || new TextDecoder().decode(version.stdout).trim() !== "2.28.0") return undefined;
  const args = [decodeURIComponent(new URL("make_parameters.py", FIXTURE).pathname)];
  const { stdout } = await new Deno.Command("/usr/bin/python3", { args }).output();
  return new TextDecoder().decode(stdout);
}

const made = await makeFixture();

Deno.test({
  name: "fixtures/scan/parameters.json is what ecCodes 2.28 says (needs python3-eccodes)",
  ignore: made === undefined,
  fn: async () => {
    assertEquals(
      JSON.parse(made!),
      JSON.parse(await Deno.readTextFile(new URL("parameters.json", FIXTURE))),
    );
  },
});
