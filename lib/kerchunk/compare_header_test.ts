import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { AFTER_50R1, BEFORE_50R1 } from "../../fixtures/embedded_run.ts";
import { readMessage } from "../ecmwf/messages_fixture.ts";
import { parseHeader } from "../grib/mod.ts";
import type { FieldKey } from "../references/store.ts";
import { findDisagreements } from "./compare_header.ts";

const { run } = BEFORE_50R1;
const FIELD: FieldKey = { stepHours: 36, param: "u", levtype: "pl", level: 700, member: 2 };
const message = readMessage({ run, ...FIELD });
const header = parseHeader(message);

/** How the message differs from a line of the index that says something else of it. */
function compare(change: Partial<FieldKey>, length = message.length, ofRun = run): string[] {
  const reference = { url: "s3://b/f.grib2", offset: 0, length };
  return findDisagreements(header, { field: { ...FIELD, ...change }, reference }, ofRun);
}

Deno.test("findDisagreements() finds nothing where the index is right", () => {
  assertEquals(compare({}), []);
});

Deno.test("findDisagreements() names each field of the index that is wrong", () => {
  assertEquals(compare({ stepHours: 39 }), ["its step is 36, the index says 39"]);
  assertEquals(compare({ param: "v" }), ["its parameter is u, the index says v"]);
  assertEquals(compare({ level: 850 }), ["its level is 700, the index says 850"]);
  assertEquals(compare({ member: 0 }), ["its member is ens02, the index says control"]);
  assertEquals(compare({ levtype: "sol" }), ["its level type is pl, the index says sol"]);
  assertEquals(compare({}, 99), [`its length is ${message.length}, the index says 99`]);
  assertEquals(compare({}, message.length, AFTER_50R1.run), [
    "its run is 2026-02-06T00:00:00.000Z, the index says 20260520 12 UTC",
  ]);
  assertEquals(compare({ member: 1, stepHours: 0, level: 50 }).length, 3);
});
