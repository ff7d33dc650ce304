import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1 } from "../../fixtures/embedded_run.ts";
import { readMessage } from "../ecmwf/messages_fixture.ts";
import { findVariable } from "../ecmwf/variables.ts";
import { concatenate } from "../netcdf/netcdf_values.ts";
import type { FieldDemand } from "../ensemble/statistic.ts";
import { FieldReducer } from "../ensemble/field_reducer.ts";
import { decodeFieldFile, encodeFieldFile, FIELD_VERSION } from "./field_file.ts";

const { run } = BEFORE_50R1;

const VERSIONS = {
  "s3://bucket/file.grib2": { size: 1000, etags: { "https://mirror.example/file.grib2": '"a"' } },
};

/** tp of all members of the embedded run. */
function reduceTp(demand?: FieldDemand) {
  const variable = findVariable("tp")!;
  const reducer = new FieldReducer({ north: 25, west: 19, south: -14, east: 55 });
  for (const member of [0, 1, 2, 3]) {
    const message = readMessage({ run, stepHours: 36, param: "tp", member });
    reducer.add(message, { run, stepHours: 36, member, variable });
  }
  return reducer.reduce(demand);
}

function join(pieces: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  return concatenate([...pieces]);
}

const DEMAND: FieldDemand = {
  statistics: [{ kind: "minimum" }, { kind: "percentile", percent: 10 }],
  keepsMembers: true,
};

Deno.test("an encoded field is the same after decoding, points, counts, grid and what is asked for besides included", () => {
  const whole = reduceTp();
  assertEquals(whole.points?.members.map(({ member }) => member), [0, 1, 2, 3]);
  assertEquals(whole.axes?.grid?.columnCount, 120);
  const counts = Uint16Array.from(whole.mean, (_, point) => point % 5);
  const { points: _, ...instant } = whole;
  const demanded = reduceTp(DEMAND);
  assertEquals([demanded.further?.length, demanded.kept?.members.length], [2, 4]);
  const { points: _points, ...kept } = demanded;
  const { kept: _kept, ...further } = demanded;
  const ofDemand = [demanded, kept, further, { ...kept, counts }];
  for (
    const reduced of [whole, { ...whole, counts }, { ...instant, counts }, instant, ...ofDemand]
  ) {
    for (const task of [undefined, { index: 3, count: 9 }]) {
      const field = { reduced, versions: VERSIONS, ...(task && { task }) };
      const { sections, pieces } = encodeFieldFile("key", field);
      assertEquals(decodeFieldFile("key", join(pieces)), { field, sections });
    }
  }
});

Deno.test("a file has the bytes of FIELD_VERSION: raise it when this test has to change", async () => {
  const { pieces } = encodeFieldFile("key", { reduced: reduceTp(), versions: VERSIONS });
  const digest = await crypto.subtle.digest("SHA-256", join(pieces));
  assertEquals([FIELD_VERSION, new Uint8Array(digest).toHex()], [
    5,
    "b8a9bc21e4b14bc891bd69c22f0245ce4d95c77de55f0222a15ce2fc60e361bb",
  ]);
});
