import { assert, assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { copyMessage, type ExpectedMessage, expectedMessages } from "./messages_fixture.ts";
import { decodeField, GribError, parseFields, selectWindow } from "./mod.ts";

const ROUNDS = 150;
const REGION = { north: 25, west: 19, south: -14, east: 55 };

Deno.test("parseFields() throws GribError for every message cut short anywhere", () => {
  for (const message of expectedMessages) {
    const bytes = copyMessage(message);
    for (let length = 0; length < bytes.length; length += 1 + (length >> 5)) {
      assertThrows(() => parseFields(bytes.subarray(0, length)), GribError);
    }
  }
});

Deno.test("decodeField() gives values or GribError when bits of a message are flipped", () => {
  const random = seedRandom(20240229);
  const outcomes = countOutcomes((message) => flipBits(copyMessage(message), random));
  // Both happen often: neither is the damage harmless, nor do all flips break the frame.
  assert(outcomes.refused > 1000 && outcomes.decoded > 1000, JSON.stringify(outcomes));
});

Deno.test("decodeField() gives values or GribError when packed data are cut or replaced", () => {
  const random = seedRandom(50);
  const outcomes = countOutcomes((message) => spoilData(copyMessage(message), random));
  assert(outcomes.refused > 1000 && outcomes.decoded > 1000, JSON.stringify(outcomes));
});

/** Decodes every message damaged in `ROUNDS` ways. Any error but GribError ends the test. */
function countOutcomes(damage: (message: ExpectedMessage) => Uint8Array) {
  const outcomes = { decoded: 0, refused: 0 };
  for (const message of expectedMessages) {
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = damage(message);
      try {
        decodeAll(bytes);
        outcomes.decoded++;
      } catch (error) {
        if (!(error instanceof GribError)) throw error;
        outcomes.refused++;
      }
    }
  }
  return outcomes;
}

function decodeAll(bytes: Uint8Array): void {
  for (const field of parseFields(bytes)) {
    const { rowCount, columnCount } = field.grid;
    assertEquals(decodeField(field).length, rowCount * columnCount);
    const window = selectWindow(field.grid, REGION);
    assertEquals(decodeField(field, window).length, window.rowCount * window.columnCount);
  }
}

/** Flips up to 4 bits, as a bad disk would: half of the time among the headers. */
function flipBits(bytes: Uint8Array, random: () => number): Uint8Array {
  const end = random() < 0.5 ? bytes.length : Math.min(bytes.length, 220);
  for (let flips = 1 + Math.floor(random() * 4); flips > 0; flips--) {
    bytes[Math.floor(random() * end)]! ^= 1 << Math.floor(random() * 8);
  }
  return bytes;
}

/** Cuts section 7 of the last field short, or fills its end with noise; all lengths stay true. */
function spoilData(bytes: Uint8Array<ArrayBuffer>, random: () => number): Uint8Array {
  const field = parseFields(bytes).at(-1)!;
  const kept = Math.floor(random() * field.dataLength);
  const noise = random() < 0.5 ? 0 : field.dataLength - kept;
  const dataEnd = field.dataOffset + kept;
  const spoilt = new Uint8Array([
    ...bytes.subarray(0, dataEnd),
    ...Array.from({ length: noise }, () => Math.floor(random() * 256)),
    ...new TextEncoder().encode("7777"),
  ]);
  const view = new DataView(spoilt.buffer);
  view.setBigUint64(8, BigInt(spoilt.length));
  view.setUint32(field.dataOffset - 5, 5 + kept + noise);
  return spoilt;
}

/** The same numbers in [0, 1) on every run (xorshift32). */
function seedRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
