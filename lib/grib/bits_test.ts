import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { unpackBits } from "./bits.ts";
import { GribError } from "./grib_error.ts";

const data = Uint8Array.from({ length: 64 }, (_, i) => (i * 151 + 89) ^ (i << 3));

Deno.test("unpackBits() reads integers of every width from every bit of a byte", () => {
  for (let width = 0; width <= 64; width++) {
    for (let startBit = 0; startBit < 16; startBit++) {
      const count = width === 0 ? 3 : Math.floor((data.length * 8 - startBit) / width);
      const actual = new Float64Array(count + 1).fill(-1);
      unpackBits(data, startBit, width, count, actual, 1);
      assertEquals([...actual], [-1, ...sliceBits(startBit, width, count)], `${width} bits`);
    }
  }
});

Deno.test("unpackBits() throws GribError when the data end one bit early", () => {
  const out = new Float64Array(4);
  unpackBits(data, 512 - 4 * 13, 13, 4, out, 0);
  assertThrows(() => unpackBits(data, 512 - 4 * 13 + 1, 13, 4, out, 0), GribError, "4 integers");
});

/** The same by way of text and BigInt. */
function sliceBits(startBit: number, width: number, count: number): number[] {
  const text = [...data].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return Array.from({ length: count }, (_, i) => {
    const bits = text.slice(startBit + i * width, startBit + (i + 1) * width);
    return Number(BigInt(`0b${bits || "0"}`));
  });
}
