import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1 } from "../../fixtures/embedded_run.ts";
import type { ExpectedField } from "../ecmwf/check_message.ts";
import { readMessage } from "../ecmwf/messages_fixture.ts";
import { findVariable } from "../ecmwf/variables.ts";
import { FieldReducer } from "./field_reducer.ts";
import { DecodePool, EarlyPool } from "./decode_pool.ts";
import type { WorkerCall, WorkerRequest } from "./decode_worker.ts";

const { run } = BEFORE_50R1;
const REGION = { north: 25, west: 19, south: -14, east: 55 };
const SP = findVariable("sp")!;

function readSp(member: number, stepHours = 36): [Uint8Array<ArrayBuffer>, ExpectedField] {
  const expected = { run, stepHours, member, variable: SP };
  return [readMessage({ run, stepHours, param: "sp", member }), expected];
}

/** Adds a message to a field of the worker that its number gives. */
function add(
  pool: DecodePool,
  field: number,
  [message, expected]: [Uint8Array<ArrayBuffer>, ExpectedField],
): Promise<(number | undefined)[]> {
  const worker = field % pool.size;
  return pool.add(message, [{ worker, field, expected, start: 0, end: message.length }]);
}

Deno.test("DecodePool gives what FieldReducer gives, for more fields than workers", async () => {
  using pool = new DecodePool(REGION, 2);
  const steps = [36, 39, 0];
  for (const [field, step] of steps.entries()) {
    await Promise.all([0, 1, 2].map((member) => add(pool, field, readSp(member, step))));
  }
  for (const [field, step] of steps.entries()) {
    const reducer = new FieldReducer(REGION);
    for (const member of [0, 1, 2]) reducer.add(...readSp(member, step));
    assertEquals(await pool.reduce(field % 2, field), reducer.reduce());
  }
});

Deno.test("DecodePool moves messages to its workers instead of copying them", async () => {
  using pool = new DecodePool(REGION, 1);
  const [message, expected] = readSp(1);
  const added = add(pool, 0, [message, expected]);
  assertEquals(message.byteLength, 0);
  await added;
});

Deno.test("DecodePool describes a field to its worker with the first of its messages only", async () => {
  const RealWorker = globalThis.Worker;
  const sent: WorkerRequest[] = [];
  globalThis.Worker = class extends RealWorker {
    override postMessage(call: WorkerCall, transfer: unknown) {
      sent.push(call.request);
      super.postMessage(call, transfer as Transferable[]);
    }
  };
  try {
    using pool = new DecodePool(REGION, 1);
    for (const member of [0, 1, 2]) await add(pool, 7, readSp(member));
    await pool.reduce(0, 7);
    await add(pool, 7, readSp(1, 39));
  } finally {
    globalThis.Worker = RealWorker;
  }
  const opened = sent.map((request) => request.kind === "add" ? request.opened : []);
  const described = (stepHours: number) => [
    { field: 7, region: REGION, expected: { run, stepHours, variable: SP } },
  ];
  assertEquals(opened, [described(36), [], [], [], described(39)]);
  const parts = sent.flatMap((request) => request.kind === "add" ? request.parts : []);
  assertEquals(parts.map(({ member }) => member), [0, 1, 2, 1]);
  assert(parts.every((part) => Object.values(part).every((value) => typeof value === "number")));
});

Deno.test("DecodePool counts a conversion once, however many requests bring the messages of a field", async () => {
  using pool = new DecodePool(REGION, 1);
  const factor = 2;
  const variable = {
    ...SP,
    encodings: SP.encodings.map((it) => ({ ...it, conversion: { units: "hPa", factor } })),
  };
  for (const member of [0, 1]) {
    const [message, expected] = readSp(member);
    await add(pool, 0, [message, { ...expected, variable }]);
  }
  const { conversions } = (await pool.reduce(0, 0))!;
  assertEquals(conversions, [{ units: "hPa", factor, messages: 2 }]);
});

Deno.test("DecodePool forgets a field once it is reduced, and gives nothing for one without messages", async () => {
  using pool = new DecodePool(REGION, 1);
  await add(pool, 3, readSp(1));
  assertEquals((await pool.reduce(0, 3))?.members, [1]);
  assertEquals(await pool.reduce(0, 3), undefined);
  assertEquals(await pool.reduce(0, 4), undefined);
});

Deno.test("DecodePool reports a fault of the program, and decodes later messages", async () => {
  using pool = new DecodePool(REGION, 1);
  const [message, expected] = readSp(1);
  const error = await assertRejects(
    () => add(pool, 1, [message, { ...expected, run: undefined! }]),
    Error,
    "A decode worker failed: TypeError",
  );
  assertStringIncludes(error.message, "check_message.ts"); // the file with the fault
  await add(pool, 0, readSp(2));
  assertEquals((await pool.reduce(0, 0))?.members, [2]);
});

Deno.test("DecodePool rejects all calls, later ones too, when its workers cannot start", async () => {
  const RealWorker = globalThis.Worker;
  globalThis.Worker = class extends RealWorker {
    constructor(_: string | URL, options?: WorkerOptions) {
      super("data:text/javascript,throw new Error('no module')", options);
    }
  };
  try {
    using pool = new DecodePool(REGION, 1);
    const message = "A decode worker stopped: ";
    await assertRejects(() => add(pool, 0, readSp(1)), Error, message);
    await assertRejects(() => add(pool, 0, readSp(2)), Error, message);
    await assertRejects(() => pool.reduce(0, 0), Error, message);
  } finally {
    globalThis.Worker = RealWorker;
  }
});

for (const size of [1, 2]) {
  Deno.test(`DecodePool reads messages of several fields from one buffer in ${size} workers, and returns what each needs`, async () => {
    using pool = new DecodePool(REGION, size);
    const [first, second] = [readSp(1), readSp(2, 39)];
    const bytes = new Uint8Array([...first[0], 7, 7, ...second[0]]);
    const start = first[0].length + 2;
    const other = { worker: size - 1, field: 1, start, end: bytes.length };
    const needs = await pool.add(bytes, [
      { ...other, expected: second[1] },
      { worker: 0, field: 0, expected: first[1], start: 0, end: first[0].length },
      { ...other, expected: { ...second[1], member: 3 } },
      { ...other, expected: { ...second[1], member: 4 }, end: start + 100 },
    ]);
    assert(needs[1]! < first[0].length && needs[0]! < second[0].length);
    assertEquals(needs[2], undefined);
    assert(needs[3]! > 100);
    assertEquals((await pool.reduce(0, 0))?.members, [1]);
    const { members, rejections } = (await pool.reduce(size - 1, 1))!;
    assertEquals([members, rejections.map(({ member }) => member)], [[2], [3]]);
  });
}

Deno.test("EarlyPool gives its worker once, which grows into a pool of several", async () => {
  using early = new EarlyPool(REGION);
  using pool = early.take()!;
  assertEquals([pool.size, early.take()], [1, undefined]);
  pool.grow(2);
  for (const field of [0, 1]) await add(pool, field, readSp(field));
  assertEquals(pool.size, 2);
  for (const field of [0, 1]) assertEquals((await pool.reduce(field, field))?.members, [field]);
});
