import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { formatCsv } from "./save_files.ts";
import { findQuantile } from "./series.ts";

Deno.test("findQuantile() is that of numpy.percentile, and leaves missing members out", () => {
  // numpy.percentile([1, 2, 4, 8], [0, 10, 25, 50, 90, 100])
  const expected = [1, 1.3, 1.75, 3, 6.8, 8];
  [0, 0.1, 0.25, 0.5, 0.9, 1].forEach((share, i) => {
    const value = findQuantile([8, 1, NaN, 4, 2], share);
    assert(Math.abs(value - expected[i]!) < 1e-12, `${share}: ${value}`);
  });
  assertEquals([findQuantile([5], 0.9), findQuantile([NaN], 0.5)], [5, NaN]);
});

Deno.test("formatCsv() writes numbers as programs read them, and quotes what has commas", () => {
  const rows = [["valid time, UTC", 'the "mean"'], ["Sat 7 Feb", "−1.50"], [
    "Sun 8 Feb",
    "missing",
  ]];
  assertEquals(
    formatCsv(rows),
    '"valid time, UTC","the ""mean"""\r\nSat 7 Feb,-1.50\r\nSun 8 Feb,\r\n',
  );
});
