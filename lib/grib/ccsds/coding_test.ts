import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { GribError } from "../grib_error.ts";
import { type CcsdsParameters, planCoding } from "./coding.ts";

/** As in ECMWF's fields. */
const USUAL: CcsdsParameters = {
  bitsPerSample: 16,
  blockSize: 32,
  referenceSampleInterval: 128,
  flags: 14,
};

Deno.test("planCoding() gives the identifier the width that the standard tabulates", () => {
  const widths = [[1, 3], [8, 3], [9, 4], [16, 4], [17, 5], [32, 5]] as const;
  for (const [bitsPerSample, optionBits] of widths) {
    assertEquals(planCoding({ ...USUAL, bitsPerSample }).optionBits, optionBits);
  }
});

Deno.test("planCoding() gives the identifier of the restricted set 1 or 2 bits", () => {
  for (const [bitsPerSample, optionBits] of [[1, 1], [2, 1], [3, 2], [4, 2], [9, 4]] as const) {
    assertEquals(planCoding({ ...USUAL, bitsPerSample, flags: 8 | 16 }).optionBits, optionBits);
  }
});

Deno.test("planCoding() throws GribError naming the octet of a choice that is not defined", () => {
  const wrong: [Partial<CcsdsParameters>, string][] = [
    [{ bitsPerSample: 0 }, "octet 20"],
    [{ bitsPerSample: 33 }, "octet 20"],
    [{ bitsPerSample: 7.5 }, "octet 20"],
    [{ bitsPerSample: 5, flags: 16 }, "octet 20"],
    [{ bitsPerSample: 8, flags: 16 }, "restricted set"],
    [{ flags: -1 }, "octet 22"],
    [{ flags: 256 }, "octet 22"],
    [{ blockSize: 0 }, "octet 23"],
    [{ blockSize: 24 }, "octet 23"],
    [{ blockSize: 128 }, "octet 23"],
    [{ blockSize: NaN }, "octet 23"],
    [{ referenceSampleInterval: 0 }, "octets 24-25"],
    [{ referenceSampleInterval: 4097 }, "octets 24-25"],
    [{ referenceSampleInterval: Infinity }, "octets 24-25"],
  ];
  for (const [choice, octet] of wrong) {
    assertThrows(() => planCoding({ ...USUAL, ...choice }), GribError, octet);
  }
});
