import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { fillKept, keepMembers, listKept, openKept } from "./kept_members.ts";
import { packIntegers, packValues } from "./packed_values.ts";
import { type DecodedMessage, decodeMessage } from "./packed_values_fixture.ts";

function keep(messages: readonly DecodedMessage[]) {
  const parts = messages.map(({ member, values, ...packing }) => ({
    member,
    ...packValues(values, packing),
  }));
  return keepMembers(messages[0]!.values.length, parts);
}

/** One member's values in float32. */
function round(kept: ReturnType<typeof keep>, member: number): Float32Array {
  const values = new Float32Array(kept.pointCount);
  assert(fillKept(kept, member, values));
  return values;
}

Deno.test("members that are kept come back to the last bit, in 2 bytes a value", () => {
  for (
    const [param, factor] of [["tp", 1], ["tp", 1 / 1000], ["2t", 1], ["ssr", 129_600]] as const
  ) {
    const messages = [0, 1, 3].map((member) => decodeMessage(param, member, factor));
    const pointCount = messages[0]!.values.length;
    const ofIntegers = keepMembers(
      pointCount,
      messages.map((message) => ({
        member: message.member,
        ...packIntegers(message.integers.slice(), message),
      })),
    );
    for (const kept of [keep(messages), ofIntegers]) {
      assertEquals(listKept(kept), [0, 1, 3]);
      assertEquals(kept.packed.length, 3 * 2 * pointCount, param);
      for (const { member, values } of messages) {
        assertEquals(openKept(kept, member), values);
        assertEquals(round(kept, member), Float32Array.from(values));
      }
      assertEquals(openKept(kept, 2), undefined);
      assert(!fillKept(kept, 2, new Float32Array(pointCount)));
    }
  }
});

Deno.test("a value that is missing stays missing in what is kept", () => {
  const message = decodeMessage("2t", 1);
  message.values[5] = NaN;
  const kept = keep([message]);
  assertEquals(openKept(kept, 1), message.values);
  assert(Number.isNaN(openKept(kept, 1)![5]));
  assertEquals(round(kept, 1), Float32Array.from(message.values));
});

Deno.test("values that their message's scales do not give are kept as they are, beside others", () => {
  const [packed, odd, wide, last] = [1, 2, 3, 0].map((member) => decodeMessage("2t", member));
  odd!.values[7]! += 1e-9;
  const { representation: { referenceValue, binaryScaleFactor, decimalScaleFactor } } = wide!;
  wide!.values[0] = (2 ** (16 + binaryScaleFactor) * 2 + referenceValue) / 10 ** decimalScaleFactor;
  const infinite = { ...last!, values: odd!.values.map(() => Infinity) };
  const messages = [packed!, odd!, wide!, infinite];
  const pointCount = odd!.values.length;
  const kept = keep(messages);
  assertEquals(kept.packed.length, (2 + 8 + 8 + 8) * pointCount);
  for (const { member, values } of messages) {
    assertEquals(openKept(kept, member), values);
    assertEquals(round(kept, member), Float32Array.from(values));
  }
});
