import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { makeRandom } from "../../fixtures/random.ts";
import { findVariables, GIK_VARIABLES, VARIABLES } from "../ecmwf/variables.ts";
import { DEFAULT_POLICY } from "../ensemble/fetch_plan.ts";
import type { PlannedField } from "../ensemble/field_plan.ts";
import { MessageQueue, scheduleRequests } from "../ensemble/schedule_requests.ts";
import { GIK } from "../output/profile.ts";
import { partitionFields } from "./partition_fields.ts";

/** Fields, steps first, whose messages have the lengths that a function gives; none for length 0. */
function planSteps(
  steps: number,
  variables: number,
  lengthOf: (step: number, variable: number) => number,
): PlannedField[] {
  return Array.from({ length: steps * variables }, (_, i) => {
    const [step, variable] = [Math.floor(i / variables), i % variables];
    const length = lengthOf(step, variable);
    const url = `s3://bucket/${step}.grib2`;
    const messages = [0, 1].map((member) => ({
      member,
      // The last variable is the first one in the file.
      reference: { url, offset: 1e6 * (variables - variable) + member, length },
    }));
    return {
      variable: VARIABLES[variable % VARIABLES.length]!,
      stepHours: 3 * step,
      messages: length > 0 ? messages : [],
      rejections: [],
    };
  });
}

function countBytes(plan: readonly PlannedField[], part: readonly number[]): number {
  const lengths = part.flatMap((fieldIndex) =>
    plan[fieldIndex]!.messages.map(({ reference }) => reference.length)
  );
  return lengths.reduce((sum, length) => sum + length, 0);
}

/** The steps of which several parts have fields. */
function listTornSteps(plan: readonly PlannedField[], parts: readonly number[][]): number[] {
  const steps = parts.flatMap((part) => [...new Set(part.map((it) => plan[it]!.stepHours))]);
  return [...new Set(steps.filter((step, i) => steps.indexOf(step) < i))];
}

Deno.test("partitionFields() puts every field into one part, in parts of nearly equal bytes", () => {
  const random = makeRandom(20260206);
  const upTo = (most: number) => 1 + Math.floor(random() * most);
  for (let round = 0; round < 500; round++) {
    const [steps, variables, count] = [upTo(12), upTo(13), upTo(120)];
    const spread = random() < 0.3 ? 0 : 1000;
    const plan = planSteps(
      steps,
      variables,
      () => random() < 0.05 ? 0 : 500 + Math.floor(random() * spread),
    );
    const parts = partitionFields(plan, count);
    assertEquals(parts.length, count);
    assertEquals(parts.flat().sort((a, b) => a - b), [...plan.keys()]);
    assertEquals(partitionFields(plan, count), parts);
    const share = countBytes(plan, [...plan.keys()]) / count;
    const largest = Math.max(...plan.map((_, fieldIndex) => countBytes(plan, [fieldIndex])));
    for (const part of parts) {
      assert(countBytes(plan, part) <= Math.max(4 / 3 * share, share + largest) + plan.length);
      assertEquals(part, part.toSorted((a, b) => a - b));
    }
    assert(listTornSteps(plan, parts).length < Math.min(count, steps + 1));
  }
});

Deno.test("partitionFields() leaves the first parts empty when there are fewer fields, and cuts the others as without them", () => {
  const plan = planSteps(5, 4, (step, variable) => 500 + 10 * step + 30 * variable);
  const parts = partitionFields(plan, 100_000);
  assertEquals(parts.length, 100_000);
  assertEquals(parts.slice(-20), partitionFields(plan, 20));
  assertEquals(parts.slice(0, -20).flat(), []);
  assertEquals(partitionFields([], 3), [[], [], []]);
});

Deno.test("partitionFields() gives whole steps where their number allows it", () => {
  // Steps of a real run grow in bytes with time, by some percent.
  const plan = planSteps(85, 12, (step, variable) => 500_000 + 400 * step + 30_000 * variable);
  for (const count of [1, 2, 5, 9, 17, 20, 85]) {
    const parts = partitionFields(plan, count);
    assertEquals([count, listTornSteps(plan, parts)], [count, []]);
    assertEquals(parts.filter((part) => part.length === 0), []);
  }
});

Deno.test("partitionFields() cuts a step in the order of its fields in the file", () => {
  const plan = planSteps(2, 4, () => 1000);
  assertEquals(partitionFields(plan, 4), [[2, 3], [0, 1], [6, 7], [4, 5]]);
});

Deno.test("partitionFields() leaves parts empty when there are more of them than fields", () => {
  const parts = partitionFields(planSteps(1, 3, () => 1000), 7);
  assertEquals(parts.map(({ length }) => length).sort(), [0, 0, 0, 0, 1, 1, 1]);
});

Deno.test("partitionFields() puts fields without messages into some part, too", () => {
  assertEquals(partitionFields(planSteps(1, 3, () => 0), 2).flat().sort(), [0, 1, 2]);
  assertEquals(partitionFields([], 2), [[], []]);
});

/** Kilobytes of a message at 0.25 degrees, by variable, as ecCodes makes them of smooth random fields. */
const KILOBYTES: Record<string, number> = {
  ...{ tp: 790, t2m: 560, sp: 1110, ssr: 1070, ssrd: 1070, tcw: 1160 },
  ...{ tcwv: 1180, tcc: 130, u700: 650, v700: 550, sf: 410, ro: 370 },
};

/**
 * A run of 51 members, 9 steps and 12 variables, whose fields are in a random order in the file of each
 * step, each message up to two fields out of place.
 */
function planInterleaved(seed: number): PlannedField[] {
  return GIK.steps.flatMap((stepHours) => {
    const random = makeRandom(seed + stepHours);
    const variables = findVariables(GIK_VARIABLES);
    const ranks = variables.map(() => variables.length * random());
    const file = ranks.flatMap((rank, variable) =>
      Array.from({ length: 51 }, (_, member) => ({ member, variable, rank: rank + 2 * random() }))
    ).sort((a, b) => a.rank - b.rank);
    const messages: PlannedField["messages"][number][][] = variables.map(() => []);
    let offset = 0;
    for (const { member, variable } of file) {
      const kilobytes = KILOBYTES[variables[variable]!.name]! * (0.95 + random() / 10);
      const reference = {
        url: `s3://b/${stepHours}`,
        offset,
        length: Math.round(1000 * kilobytes),
      };
      messages[variable]!.push({ member, reference });
      offset += reference.length;
    }
    return variables.map((variable, i) => ({
      ...{ variable, stepHours, messages: messages[i]!, rejections: [] },
    }));
  });
}

/** The share of a message that East Africa needs. */
const NEEDED_SHARE = 0.58;

/** The requests of a process that makes some fields. */
function countRequests(plan: readonly PlannedField[], part: readonly number[]): number {
  const fields = part.map((fieldIndex) => plan[fieldIndex]!);
  const { gapBytes, maxJoinedBytes } = DEFAULT_POLICY;
  const requests = scheduleRequests(
    new MessageQueue(fields, Math.min(2, fields.length)),
    ({ reference }) => NEEDED_SHARE * reference.length,
    () => gapBytes,
    maxJoinedBytes,
  );
  return [...requests].length;
}

Deno.test("partitionFields() keeps neighbours in a file together: 36 tasks send nearly the requests of one", () => {
  for (const seed of [0, 1000, 2000]) {
    const plan = planInterleaved(seed);
    const alone = countRequests(plan, [...plan.keys()]);
    const share = (count: number) => countBytes(plan, [...plan.keys()]) / count;
    for (const [count, most] of [[3, 1.01], [9, 1.01], [20, 1.08], [36, 1.08]] as const) {
      const parts = partitionFields(plan, count);
      const ratio = parts.reduce((sum, part) => sum + countRequests(plan, part), 0) / alone;
      const largest = Math.max(...parts.map((part) => countBytes(plan, part))) / share(count);
      assert(ratio <= most, `${count} tasks send ${ratio} of the requests of one`);
      assert(largest <= 4 / 3, `the largest of ${count} parts is ${largest} of an equal one`);
    }
  }
});
