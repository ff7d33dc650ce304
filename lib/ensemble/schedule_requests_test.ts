import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { makeRandom } from "../../fixtures/random.ts";
import { VARIABLES } from "../ecmwf/variables.ts";
import type { PlannedField } from "./field_plan.ts";
import { queueMessages, scheduleRequests } from "./schedule_requests.ts";

const FIELDS = 4;
const MEMBERS = 20;
const LENGTH = 1000;

/** The fields of one step, whose messages lie among those of their neighbours in the file. */
function planStep(random: () => number): PlannedField[] {
  const file = Array.from({ length: FIELDS * MEMBERS }, (_, i) => ({
    field: i % FIELDS,
    member: Math.floor(i / FIELDS),
    rank: i % FIELDS + 2 * random(),
  })).sort((a, b) => a.rank - b.rank)
    .map((message, i) => ({
      ...message,
      reference: { url: "s3://b/a", offset: i * LENGTH, length: LENGTH },
    }));
  return Array.from({ length: FIELDS }, (_, field) => ({
    variable: VARIABLES[field]!,
    stepHours: 36,
    messages: file.filter((message) => message.field === field)
      .map(({ member, reference }) => ({ member, reference })),
    rejections: [],
  }));
}

Deno.test("scheduleRequests() sends at most one request a worker more for several of them than for one", () => {
  const random = makeRandom(20260206);
  for (let round = 0; round < 50; round++) {
    const plan = planStep(random);
    const schedule = (workers: number) => [
      ...scheduleRequests(queueMessages(plan, workers), workers, () => 600, () => 401, 4000),
    ];
    const alone = schedule(1).length;
    for (const workers of [2, 3, 4]) {
      const requests = schedule(workers);
      assert(requests.length < alone + workers, `${requests.length} for ${workers}, ${alone}`);
      const messages = requests.flatMap((request) => request.messages);
      assertEquals(new Set(messages.map(({ reference }) => reference.offset)).size, 80);
      assertEquals(messages.length, FIELDS * MEMBERS);
      // All messages of a field meet in one worker, and every worker has some.
      const pairs = new Set(messages.map(({ field, worker }) => `${field} ${worker}`));
      assertEquals(pairs.size, FIELDS);
      assertEquals(new Set(messages.map(({ worker }) => worker)).size, workers);
    }
  }
});
