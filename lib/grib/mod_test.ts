import { assertEquals } from "jsr:@std/assert@^1.0.0";
import * as grib from "./mod.ts";

Deno.test("mod.ts exports what the other rooms use, and no more", () => {
  assertEquals(Object.keys(grib).sort(), [
    "GribError",
    "ShortPrefixError",
    "checkMessage",
    "decodeField",
    "decodePacked",
    "decodePrefix",
    "equalGrids",
    "fullWindow",
    "measureMessage",
    "parseFields",
    "parseHeader",
    "parsePrefix",
    "selectWindow",
  ]);
});
