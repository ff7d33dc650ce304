import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { AFTER_50R1, BEFORE_50R1 } from "../../fixtures/embedded_run.ts";
import { type GribField, parseFields } from "../grib/mod.ts";
import { type ExpectedField, findConversion, findFactor, findMismatch } from "./check_message.ts";
import { findSection, readMessage, type WantedMessage } from "./messages_fixture.ts";
import { parseRun } from "./run.ts";
import { headerOf, PARAMETER_MESSAGES } from "../../fixtures/scan/parameter_messages.ts";
import { parseField } from "./inventory_fields.ts";
import { findParameter } from "./parameters.ts";
import { findVariable, VARIABLES } from "./variables.ts";

const { run } = BEFORE_50R1;

/** A variable's message of member 2 at step 36, and what it is. */
function readField(name: string, change: Partial<WantedMessage> = {}) {
  const variable = findVariable(name)!;
  const { param, level } = variable;
  const at = { run, stepHours: 36, member: 2 };
  const [field] = parseFields(readMessage({
    ...at,
    param,
    ...(level && { level }),
    ...change,
  }));
  return { field: field!, expected: { ...at, variable } satisfies ExpectedField };
}

Deno.test("findMismatch() finds none in ecCodes' messages of every variable, step and member", () => {
  const published = VARIABLES.filter(({ name }) => name !== "cape");
  assertEquals(published.length, 12);
  for (const { run, members } of [BEFORE_50R1, AFTER_50R1]) {
    for (const variable of published) {
      // ECMWF publishes no accumulations at step 0.
      for (const stepHours of variable.accumulated ? [36, 39] : [0, 36]) {
        for (const member of [0, members - 1]) {
          const { param, level } = variable;
          const wanted = { run, stepHours, member, param, ...(level && { level }) };
          const [field] = parseFields(readMessage(wanted));
          assertEquals(findMismatch(field!, { run, stepHours, member, variable }), undefined);
        }
      }
    }
  }
});

Deno.test("findMismatch() names the level that a message has instead of 700 hPa", () => {
  for (const level of [50, 500, 850, 1000]) {
    const { field, expected } = readField("u700", { level });
    assertEquals(
      findMismatch(field, expected),
      `its level is ${level * 100} on surface type 100, expected 70000 on surface type 100`,
    );
  }
});

Deno.test("findMismatch() distinguishes 2 metre temperature from temperature on a pressure level", () => {
  const { field, expected } = readField("t2m", { param: "t", level: 850 });
  assertEquals(
    findMismatch(field, expected),
    "its level is 85000 on surface type 100, expected 2 on surface type 103",
  );
});

Deno.test("findMismatch() names the parameter of a message", () => {
  const { field, expected } = readField("u700", { param: "v" });
  assertEquals(findMismatch(field, expected), "its parameter is 0.2.3, expected u in m s-1");
  const water = readField("tcw", { param: "tcwv" });
  assertEquals(
    findMismatch(water.field, water.expected),
    "its parameter is 0.1.64, expected tcw in kg m-2",
  );
});

Deno.test("findMismatch() names the member of a message", () => {
  const { field, expected } = readField("tp");
  assertEquals(findMismatch(field, { ...expected, member: 1 }), "its member is 2, expected ens01");
  assertEquals(
    findMismatch(field, { ...expected, member: 0 }),
    "its member is 2, expected control",
  );
});

Deno.test("findMismatch() accepts a message without a member as the control only", () => {
  const { run } = AFTER_50R1;
  const variable = findVariable("sp")!;
  const [field] = parseFields(readMessage({ run, stepHours: 36, param: "sp", member: 0 }));
  assertEquals(field!.product.perturbationNumber, undefined);
  const expected = { run, stepHours: 36, variable };
  assertEquals(findMismatch(field!, { ...expected, member: 0 }), undefined);
  assertEquals(findMismatch(field!, { ...expected, member: 1 }), "its member is 0, expected ens01");
});

Deno.test("findMismatch() names the step of a message, and the start of an accumulation", () => {
  const instant = readField("sp");
  assertEquals(
    findMismatch(instant.field, { ...instant.expected, stepHours: 39 }),
    "its step is 36–36 h, expected 39–39 h",
  );
  const { field, expected } = readField("tp");
  assertEquals(
    findMismatch(field, { ...expected, stepHours: 39 }),
    "its step is 0–36 h, expected 0–39 h",
  );
  const product = { ...field.product, stepRange: { startHours: 33, endHours: 36 } };
  assertEquals(
    findMismatch({ ...field, product }, expected),
    "its step is 33–36 h, expected 0–36 h",
  );
});

Deno.test("findMismatch() names the processing of a mean instead of an accumulation", () => {
  const { expected } = readField("tp");
  const message = readMessage({ run, stepHours: 36, param: "tp", member: 2 });
  message[findSection(message, 4) + 49] = 0; // octet 50 of template 4.11: average
  const [field] = parseFields(message) as [GribField];
  assertEquals(
    findMismatch(field, expected),
    "its statistical processing (code table 4.10) is 0, expected 1 (accumulation)",
  );
});

Deno.test("findMismatch() takes precipitation in kg m-2 for a sum only where its statistic says so", () => {
  const { expected } = readField("tp");
  const message = readMessage({ run, stepHours: 36, param: "tp", member: 2 });
  message[findSection(message, 4) + 10] = 52; // octet 11: rate of total precipitation
  const [field] = parseFields(message) as [GribField];
  assertEquals(findMismatch(field, expected), undefined);
  for (const typeOfStatisticalProcessing of [2, 255, undefined]) {
    const product = { ...field.product, typeOfStatisticalProcessing };
    assertEquals(
      findMismatch({ ...field, product } as GribField, expected),
      `its statistical processing (code table 4.10) is ${typeOfStatisticalProcessing}, ` +
        "expected 1 (accumulation)",
    );
  }
});

/** A message of an accumulation at 36 h with another code and statistic. */
function readAs(param: string, [category, number, statistic]: [number, number, number]) {
  const message = readMessage({ run, stepHours: 36, param, member: 2 });
  const section = findSection(message, 4);
  message.set([category, number], section + 9); // octets 10 and 11
  message[section + 49] = statistic; // octet 50 of template 4.11
  const [field] = parseFields(message) as [GribField];
  return { field, expected: readField(param).expected };
}

for (
  const [param, code, factor, units] of [
    ["tp", [1, 52, 1], 1e-3, "kg m-2"],
    ["tp", [1, 52, 0], 129.6, "kg m-2 s-1"],
    ["sf", [1, 53, 1], 1e-3, "kg m-2"],
    ["sf", [1, 53, 0], 129.6, "kg m-2 s-1"],
    ["ssrd", [4, 7, 1], 1, undefined],
    ["ssrd", [4, 7, 0], 129600, "W m-2"],
  ] as const
) {
  Deno.test(`${param} of code ${code[0]}.${code[1]} and statistic ${code[2]} is multiplied by ${factor} at 36 h`, () => {
    const { field, expected } = readAs(param, [...code]);
    assertEquals(findMismatch(field, expected), undefined);
    const conversion = findConversion(field, expected.variable);
    assert(Math.abs(findFactor(conversion, 36) / factor - 1) < 1e-12);
    assertEquals(conversion?.units, units);
  });
}

Deno.test("an average rate of other hours, and the average of an amount, are no sum", () => {
  const { field, expected } = readAs("tp", [1, 52, 0]);
  const product = { ...field.product, stepRange: { startHours: 30, endHours: 36 } };
  assertEquals(
    findMismatch({ ...field, product }, expected),
    "its step is 30–36 h, expected 0–36 h",
  );
  const amount = readAs("tp", [1, 8, 0]);
  assertEquals(
    findMismatch(amount.field, amount.expected),
    "its statistical processing (code table 4.10) is 0, expected 1 (accumulation)",
  );
});

Deno.test("findMismatch() names the run of a message", () => {
  const { field, expected } = readField("tp");
  for (const [date, hour] of [["20260206", "12"], ["20260205", "00"]] as const) {
    assertEquals(
      findMismatch(field, { ...expected, run: parseRun(date, hour) }),
      `its run is 2026-02-06T00:00:00.000Z, expected ${date} ${hour} UTC`,
    );
  }
});

Deno.test("findMismatch() names the centre of a message", () => {
  const { expected } = readField("tp");
  const message = readMessage({ run, stepHours: 36, param: "tp", member: 2 });
  message[findSection(message, 1) + 6] = 7; // octets 6–7 of section 1: NCEP
  const [field] = parseFields(message) as [GribField];
  assertEquals(findMismatch(field, expected), "its centre is 7, expected 98 (ECMWF)");
});

const DATA = new URL("../../../shared/data/", import.meta.url);

for (
  const [file, position, name, date] of [
    ["ecmwf-ifs-oper-surface.grib2", 4, "tcc", "20260310"],
    ["ecmwf-ifs-oper-0p4-first-10.grib2", 2, "tp", "20240101"],
  ] as const
) {
  const url = new URL(file, DATA);
  Deno.test({
    name: `findMismatch() finds none in ECMWF's own ${name} of ${date} (needs ../shared)`,
    ignore: !isFile(url),
    fn() {
      const variable = findVariable(name)!;
      const expected = { run: parseRun(date, "00"), stepHours: 0, member: 0, variable };
      const fields = parseFields(Deno.readFileSync(url));
      const matches = fields.map((field) => findMismatch(field, expected) === undefined);
      assertEquals(matches, fields.map((_, i) => i === position));
    },
  });
}

for (
  const [file, date] of [
    ["ecmwf-ifs-oper-surface.grib2", "20260310"],
    ["ecmwf-ifs-oper-0p4-first-10.grib2", "20240101"],
  ] as const
) {
  const url = new URL(file, DATA);
  Deno.test({
    name:
      `findMismatch() finds none in ECMWF's own fields of ${date} of any parameter (needs ../shared)`,
    ignore: !isFile(url),
    fn() {
      for (const field of parseFields(Deno.readFileSync(url))) {
        const { shortName: param } = findParameter(field);
        const { type, value = 0 } = field.product.level;
        const variable = parseField(type === 100 ? `${param}@${value / 100}` : param);
        const expected = { run: parseRun(date, "00"), stepHours: 0, member: 0, variable };
        assertEquals(findMismatch(field, expected), undefined, param);
      }
    },
  });
}

Deno.test("findMismatch() compares an extreme's hours and kind, and a rate's last hour alone", () => {
  const field = (param: string) => headerOf(PARAMETER_MESSAGES.find((it) => it.param === param)!);
  const check = (param: string, name: string, stepHours = 6) =>
    findMismatch(field(param), {
      ...{ run: parseRun("20240529", "00"), stepHours, member: 7 },
      variable: parseField(name),
    });
  assertEquals(check("mx2t3", "mx2t3"), undefined);
  assertEquals(check("10fg", "10fg"), undefined);
  assertEquals(check("mx2t6", "mx2t3"), "its step is 0–6 h, expected the 3 h before 6 h");
  assertEquals(check("mx2t3", "mx2t3", 9), "its step is 3–6 h, expected the 3 h before 9 h");
  assertEquals(
    check("mn2t3", "mx2t3"),
    "its statistical processing (code table 4.10) is 3, expected 2 (maximum)",
  );
  assertEquals(check("2t", "mx2t3"), "its step is 6–6 h, expected the 3 h before 6 h");
  assertEquals(check("tprate", "tprate"), undefined);
});

Deno.test("findMismatch() names the level of a message of another level or layer, or of none", () => {
  const field = (param: string) => headerOf(PARAMETER_MESSAGES.find((it) => it.param === param)!);
  const check = (param: string, name: string) =>
    findMismatch(field(param), {
      ...{ run: parseRun("20240529", "00"), stepHours: 6, member: 7 },
      variable: parseField(name),
    });
  assertEquals(
    check("gh", "gh@700"),
    "its level is 50000 on surface type 100, expected 70000 on surface type 100",
  );
  assertEquals(
    check("sot", "sot@1"),
    "its level is 1 on surface type 151, expected 0 on surface type 151",
  );
  const isobaric = { ...field("gh"), discipline: 0, product: { ...field("gh").product } };
  const geopotential = { ...isobaric, product: { ...isobaric.product, parameterNumber: 4 } };
  const expected = { run: parseRun("20240529", "00"), stepHours: 6, member: 7 };
  assertEquals(
    findMismatch(geopotential, { ...expected, variable: parseField("z") }),
    "its level is 50000 on surface type 100, expected none",
  );
});

function isFile(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch {
    return false;
  }
}
