import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { makeRandom } from "../../fixtures/random.ts";
import { VARIABLES } from "../ecmwf/variables.ts";
import { countUp } from "../util/numbers.ts";
import type { PlannedField } from "./field_plan.ts";
import { MessageQueue, type QueuedMessage, scheduleRequests } from "./schedule_requests.ts";

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
      ...scheduleRequests(new MessageQueue(plan, workers), () => 600, () => 401, 4000),
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

/** Plans of several steps, one a file, and which steps a queue has looked into. */
function planSteps(count: number): { plan: PlannedField[]; seen: Set<number> } {
  const seen = new Set<number>();
  const random = makeRandom(7);
  const plan = Array.from({ length: count }, (_, step) =>
    planStep(random).map((field) => ({
      ...{ ...field, stepHours: 3 * step },
      get messages() {
        seen.add(step);
        return field.messages.map(({ member, reference }) => ({
          ...{ member, reference: { ...reference, url: `s3://b/${step}` } },
        }));
      },
    }))).flat();
  return { plan, seen };
}

const drawAll = (queue: MessageQueue) => [...scheduleRequests(queue, () => 600, () => 401, 4000)];

Deno.test("a MessageQueue puts the messages of a step into line only when a request of it is drawn", () => {
  const { plan, seen } = planSteps(6);
  const queue = new MessageQueue(plan, 2);
  const requests = scheduleRequests(queue, () => 600, () => 401, 4000);
  assertEquals([...seen], []);
  const { messages } = requests.next().value!;
  assertEquals([[...seen], messages[0]!.field < FIELDS], [[0], true]);
  requests.next();
  assertEquals([...seen], [0, 1]);
  // Each worker goes on to its next step when it has drawn all of the one before.
  for (const request of requests) {
    const [step] = request.messages.map(({ field }) => Math.floor(field / FIELDS));
    assert(Math.max(...seen) - step! < 4, `${[...seen]} are in line at step ${step}`);
  }
  assertEquals(seen.size, 6);
});

Deno.test("a MessageQueue never draws messages again that are left out, and all others as before", () => {
  for (const [steps, workers] of [[6, 2], [1, 3]] as const) {
    const { plan } = planSteps(steps);
    const queue = new MessageQueue(plan, workers);
    const nameOf = ({ field, member, worker, lot }: QueuedMessage) =>
      [field, member, worker, lot].join();
    const listNames = () => drawAll(queue).flatMap(({ messages }) => messages.map(nameOf)).sort();
    const all = listNames();
    const left = drawAll(queue).slice(0, 5).flatMap(({ messages }) => messages);
    queue.leaveOut(left);
    const names = new Set(left.map(nameOf));
    assertEquals(listNames(), all.filter((name) => !names.has(name)));
    assertEquals(all.length, steps * FIELDS * MEMBERS);
  }
});

Deno.test("all workers of a queue have as much to do, however many steps there are", () => {
  for (
    const [steps, workers] of [[9, 2], [85, 2], [5, 3], [4, 2], [3, 4], [1, 4], [10, 8]] as const
  ) {
    const requests = drawAll(new MessageQueue(planSteps(steps).plan, workers));
    const messages = requests.flatMap(({ messages }) => messages);
    assertEquals(messages.length, steps * FIELDS * MEMBERS);
    const owners = new Map(messages.map(({ field, worker }) => [field, worker]));
    assertEquals(
      new Set(messages.map(({ field, worker }) => `${field} ${worker}`)).size,
      owners.size,
    );
    const loads = countUp(workers).map((worker) =>
      [...owners.values()].filter((owner) => owner === worker).length
    );
    // Fields are not divided, and some steps have more lots than there are workers left for.
    const spread = Math.max(...loads) - Math.min(...loads);
    assert(spread <= FIELDS / 2, `${steps} steps, ${workers} workers: ${loads}`);
  }
});
