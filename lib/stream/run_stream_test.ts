import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "jsr:@std/assert@^1.0.0";
import { NetCDFReader } from "npm:netcdfjs@4.0.0";
import {
  BEFORE_50R1,
  bucketKey,
  EMBEDDED_STEPS,
  ONE_REQUEST_EACH,
  openWorkplace,
  readEmbeddedBucket,
  type Workplace,
} from "../../fixtures/embedded_run.ts";
import {
  changeStore,
  openImplausibleWorkplace,
  openLackingWorkplace,
  readVariable,
  streamOptions,
  writeFinalStores,
} from "./final_stores_fixture.ts";
import { raiseValues, replaceFile, reverseMessages } from "../../fixtures/file_versions.ts";
import { MissingDataError, UsageError } from "../errors.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { makeConstant } from "../ecmwf/messages_fixture.ts";
import { firstMembers } from "../ecmwf/members.ts";
import { parseRun } from "../ecmwf/run.ts";
import {
  describeFindings,
  describeRejections,
  describeScarcePoints,
} from "../ensemble/field_result.ts";
import { GIK, type OutputProfile } from "../output/profile.ts";
import { isReference, type Reference, type Store } from "../references/store.ts";
import { readStageStore } from "../references/stage_files.ts";
import { openStorage, StorageError } from "../storage/mod.ts";
import type { StreamOptions } from "./stream_options.ts";
import { runStream, saveFields } from "./run_stream.ts";

const { run, members } = BEFORE_50R1;

/** A store as the Python tools write it: no level in keys, no .grib2 in URLs, one level only. */
function asPythonTools(store: Store, level: number): Store {
  const python: Store = new Map();
  for (const [key, value] of store) {
    const named = new RegExp(`/pl/${level}/`).test(key);
    if (!isReference(value) || (/\/pl\//.test(key) && !named)) continue;
    const { url, offset, length } = value;
    python.set(key.replace(`/pl/${level}/`, "/pl/"), {
      url: url.replace(/\.grib2$/, ""),
      offset,
      length,
    });
  }
  return python;
}

Deno.test("runStream() reads files of the Python tools, which name no level and no .grib2", async () => {
  await using workplace = await openWorkplace();
  const { context, folder } = workplace;
  await writeFinalStores(workplace);
  const own = await Deno.readFile((await runStream(streamOptions(folder), context)).path);
  for (const member of firstMembers(members)) {
    await changeStore(workplace, member, (store) => asPythonTools(store, 700));
  }
  const result = await runStream(streamOptions(folder), context);
  assert(result.complete);
  assertEquals(await Deno.readFile(result.path), own);
});

Deno.test("runStream() never averages in a pressure level that was mixed up", async () => {
  await using workplace = await openWorkplace();
  const { context, folder } = workplace;
  await writeFinalStores(workplace);
  await changeStore(workplace, 2, (store) => asPythonTools(store, 850));
  const result = await runStream(streamOptions(folder), context);
  assert(!result.complete);
  assertEquals(result.messagesWanted - result.messagesUsed, EMBEDDED_STEPS.length);
  for (const { variable, reduced } of result.fields) {
    assertEquals(reduced.members, variable.name === "u700" ? [0, 1, 3] : [0, 1, 2, 3]);
  }
  const lines = describeRejections(result.fields);
  assertEquals(lines.length, 1);
  assertStringIncludes(lines[0]!, "u700 (36, 39 h), members 2: its level is 85000 on surface");
});

const WRONG_MESSAGES = [
  { what: "member", from: "step_036/2t/sfc/ens01/0.0.0", text: "its member is 1" },
  { what: "parameter", from: "step_036/sp/sfc/ens02/0.0.0", text: "its parameter is 0.3.0" },
];

for (const { what, from, text } of WRONG_MESSAGES) {
  Deno.test(`runStream() drops a message of another ${what}, counts it and names it`, async () => {
    await using workplace = await openWorkplace();
    const { context, folder } = workplace;
    await writeFinalStores(workplace);
    const donor = await readStageStore(context.storage, folder, 3, what === "member" ? 1 : 2);
    const wrong = donor!.get(from) as Reference;
    await changeStore(workplace, 2, (store) => store.set("step_036/2t/sfc/ens02/0.0.0", wrong));
    const result = await runStream(streamOptions(folder), context);
    assertEquals(result.complete, false);
    assertEquals(result.messagesWanted - result.messagesUsed, 1);
    assertStringIncludes(
      describeRejections(result.fields).join("\n"),
      `t2m (36 h), members 2: ${text}`,
    );
  });
}

Deno.test("runStream() drops a damaged message and uses the other members", async () => {
  const bucket = await readEmbeddedBucket();
  await using workplace = await openWorkplace(bucket);
  const { context, folder } = workplace;
  await writeFinalStores(workplace);
  const store = await readStageStore(context.storage, folder, 3, 3);
  const { offset } = store!.get("step_039/2t/sfc/ens03/0.0.0") as Reference;
  const key = bucketKey(stepFiles(run, 39)[0]!.url);
  bucket.set(key, bucket.get(key)!.slice().fill(0, offset, offset + 4));
  const result = await runStream(streamOptions(folder), context);
  assertEquals(result.complete, false);
  const affected = result.fields.find((it) => it.variable.name === "t2m" && it.stepHours === 39)!;
  assertEquals(affected.reduced.members, [0, 1, 2]);
});

/** A workplace in which the file of step 36 is replaced whenever the n-th range of it is read. */
async function openReplacingWorkplace(atRanges: number[]): Promise<Workplace> {
  const [file] = stepFiles(run, 36);
  const bucket = await readEmbeddedBucket();
  const workplace = await openWorkplace(bucket);
  let ranges = 0;
  workplace.server.setFaults(({ key, range }) => {
    if (key !== bucketKey(file!.url) || !range) return undefined;
    ranges++;
    if (atRanges.includes(ranges)) replaceFile(bucket, reverseMessages(bucket, file!));
    return undefined;
  });
  return workplace;
}

Deno.test("runStream() is complete when a file was replaced while it was read, and warns", async () => {
  await using still = await openWorkplace();
  await writeFinalStores(still);
  const expected = await runStream(streamOptions(still.folder), still.context);
  await using workplace = await openReplacingWorkplace([3]);
  await writeFinalStores(workplace);
  const result = await runStream(streamOptions(workplace.folder), workplace.context);
  assertEquals(result.complete, true);
  assertEquals(workplace.warnings, [
    "step 36 was replaced on the server while it was read: re-reading it from its index",
  ]);
  assertEquals(await Deno.readFile(result.path), await Deno.readFile(expected.path));
});

Deno.test("runStream() is incomplete when a file was replaced twice, and says what to do", async () => {
  // The first pass reads 3 to 8 ranges of the file, the second 8.
  await using workplace = await openReplacingWorkplace([3, 11]);
  await writeFinalStores(workplace);
  const result = await runStream(streamOptions(workplace.folder), workplace.context);
  assertEquals(result.complete, false);
  const lines = describeRejections(result.fields);
  assert(lines.length > 0);
  for (const line of lines) {
    assertStringIncludes(line, "was replaced twice while it was read, run the pipeline and stream");
  }
});

Deno.test("runStream() finds the messages of a file that was replaced since the pipeline ran", async () => {
  const bucket = await readEmbeddedBucket();
  await using workplace = await openWorkplace(bucket);
  await writeFinalStores(workplace);
  const expected = await Deno.readFile(
    (await runStream(streamOptions(workplace.folder), workplace.context)).path,
  );
  replaceFile(bucket, reverseMessages(bucket, stepFiles(run, 39)[0]!));
  const storage = openStorage({ endpoint: workplace.server.url });
  const result = await runStream(streamOptions(workplace.folder), {
    ...workplace.context,
    storage,
  });
  assertEquals(result.complete, true);
  assertEquals(workplace.warnings, [
    "step 39 is not where its references point: re-reading it from its index",
  ]);
  assertEquals(await Deno.readFile(result.path), expected);
});

Deno.test("runStream() writes into the file how many members there are, and which are absent", async () => {
  await using workplace = await openWorkplace();
  const { context, folder, warnings } = workplace;
  await writeFinalStores(workplace);
  await Deno.remove(`${folder}/stage3_ens_02_final.parquet`);
  const { path, complete } = await runStream({ ...streamOptions(folder), maxMembers: 6 }, context);
  assertEquals(complete, false);
  assertStringIncludes(warnings.join("\n"), "no store of 2, 4-5");
  const reader = new NetCDFReader(await Deno.readFile(path));
  assertEquals(Number(reader.getAttribute("n_ensemble_members")), 3);
  assertEquals(reader.getAttribute("absent_ensemble_members"), "2, 4-5");
});

Deno.test("runStream() leaves NaN where a variable is not in the run", async () => {
  const bucket = await readEmbeddedBucket();
  for (const [key, bytes] of bucket) {
    if (!key.endsWith(".index")) continue;
    const text = new TextDecoder().decode(bytes).replaceAll('"mucape"', '"other"');
    bucket.set(key, new TextEncoder().encode(text));
  }
  await using workplace = await openWorkplace(bucket);
  const { context, folder } = workplace;
  await writeFinalStores(workplace);
  const result = await runStream(streamOptions(folder, ["t2m", "cape"]), context);
  assertEquals(result.complete, false);
  const values = await readVariable(result.path, "cape_ensemble_mean");
  assert(values.length > 0 && values.every(Number.isNaN));
  const others = await readVariable(result.path, "t2m_ensemble_mean");
  assert(others.every(Number.isFinite));
});

Deno.test("runStream() fetches nothing that the output does not need", async () => {
  await using workplace = await openWorkplace();
  const { context, folder, server } = workplace;
  await writeFinalStores(workplace);
  const before = server.requests.length;
  await runStream({ ...streamOptions(folder, ["tp"]), steps: [39], maxMembers: 2 }, context);
  const requests = server.requests.slice(before);
  assertEquals(requests.length, 2);
  assert(requests.every(({ key }) => key.endsWith("-39h-enfo-ef.grib2")));
});

Deno.test("runStream() writes no output when the server fails", async () => {
  await using workplace = await openWorkplace();
  const { context, folder, server } = workplace;
  await writeFinalStores(workplace);
  let left = 1;
  server.setFaults(() => left-- > 0 ? undefined : { kind: "status", status: 500, code: "Down" });
  await assertRejects(() => runStream(streamOptions(folder), context), StorageError, "500");
  await assertRejects(() => Deno.stat(`${folder}/out/${GIK.fileName(run)}`), Deno.errors.NotFound);
});

/** Answers that servers and gateways give at random to requests without credentials. */
const DOUBTFUL = [
  { kind: "status", status: 401, code: "Unauthorized" },
  { kind: "status", status: 403, code: "AccessDenied" },
  { kind: "status", status: 400, code: "RequestTimeout" },
] as const;

/** A workplace, and the header of the range of member 2's t2m at step 36. */
async function openStruckWorkplace(): Promise<[Workplace, string]> {
  const workplace = await openWorkplace();
  await writeFinalStores(workplace);
  const store = await readStageStore(workplace.context.storage, workplace.folder, 3, 2);
  const { offset, length } = store!.get("step_036/2t/sfc/ens02/0.0.0") as Reference;
  return [workplace, `bytes=${offset}-${offset + length - 1}`];
}

for (const fault of DOUBTFUL) {
  Deno.test(`runStream() is complete when a range is answered ${fault.status} twice, and then served`, async () => {
    const [workplace, struck] = await openStruckWorkplace();
    await using _ = workplace;
    let left = 2;
    workplace.server.setFaults(({ range }) => range === struck && left-- > 0 ? fault : undefined);
    const result = await runStream(streamOptions(workplace.folder), workplace.context);
    assertEquals([result.complete, left < 0], [true, true]);
  });

  Deno.test(`runStream() counts a message as missing that is always answered ${fault.status}`, async () => {
    const [workplace, struck] = await openStruckWorkplace();
    await using _ = workplace;
    let asked = 0;
    workplace.server.setFaults(({ range }) => {
      if (range !== struck) return undefined;
      asked++;
      return fault;
    });
    const result = await runStream(streamOptions(workplace.folder), workplace.context);
    assertEquals([result.complete, result.messagesWanted - result.messagesUsed], [false, 1]);
    assertEquals(asked, 3);
    const lines = describeRejections(result.fields).join("\n");
    assertStringIncludes(lines, "t2m (36 h), members 2: Cannot read");
    assertStringIncludes(lines, `(${fault.status} ${fault.code})`);
  });
}

Deno.test("runStream() ends when a server denies all that is asked of it", async () => {
  await using workplace = await openWorkplace();
  const { context, folder, server } = workplace;
  await writeFinalStores(workplace);
  server.setFaults(() => DOUBTFUL[1]);
  const storage = openStorage({ endpoint: server.url, minDelayMs: 1, maxDelayMs: 2 });
  const stream = () => runStream(streamOptions(folder), { ...context, storage });
  const error = await assertRejects(stream, StorageError, "the server denies access (403");
  assertEquals([error.category, error.hasServed], ["unreachable", false]);
});

Deno.test("runStream() says what is missing: stores, references, the run asked for", async () => {
  await using workplace = await openWorkplace();
  const { context, folder } = workplace;
  const stream = (change: Partial<StreamOptions>) => () =>
    runStream({ ...streamOptions(folder), ...change }, context);
  await assertRejects(stream({}), MissingDataError, "run the pipeline first");
  await writeFinalStores(workplace);
  await assertRejects(stream({ steps: [42] }), MissingDataError, "Cannot find references");
  const other = parseRun("20260207", "00");
  await assertRejects(stream({ run: other }), MissingDataError, "are of 20260206 00 UTC");
});

Deno.test("runStream() writes a field with the members that are there, and their number", async () => {
  await using workplace = await openLackingWorkplace();
  const options2 = { ...streamOptions(workplace.folder), minMembers: 2 };
  for (const given of [streamOptions(workplace.folder), options2]) {
    const { path, complete, fields } = await runStream(given, workplace.context);
    assertEquals(complete, false);
    assertEquals(await readVariable(path, "t2m_members_used"), [2, 4]);
    assertEquals(await readVariable(path, "u700_members_used"), [4, 4]);
    assert((await readVariable(path, "t2m_ensemble_mean")).every(Number.isFinite));
    assertEquals(describeRejections(fields), ["t2m (36 h), members 2-3: it is not referenced"]);
  }
});

Deno.test("runStream() leaves a field of fewer members than required empty, and says so", async () => {
  await using workplace = await openLackingWorkplace();
  const result = await runStream(
    { ...streamOptions(workplace.folder), minMembers: 3 },
    workplace.context,
  );
  assertEquals(result.complete, false);
  assertEquals(result.messagesWanted - result.messagesUsed, 4);
  assertEquals(await readVariable(result.path, "t2m_members_used"), [0, 4]);
  const values = await readVariable(result.path, "t2m_ensemble_mean");
  assert(values.slice(0, values.length / 2).every(Number.isNaN));
  assert(values.slice(values.length / 2).every(Number.isFinite));
  assertEquals(describeRejections(result.fields), [
    "t2m (36 h), members 2-3: it is not referenced",
    "t2m (36 h), members control, 1: the field has 2 members and 3 are required",
  ]);
});

const TOO_WARM = /^t2m \(36 h\), members 1: 156 of 156 values above 350 \(highest [\d.e+]+\)$/;
const UNDECIDED = "it and another step contradict each other, and nothing shows which is wrong: " +
  "from one to the next it could only grow";

Deno.test("runStream() counts the members of a point, and its least count is the one in the file", async () => {
  const bucket = await readEmbeddedBucket();
  await using workplace = await openWorkplace(bucket);
  const { context, folder, server } = workplace;
  await writeFinalStores(workplace);
  await changeStore(workplace, 2, (store) => {
    const field = "step_036/2t/sfc/ens02/0.0.0";
    const { url, offset, length } = store.get(field) as Reference;
    const bytes = bucket.get(bucketKey(url))!.slice();
    const part = makeConstant(bytes.slice(offset, offset + length), 290, (point) => point % 2 > 0);
    bytes.set(part, offset);
    bucket.set(bucketKey(url), bytes);
    return store.set(field, { url, offset, length: part.length });
  });
  const storage = openStorage({ endpoint: server.url }); // that does not know the file as it was
  const stream = (minMembers: number) =>
    runStream({ ...streamOptions(folder, ["t2m"]), minMembers }, { ...context, storage });
  const loose = await stream(3);
  assertEquals([loose.complete, await readVariable(loose.path, "t2m_members_used")], [true, [
    3,
    4,
  ]]);
  const comment = readComment(await Deno.readFile(loose.path), "t2m_members_used");
  assertMatch(comment!, /^the least over the points/);
  assertEquals((await readVariable(loose.path, "t2m_ensemble_mean")).filter(isNaN).length, 0);
  const strict = await stream(4);
  assertEquals(strict.complete, false);
  assertEquals(await readVariable(strict.path, "t2m_members_used"), [4, 4]);
  const empty = (await readVariable(strict.path, "t2m_ensemble_mean")).filter(isNaN).length;
  assertEquals(describeScarcePoints(strict.fields), [
    `t2m (36 h): ${empty} of 156 points are empty, as fewer members than required have a value there`,
  ]);
  assert(empty > 60 && empty < 90, `${empty}`);
  // The members themselves are empty at the points where their mean is.
  const profile: OutputProfile = { ...GIK, statistics: [{ kind: "mean" }, { kind: "members" }] };
  const { path } = await runStream(
    { ...streamOptions(folder, ["t2m"]), minMembers: 4, profile, fresh: true },
    { ...context, storage },
  );
  const mean = await readVariable(path, "t2m_ensemble_mean");
  const values = await readVariable(path, "t2m_members");
  const isEmpty = (i: number) => mean[Math.floor(i / (4 * 156)) * 156 + i % 156];
  assertEquals(values.map(Number.isNaN), values.map((_, i) => Number.isNaN(isEmpty(i))));
  assertEquals(readComment(await Deno.readFile(strict.path), "t2m_members_used"), undefined);
});

/** The attribute `comment` of a variable. */
function readComment(bytes: Uint8Array, name: string): string | undefined {
  const variable = new NetCDFReader(bytes).variables.find((it) => it.name === name)!;
  const attributes: readonly { name: string; value: unknown }[] = variable.attributes;
  return attributes.find((it) => it.name === "comment")?.value as string | undefined;
}

Deno.test("runStream() refuses a target grid that the messages do not hold after a few of their fields", async () => {
  await using workplace = await openWorkplace();
  await writeFinalStores(workplace);
  const { context, folder, server } = workplace;
  // Points of these messages are degrees apart, those of real ones a quarter of a degree.
  const corners = { north: 24.5, west: 20.5, south: -13.5, east: 54.5 };
  const options = {
    ...streamOptions(folder),
    ...{ grid: { spacing: 1, corners }, policy: ONE_REQUEST_EACH, parallelFetches: 1 },
  };
  const messages = () => server.requests.filter(({ key }) => key.endsWith(".grib2")).length;
  const before = messages();
  await assertRejects(
    () => runStream(options, context),
    UsageError,
    "Cannot write the grid 1@-13.5",
  );
  const { length } = GIK.products;
  assert(messages() - before < 0.8 * 2 * members * length, `${messages() - before}`);
});

Deno.test("runStream() names values that cannot be true, uses them, and is not complete", async () => {
  await using workplace = await openImplausibleWorkplace();
  const result = await runStream(streamOptions(workplace.folder, ["tp", "t2m"]), workplace.context);
  assertEquals([result.complete, result.messagesUsed], [false, 16]);
  const lines = describeFindings(result.fields);
  assertEquals(lines.length, 3);
  assertEquals(lines[0], `tp (36, 39 h), members 3: ${UNDECIDED}`);
  assertMatch(lines[1]!, TOO_WARM);
  assertMatch(lines[2]!, /^tp \(39 h\), members 2: 156 of 156 values below 0 \(lowest -/);
});

Deno.test("runStream() leaves out messages that cannot be true with `dropImplausible`", async () => {
  await using workplace = await openImplausibleWorkplace();
  const { context, folder, server } = workplace;
  const before = server.requests.length;
  const result = await runStream(
    { ...streamOptions(folder, ["tp", "t2m"]), dropImplausible: true },
    context,
  );
  assertEquals([result.complete, result.messagesUsed], [false, 12]);
  // All messages; then tp and t2m at step 36 and tp at step 39 without theirs.
  assertEquals(server.requests.length - before, 16 + 3 + 3 + 2);
  assertEquals(describeFindings(result.fields), []);
  const [first, second] = describeRejections(result.fields);
  assertEquals(first, `tp (36, 39 h), members 3: ${UNDECIDED}`);
  assertMatch(second!, TOO_WARM);
  assertEquals(await readVariable(result.path, "t2m_members_used"), [3, 4]);
  assertEquals(await readVariable(result.path, "tp_members_used"), [3, 2]);
  const warmest = Math.max(...await readVariable(result.path, "t2m_ensemble_mean"));
  assert(warmest < 350, `${warmest}`);
});

Deno.test("runStream() finds a shrunk accumulation also beside a field saved earlier", async () => {
  await using workplace = await openImplausibleWorkplace();
  const { context, folder, server } = workplace;
  const undisturbed = await runStream(streamOptions(folder, ["tp"]), context);
  assertEquals(await saveFields({ ...streamOptions(folder, ["tp"]), steps: [36] }, context), 0);
  const before = server.requests.length;
  const storage = openStorage({ endpoint: server.url });
  const result = await runStream(streamOptions(folder, ["tp"]), { ...context, storage });
  assertEquals(server.requests.length - before, 4);
  assertEquals(describeFindings(result.fields), describeFindings(undisturbed.fields));
});

Deno.test("runStream() uses no saved field of a file that was replaced afterwards", async () => {
  const bucket = await readEmbeddedBucket();
  await using workplace = await openWorkplace(bucket);
  const { folder, server } = workplace;
  await writeFinalStores(workplace);
  const stream = (outputDir: string) => {
    const storage = openStorage({ endpoint: server.url, giveUpAfterMs: 0, minDelayMs: 1 });
    const given = { ...streamOptions(folder, ["tp", "t2m", "sp", "u700"]), steps: [36], outputDir };
    return runStream({ ...given, parallelFetches: 1 }, { ...workplace.context, storage });
  };
  const [file] = stepFiles(run, 36);
  const raised = raiseValues(new Map(bucket), file!);
  let ranges = 0;
  // Fields are saved when the file is replaced, and its new index cannot be read.
  server.setFaults(({ key, range }) => {
    if (range && ++ranges === 4 * members - 1) replaceFile(bucket, raised);
    return key.endsWith(".index") ? { kind: "status", status: 500, code: "Down" } : undefined;
  });
  await assertRejects(() => stream(`${folder}/out`), MissingDataError, "500");
  server.setFaults(undefined);
  const resumed = await stream(`${folder}/out`);
  const fresh = await stream(`${folder}/fresh`);
  assertEquals(await Deno.readFile(resumed.path), await Deno.readFile(fresh.path));
});
