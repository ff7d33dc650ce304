import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { appendUnits, formatBound, formatEastAfrica, formatUtc, formatValue } from "./format.ts";

Deno.test("formatValue() writes all decimals, a true minus, no minus zero, and what is missing", () => {
  assertEquals(formatValue(2.5, 2), "2.50");
  assertEquals(formatValue(-12.345, 1), "−12.3");
  assertEquals(formatValue(-0.001, 2), "0.00");
  assertEquals(formatValue(1013, 0), "1013");
  assertEquals(formatValue(NaN, 2), "missing");
});

Deno.test("appendUnits() writes the unit, but not the range of a fraction", () => {
  assertEquals(appendUnits("2.5", "mm"), "2.5 mm");
  assertEquals(appendUnits("0.37", "0–1"), "0.37");
  assertEquals(appendUnits("3", ""), "3");
});

Deno.test("formatBound() never understates a bound", () => {
  const bounds = [0.025, 0.024999977, 0.0241, 0.02401, 0.05000000000001137, 7, 123, 5e-7];
  const texts = bounds.map(formatBound);
  assertEquals(texts, ["0.025", "0.025", "0.025", "0.025", "0.05", "7", "130", "5e-7"]);
});

Deno.test("times are written in UTC and, three hours later, in East Africa Time", () => {
  const noon = Date.UTC(2026, 1, 7, 12);
  assertEquals(formatUtc(noon), "Sat 7 Feb 2026, 12:00 UTC");
  assertEquals(formatEastAfrica(noon), "15:00 East Africa Time");
  const evening = Date.UTC(2026, 11, 31, 21);
  assertEquals(formatUtc(evening), "Thu 31 Dec 2026, 21:00 UTC");
  assertEquals(formatEastAfrica(evening), "Fri 1 Jan 2027, 00:00 East Africa Time");
});
