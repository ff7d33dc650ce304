import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { findOddPackings, type PackedMember } from "./compare_packing.ts";

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
