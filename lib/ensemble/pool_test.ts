import { assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1 } from "../../fixtures/embedded_run.ts";
import type { ExpectedField } from "../ecmwf/check.ts";
import { readMessage } from "../ecmwf/messages_fixture.ts";
import { findVariable } from "../ecmwf/variables.ts";
import { FieldReducer } from "./field.ts";
import { DecodePool } from "./pool.ts";

const { run } = BEFORE_50R1;
const REGION = { north: 25, west: 19, south: -14, east: 55 };
const SP = findVariable("sp")!;

function readSp(member: number, stepHours = 36): [Uint8Array<ArrayBuffer>, ExpectedField] {
  const expected = { run, stepHours, member, variable: SP };
  return [readMessage({ run, stepHours, param: "sp", member }), expected];
}

Deno.test("DecodePool gives what FieldReducer gives, for more fields than workers", async () => {
  using pool = new DecodePool(REGION, 2);
  const steps = [36, 39, 0];
  for (const [field, step] of steps.entries()) {
    await Promise.all([0, 1, 2].map((member) => pool.add(field, ...readSp(member, step))));
  }
  for (const [field, step] of steps.entries()) {
    const reducer = new FieldReducer(REGION);
    for (const member of [0, 1, 2]) reducer.add(...readSp(member, step));
    assertEquals(await pool.reduce(field), reducer.reduce());
  }
});

Deno.test("DecodePool moves messages to its workers instead of copying them", async () => {
  using pool = new DecodePool(REGION, 1);
  const [message, expected] = readSp(1);
  const added = pool.add(0, message, expected);
  assertEquals(message.byteLength, 0);
  await added;
});

Deno.test("DecodePool forgets a field when it is reduced, and knows nothing of one without messages", async () => {
  using pool = new DecodePool(REGION, 1);
  await pool.add(3, ...readSp(1));
  assertEquals((await pool.reduce(3))?.members, [1]);
  assertEquals(await pool.reduce(3), undefined);
  assertEquals(await pool.reduce(4), undefined);
});

Deno.test("DecodePool reports a fault of the program, and goes on", async () => {
  using pool = new DecodePool(REGION, 1);
  const [message, expected] = readSp(1);
  const error = await assertRejects(
    () => pool.add(0, message, { ...expected, run: undefined! }),
    Error,
    "A decode worker failed: TypeError",
  );
  assertStringIncludes(error.message, "check.ts"); // the place of the fault
  await pool.add(0, ...readSp(2));
  assertEquals((await pool.reduce(0))?.members, [2]);
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
    await assertRejects(() => pool.add(0, ...readSp(1)), Error, message);
    await assertRejects(() => pool.add(0, ...readSp(2)), Error, message);
    await assertRejects(() => pool.reduce(0), Error, message);
  } finally {
    globalThis.Worker = RealWorker;
  }
});
