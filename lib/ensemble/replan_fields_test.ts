import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
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
  type Workplace,
} from "../../fixtures/embedded_run.ts";
import {
  type Bucket,
  type FileVersion,
  raiseValues,
  replaceFile,
  reverseMessages,
} from "../../fixtures/file_versions.ts";
import type { LoggedRequest } from "../../fixtures/s3_server.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { firstMembers } from "../ecmwf/members.ts";
import { findVariable, findVariables, GIK_VARIABLES } from "../ecmwf/variables.ts";
import { GIK } from "../output/profile.ts";
import { openStorage } from "../storage/mod.ts";
import type { ReducedField } from "./field_reducer.ts";
import type { PlannedField } from "./field_plan.ts";
import { reduceFields } from "./reduce_fields.ts";
import { type RestartCause } from "./message_loss.ts";
import { replanFields } from "./replan_fields.ts";

const VARIABLES = findVariables(GIK_VARIABLES);
const TP = findVariable("tp")!;
const PARALLEL = 8;
const [FILE] = stepFiles(BEFORE_50R1.run, 36);

/** A reduction of a plan, and what it did. */
interface Reduction {
  fields: ReducedField[];
  /** What onRestart() was called with. */
  restarts: [stepHours: number, cause: RestartCause][];
  /** Requests in the order of their answers. */
  requests: LoggedRequest[];
}

/**
 * Reduces with a storage that knows no file yet, like that of another process. Checks that fields are
 * handed over, unless their step is read again.
 *
 * @returns them, and those that are only returned.
 */
async function reduce(
  { server }: Workplace,
  { run }: EmbeddedRun,
  plan: readonly PlannedField[],
): Promise<Reduction> {
  const before = server.requests.length;
  const restarts: [number, RestartCause][] = [];
  const handed = new Map<number, ReducedField>();
  const fields = await reduceFields(plan, {
    storage: openStorage({ endpoint: server.url, maxAttempts: 1 }),
    run,
    region: GIK.region,
    parallelFetches: PARALLEL,
    policy: ONE_REQUEST_EACH,
    workers: 2,
    onRestart(...restart) {
      restarts.push(restart);
      for (const i of handed.keys()) if (plan[i]!.stepHours === restart[0]) handed.delete(i);
    },
    onField: (i, field) => void handed.set(i, field),
  });
  for (const [i, { members, rejections }] of handed) {
    assertEquals([fields[i]!.members, fields[i]!.rejections], [members, rejections]);
  }
  if (restarts.length === 0) assertEquals(handed.size, fields.length);
  const all = fields.map((field, i) => handed.get(i) ?? field);
  return { fields: all, restarts, requests: server.requests.slice(before) };
}

/** Replaces a file while it is read: each version appears before the n-th range of the file is read. */
function replaceMeanwhile(
  { server }: Workplace,
  bucket: Bucket,
  key: string,
  versions: [atRange: number, version: FileVersion][],
): void {
  let ranges = 0;
  server.setFaults((request) => {
    if (request.key === key && request.range) {
      ranges++;
      for (const [at, version] of versions) if (at === ranges) replaceFile(bucket, version);
    }
    return undefined;
  });
}

/** How far fields of these steps are from ecCodes' and numpy's. */
async function difference(
  { run }: EmbeddedRun,
  plan: readonly PlannedField[],
  fields: readonly ReducedField[],
  steps = EMBEDDED_STEPS,
): Promise<number> {
  const named = plan.map((field, i) => ({ ...field, reduced: fields[i]! }));
  const ofSteps = named.filter(({ stepHours }) => steps.includes(stepHours));
  return largestDifference(ofSteps, await readExpected(run));
}

function ofStep(requests: readonly LoggedRequest[], stepHours: number): LoggedRequest[] {
  return requests.filter(({ key }) => key.includes(`0000-${stepHours}h-`));
}

Deno.test("replanFields() gives the new references in the order of the file, and retains rejections", async () => {
  const bucket = await readEmbeddedBucket();
  await using workplace = await openWorkplace(bucket);
  const { server, context: { storage } } = workplace;
  const [field] = await planRun(BEFORE_50R1, storage, [TP]);
  replaceFile(bucket, reverseMessages(bucket, FILE!));
  const before = server.requests.length;
  const rejections = [{ member: 50, reason: "no store" }];
  const [fresh] = await replanFields([{ ...field!, rejections }], storage, BEFORE_50R1.run);
  const members = field!.messages.map(({ member }) => member);
  assertEquals(fresh!.messages.map(({ member }) => member), members.toReversed());
  const lengths = field!.messages.map(({ reference }) => reference.length);
  assertEquals(fresh!.messages.map(({ reference }) => reference.length), lengths.toReversed());
  assertEquals(fresh!.rejections, rejections);
  assertEquals(server.requests.slice(before).map(({ method }) => method).sort(), ["GET", "HEAD"]);
});

for (const embedded of [BEFORE_50R1, AFTER_50R1]) {
  const { run, members } = embedded;
  const files = stepFiles(run, 36);
  const messages = members * VARIABLES.length;
  Deno.test(`reduceFields() reads a step of ${run.date} again when its file is replaced meanwhile, and mixes nothing`, async () => {
    const bucket = await readEmbeddedBucket();
    await using workplace = await openWorkplace(bucket);
    const later = reverseMessages(bucket, files[0]!);
    replaceFile(bucket, raiseValues(bucket, files[0]!));
    const plan = await planRun(embedded, workplace.context.storage, VARIABLES);
    replaceMeanwhile(workplace, bucket, bucketKey(files[0]!.url), [[15, later]]);
    const { fields, restarts, requests } = await reduce(workplace, embedded, plan);

    assertEquals(restarts, [[36, "replaced"]]);
    assert(await difference(embedded, plan, fields) <= 1e-6);
    for (const field of fields) {
      assertEquals([field.members, field.rejections], [firstMembers(members), []]);
    }

    assertEquals(ofStep(requests, 39).length, messages);
    const struck = ofStep(requests, 36);
    const restart = struck.findIndex(({ range }) => range === undefined);
    const inVain = struck.slice(0, restart).filter(({ key }) => key === bucketKey(files[0]!.url));
    assert(inVain.length >= 15 && inVain.length < 15 + PARALLEL, `${inVain.length} in vain`);
    const again = struck.slice(restart);
    const byKind = Object.groupBy(again, ({ method, range }) => range ? "RANGE" : method);
    assertEquals(byKind.GET!.map(({ key }) => key), files.map((it) => bucketKey(it.indexUrl)));
    assertEquals(byKind.HEAD?.length ?? 0, files.length);
    const ranges = new Set(byKind.RANGE!.map(({ key, range }) => `${key} ${range}`));
    assertEquals([byKind.RANGE!.length, ranges.size], [messages, messages]);
  });
}

Deno.test("reduceFields() reads a step again whose file was replaced since the references were made", async () => {
  const bucket = await readEmbeddedBucket();
  await using workplace = await openWorkplace(bucket);
  const plan = await planRun(BEFORE_50R1, workplace.context.storage, VARIABLES);
  replaceFile(bucket, reverseMessages(bucket, FILE!));
  const { fields, restarts, requests } = await reduce(workplace, BEFORE_50R1, plan);
  assertEquals(restarts, [[36, "misplaced"]]);
  assert(await difference(BEFORE_50R1, plan, fields) <= 1e-6);
  assertEquals(fields.flatMap(({ rejections }) => rejections), []);
  const messages = BEFORE_50R1.members * VARIABLES.length;
  const inVain = requests.length - 2 * messages - 2;
  assert(inVain > 0 && inVain <= 2 * PARALLEL, `${inVain} requests in vain`);
});

Deno.test("reduceFields() reads a step again when a reference points past the end of its file", async () => {
  await using workplace = await openWorkplace();
  const plan = await planRun(BEFORE_50R1, workplace.context.storage, [TP]);
  const right = await reduce(workplace, BEFORE_50R1, plan);
  plan[0]!.messages[2]!.reference = { ...plan[0]!.messages[2]!.reference, offset: 1e9 };
  const { fields, restarts } = await reduce(workplace, BEFORE_50R1, plan);
  assertEquals(restarts, [[36, "misplaced"]]);
  assertEquals(fields, right.fields);
});

Deno.test("reduceFields() rejects the rest of a file that is replaced twice, and mixes no versions", async () => {
  const bucket = await readEmbeddedBucket();
  await using workplace = await openWorkplace(bucket);
  const plan = await planRun(BEFORE_50R1, workplace.context.storage, VARIABLES);
  const right = await reduce(workplace, BEFORE_50R1, plan);
  const raised = raiseValues(bucket, FILE!);
  const reversed = reverseMessages(bucket, FILE!);
  replaceFile(bucket, raised);
  // The first pass ends at the 15th range, or later by those that are under way.
  replaceMeanwhile(workplace, bucket, bucketKey(FILE!.url), [[15, reversed], [45, raised]]);
  const { fields, restarts, requests } = await reduce(workplace, BEFORE_50R1, plan);

  assertEquals(restarts, [[36, "replaced"]]);
  const struck = fields.filter((_, i) => plan[i]!.stepHours === 36);
  const rejections = struck.flatMap((field) => field.rejections);
  assert(rejections.length > 0 && struck.some(({ members }) => members.length > 0));
  for (const { reason } of rejections) {
    assertEquals(
      reason,
      `${FILE!.url} was replaced twice while it was read, run the pipeline and stream again`,
    );
  }
  fields.forEach((field, i) => {
    const { members } = field;
    assertEquals(members.length + field.rejections.length, BEFORE_50R1.members);
    if (members.length === BEFORE_50R1.members) assertEquals(field, right.fields[i]);
  });
  // Fields that lack members are as they would be from the one version without those members.
  const used = plan.map((field, i) => ({
    ...field,
    messages: field.messages.filter(({ member }) => fields[i]!.members.includes(member)),
  }));
  replaceFile(bucket, reversed);
  const alone = await reduce(workplace, BEFORE_50R1, used);
  assertEquals(alone.fields.map(({ mean }) => mean), fields.map(({ mean }) => mean));
  const spent = ofStep(requests, 36);
  assertEquals(spent.filter(({ method }) => method === "HEAD").length, 1);
  assert(spent.filter(({ range }) => range).length < 45 + PARALLEL, "it reads on in vain");
});

Deno.test("reduceFields() reads the step of a damaged message once more, and rejects the message", async () => {
  const bucket = await readEmbeddedBucket();
  await using workplace = await openWorkplace(bucket);
  const plan = await planRun(BEFORE_50R1, workplace.context.storage, [TP]);
  const { member, reference: { offset } } = plan[0]!.messages[1]!;
  const key = bucketKey(FILE!.url);
  bucket.set(key, bucket.get(key)!.slice().fill(0, offset, offset + 4));
  const { fields, restarts, requests } = await reduce(workplace, BEFORE_50R1, plan);
  assertEquals(restarts, [[36, "misplaced"]]);
  assertEquals(fields[0]!.members, firstMembers(4).filter((it) => it !== member));
  assertStringIncludes(fields[0]!.rejections[0]!.reason, "no whole message lies where");
  assert(requests.length <= 3 * BEFORE_50R1.members + 2);
});

Deno.test("reduceFields() uses no value of a file whose index is still the old one", async () => {
  const bucket = await readEmbeddedBucket();
  await using workplace = await openWorkplace(bucket);
  const plan = await planRun(BEFORE_50R1, workplace.context.storage, VARIABLES);
  const key = bucketKey(FILE!.url);
  bucket.set(key, reverseMessages(bucket, FILE!).get(key)!);
  const { fields, restarts } = await reduce(workplace, BEFORE_50R1, plan);
  assertEquals(restarts, [[36, "misplaced"]]);
  const struck = fields.filter((_, i) => plan[i]!.stepHours === 36);
  assertEquals(struck.flatMap(({ members }) => members), []);
  assertEquals(struck.flatMap(({ rejections }) => rejections).length, 4 * VARIABLES.length);
  assert(await difference(BEFORE_50R1, plan, fields, [39]) <= 1e-6);
});

Deno.test("reduceFields() rejects messages that the new index does not list, or all when it cannot be read", async () => {
  const bucket = await readEmbeddedBucket();
  await using workplace = await openWorkplace(bucket);
  const plan = await planRun(BEFORE_50R1, workplace.context.storage, [TP]);
  const version = new Map(reverseMessages(bucket, FILE!));
  const indexKey = bucketKey(FILE!.indexUrl);
  const lines = new TextDecoder().decode(version.get(indexKey)).split("\n");
  const isListed = (line: string) => !/"number":"2".*"param":"tp"/.test(line);
  version.set(indexKey, new TextEncoder().encode(lines.filter(isListed).join("\n")));
  replaceFile(bucket, version);
  const { fields: [at36] } = await reduce(workplace, BEFORE_50R1, plan);
  assertEquals(at36!.members, [0, 1, 3]);
  const reason = `no usable line of ${FILE!.indexUrl} lists it`;
  assertEquals(at36!.rejections, [{ member: 2, reason }]);

  bucket.set(indexKey, new TextEncoder().encode("{"));
  const { fields: [unread] } = await reduce(workplace, BEFORE_50R1, plan);
  assertStringIncludes(unread!.rejections[0]!.reason, `Cannot read line 1 of ${FILE!.indexUrl}`);

  bucket.delete(indexKey);
  const { fields: [none, at39] } = await reduce(workplace, BEFORE_50R1, plan);
  assertEquals([none!.members, at39!.members], [[], [0, 1, 2, 3]]);
  assertStringIncludes(none!.rejections[0]!.reason, `Cannot read "${FILE!.indexUrl}"`);
});
