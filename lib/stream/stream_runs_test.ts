import { assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@^1.0.0";
import {
  BEFORE_50R1,
  bucketKey,
  openWorkplace,
  readEmbeddedBucket,
  type Workplace,
} from "../../fixtures/embedded_run.ts";
import { listNames } from "../../fixtures/folder.ts";
import { workFolderOf } from "../checkpoint/work_folder.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { findVariables } from "../ecmwf/variables.ts";
import { GIK } from "../output/profile.ts";
import { makeRuns } from "../runs/make_runs.ts";
import { openStorage, type StageContext } from "../storage/mod.ts";
import {
  changeStore,
  openImplausibleWorkplace,
  openLackingWorkplace,
  streamOptions,
  writeFinalStores,
} from "./final_stores_fixture.ts";
import type { StreamOptions } from "./stream_options.ts";
import { streamWork } from "./stream_runs.ts";

const { run } = BEFORE_50R1;
const NAME = GIK.fileName(run);

/** Streams the embedded run as one of several, like a new process. */
async function stream(
  { folder, server, context: { reporter } }: Workplace,
  change: (context: StageContext) => StageContext = (context) => context,
  wanted: Partial<StreamOptions> = {},
) {
  const storage = openStorage({ endpoint: server.url, giveUpAfterMs: 0, minDelayMs: 1 });
  const given = { ...streamOptions(folder, ["t2m"]), ...wanted };
  const work = streamWork(given, { findStores: () => Promise.resolve(folder), report() {} });
  const before = server.requests.length;
  const options = { command: "stream", folder: given.outputDir, options: { variables: "t2m" } };
  const [outcome] = await makeRuns([run], work, options, change({ storage, reporter }));
  const asked = server.requests.slice(before).filter(({ range }) => range !== undefined);
  return { ...outcome!, asked: asked.map(({ key }) => /-(\d+)h-/.exec(key)![1]) };
}

const readOutput = ({ folder }: Workplace) => Deno.readFile(`${folder}/out/${NAME}`);

Deno.test("a run is written, counted and in the ledger before its saved fields are removed", async () => {
  await using workplace = await openWorkplace();
  await writeFinalStores(workplace);
  // Killed when the output is written and the ledger says only that it was about to be.
  let puts = 0;
  const dying = (context: StageContext): StageContext => ({
    ...context,
    storage: {
      ...context.storage,
      put: (url, pieces) =>
        url.endsWith("/runs.json") && ++puts > 1
          ? Promise.reject(new Error("killed"))
          : context.storage.put(url, pieces),
    },
  });
  await assertRejects(() => stream(workplace, dying), Error, "killed");
  const written = await readOutput(workplace);
  const resumed = await stream(workplace);
  assertEquals([resumed.state, resumed.messages], ["complete", { used: 8, wanted: 8 }]);
  assertEquals([resumed.asked, await readOutput(workplace)], [[], written]);
  assertEquals((await listNames(`${workplace.folder}/out`)).toSorted(), [NAME, "runs.json"]);
});

Deno.test("what is left of saved fields beside a complete output is removed", async () => {
  await using workplace = await openWorkplace();
  await writeFinalStores(workplace);
  await stream(workplace);
  const work = workFolderOf(`${workplace.folder}/out/${NAME}`);
  await Deno.mkdir(work);
  await Deno.writeTextFile(`${work}/t2m_36h_0123456789abcdef.field`, "");
  const again = await stream(workplace);
  assertEquals([again.skipped, again.asked], [true, []]);
  assertEquals((await listNames(`${workplace.folder}/out`)).toSorted(), [NAME, "runs.json"]);
});

Deno.test("a half-published run names its steps, and only the others are fetched when they are there", async () => {
  const bucket = await readEmbeddedBucket();
  const [file] = stepFiles(run, 39);
  const late = [file!.url, file!.indexUrl].map((url) =>
    [bucketKey(url), bucket.get(bucketKey(url))!] as const
  );
  for (const [key] of late) bucket.delete(key);
  await using workplace = await openWorkplace(bucket);
  await writeFinalStores(workplace);
  const half = await stream(workplace);
  assertEquals([half.state, half.reason, half.exitCode], [
    "incomplete",
    "1 of 2 steps are not there: 39",
    5,
  ]);
  assertEquals([half.messages, new Set(half.asked)], [{ used: 4, wanted: 8 }, new Set(["36"])]);

  for (const [key, bytes] of late) bucket.set(key, bytes);
  const stale = await stream(workplace);
  assertEquals(
    stale.reason,
    "1 of 2 steps have no usable message, 39: run the pipeline again, then this",
  );
  assertEquals(stale.asked, []);
  await writeFinalStores(workplace);
  const whole = await stream(workplace);
  assertEquals([whole.state, new Set(whole.asked)], ["complete", new Set(["39"])]);
  const done = await readOutput(workplace);
  await Deno.remove(`${workplace.folder}/out`, { recursive: true });
  await stream(workplace);
  assertEquals(await readOutput(workplace), done);
});

Deno.test("missing messages are counted, and the first of them named", async () => {
  await using workplace = await openLackingWorkplace();
  const { state, reason, messages } = await stream(workplace);
  assertEquals([state, messages], ["incomplete", { used: 6, wanted: 8 }]);
  assertMatch(reason!, /^2 of 8 messages are missing; t2m \(36 h\), members 2-3: /);
});

Deno.test("a step at which ECMWF published nothing of the variables is not a missing one", async () => {
  await using workplace = await openWorkplace();
  await writeFinalStores(workplace);
  await changeStore(workplace, 2, (store) => {
    store.delete("step_036/tp/sfc/ens02/0.0.0");
    return store;
  });
  const variables = findVariables(["tp"]);
  const { reason } = await stream(workplace, undefined, { variables, steps: [0, 36] });
  assertMatch(reason!, /^1 of 4 messages are missing; /);
});

Deno.test("implausible messages that are used make a run incomplete, and are not fetched again", async () => {
  await using workplace = await openImplausibleWorkplace();
  const { state, reason, exitCode } = await stream(workplace);
  assertEquals([state, exitCode], ["incomplete", 5]);
  assertMatch(reason!, /^1 of 8 messages are implausible and used; t2m \(36 h\), members 1: /);
  const again = await stream(workplace);
  assertEquals([again.reason, again.asked], [reason, []]);
});

Deno.test("a run without references says what the servers have of it, or asks for the pipeline", async () => {
  await using published = await openWorkplace();
  const unread = await stream(published);
  assertEquals([unread.state, unread.exitCode], ["failed", 3]);
  assertMatch(
    unread.reason!,
    /^Cannot find stage3_<member>_final.parquet in .*: run the pipeline first$/,
  );
  await using absent = await openWorkplace(new Map());
  const gone = await stream(absent);
  assertEquals([gone.state, gone.reason], ["not published", "the server has nothing of it"]);
});
