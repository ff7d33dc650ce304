import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { findOddPackings, findUsual, type PackedMember } from "./compare_packing.ts";

const USUAL = {
  template: 42,
  valueCount: 100,
  referenceValue: 0,
  binaryScaleFactor: -7,
  decimalScaleFactor: 0,
  bitsPerValue: 12,
  flags: 14,
  blockSize: 32,
  referenceSampleInterval: 128,
} as const;

const RAIN = { least: 0 };
const TEMPERATURE = { least: 150 };

/** Members 0 to `count - 1`; those of `changes` have another packing. */
function pack(
  count: number,
  changes: Record<number, Partial<PackedMember["representation"]>>,
): PackedMember[] {
  return Array.from({ length: count }, (_, member) => ({
    member,
    representation: { ...USUAL, ...changes[member] } as PackedMember["representation"],
  }));
}

const CHANGES: [change: Partial<PackedMember["representation"]>, text: string][] = [
  [{ decimalScaleFactor: 1 }, "its decimalScaleFactor is 1, theirs 0"],
  [{ bitsPerValue: 13 }, "its bitsPerValue is 13, theirs 12"],
  [{ flags: 12 }, "its ccsdsFlags is 12, theirs 14"],
  [{ blockSize: 16 }, "its ccsdsBlockSize is 16, theirs 32"],
  [{ referenceSampleInterval: 64 }, "its ccsdsRsi is 64, theirs 128"],
  [
    { bitsPerValue: 8, flags: 12 },
    "its bitsPerValue is 8, theirs 12, its ccsdsFlags is 12, theirs 14",
  ],
];

for (const [change, text] of CHANGES) {
  Deno.test(`findOddPackings() names the only perturbed member whose packing differs: ${text}`, () => {
    const found = findOddPackings(pack(10, { 4: change }), TEMPERATURE);
    assertEquals([...found], [[4, `it does not fit the other members: ${text}`]]);
  });
}

Deno.test("findOddPackings() accepts scales and reference values that follow from the values", () => {
  const change = { binaryScaleFactor: -5, referenceValue: 7 };
  assertEquals(findOddPackings(pack(10, { 4: change }), RAIN).size, 0);
});

Deno.test("findOddPackings() allows fewer octaves to variables whose values are never near 0", () => {
  const members = pack(4, { 2: { binaryScaleFactor: -9 } });
  assertEquals(findOddPackings(members, RAIN).size, 0);
  assertEquals([...findOddPackings(members, TEMPERATURE)], [[
    2,
    "it does not fit the other members: its binaryScaleFactor is -9, theirs -7 to -7",
  ]]);
});

Deno.test("findOddPackings() accepts a constant field, and a control from another file", () => {
  const changes = { 0: { bitsPerValue: 16 }, 4: { bitsPerValue: 0, flags: 0 } };
  assertEquals(findOddPackings(pack(10, changes), RAIN).size, 0);
});

Deno.test("findOddPackings() says nothing where the others differ too, or are fewer than two", () => {
  assertEquals(
    findOddPackings(pack(10, { 4: { bitsPerValue: 8 }, 5: { bitsPerValue: 16 } }), RAIN).size,
    0,
  );
  assertEquals(findOddPackings(pack(3, { 2: { bitsPerValue: 8 } }), RAIN).size, 0);
  for (const count of [4, 5, 6]) {
    assertEquals([...findOddPackings(pack(count, { 2: { bitsPerValue: 8 } }), RAIN).keys()], [2]);
    assertEquals([...findOddPackings(pack(count, { 2: { referenceValue: -8 } }), RAIN).keys()], [
      2,
    ]);
  }
});

Deno.test("findUsual() takes what is known of a variable, else a share of the range that packings state", () => {
  const messages = pack(3, { 2: { binaryScaleFactor: -3 } }).map(({ representation }) => ({
    representation,
    precision: 2 ** representation.binaryScaleFactor,
  }));
  const known = { limits: { least: 150, most: 350 }, noise: 2, accumulated: false };
  assertEquals(findUsual({ variable: known, stepHours: 36 }, messages), { least: 150, noise: 2 });
  const at = { variable: { accumulated: false }, stepHours: 36 };
  // Values of two members are up to 2^12 · 2^-7 apart, and none is below 0.
  assertEquals(findUsual(at, messages), { least: 0, noise: 32 / 20 });
  const negative = messages.map((it) => ({
    ...it,
    representation: { ...it.representation, referenceValue: -1 },
  }));
  assertEquals(findUsual(at, negative), { least: -Number.MAX_VALUE, noise: 32 / 20 });
  const constant = pack(3, {
    0: { bitsPerValue: 0 },
    1: { bitsPerValue: 0 },
    2: { bitsPerValue: 0 },
  });
  const flat = constant.map((it) => ({ ...it, precision: 0 }));
  assertEquals(findUsual(at, flat).noise, 0);
});
