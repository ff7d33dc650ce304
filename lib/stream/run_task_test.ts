import { assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@^1.0.0";
import {
  BEFORE_50R1,
  openWorkplace,
  readEmbeddedBucket,
  type Workplace,
} from "../../fixtures/embedded_run.ts";
import { raiseValues, replaceFile, reverseMessages } from "../../fixtures/file_versions.ts";
import { makeRandom } from "../../fixtures/random.ts";
import { listNames } from "../../fixtures/folder.ts";
import { IncompleteError } from "../errors.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { describeRejections } from "../ensemble/field_result.ts";
import { GIK_VARIABLES } from "../ecmwf/variables.ts";
import { openStorage, StorageError } from "../storage/mod.ts";
import {
  openImplausibleWorkplace,
  openLackingWorkplace,
  readVariable,
  streamOptions,
  writeFinalStores,
} from "./final_stores_fixture.ts";
import { runMerge } from "./run_merge.ts";
import type { StreamOptions } from "./stream_options.ts";
import { runStream } from "./run_stream.ts";
import { runTask } from "./run_task.ts";

const { run } = BEFORE_50R1;

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

/** Options of tasks with an output and a work folder of their own. */
function taskOptions(
  { folder }: Workplace,
  name: string,
  variables: readonly string[] = GIK_VARIABLES,
): StreamOptions {
  const options = streamOptions(folder, variables);
  return { ...options, outputDir: `${folder}/${name}`, work: `${folder}/${name}_work` };
}

/** The context with a storage that has read nothing yet, like that of another process. */
function asNewProcess({ server, context }: Workplace): Workplace["context"] {
  const storage = openStorage({ endpoint: server.url, giveUpAfterMs: 0, minDelayMs: 1 });
  return { ...context, storage };
}

/** Runs all tasks in shuffled order, each as another process. */
async function runTasks(
  workplace: Workplace,
  count: number,
  options: StreamOptions,
  random: () => number = makeRandom(count),
) {
  const results = new Map<number, Awaited<ReturnType<typeof runTask>>>();
  for (const group of shuffleTasks(count, random)) {
    await Promise.all(group.map(async (index) => {
      results.set(index, await runTask({ index, count }, options, asNewProcess(workplace)));
    }));
  }
  return [...results.values()];
}

/** The output of one process with the same options. */
async function streamAlone(workplace: Workplace, options: StreamOptions): Promise<Uint8Array> {
  const { work: _, ...given } = options;
  const outputDir = `${workplace.folder}/alone_${crypto.randomUUID()}`;
  const { path } = await runStream({ ...given, outputDir }, asNewProcess(workplace));
  return await Deno.readFile(path);
}

const TASK_COUNTS = [1, 2, 5, 9, 24, 120];

Deno.test("runMerge() writes what one process writes, byte for byte, whatever the tasks and their order", async () => {
  await using workplace = await openWorkplace();
  const { server, context } = workplace;
  await writeFinalStores(workplace);
  const expected = await streamAlone(workplace, taskOptions(workplace, "out"));
  for (const count of TASK_COUNTS) {
    const options = taskOptions(workplace, `tasks_${count}`);
    await runTasks(workplace, count, options);
    const before = server.requests.length;
    const { path, complete, fields } = await runMerge(options, context);
    assertEquals(server.requests.length, before);
    assertEquals([count, complete, fields.length], [count, true, 24]);
    assertEquals(await Deno.readFile(path), expected);
    assertEquals(await listNames(options.work!), []);
  }
});

Deno.test("runTask() fetches its own part, whole steps where there are few tasks, and nothing again", async () => {
  await using workplace = await openWorkplace();
  const { server } = workplace;
  await writeFinalStores(workplace);
  const options = taskOptions(workplace, "out");
  const before = server.requests.length;
  const first = await runTask({ index: 0, count: 2 }, options, asNewProcess(workplace));
  // 12 variables of 4 members.
  assertEquals(server.requests.length - before, 48);
  assertEquals(new Set(first.fields.map(({ stepHours }) => stepHours)), new Set([36]));
  const again = await runTask({ index: 0, count: 2 }, options, asNewProcess(workplace));
  assertEquals([again.fieldsResumed, again.complete], [12, true]);
  assertEquals(server.requests.length - before, 48);
});

Deno.test("runTask() with nothing to do does nothing, and is complete", async () => {
  await using workplace = await openWorkplace();
  const { server } = workplace;
  await writeFinalStores(workplace);
  const options = taskOptions(workplace, "out", ["t2m"]);
  const before = server.requests.length;
  const results = [];
  for (let index = 0; index < 5; index++) {
    results.push(await runTask({ index, count: 5 }, options, asNewProcess(workplace)));
  }
  assertEquals(results.map(({ fields }) => fields.length).sort(), [0, 0, 0, 1, 1]);
  assertEquals(results.map(({ complete }) => complete), Array(5).fill(true));
  assertEquals(server.requests.length - before, 8);
});

Deno.test("runMerge() names the fields that are missing and their tasks, and writes nothing", async () => {
  await using workplace = await openWorkplace();
  const { context } = workplace;
  await writeFinalStores(workplace);
  const options = taskOptions(workplace, "out");
  const merge = () => runMerge(options, context);
  const { message } = await assertRejects(merge, IncompleteError);
  assertMatch(message, /^Cannot merge: 24 of 24 fields are not in .*: run their tasks again$/);
  for (const index of [0, 2, 3]) await runTask({ index, count: 4 }, options, context);
  const { message: next } = await assertRejects(merge, IncompleteError);
  assertMatch(next, /: \d of 24 fields are not in .* \(36 h\).*: run --task 1\/4 again$/);
  await assertRejects(() => Deno.stat(options.outputDir), Deno.errors.NotFound);
  await runTask({ index: 1, count: 4 }, options, context);
  assertEquals((await merge()).complete, true);
});

Deno.test("runMerge() uses no field that is damaged or of another command, and names it", async () => {
  await using workplace = await openWorkplace();
  const { context, warnings } = workplace;
  await writeFinalStores(workplace);
  const options = taskOptions(workplace, "out", ["t2m", "u700"]);
  const expected = await streamAlone(workplace, options);
  await runTasks(workplace, 2, options);
  // A command with fewer members leaves files of the same variables and steps.
  await runTasks(workplace, 2, { ...options, maxMembers: 3 });
  const merge = () => runMerge(options, context);
  const work = options.work!;
  const names = await listNames(work);
  assertEquals(names.length, 8);
  warnings.length = 0;
  const [own] = await findOwn(names.filter((name) => name.startsWith("t2m_39h_")), work, 4);
  const bytes = await Deno.readFile(own!);
  const [foreign] = await findOwn(names.filter((name) => name.startsWith("t2m_39h_")), work, 3);
  for (const damaged of [bytes.with(1000, bytes[1000]! ^ 1), await Deno.readFile(foreign!)]) {
    await Deno.writeFile(own!, damaged);
    const { message } = await assertRejects(merge, IncompleteError);
    assertMatch(message, /1 of 4 fields are not in .*, t2m \(39 h\): run --task 1\/2 again$/);
    assertEquals(warnings, [
      `ignoring 4 of the files in ${work}: they are not of this command`,
      `${own} is damaged: its field is fetched again`,
    ]);
    warnings.length = 0;
  }
  await runTask({ index: 1, count: 2 }, options, context);
  assertEquals(await Deno.readFile((await merge()).path), expected);
  // The fields of the other command stay, and its merge reads them.
  assertEquals((await listNames(work)).length, 4);
  assertEquals((await runMerge({ ...options, maxMembers: 3 }, context)).messagesUsed, 12);
});

/** The files of fields with this number of members. */
async function findOwn(names: readonly string[], work: string, count: number): Promise<string[]> {
  const paths: string[] = [];
  for (const name of names) {
    const text = new TextDecoder().decode(await Deno.readFile(`${work}/${name}`));
    const [, list] = /"members":\[([\d,]*)\]/.exec(text)!;
    if (list!.split(",").length === count) paths.push(`${work}/${name}`);
  }
  return paths;
}

Deno.test("a task that lacks messages names them and saves its fields, and the merge uses these", async () => {
  const bucket = await readEmbeddedBucket();
  await using workplace = await openWorkplace(bucket);
  const { context } = workplace;
  await writeFinalStores(workplace);
  const [file] = stepFiles(run, 39);
  const key = file!.url.slice("s3://ecmwf-forecasts/".length);
  const bytes = bucket.get(key)!;
  bucket.delete(key);
  const options = taskOptions(workplace, "out", ["t2m", "u700"]);
  const expected = await streamAlone(workplace, options);
  const [there, absent] = (await runTasks(workplace, 2, options)).sort((a, b) =>
    a.task.index - b.task.index
  );
  assertEquals([there!.complete, absent!.complete], [true, false]);
  assertMatch(describeRejections(absent!.fields).join(), /^all fields, members control, 1-3: .*/);
  const early = await runMerge(options, context);
  assertEquals([early.complete, early.messagesUsed], [false, 8]);
  assertEquals(await Deno.readFile(early.path), expected);

  await runTasks(workplace, 2, options);
  bucket.set(key, bytes);
  const again = await runTask({ index: 1, count: 2 }, options, asNewProcess(workplace));
  assertEquals([again.fieldsResumed, again.complete], [0, true]);
  const late = await runMerge(options, context);
  assertEquals(await Deno.readFile(late.path), await streamAlone(workplace, options));
  assertEquals([late.complete, await listNames(options.work!)], [true, []]);
});

Deno.test("runMerge() leaves fields of fewer members than required empty, as one process does", async () => {
  await using workplace = await openLackingWorkplace();
  const options = { ...taskOptions(workplace, "out", ["t2m", "u700"]), minMembers: 3 };
  const tasks = await runTasks(workplace, 3, options);
  assertEquals(tasks.filter(({ complete }) => !complete).length, 1);
  const { path, complete } = await runMerge(options, workplace.context);
  assertEquals([complete, await readVariable(path, "t2m_members_used")], [false, [0, 4]]);
  assertEquals(await Deno.readFile(path), await streamAlone(workplace, options));
});

Deno.test("the last task to finish an accumulation leaves out implausible messages; the merge fetches nothing", async () => {
  await using workplace = await openImplausibleWorkplace();
  const { server } = workplace;
  const variables = ["tp", "t2m", "u700"];
  const plain = taskOptions(workplace, "plain", variables);
  const options = { ...taskOptions(workplace, "dropped", variables), dropImplausible: true };
  const alone = [await streamAlone(workplace, plain), await streamAlone(workplace, options)];
  assertEquals(alone[0]!.every((byte, i) => byte === alone[1]![i]), false);
  for (const [i, given] of [plain, options].entries()) {
    for (const count of [1, 2, 3, 6, 11]) {
      await runTasks(workplace, count, given, makeRandom(7 * count + i));
      const before = server.requests.length;
      const { path } = await runMerge(given, asNewProcess(workplace));
      assertEquals(server.requests.length, before);
      assertEquals(await Deno.readFile(path), alone[i]);
      assertEquals(await listNames(given.work!), []);
    }
  }
});

Deno.test("an accumulation is judged by the task that finishes it, and once", async () => {
  await using workplace = await openImplausibleWorkplace();
  const { server } = workplace;
  const options = { ...taskOptions(workplace, "out", ["tp"]), dropImplausible: true };
  const requests: number[] = [];
  for (const index of [1, 0, 1]) {
    const before = server.requests.length;
    await runTask({ index, count: 2 }, options, asNewProcess(workplace));
    requests.push(server.requests.length - before);
  }
  // The second task re-reads both steps, also the one that the first has read, with the members left.
  assertEquals(requests, [4, 4 + 3 + 2, 0]);
});

Deno.test("runMerge() names fields that are still to be re-read without implausible messages", async () => {
  await using workplace = await openImplausibleWorkplace(new Map(), [[2, "step_039/tp", -3]]);
  const { server } = workplace;
  const options = { ...taskOptions(workplace, "out", ["tp"]), dropImplausible: true };
  await runTask({ index: 0, count: 2 }, options, asNewProcess(workplace));
  let requests = 0;
  server.setFaults(() =>
    ++requests > 4 ? { kind: "status", status: 500, code: "Down" } : undefined
  );
  const last = () => runTask({ index: 1, count: 2 }, options, asNewProcess(workplace));
  await assertRejects(last, StorageError, "500");
  const merge = () => runMerge(options, asNewProcess(workplace));
  const { message } = await assertRejects(merge, IncompleteError);
  assertMatch(message, /1 of 2 fields are not in .*, tp \(39 h\): run --task 1\/2 again$/);
  server.setFaults(undefined);
  const before = server.requests.length;
  await last();
  // One of four members is left out.
  assertEquals(server.requests.length - before, 3);
  assertEquals(await Deno.readFile((await merge()).path), await streamAlone(workplace, options));
});

for (const [how, change] of [["moved", reverseMessages], ["changed", raiseValues]] as const) {
  Deno.test(`the merge refuses a file whose messages are ${how} between two tasks, until they run again`, async () => {
    const bucket = await readEmbeddedBucket();
    await using workplace = await openWorkplace(bucket);
    const { warnings } = workplace;
    await writeFinalStores(workplace);
    const options = taskOptions(workplace, "out");
    const count = 4;
    for (const index of [0, 2, 3]) {
      await runTask({ index, count }, options, asNewProcess(workplace));
    }
    replaceFile(bucket, change(bucket, stepFiles(run, 36)[0]!));
    await runTask({ index: 1, count }, options, asNewProcess(workplace));
    const merge = () => runMerge(options, asNewProcess(workplace));
    const { message } = await assertRejects(merge, IncompleteError);
    assertMatch(message, /^Cannot merge: the files of step 36 were replaced on the server/);
    assertMatch(message, /: run --task 0\/4 and --task 1\/4 again, which re-reads fields of/);
    warnings.length = 0;
    for (const index of [0, 1]) await runTask({ index, count }, options, asNewProcess(workplace));
    assertMatch(warnings[0]!, /^step 36 was replaced on the server: re-reading \d fields saved/);
    const { path } = await merge();
    assertEquals(await Deno.readFile(path), await streamAlone(workplace, options));
  });
}
