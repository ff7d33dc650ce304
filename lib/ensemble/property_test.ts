import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, openWorkplace, planRun } from "../../fixtures/embedded_run.ts";
import { makeRandom } from "../../fixtures/random.ts";
import { findVariables, GIK_VARIABLES } from "../ecmwf/variables.ts";
import type { Region } from "../grib/mod.ts";
import { GIK } from "../output/profile.ts";
import type { Storage } from "../storage/mod.ts";
import { DEFAULT_POLICY, type FetchPolicy } from "./fetch_plan.ts";
import type { PlannedField } from "./field_plan.ts";
import { emptyField } from "./field_reducer.ts";
import { PrefixNeeds } from "./prefix_need.ts";
import { reduceFields, type ReduceOptions } from "./reduce_fields.ts";

const ROUNDS = 20;
const WHOLE: FetchPolicy = { ...DEFAULT_POLICY, prefixes: false, maxJoinedBytes: 0 };

/** A region of at least 8 degrees, so that it holds points of the 3° grid. */
function drawRegion(random: () => number): Region {
  const north = 90 - Math.floor(random() * 160);
  const south = Math.max(-90, north - 8 - Math.floor(random() * 100));
  const west = Math.floor(random() * 360) - 180;
  return { north, west, south, east: Math.min(180, west + 8 + Math.floor(random() * 300)) };
}

function drawPolicy(random: () => number): FetchPolicy {
  const drawGap = () => Math.floor(random() ** 3 * 20_000);
  return {
    prefixes: random() < 0.8,
    gapBytes: drawGap(),
    leastGapBytes: drawGap(),
    throttledGapBytes: drawGap(),
    maxJoinedBytes: random() < 0.2 ? 0 : Math.floor(random() * 100_000),
    wholeBytes: Math.floor(random() * 1500),
  };
}

/** The storage, with another cost at each request. */
function varyCost(storage: Storage, random: () => number): Storage {
  const drawBytes = () => random() < 0.2 ? undefined : Math.floor(random() ** 3 * 20_000);
  const requestCost = () => ({ bytes: drawBytes(), isThrottled: random() < 0.3 });
  return { ...storage, requestCost };
}

/** Needs learnt from messages unlike those of the run. */
function drawNeeds(random: () => number): PrefixNeeds {
  const needs = new PrefixNeeds(GIK.region);
  for (const variable of findVariables(GIK_VARIABLES)) {
    const share = random();
    for (let i = Math.floor(random() * 15); i > 0; i--) {
      const length = 500 + Math.floor(random() * 20_000);
      needs.note(variable, length, Math.min(1, share + 0.1 * random()) * length);
    }
  }
  return needs;
}

/** The plan with some fields, some of the members, in another order. */
function drawPart(plan: readonly PlannedField[], random: () => number): PlannedField[] {
  const share = 0.3 + 0.7 * random();
  return plan.filter(() => random() < share).map((field) => ({
    ...field,
    messages: field.messages.filter(() => random() < share).sort(() => random() - 0.5),
  }));
}

Deno.test("reduceFields() gives the bits of whole messages, whatever region, members, prefixes, joins and line", async () => {
  await using workplace = await openWorkplace();
  const { server, context: { storage } } = workplace;
  const plan = await planRun(BEFORE_50R1, storage, findVariables(GIK_VARIABLES));
  const random = makeRandom(7);
  let differing = 0;
  let secondRequests = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const part = drawPart(plan, random);
    const options: ReduceOptions = {
      storage,
      run: BEFORE_50R1.run,
      region: drawRegion(random),
      parallelFetches: 1 + Math.floor(random() * 12),
      workers: 1 + Math.floor(random() * 3),
    };
    const before = server.counters.bytesSent;
    const expected = await reduceFields(part, { ...options, policy: WHOLE });
    const wholeBytes = server.counters.bytesSent - before;
    const policy = drawPolicy(random);
    let reported = 0;
    const found = await reduceFields(part, {
      ...options,
      storage: varyCost(storage, random),
      needs: drawNeeds(random),
      policy,
      maxBytesUnderWay: Math.floor(random() * 100_000),
      onMessage: (bytes) => reported += bytes,
      onSecondRequest: () => secondRequests++,
    });
    assertEquals(found, expected, JSON.stringify({ round, region: options.region, policy }));
    const bytes = server.counters.bytesSent - before - wholeBytes;
    assertEquals(reported, bytes);
    if (bytes !== wholeBytes) differing++;
  }
  // Otherwise the rounds have compared nothing.
  assert(differing > 0 && secondRequests > 0, `${differing} rounds, ${secondRequests} requests`);
});

Deno.test("reduceFields() fetches joined messages one by one when the server cannot send them together", async () => {
  await using workplace = await openWorkplace();
  const { server, context: { storage } } = workplace;
  const plan = await planRun(BEFORE_50R1, storage, findVariables(["tp"]));
  const options = {
    storage,
    run: BEFORE_50R1.run,
    region: GIK.region,
    parallelFetches: 4,
    workers: 1,
  };
  const expected = await reduceFields(plan, options);
  const spoilt = plan[0]!.messages[1]!;
  const { offset, length } = spoilt.reference;
  const reaches = (range: string | undefined) => {
    const [first, last] = /(\d+)-(\d+)/.exec(range ?? "")!.slice(1).map(Number);
    return first! < offset + length && last! >= offset;
  };
  server.setFaults(({ key, range }) =>
    key.includes("-36h-") && reaches(range) ? { kind: "shift", bytes: -1 } : undefined
  );
  const [at36, at39] = await reduceFields(plan, options);
  assertEquals(at36!.rejections.map(({ member }) => member), [spoilt.member]);
  assertEquals(at36!.members.length, expected[0]!.members.length - 1);
  assertEquals(at39, expected[1]);
});

Deno.test("reduceFields() hands each field that has messages over once, when it is final, and holds no number of it", async () => {
  await using workplace = await openWorkplace();
  const { storage } = workplace.context;
  const plan = await planRun(BEFORE_50R1, storage, findVariables(["tp", "sp"]));
  plan[1]!.messages = [];
  const options = {
    storage,
    run: BEFORE_50R1.run,
    region: GIK.region,
    parallelFetches: 4,
    workers: 2,
  };
  const expected = await reduceFields(plan, options);
  const handed = new Map<number, unknown>();
  const fields = await reduceFields(plan, {
    ...options,
    onField: (index, field) => {
      assert(!handed.has(index));
      handed.set(index, field);
    },
  });
  assert(!handed.has(1) && handed.size === fields.length - 1);
  for (const [index, field] of handed) {
    const { members, rejections } = expected[index]!;
    assertEquals(field, expected[index]);
    assertEquals(fields[index], { ...emptyField(rejections), members });
  }
});
