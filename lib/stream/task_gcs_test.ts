import { assert, assertEquals, assertMatch, assertRejects } from "jsr:@std/assert@^1.0.0";
import { openWorkplace, type Workplace } from "../../fixtures/embedded_run.ts";
import { ALL_PERMISSIONS, type GcsServer, startGcsServer } from "../../fixtures/gcs_server.ts";
import { IncompleteError } from "../errors.ts";
import { GIK_VARIABLES } from "../ecmwf/variables.ts";
import { openStorage, StorageError } from "../storage/mod.ts";
import { streamOptions, writeFinalStores } from "./final_stores_fixture.ts";
import { runMerge } from "./run_merge.ts";
import type { StreamOptions } from "./stream_options.ts";
import { runStream } from "./run_stream.ts";
import { runTask } from "./run_task.ts";

const ACCOUNT = "worker@gik.iam.gserviceaccount.com";
const READER = "reader@gik.iam.gserviceaccount.com";
const BUCKET = "my-work";
const WORK = `gs://${BUCKET}/runs/20260206_00z`;

/** Tasks that share a folder in a bucket, each with a storage of its own. */
interface GcsWorkplace {
  workplace: Workplace;
  gcs: GcsServer;
  options: StreamOptions;
  /** The output of one process with the same options. */
  expected: Uint8Array;
  task(index: number, count: number, change?: Partial<StreamOptions>): ReturnType<typeof runTask>;
  merge(): ReturnType<typeof runMerge>;
  /** Requests to the bucket since the last call, by what they asked for. */
  countRequests(): Record<string, number>;
}

async function withBucket(
  account: string,
  test: (workplace: GcsWorkplace) => Promise<void>,
): Promise<void> {
  await using workplace = await openWorkplace();
  const { folder, server, context } = workplace;
  await writeFinalStores(workplace);
  await using gcs = await startGcsServer({
    buckets: { [BUCKET]: new Map([["runs/notes.txt", new Uint8Array(3)]]) },
    accounts: {
      [ACCOUNT]: ALL_PERMISSIONS,
      [READER]: ["storage.objects.get", "storage.objects.list"],
    },
  });
  const keyFile = `${folder}/key.json`;
  await Deno.writeTextFile(keyFile, await gcs.formatKeyFile(account));
  const asNewProcess = () => ({
    ...context,
    storage: openStorage({
      endpoint: server.url,
      gcs: { keyFile, endpoint: gcs.url },
      giveUpAfterMs: 0,
      minDelayMs: 1,
      maxDelayMs: 2,
    }),
  });
  const given = streamOptions(folder, GIK_VARIABLES);
  const { path } = await runStream({ ...given, outputDir: `${folder}/alone` }, asNewProcess());
  const options = { ...given, work: WORK };
  let counted = 0;
  await test({
    workplace,
    gcs,
    options,
    expected: await Deno.readFile(path),
    task: (index, count, change) =>
      runTask({ index, count }, { ...options, ...change }, asNewProcess()),
    merge: () => runMerge(options, asNewProcess()),
    countRequests() {
      const requests = gcs.requests.slice(counted).filter(({ action }) => action !== "token");
      counted = gcs.requests.length;
      return Object.fromEntries(
        [...Map.groupBy(requests, ({ action }) => action)].map(([it, list]) => [it, list.length]),
      );
    },
  });
}

const listKeys = ({ gcs }: GcsWorkplace) => gcs.buckets.get(BUCKET)!.listKeys();

Deno.test("tasks that share a folder on GCS, some of them twice at once, make the file of one process", () =>
  withBucket(ACCOUNT, async (given) => {
    const { task, merge, expected, countRequests } = given;
    await Promise.all([2, 0, 2, 1].map((index) => task(index, 3)));
    assertEquals((await listKeys(given)).length, 24 + 1);
    countRequests();
    const { path, complete } = await merge();
    assertEquals([complete, await Deno.readFile(path)], [true, expected]);
    // A listing before and one after.
    assertEquals(countRequests(), { list: 2, read: 24, delete: 24 });
    assertEquals(await listKeys(given), ["runs/notes.txt"]);
  }));

Deno.test("a task resumes from its fields on GCS; with --fresh it removes them, and only these", () =>
  withBucket(ACCOUNT, async (given) => {
    const { task, workplace: { server }, countRequests } = given;
    for (const index of [0, 1]) await task(index, 2);
    countRequests();
    const before = server.requests.length;
    assertEquals((await task(0, 2)).fieldsResumed, 12);
    assertEquals(countRequests(), { list: 1, read: 12 });
    assertEquals(server.requests.length - before, 0);
    assertEquals((await task(0, 2, { fresh: true })).fieldsResumed, 0);
    assertEquals(countRequests(), { list: 2, delete: 12, insert: 12 });
    assertEquals((await listKeys(given)).length, 24 + 1);
  }));

Deno.test("fields that are damaged or refused on their way to GCS or back are sent again", () =>
  withBucket(ACCOUNT, async ({ gcs, task, merge, expected }) => {
    let requests = 0;
    gcs.setFaults(({ action }) => {
      if (action === "token" || ++requests % 3 > 0) return undefined;
      if (action === "delete" || requests % 2 > 0) return { kind: "status", status: 503 };
      return action === "list" ? undefined : { kind: "damage" };
    });
    for (const index of [0, 1]) await task(index, 2);
    assertEquals(await Deno.readFile((await merge()).path), expected);
    assert(requests > 100);
  }));

Deno.test("a merge names the fields that are not on GCS; a task without permission to write names what it lacks", async () => {
  await withBucket(ACCOUNT, async ({ task, merge }) => {
    await task(0, 2);
    const { message } = await assertRejects(merge, IncompleteError);
    assertMatch(message, /^Cannot merge: 12 of 24 fields are not in gs:\/\/my-work\/runs\/2026/);
    assertMatch(message, /: run --task 1\/2 again$/);
  });
  await withBucket(READER, async ({ task }) => {
    const { kind, message } = await assertRejects(() => task(0, 2), StorageError);
    assertEquals(kind, "denied");
    assertMatch(message, /denies storage\.objects\.create to reader@/);
  });
});
