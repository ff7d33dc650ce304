import { assertEquals } from "jsr:@std/assert@^1.0.0";
import {
  type FieldKey,
  formatFieldKey,
  formatKeyHeads,
  formatKeyTail,
  formatReference,
  isReference,
  parseFieldKey,
  parseValue,
  type SharedFieldKey,
} from "./store.ts";

const encode = (text: string) => new TextEncoder().encode(text);

const URL_OF_STEP =
  "s3://ecmwf-forecasts/20260206/00z/ifs/0p25/enfo/20260206000000-36h-enfo-ef.grib2";

const KEYS: [string, FieldKey][] = [
  ["step_036/tp/sfc/ens01/0.0.0", { stepHours: 36, param: "tp", levtype: "sfc", member: 1 }],
  ["step_000/2t/sfc/control/0.0.0", { stepHours: 0, param: "2t", levtype: "sfc", member: 0 }],
  ["step_360/u/pl/ens50/0.0.0", { stepHours: 360, param: "u", levtype: "pl", member: 50 }],
  [
    "step_036/u/pl/700/ens01/0.0.0",
    { stepHours: 36, param: "u", levtype: "pl", level: 700, member: 1 },
  ],
  [
    "step_003/u/pl/1000/control/0.0.0",
    { stepHours: 3, param: "u", levtype: "pl", level: 1000, member: 0 },
  ],
  [
    "step_036/sot/sol/4/ens09/0.0.0",
    { stepHours: 36, param: "sot", levtype: "sol", level: 4, member: 9 },
  ],
];

Deno.test("formatFieldKey() and parseFieldKey() agree on keys with and without level", () => {
  for (const [key, field] of KEYS) {
    assertEquals(formatFieldKey(field), key);
    assertEquals(parseFieldKey(key), field);
  }
});

Deno.test("parseFieldKey() accepts no other key", () => {
  for (
    const key of [
      ".zgroup",
      "tp/accum/surface/tp/0.0.0.0",
      "step_36/tp/sfc/ens01/0.0.0",
      "step_036/tp/sfc/ens51/0.0.0",
      "step_036/tp/sfc/ens00/0.0.0",
      "step_036/tp/sfc/ens_1x/0.0.0",
      "step_036/tp/sfc/mean/0.0.0",
      "step_036/tp/sfc/ens01/0.0.1",
      "step_036/u/pl/700/850/ens01/0.0.0",
      "x/step_036/tp/sfc/ens01/0.0.0",
    ]
  ) assertEquals(parseFieldKey(key), undefined, key);
});

Deno.test("formatKeyHeads() gives 700 hPa two heads, for readers that expect no level, and other fields one", () => {
  const field: SharedFieldKey = { stepHours: 36, param: "u", levtype: "pl", level: 700 };
  assertEquals(formatKeyHeads(field), ["step_036/u/pl/700/", "step_036/u/pl/"]);
  assertEquals(formatKeyHeads({ ...field, level: 850 }), ["step_036/u/pl/850/"]);
  assertEquals(formatKeyHeads({ ...field, levtype: "sol" }), ["step_036/u/sol/700/"]);
  const surface: SharedFieldKey = { stepHours: 36, param: "tp", levtype: "sfc" };
  assertEquals(formatKeyHeads(surface), ["step_036/tp/sfc/"]);
});

Deno.test("formatKeyTail() completes a head to the key of a member", () => {
  const field: FieldKey = { stepHours: 36, param: "tp", levtype: "sfc", member: 7 };
  assertEquals(formatKeyHeads(field)[0] + formatKeyTail(7), formatFieldKey(field));
  assertEquals(formatKeyTail(0), "control/0.0.0");
});

Deno.test("formatReference() writes JSON that reads back as the reference", () => {
  const reference = { url: URL_OF_STEP, offset: 13_807, length: 15_416 };
  const text = formatReference(reference);
  assertEquals(JSON.parse(text), [URL_OF_STEP, 13_807, 15_416]);
  assertEquals(parseValue(encode(text)), reference);
});

Deno.test("parseValue() reads references as other programs space them", () => {
  const text = `["${URL_OF_STEP}", 13807, 15416]`;
  const value = parseValue(encode(text));
  assertEquals(value, { url: URL_OF_STEP, offset: 13_807, length: 15_416 });
  assertEquals(isReference(value), true);
});

Deno.test("parseValue() returns bytes that do not begin like a reference", () => {
  for (const text of ["", "{}", "base64:AAAA", "[1, 2]", " [", '["'.slice(0, 1)]) {
    const bytes = encode(text);
    assertEquals(parseValue(bytes), bytes);
    assertEquals(isReference(parseValue(bytes)), false);
  }
});
