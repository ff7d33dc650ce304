import { assertEquals, assertMatch } from "jsr:@std/assert@^1.0.0";
import { makeRandom } from "../../fixtures/random.ts";
import { findOutliers, summarizeWindow, type Usual } from "./compare_members.ts";
import { WindowMemory } from "./packed_values.ts";

const [ROWS, COLUMNS] = [40, 50];
const WIND: Usual = { least: -150, noise: 4 };
const RAIN: Usual = { least: 0, noise: 0.01 };

/** A smooth field: some waves of random phase, and a mean of its own. */
function drawSmooth(random: () => number, spread: number): Float64Array {
  const waves = Array.from({ length: 6 }, () => ({
    x: random() * 6 / COLUMNS,
    y: random() * 6 / ROWS,
    phase: random() * 7,
  }));
  const own = random() - 0.5;
  return Float64Array.from({ length: ROWS * COLUMNS }, (_, i) => {
    const [row, column] = [Math.floor(i / COLUMNS), i % COLUMNS];
    const sum = waves.reduce(
      (sum, { x, y, phase }) => sum + Math.sin(x * column + y * row + phase),
      0,
    );
    return spread * (sum / 2 + own);
  });
}

function summarize(values: Float64Array) {
  return summarizeWindow({ numbers: Float64Array.from(values) }, COLUMNS, new WindowMemory());
}

/** A sound ensemble, one of whose members may be changed. */
function findIn(
  count: number,
  usual: Usual,
  draw: (random: () => number, member: number) => Float64Array,
  change: (values: Float64Array) => Float64Array = (values) => values,
  seed = 1,
) {
  const random = makeRandom(seed);
  const members = Array.from({ length: count }, (_, member) => {
    const drawn = draw(random, member);
    const values = member === 2 ? change(drawn) : drawn;
    return { member, summary: summarize(values), precision: 1e-3 };
  });
  return [...findOutliers(members, usual)];
}

const drawWind = (random: () => number) => drawSmooth(random, 8).map((value) => value + 5);
/** Showers in a third of the region. */
const drawRain = (random: () => number) =>
  drawSmooth(random, 0.02).map((value) => Math.max(0, value));

Deno.test("findOutliers() finds nothing in sound ensembles of any size, dry or windy", () => {
  for (const count of [1, 5, 6, 10, 51]) {
    for (let seed = 1; seed <= 20; seed++) {
      assertEquals(findIn(count, WIND, drawWind, undefined, seed), []);
      assertEquals(findIn(count, RAIN, drawRain, undefined, seed), []);
    }
  }
});

const random = makeRandom(3);
const CHANGES: [what: string, change: (values: Float64Array) => Float64Array, text: RegExp][] = [
  ["are shifted", (values) => values.map((value) => value + 120), /its values are .* on average/],
  ["are 16 times as large", (values) => values.map((value) => 16 * value), /its values are/],
  ["have the other sign and more", (values) => values.map((value) => -9 * value), /its values are/],
  [
    "are all the same",
    (values) => values.fill(-12.3),
    /the range of its values is 1\/\d+ of theirs/,
  ],
  ["are nearly 0", (values) => values.map((value) => value * 1e-9), /the range of its values/],
  [
    "are noise",
    (values) => values.map(() => 60 * random() - 30),
    /the difference of its neighbouring points is \d+(\.\d)? times theirs/,
  ],
  [
    "are of a few kinds",
    (values) => values.map((value) => 8 * Math.round(value / 8)),
    /its share of different values is 1\/\d+ of theirs/,
  ],
];

for (const [what, change, text] of CHANGES) {
  Deno.test(`findOutliers() names a member whose values ${what}, and only that one`, () => {
    for (const count of [6, 10, 51]) {
      const found = findIn(count, WIND, drawWind, change);
      assertEquals(found.map(([member]) => member), [2], `${count} members`);
      assertMatch(found[0]![1], /^it does not fit the other members: /);
      assertMatch(found[0]![1], text);
    }
  });
}

const drawHeavyRain = (random: () => number) => drawRain(random).map((value) => 20 * value);

Deno.test("findOutliers() names a member with hardly any rain where it rains in all others", () => {
  const shrink = (values: Float64Array) => values.map((value) => value / 2 ** 20);
  assertEquals(findIn(10, RAIN, drawHeavyRain, shrink).map(([member]) => member), [2]);
});

Deno.test("findOutliers() takes no offence at a dry member where it rains in all others", () => {
  const dry = (values: Float64Array) => values.fill(0);
  assertEquals(findIn(10, RAIN, drawHeavyRain, dry), []);
});

Deno.test("findOutliers() takes no offence at the only shower, snow or calm of a dry ensemble", () => {
  const dry = () => new Float64Array(ROWS * COLUMNS);
  const shower = (values: Float64Array) => values.fill(0.05, 300, 340);
  assertEquals(findIn(10, RAIN, dry, shower), []);
});

Deno.test("findOutliers() takes no offence at the only clouds of a clear ensemble, nor at half of it overcast", () => {
  const cloud: Usual = { least: 0, noise: 1 };
  const clear = () => new Float64Array(ROWS * COLUMNS);
  const inSteps = (values: Float64Array) =>
    values.map((value) => Math.min(1, Math.max(0, Math.round(32 * (value + 0.5)) / 32)));
  const cloudy = () => inSteps(drawSmooth(makeRandom(5), 0.2));
  assertEquals(findIn(10, cloud, clear, cloudy), []);
  const overcast = (random: () => number, member: number) =>
    member % 2 === 0 ? clear().fill(1).fill(0.99, 0, 5) : inSteps(drawSmooth(random, 0.2));
  assertEquals(findIn(50, cloud, overcast), []);
});

Deno.test("findOutliers() needs five members to say anything", () => {
  const shift = (values: Float64Array) => values.map((value) => value + 1e6);
  assertEquals(findIn(4, WIND, drawWind, shift), []);
  assertEquals(findIn(5, WIND, drawWind, shift).length, 1);
});

Deno.test("findOutliers() compares the points that members have", () => {
  const lack = (values: Float64Array) => values.fill(NaN, 0, 1500);
  assertEquals(findIn(10, WIND, drawWind, lack), []);
});
