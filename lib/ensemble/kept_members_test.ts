import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1 } from "../../fixtures/embedded_run.ts";
import { readMessage } from "../ecmwf/messages_fixture.ts";
import { decodePrefix, parsePrefix, selectWindow } from "../grib/mod.ts";
import {
  type DecodedMessage,
  fillKept,
  keepMembers,
  listKept,
  openKept,
  packValues,
} from "./kept_members.ts";

const { run } = BEFORE_50R1;
const REGION = { north: 25, west: 19, south: -14, east: 55 };

/** A message of the embedded run over the region. */
function decode(
  param: string,
  member: number,
  factor = 1,
  level?: number,
): DecodedMessage & { member: number } {
  const field = parsePrefix(readMessage({ run, stepHours: 36, param, member, level }));
  const { values, integers } = decodePrefix(field, selectWindow(field.grid, REGION));
  if (factor !== 1) values.forEach((value, i) => values[i] = value * factor);
  return { member, values, integers, representation: field.representation, factor };
}

function keep(messages: readonly ReturnType<typeof decode>[]) {
  const parts = messages.map(({ member, ...message }) => ({ member, ...packValues(message) }));
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
    const messages = [0, 1, 3].map((member) => decode(param, member, factor));
    const pointCount = messages[0]!.values.length;
    const kept = keep(messages);
    assertEquals(listKept(kept), [0, 1, 3]);
    assertEquals(kept.packed.length, 3 * 2 * pointCount, param);
    for (const { member, values } of messages) {
      assertEquals(openKept(kept, member), values);
      assertEquals(round(kept, member), Float32Array.from(values));
    }
    assertEquals(openKept(kept, 2), undefined);
    assert(!fillKept(kept, 2, new Float32Array(pointCount)));
  }
});

Deno.test("members come back alike, whether their integers are given or found again", () => {
  for (const [param, factor] of [["tp", 1 / 1000], ["2t", 1], ["ssr", 129_600]] as const) {
    const given = decode(param, 1, factor);
    assert(given.integers, param);
    const found = keep([{ ...given, integers: undefined }]);
    assertEquals(openKept(keep([given]), 1), openKept(found, 1));
  }
});

Deno.test("the integer that stands for a missing value is not taken for one", () => {
  const message = decode("2t", 1);
  const { representation: { referenceValue, binaryScaleFactor, decimalScaleFactor } } = message;
  message.integers![3] = 0xffff;
  message.values[3] = (0xffff * 2 ** binaryScaleFactor + referenceValue) / 10 ** decimalScaleFactor;
  assertEquals(openKept(keep([message]), 1), message.values);
});

Deno.test("a value that is missing stays missing, whatever its message is packed in", () => {
  const message = { ...decode("2t", 1), integers: undefined };
  message.values[5] = NaN;
  const kept = keep([message]);
  assertEquals(openKept(kept, 1), message.values);
  assert(Number.isNaN(openKept(kept, 1)![5]));
});

Deno.test("values that their message's scales do not give are kept as they are, beside others", () => {
  const [packed, odd, wide, last] = [1, 2, 3, 0].map((member) => ({
    ...decode("2t", member),
    integers: undefined,
  }));
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
