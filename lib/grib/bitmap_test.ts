import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { countValues, spreadOverBitmap } from "./bitmap.ts";

const bitmap = Uint8Array.of(0b10110000, 0b00000000, 0b11111111, 0b01010101, 0b00000001);
const bits = [...bitmap].flatMap((byte) => [...byte.toString(2).padStart(8, "0")].map(Number));

Deno.test("countValues() counts the points with a value between any two bits", () => {
  for (let start = 0; start <= bits.length; start++) {
    for (let end = start; end <= bits.length; end++) {
      const expected = bits.slice(start, end).filter((bit) => bit === 1).length;
      assertEquals(countValues(bitmap, start, end), expected, `${start} to ${end}`);
    }
  }
});

Deno.test("spreadOverBitmap() moves values to their points and makes the others NaN", () => {
  for (let start = 0; start < bits.length; start++) {
    const points = bits.slice(start);
    let value = 10;
    const expected = points.map((bit) => bit === 1 ? value++ : NaN);
    const packed = expected.filter((value) => !Number.isNaN(value));
    const out = new Float64Array(points.length + 2).fill(-1);
    out.set(packed, 1);
    spreadOverBitmap(bitmap, start, points.length, packed.length, out, 1);
    assertEquals([...out], [-1, ...expected, -1], `from ${start}`);
  }
});
