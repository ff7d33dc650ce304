import { assert, assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { headerOf, PARAMETER_MESSAGES } from "../../fixtures/scan/parameter_messages.ts";
import { UsageError } from "../errors.ts";
import { findEncoding, findMismatch } from "./check_message.ts";
import { DATASETS } from "./datasets.ts";
import { formatMarsName, listFields, parseField } from "./inventory_fields.ts";
import { parseRun } from "./run.ts";
import { findVariable, type Variable, VARIABLES } from "./variables.ts";

const FIELDS = [...listFields().values()];

/** The run, step and member of the messages that ecCodes made of every parameter. */
const EXPECTED = { run: parseRun("20240529", "00"), stepHours: 6, member: 7 };

/** The message of a field; those on levels are of 500 hPa and of layer 2. */
function findMessages({ param, levtype, level }: Variable) {
  const isOther = levtype === "pl" && level !== 500 || levtype === "sol" && level !== 2;
  if (isOther) return [];
  const samples = PARAMETER_MESSAGES.filter((message) => message.param === param);
  return samples.filter(({ says }) =>
    (says.typeOfLevel === "isobaricInhPa") === (levtype === "pl")
  );
}

Deno.test("every parameter and level of every era has a field, under a name of its own that NetCDF allows", () => {
  for (const { parameters, levels } of Object.values(DATASETS).flatMap(({ eras }) => eras)) {
    for (const { param, levtype } of parameters) {
      const own = levtype === "sfc" ? [undefined] : levels[levtype];
      for (const level of own) assert(listFields().has(formatMarsName({ param, level })), param);
    }
  }
  const names = new Set(FIELDS.map(({ name }) => name.toLowerCase()));
  assertEquals(names.size, new Set(FIELDS).size);
  assertEquals(FIELDS.filter(({ name }) => !/^[a-z][a-z0-9]*(?:hPa)?$/.test(name)), []);
});

Deno.test("messages of every field, as ecCodes encodes them, pass the checks of their field", () => {
  let compared = 0;
  for (const variable of FIELDS) {
    for (const sample of findMessages(variable)) {
      const header = headerOf(sample);
      assert(findEncoding(header, variable), `${variable.name} ${sample.param}`);
      // A local code has no statistic, and so the sample of an accumulation is of a moment.
      const { startHours, endHours } = header.product.stepRange;
      if (variable.accumulated && startHours === endHours) continue;
      assertEquals(findMismatch(header, { ...EXPECTED, variable }), undefined, variable.name);
      compared++;
    }
  }
  assert(compared >= 70, `${compared}`);
});

Deno.test("fields have the units of ecCodes, or those that their messages are converted to", () => {
  const words: Record<string, string> = {
    ...{ "(0 - 1)": "1", Proportion: "1", Numeric: "1", "code table (4.201)": "1", gpm: "m" },
    ...{ "m of water equivalent": "m", "m**3 m**-3": "1" },
  };
  for (const variable of FIELDS.filter((it) => !VARIABLES.includes(it))) {
    for (const sample of findMessages(variable)) {
      const units = String(sample.says.units);
      if (units === "unknown") continue;
      const { conversion } = findEncoding(headerOf(sample), variable)!;
      const expected = words[units] ?? units.replaceAll("**", "");
      assertEquals(conversion?.units ?? variable.units, expected, variable.name);
    }
  }
  assertEquals(
    findEncoding({ ...headerOf(findMessages(parseField("lcc"))[1]!) }, parseField("lcc")),
    {
      ...{ discipline: 0, category: 6, number: 3 },
      conversion: { units: "%", factor: 0.01 },
    },
  );
});

Deno.test("parseField() knows a field by its MARS name and by its name in the output", () => {
  const name = (text: string) => parseField(text).name;
  assertEquals(["2d", "d2m", "u@925", "u925", "gh@500", "vsw@1"].map(name), [
    ...["d2m", "d2m", "u925", "u925", "gh500", "vsw1"],
  ]);
  // The wind at 10 and at 100 metres, and at those pressures.
  assertEquals(["10u", "u@10", "100v", "v@100", "u@200"].map(name), [
    ...["u10", "u10hPa", "v100", "v100hPa", "u200"],
  ]);
});

Deno.test("parseField() gives the variable of the table where that has the field", () => {
  for (
    const [text, known] of [["2t", "t2m"], ["u@700", "u700"], ["cape", "cape"], ["rowe", "ro"]]
  ) {
    assertEquals(parseField(text!), findVariable(known!));
  }
});

Deno.test("parseField() says what is wrong with a name, and what is near", () => {
  for (
    const [text, state] of [
      ["mls", "no run has it; did you mean msl?"],
      ["u@701", "no run has that level; give one of 10, 50,"],
      ["gh", "it is on levels; give gh@1000"],
      ["msl@500", "it is on no level; give msl"],
      ["", "no run has it"],
    ]
  ) {
    assertThrows(() => parseField(text!), UsageError, `Cannot write field "${text}": ${state}`);
  }
});
