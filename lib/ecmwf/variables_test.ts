import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { canOnlyGrow, findVariable, VARIABLES } from "./variables.ts";

/** Code table 4.5. */
const ISOBARIC = 100;

Deno.test("VARIABLES has a name and a message of its own for each entry, with encodings and levels", () => {
  const names = VARIABLES.map(({ name }) => name);
  assertEquals(new Set(names).size, names.length);
  const messages = VARIABLES.map(({ param, level }) => `${param} ${level ?? ""}`);
  assertEquals(new Set(messages).size, messages.length);
  for (const variable of VARIABLES) {
    const { name, levtype, level, surface, encodings, units, longName, standardName } = variable;
    assert(encodings.length > 0, name);
    for (const { discipline, category, number } of encodings) {
      assert([discipline, category, number].every((code) => code >= 0 && code < 255), name);
    }
    assert(units.length > 0 && longName.length > 0, name);
    assert(/^[a-z][a-z_]*$/.test(standardName ?? "none"), name);
    assert(/^[a-z][a-z0-9]*$/.test(name), `${name} is no NetCDF name`);
    assertEquals(level !== undefined, levtype === "pl", name);
    if (level !== undefined) assertEquals(surface, { type: ISOBARIC, value: level * 100 }, name);
    assertEquals(findVariable(name), variable);
  }
});

Deno.test("VARIABLES has the twelve variables of the rainfall model and cape, in the units it expects", () => {
  assertEquals(Object.fromEntries(VARIABLES.map(({ name, units }) => [name, units])), {
    tp: "m",
    t2m: "K",
    sp: "Pa",
    ssr: "J m-2",
    ssrd: "J m-2",
    tcw: "kg m-2",
    tcwv: "kg m-2",
    tcc: "1",
    u700: "m s-1",
    v700: "m s-1",
    sf: "m",
    ro: "m",
    cape: "J kg-1",
  });
  const accumulated = VARIABLES.filter((variable) => variable.accumulated).map(({ name }) => name);
  assertEquals(accumulated, ["tp", "ssr", "ssrd", "sf", "ro"]);
});

Deno.test("VARIABLES has both limits of each variable, for the hour where it accumulates", () => {
  const limits = Object.fromEntries(
    VARIABLES.map(({ name, limits }) => [name, [limits!.least, limits!.most]]),
  );
  const [water, radiation] = [[0, 0.1], [0, 1400 * 3600]];
  assertEquals(limits, {
    tp: water,
    t2m: [150, 350],
    sp: [3e4, 1.15e5],
    ssr: radiation,
    ssrd: radiation,
    tcw: [0, 150],
    tcwv: [0, 150],
    tcc: [0, 1],
    u700: [-150, 150],
    v700: [-150, 150],
    sf: water,
    ro: water,
    cape: [0, 2e4],
  });
});

Deno.test("findVariable() knows names of the output, not of the index", () => {
  assertEquals(findVariable("t2m")?.param, "2t");
  assertEquals(findVariable("2t"), undefined);
  assertEquals(findVariable(""), undefined);
});

Deno.test("only accumulations of what is never negative can only grow", () => {
  const growing = VARIABLES.filter(canOnlyGrow).map(({ name }) => name);
  assertEquals(growing, VARIABLES.filter(({ accumulated }) => accumulated).map(({ name }) => name));
  const flux = { ...VARIABLES.find(({ name }) => name === "ssr")!, limits: undefined };
  assertEquals(canOnlyGrow(flux), false);
});
