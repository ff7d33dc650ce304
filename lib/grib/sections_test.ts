import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { GribError } from "./grib_error.ts";
import { copyMessage, expectedMessages } from "./messages_fixture.ts";
import { checkMessage } from "./sections.ts";

const message = copyMessage(expectedMessages[0]!);

Deno.test("checkMessage() accepts one message, also inside a longer buffer", () => {
  checkMessage(message);
  const padded = new Uint8Array(message.length + 20);
  padded.set(message, 10);
  checkMessage(padded.subarray(10, 10 + message.length));
});

Deno.test("checkMessage() throws GribError when a message is cut short, too long or begins elsewhere", () => {
  const longer = new Uint8Array(message.length + 4);
  longer.set(message);
  for (
    const [bytes, text] of [
      [message.subarray(0, -1), "fetch the whole message"],
      [message.subarray(1), "do not begin with a GRIB"],
      [longer, `it ends at byte ${message.length}`],
      [new Uint8Array(0), "the 0 bytes there do not begin"],
    ] as const
  ) {
    const error = assertThrows(() => checkMessage(bytes), GribError, text);
    assertEquals(error.name, "GribError");
  }
});
