import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { ENSEMBLE_SIZE } from "../ecmwf/members.ts";
import {
  MISSING,
  type PackedValues,
  packIntegers,
  packValues,
  unpackValues,
  valueOf,
  WindowMemory,
} from "./packed_values.ts";
import { type DecodedMessage, decodeMessage } from "./packed_values_fixture.ts";

const MESSAGES: [param: string, factor: number][] = [
  ["tp", 1],
  ["tp", 1 / 1000],
  ["2t", 1],
  ["ssr", 129_600],
];

function unpack(packed: PackedValues): Float64Array {
  const values = new Float64Array(packed.numbers.length);
  unpackValues(packed, values);
  return values;
}

/** The value that an integer of a message stands for. */
function scale(integer: number, { representation, factor }: DecodedMessage): number {
  const { referenceValue, binaryScaleFactor, decimalScaleFactor } = representation;
  return (integer * 2 ** binaryScaleFactor + referenceValue) / 10 ** decimalScaleFactor * factor;
}

Deno.test("integers and values of a message are packed to the same values, to the last bit", () => {
  for (const [param, factor] of MESSAGES) {
    const message = decodeMessage(param, 1, factor);
    const { values, integers } = message;
    for (const packed of [packIntegers(integers, message), packValues(values, message)]) {
      assert(packed.numbers instanceof Uint16Array);
      assertEquals(unpack(packed), values, param);
      assertEquals(values.map((_, i) => valueOf(packed, i)), values, param);
    }
  }
});

Deno.test("a part of packed values is that part of all, in float64 and in float32, however long it is", () => {
  const message = decodeMessage("tp", 1);
  const { values, integers } = message;
  for (const packed of [packIntegers(integers, message), { numbers: values.slice() }]) {
    for (const [start, length] of [[0, 1], [3, 4], [5, 7], [100, 50], [values.length - 2, 2]]) {
      const part = values.subarray(start, start! + length!);
      const out = new Float64Array(length!);
      unpackValues(packed, out, start);
      assertEquals(out, part.slice());
      const rounded = new Float32Array(length!);
      unpackValues(packed, rounded, start);
      assertEquals(rounded, Float32Array.from(part));
    }
  }
});

Deno.test("no value is outside the bounds of its packing, and the highest is one of them", () => {
  for (const [param, factor] of MESSAGES) {
    const message = decodeMessage(param, 2, factor);
    const { values, integers } = message;
    const [least, most] = [Math.min(...values), Math.max(...values)];
    assertEquals(packValues(values, message).bounds, { least, most });
    const { bounds } = packIntegers(integers, message);
    assertEquals(bounds!.most, most, param);
    assert(bounds!.least <= least, param);
  }
});

Deno.test("values that are missing or infinite have no bounds", () => {
  const message = decodeMessage("2t", 1);
  for (const odd of [NaN, Infinity, -Infinity]) {
    const values = message.values.slice();
    values[9] = odd;
    const packed = packValues(values, message);
    assertEquals(packed.bounds, undefined);
    assertEquals(unpack(packed), values);
    assertEquals(valueOf(packed, 9), odd);
  }
  const representation = { ...message.representation, decimalScaleFactor: -400 };
  assertEquals(packIntegers(message.integers, { ...message, representation }).bounds, undefined);
});

Deno.test("the integer that stands for a missing value is not taken for one", () => {
  const message = decodeMessage("2t", 1);
  const { integers, values } = message;
  integers[3] = MISSING;
  values[3] = scale(MISSING, message);
  const packed = packIntegers(integers, message);
  assertEquals(unpack(packed), values);
  assertEquals(packed.bounds!.most, values[3]);
});

Deno.test("the highest integer counts wherever it is", () => {
  const message = decodeMessage("2t", 1);
  for (const place of [0, 1, 2, 3, 4, 5, 6]) {
    const integers = new Uint16Array(7);
    integers[place] = 1234;
    assertEquals(packIntegers(integers, message).bounds!.most, scale(1234, message));
  }
});

Deno.test("memory for integers is taken again once it is given back, and by one message at a time", () => {
  const memory = new WindowMemory();
  const [first, second] = [memory.takeIntegers(100), memory.takeIntegers(100)];
  assert(first !== second);
  memory.giveBack({ numbers: first });
  assert(memory.takeIntegers(100) === first);
  assert(memory.takeIntegers(100) !== first);
  memory.giveBack({ numbers: second });
  assertEquals(memory.takeIntegers(50).length, 50);
  assertEquals(second.length, 0, "windows of another size free it");
});

Deno.test("memory that cannot be used again is freed: other windows, values, more than a field has", () => {
  const memory = new WindowMemory();
  const taken = Array.from({ length: ENSEMBLE_SIZE + 1 }, () => memory.takeIntegers(10));
  for (const numbers of taken) memory.giveBack({ numbers });
  assertEquals(taken.map(({ length }) => length), [...Array(ENSEMBLE_SIZE).fill(10), 0]);
  for (const numbers of [new Uint16Array(11), new Float64Array(10)]) {
    memory.giveBack({ numbers });
    assertEquals(numbers.length, 0);
  }
});
