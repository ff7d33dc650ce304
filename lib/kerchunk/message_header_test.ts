import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1 } from "../../fixtures/embedded_run.ts";
import { readMessage } from "../ecmwf/messages_fixture.ts";
import { measureMessage, parseHeader } from "../grib/mod.ts";
import { completeHeader } from "./message_header.ts";

Deno.test("completeHeader() fetches the rest of a header that is longer than what is there", async () => {
  const message = readMessage({ ...BEFORE_50R1, stepHours: 36, param: "tp", member: 2 });
  const header = parseHeader(message);
  const asked: number[] = [];
  const fetchMore = (length: number) => {
    asked.push(length);
    return Promise.resolve(message.subarray(0, length));
  };
  assertEquals(await completeHeader(message.subarray(0, 300), fetchMore), header);
  assertEquals(asked, []);
  assertEquals(await completeHeader(message.subarray(0, 100), fetchMore), header);
  assertEquals(asked.at(-1), measureMessage(message).headerBytes);
  assert(asked.length <= 5);
});
