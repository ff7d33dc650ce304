import { assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import {
  BEFORE_50R1,
  bucketKey,
  openWorkplace,
  readEmbeddedBucket,
} from "../../fixtures/embedded_run.ts";
import type { Fault } from "../../fixtures/s3_server.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { spotCheck } from "./spot_check.ts";
import { readStepIndex } from "./step_index.ts";

const { run } = BEFORE_50R1;
const [file] = stepFiles(run, 36);

Deno.test("spotCheck() fetches and decodes the number of messages asked for, and finds nothing wrong", async () => {
  await using place = await openWorkplace();
  const { storage } = place.context;
  const { fields } = await readStepIndex(storage, run, file!);
  const before = place.server.requests.length;
  assertEquals(await spotCheck(storage, run, fields, 5), { checked: 5, faults: [] });
  const fetched = place.server.requests.slice(before).map(({ range }) => range);
  assertEquals(new Set(fetched).size, 5);
});

Deno.test("spotCheck() says which message is not what the index says, and where it lies", async () => {
  await using place = await openWorkplace();
  const { storage } = place.context;
  const { fields } = await readStepIndex(storage, run, file!);
  const moved = fields.map((indexed, i) => {
    const { reference } = fields[(i + 1) % fields.length]!;
    return { ...indexed, reference };
  });
  const { checked, faults } = await spotCheck(storage, run, moved);
  assertEquals([checked, faults.length], [3, 3]);
  const { reference } = moved.find(({ field }) => field.param === "2t")!;
  assertStringIncludes(
    faults[0]!,
    `2t, ${file!.url} at byte ${reference.offset}: its parameter is`,
  );
});

Deno.test("spotCheck() names a message that is damaged or past the end of its file", async () => {
  const bucket = await readEmbeddedBucket();
  const key = bucketKey(file!.url);
  await using place = await openWorkplace(bucket);
  const { storage } = place.context;
  const { fields } = await readStepIndex(storage, run, file!);
  bucket.set(key, bucket.get(key)!.slice(0, 1000).fill(0));
  const { faults } = await spotCheck(storage, run, fields);
  assertEquals(faults.length, 3);
});

Deno.test("spotCheck() names a file that was replaced after its index was read", async () => {
  const bucket = await readEmbeddedBucket();
  const key = bucketKey(file!.url);
  await using place = await openWorkplace(bucket);
  const { storage } = place.context;
  const { fields } = await readStepIndex(storage, run, file!);
  // The same messages, and one more.
  bucket.set(key, new Uint8Array([...bucket.get(key)!, ...bucket.get(key)!.slice(0, 10_000)]));
  const { faults } = await spotCheck(storage, run, fields);
  assertEquals(faults.length, 3);
  assertStringIncludes(faults[0]!, "it was replaced on the server while it was read");
});

Deno.test("spotCheck() names a message that the server denies, fails to send or sends wrongly", async () => {
  await using place = await openWorkplace();
  const { context: { storage }, server } = place;
  const { fields } = await readStepIndex(storage, run, file!);
  const faults: [fault: Fault, says: string][] = [
    [{ kind: "status", status: 500, code: "InternalError" }, "(500 InternalError)"],
    [{ kind: "status", status: 403, code: "AccessDenied" }, "(403 AccessDenied)"],
    [{ kind: "shift", bytes: -1 }, "gave up after 3 attempts"],
  ];
  for (const [fault, says] of faults) {
    let asked: string | undefined;
    // The first message alone.
    server.setFaults(({ range }) => range === (asked ??= range) ? fault : undefined);
    const { checked, faults } = await spotCheck(storage, run, fields);
    assertEquals([checked, faults.length], [3, 1]);
    assertStringIncludes(faults[0]!, says);
  }
});
