import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import {
  AFTER_50R1,
  BEFORE_50R1,
  bucketKey,
  EMBEDDED_STEPS,
  type EmbeddedRun,
  largestDifference,
  ONE_REQUEST_EACH,
  openWorkplace,
  planRun,
  readEmbeddedBucket,
  readExpected,
} from "../../fixtures/embedded_run.ts";
import { SLOW_DOWN } from "../../fixtures/s3_server.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { firstMembers } from "../ecmwf/members.ts";
import { findVariable, findVariables, GIK_VARIABLES } from "../ecmwf/variables.ts";
import { GIK } from "../output/profile.ts";
import { openStorage, type RequestCost, type Storage, StorageError } from "../storage/mod.ts";
import { DEFAULT_POLICY } from "./fetch_plan.ts";
import { PrefixNeeds } from "./prefix_need.ts";
import { reduceFields, type ReduceOptions } from "./reduce_fields.ts";

const ALL_VARIABLES = findVariables(GIK_VARIABLES);
const TP = findVariable("tp")!;

function options({ run }: EmbeddedRun, storage: Storage): ReduceOptions {
  return {
    storage,
    run,
    region: GIK.region,
    parallelFetches: 8,
    workers: 2,
    policy: ONE_REQUEST_EACH,
  };
}

for (const embedded of [BEFORE_50R1, AFTER_50R1]) {
  const { run, members } = embedded;
  Deno.test(`reduceFields() gives ecCodes' and numpy's values of ${run.date}, for one GET a message`, async () => {
    await using workplace = await openWorkplace();
    const { server, context: { storage } } = workplace;
    const plan = await planRun(embedded, storage, ALL_VARIABLES);
    const planned = server.requests.length;
    const messages = members * ALL_VARIABLES.length * EMBEDDED_STEPS.length;
    const received: number[] = [];
    const reduced = await reduceFields(plan, {
      ...options(embedded, storage),
      onMessage: (bytes) => received.push(bytes),
    });

    const fields = plan.map((field, i) => ({ ...field, reduced: reduced[i]! }));
    const difference = largestDifference(fields, await readExpected(run));
    assert(difference <= 1e-6, `${difference}`);
    for (const field of reduced) {
      assertEquals([field.members, field.rejections], [firstMembers(members), []]);
    }
    const requests = server.requests.slice(planned);
    assertEquals(requests.filter(({ method }) => method === "GET").length, messages);
    assertEquals(new Set(requests.map(({ key, range }) => `${key} ${range}`)).size, messages);
    assertEquals(requests.length, messages);
    const bytesSent = requests.reduce((sum, request) => sum + request.bytesSent, 0);
    assertEquals(received.length, messages);
    assertEquals(received.reduce((sum, bytes) => sum + bytes), bytesSent);
  });
}

Deno.test("reduceFields() gives equal bits for any number of workers and fetches at once", async () => {
  await using workplace = await openWorkplace();
  const { storage } = workplace.context;
  const plan = await planRun(BEFORE_50R1, storage, ALL_VARIABLES.slice(0, 3));
  const reduce = (workers: number, parallelFetches: number) =>
    reduceFields(plan, { ...options(BEFORE_50R1, storage), workers, parallelFetches });
  const alone = await reduce(1, 1);
  assertEquals(await reduce(3, 16), alone);
  assertEquals(await reduce(10, 2), alone);
});

Deno.test("reduceFields() rejects the messages of a missing file, and reduces the rest", async () => {
  const bucket = await readEmbeddedBucket();
  await using workplace = await openWorkplace(bucket);
  const { storage } = workplace.context;
  const plan = await planRun(AFTER_50R1, storage, [TP]);
  const [, oper36] = stepFiles(AFTER_50R1.run, 36);
  const [enfo39, oper39] = stepFiles(AFTER_50R1.run, 39);
  for (const file of [oper36!, enfo39!, oper39!]) {
    bucket.delete(bucketKey(file.url));
  }
  const [at36, at39] = await reduceFields(plan, options(AFTER_50R1, storage));
  assertEquals(at36!.members, [1, 2]);
  assertEquals(at36!.rejections.map(({ member }) => member), [0]);
  assertStringIncludes(at36!.rejections[0]!.reason, `Cannot read "${oper36!.url}"`);
  assertEquals([at39!.members, at39!.mean.length, at39!.axes], [[], 0, undefined]);
  assertEquals(at39!.rejections.map(({ member }) => member), [0, 1, 2]);
  assertStringIncludes(at39!.rejections[1]!.reason, enfo39!.url);
});

Deno.test("reduceFields() rejects a message that is not the one asked for", async () => {
  await using workplace = await openWorkplace();
  const { storage } = workplace.context;
  const [field] = await planRun(BEFORE_50R1, storage, [TP]);
  const [first, ...others] = field!.messages;
  const messages = [{ ...first!, reference: others[0]!.reference }, ...others];
  const [reduced] = await reduceFields([{ ...field!, messages }], options(BEFORE_50R1, storage));
  assertEquals(reduced!.members, others.map(({ member }) => member).sort());
  assertEquals(reduced!.rejections.map(({ member }) => member), [first!.member]);
  assertStringIncludes(reduced!.rejections[0]!.reason, `its member is ${others[0]!.member}`);
});

Deno.test("reduceFields() retains the plan's own rejections, in the order of the members", async () => {
  await using workplace = await openWorkplace();
  const { storage } = workplace.context;
  const [field, empty] = await planRun(BEFORE_50R1, storage, [TP]);
  const rejections = [{ member: 50, reason: "no store" }];
  const { reference } = field!.messages.find(({ member }) => member === 2)!;
  const misplaced = field!.messages.map((message) =>
    message.member === 1 ? { ...message, reference } : message
  );
  const [reduced, nothing] = await reduceFields([
    { ...field!, messages: misplaced, rejections },
    { ...empty!, messages: [], rejections },
  ], options(BEFORE_50R1, storage));
  assertEquals(reduced!.rejections.map(({ member }) => member), [1, 50]);
  assertEquals([nothing!.members, nothing!.rejections], [[], rejections]);
});

Deno.test("reduceFields() rejects a message that never arrives whole, and reports no bytes for it", async () => {
  await using workplace = await openWorkplace();
  const { server, context: { storage } } = workplace;
  const [field] = await planRun(BEFORE_50R1, storage, [TP]);
  const struck = field!.messages.find(({ member }) => member === 2)!.reference;
  const { offset, length } = struck;
  server.setFaults(({ range }) =>
    range === `bytes=${offset}-${offset + length - 1}` ? { kind: "shift", bytes: -1 } : undefined
  );
  const received: number[] = [];
  const [reduced] = await reduceFields([field!], {
    ...options(BEFORE_50R1, storage),
    onMessage: (bytes) => received.push(bytes),
  });
  assertEquals(reduced!.members, [0, 1, 3]);
  assertStringIncludes(reduced!.rejections[0]!.reason, "gave up after 3 attempts");
  assertEquals(received.filter((bytes) => bytes === 0).length, 1);
  assertEquals(received.length, 4);
});

Deno.test("reduceFields() throws when the server fails, instead of leaving members out", async () => {
  await using workplace = await openWorkplace();
  const { storage } = workplace.context;
  const plan = await planRun(BEFORE_50R1, storage, [TP]);
  let requests = 0;
  workplace.server.setFaults(() => ++requests > 3 ? SLOW_DOWN : undefined);
  const error = await assertRejects(
    () => reduceFields(plan, options(BEFORE_50R1, storage)),
    StorageError,
  );
  assertEquals(error.kind, "unreachable");
});

Deno.test("reduceFields() throws when there is no server", async () => {
  const workplace = await openWorkplace();
  const plan = await planRun(BEFORE_50R1, workplace.context.storage, [TP]);
  const endpoint = workplace.server.url;
  await workplace[Symbol.asyncDispose]();
  const storage = openStorage({ endpoint, maxAttempts: 1, giveUpAfterMs: 0 });
  const error = await assertRejects(
    () => reduceFields(plan, options(BEFORE_50R1, storage)),
    StorageError,
  );
  assertEquals(error.kind, "unreachable");
});

Deno.test("reduceFields() sends fewer requests for more bytes, the more a request costs", async () => {
  await using workplace = await openWorkplace();
  const { server, context: { storage } } = workplace;
  const plan = await planRun(BEFORE_50R1, storage, ALL_VARIABLES);
  const policy = {
    ...DEFAULT_POLICY,
    leastGapBytes: 0,
    gapBytes: 6000,
    throttledGapBytes: 100_000,
    wholeBytes: 0,
  };
  const costs: RequestCost[] = [
    { bytes: 10, isThrottled: false },
    { bytes: undefined, isThrottled: false },
    { bytes: 10, isThrottled: true },
  ];
  const results: unknown[] = [];
  const asked: { requests: number; bytesSent: number }[] = [];
  for (const cost of costs) {
    const before = server.counters;
    const line = { ...storage, requestCost: () => cost };
    results.push(await reduceFields(plan, { ...options(BEFORE_50R1, line), policy }));
    const { requests, bytesSent } = server.counters;
    asked.push({
      requests: requests - before.requests,
      bytesSent: bytesSent - before.bytesSent,
    });
  }
  const [narrow, unknown, throttled] = asked;
  const counts = JSON.stringify(asked);
  assert(narrow!.requests > 1.2 * unknown!.requests, counts);
  assert(unknown!.requests > 1.2 * throttled!.requests, counts);
  assert(narrow!.bytesSent < unknown!.bytesSent, counts);
  assert(unknown!.bytesSent < throttled!.bytesSent, counts);
  assertEquals(results[1], results[0]);
  assertEquals(results[2], results[0]);
});

Deno.test("reduceFields() fetches a part of the rest of a message that was too short, then all of it", async () => {
  await using workplace = await openWorkplace();
  const { storage } = workplace.context;
  const plan = await planRun(BEFORE_50R1, storage, [findVariable("sp")!]);
  const messages = plan.flatMap((field) => field.messages);
  const wholeBytes = messages.reduce((sum, { reference }) => sum + reference.length, 0);
  const expected = await reduceFields(plan, options(BEFORE_50R1, storage));
  const reduce = async (share: number) => {
    const needs = new PrefixNeeds(GIK.region);
    // Often enough that the few messages of this reduction change nothing.
    for (let i = 0; i < 10_000; i++) needs.note(findVariable("sp")!, 10_000, share * 10_000);
    let secondRequests = 0;
    let bytes = 0;
    const found = await reduceFields(plan, {
      ...options(BEFORE_50R1, storage),
      policy: { ...ONE_REQUEST_EACH, wholeBytes: 0 },
      needs,
      onSecondRequest: () => secondRequests++,
      onMessage: (received) => bytes += received,
    });
    assertEquals(found, expected);
    return { each: secondRequests / messages.length, share: bytes / wholeBytes };
  };
  const [enough, little, tooLittle] = [await reduce(0.7), await reduce(0.5), await reduce(0.2)];
  assertEquals([enough.each, little.each], [0, 1]);
  assert(enough.share < 0.75 && little.share < 0.75, `${enough.share} and ${little.share}`);
  // Those that come first take two more requests, and tell what the later ones need.
  assert(tooLittle.each > 1 && tooLittle.each <= 2, `${tooLittle.each}`);
  assert(tooLittle.share > little.share && tooLittle.share <= 1, `${tooLittle.share}`);
});
