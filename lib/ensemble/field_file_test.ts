import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1 } from "../../fixtures/embedded_run.ts";
import { readMessage } from "../ecmwf/messages_fixture.ts";
import { findVariable } from "../ecmwf/variables.ts";
import { FieldReducer } from "./field.ts";
import { decodeFieldFile, encodeFieldFile, FIELD_VERSION } from "./field_file.ts";

const { run } = BEFORE_50R1;

/** tp of all members of the embedded run. */
function reduceTp() {
  const variable = findVariable("tp")!;
  const reducer = new FieldReducer({ north: 25, west: 19, south: -14, east: 55 });
  for (const member of [0, 1, 2, 3]) {
    const message = readMessage({ run, stepHours: 36, param: "tp", member });
    reducer.add(message, { run, stepHours: 36, member, variable });
  }
  return reducer.reduce();
}

Deno.test("a field that was encoded is the same after decoding, totals included", async () => {
  const field = reduceTp();
  assertEquals(field.totals?.map(({ sums }) => sums.length), [1, 1, 1, 1]);
  assertEquals(await decodeFieldFile("key", await encodeFieldFile("key", field)), field);
});

Deno.test("a file is as FIELD_VERSION says: raise that when this test has to change", async () => {
  const bytes = await encodeFieldFile("key", reduceTp());
  const checksum = bytes.slice(0, 32).toHex();
  assertEquals([FIELD_VERSION, checksum], [
    1,
    "8d640dbaffd541900ddf794567792007165a2b5f035cc49ad8012a4bccc4b41c",
  ]);
});
