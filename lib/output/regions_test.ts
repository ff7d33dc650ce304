import { assert, assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { feature } from "npm:topojson-client@3.1.0";
import type { GeometryCollection, Topology } from "npm:@types/topojson-specification@1.0.5";
import atlas from "npm:world-atlas@2.0.2/countries-50m.json" with { type: "json" };
import { UsageError } from "../errors.ts";
import { describeWrap, formatRegion, parseRegion, REGIONS, requirePoints } from "./regions.ts";

const world = atlas as unknown as Topology<
  { countries: GeometryCollection<{ name: string }> }
>;

/** The box of a country, out to whole degrees, as the option takes it. */
function boundsOf(name: string): string {
  const countries = feature(world, world.objects.countries).features;
  const country = countries.find(({ properties }) => properties.name === name)!;
  const numbers = JSON.stringify(country.geometry).match(/-?\d+(?:\.\d+)?/g)!.map(Number);
  const longitudes = numbers.filter((_, i) => i % 2 === 0);
  const latitudes = numbers.filter((_, i) => i % 2 === 1);
  return [
    Math.ceil(Math.max(...latitudes)),
    Math.floor(Math.min(...longitudes)),
    Math.floor(Math.min(...latitudes)),
    Math.ceil(Math.max(...longitudes)),
  ].map((degrees) => degrees + 0).join(",");
}

const ICPAC = [
  "Burundi",
  "Djibouti",
  "Eritrea",
  "Ethiopia",
  "Kenya",
  "Rwanda",
  "Somalia",
  "S. Sudan",
  "Sudan",
  "Tanzania",
  "Uganda",
];

for (const country of ICPAC) {
  const name = country.replace("S. ", "South ");
  Deno.test(`the region ${name} is the box of Natural Earth in whole degrees`, () => {
    assertEquals(formatRegion(parseRegion(name)), boundsOf(country));
    assertEquals(parseRegion(name.toLowerCase().replace(" ", "_")), parseRegion(name));
  });
}

Deno.test("the regions icpac and africa hold what they name", () => {
  assertEquals(formatRegion(parseRegion("icpac")), "25,19,-14,55");
  const { icpac, africa, ...countries } = REGIONS;
  assertEquals(Object.keys(countries).length, ICPAC.length);
  for (const outer of [icpac!, africa!]) {
    for (const inner of Object.values(countries)) {
      assert(outer.north >= inner.north && outer.south <= inner.south);
      assert(outer.west <= inner.west && outer.east >= inner.east);
    }
  }
  for (const country of ["Tunisia", "Senegal", "South Africa", "Madagascar"]) {
    const [north, west, south, east] = boundsOf(country).split(",").map(Number);
    // South Africa has islands near Antarctica.
    if (country !== "South Africa") assert(africa!.south <= south!, country);
    assert(africa!.north >= north! && africa!.west <= west! && africa!.east >= east!, country);
  }
});

Deno.test("parseRegion() takes edges in any convention of longitudes", () => {
  assertEquals(formatRegion(parseRegion("5, 33,-5,42")), "5,33,-5,42");
  assertEquals(formatRegion(parseRegion("90,-180,-90,180")), "90,-180,-90,180");
  assertEquals(formatRegion(parseRegion("5,350,-5,10")), "5,350,-5,10");
});

const WRONG: readonly (readonly [text: string, state: string])[] = [
  ["kenia", "the known names are icpac, africa, burundi,"],
  ["kenia", "did you mean kenya?"],
  ["5,33,-5", "give 4 numbers"],
  ["5,33,-5,", "give 4 numbers"],
  ["5,33,-5,42,1", "give 4 numbers"],
  ["-5,33,5,42", "its north is south of its south"],
  ["91,33,5,42", "a latitude is beyond a pole"],
  ["5,33,-91,42", "a latitude is beyond a pole"],
  ["5,-180,-5,200", "it spans 380°; give at most 360°"],
  ["5,200,-5,-200", "it spans 400°; give at most 360°"],
  ["5,361,-5,362", "a longitude is beyond 360"],
];

for (const [text, state] of WRONG) {
  Deno.test(`parseRegion() refuses "${text}": ${state}`, () => {
    const error = assertThrows(() => parseRegion(text), UsageError, state);
    assert(error.message.startsWith(`Cannot use --region "${text}": `), error.message);
  });
}

Deno.test("requirePoints() refuses a box between the points of every grid it may be cut from", () => {
  const box = parseRegion("0.3,33.3,0.2,33.45");
  assertThrows(
    () => requirePoints(box, [0.25]),
    UsageError,
    "no grid point is inside it; the points",
  );
  const other = parseRegion("0.45,33.55,0.35,33.65");
  assertThrows(() => requirePoints(other, [0.25]), UsageError);
  requirePoints(other, [0.25, 0.4]);
  requirePoints(other, []);
  requirePoints(parseRegion("0,33.25,0,33.25"), [0.25]);
  requirePoints(parseRegion("0.1,33.2,-0.1,33.3"), [0.25]);
});

Deno.test("describeWrap() says what a region whose west is east of its east is taken for", () => {
  assertEquals(describeWrap(parseRegion("25,19,-14,55"), 0.25), undefined);
  assertEquals(
    describeWrap(parseRegion("25,55,-14,19"), 0.25),
    "region 25,55,-14,19: its west is east of its east, so it goes east from 55° to 379°, " +
      "324° and 157 × 1297 points",
  );
  assertEquals(
    describeWrap(parseRegion("5,170,-5,-170"), 0.25),
    "region 5,170,-5,-170: its west is east of its east, so it goes east from 170° to 190°, " +
      "20° and 41 × 81 points",
  );
});
