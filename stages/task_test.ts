import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { openWorkplace, type Workplace } from "../fixtures/embedded_run.ts";
import { streamOptions, writeFinalStores } from "./stream_fixture.ts";
import { makeRandom } from "../fixtures/random.ts";
import { IncompleteError } from "../lib/cli/errors.ts";
import { GIK } from "../lib/profile.ts";
import { runMerge } from "./stream_merge.ts";
import type { StreamOptions } from "./stream_plan.ts";
import { runStream } from "./stream_run.ts";
import { runTask } from "./stream_task.ts";

/** The tasks of an array in some order, a few of them twice, in groups that run at the same time. */
function shuffleTasks(count: number, random: () => number): number[][] {
  const indexes = Array.from({ length: count }, (_, i) => i);
  const tasks = [...indexes, ...indexes.filter(() => random() < 0.2)]
    .map((index) => ({ index, rank: random() })).sort((a, b) => a.rank - b.rank);
  const groups: number[][] = [];
  for (const { index } of tasks) {
    if (groups.length === 0 || random() < 0.5) groups.push([]);
    groups.at(-1)!.push(index);
  }
  return groups;
}

function withWork(place: Workplace, name: string): StreamOptions {
  const { folder } = place;
  return {
    ...streamOptions(folder, GIK.variables),
    outputDir: `${folder}/${name}`,
    work: `${folder}/${name}_work`,
  };
}

async function listNames(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

const TASK_COUNTS = [1, 2, 5, 9, 24, 31, 120];

Deno.test("runMerge() writes what one process writes, byte for byte, whatever the tasks and their order", async () => {
  await using place = await openWorkplace();
  const { context, server, folder } = place;
  await writeFinalStores(place);
  const alone = await runStream(streamOptions(folder, GIK.variables), context);
  const expected = await Deno.readFile(alone.path);
  const random = makeRandom(20260206);
  for (const count of TASK_COUNTS) {
    const options = withWork(place, `tasks_${count}`);
    for (const group of shuffleTasks(count, random)) {
      await Promise.all(group.map((index) => runTask({ index, count }, options, context)));
    }
    const before = server.requests.length;
    const { path, complete, fields } = await runMerge(options, context);
    assertEquals(server.requests.length, before);
    assertEquals([count, complete, fields.length], [count, true, 24]);
    assertEquals(await Deno.readFile(path), expected);
    assertEquals(await listNames(options.work!), []);
  }
});

Deno.test("runTask() fetches its own part, and nothing again", async () => {
  await using place = await openWorkplace();
  const { context, server } = place;
  await writeFinalStores(place);
  const options = withWork(place, "out");
  const before = server.requests.length;
  const first = await runTask({ index: 0, count: 2 }, options, context);
  // 12 variables of 4 members, all of one step.
  assertEquals(server.requests.length - before, 48);
  assertEquals(new Set(first.fields.map(({ stepHours }) => stepHours)), new Set([36]));
  const again = await runTask({ index: 0, count: 2 }, options, context);
  assertEquals([again.fieldsTakenOver, again.complete], [12, true]);
  assertEquals(server.requests.length - before, 48);
});

Deno.test("runMerge() names the fields that are not there and their tasks, and writes nothing", async () => {
  await using place = await openWorkplace();
  const { context } = place;
  await writeFinalStores(place);
  const options = withWork(place, "out");
  const error = await assertRejects(() => runMerge(options, context), IncompleteError);
  assertStringIncludes(error.message, "24 of 24 fields are not in");
  assertStringIncludes(error.message, "run their tasks again");
  for (const index of [0, 2, 3]) await runTask({ index, count: 4 }, options, context);
  const other = await assertRejects(() => runMerge(options, context), IncompleteError);
  assert(/ \d of 24 fields are not in .* \(36 h\).*: run --task 1\/4 again$/.test(other.message));
  await assertRejects(() => Deno.stat(options.outputDir), Deno.errors.NotFound);
});
