import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import {
  BEFORE_50R1,
  EMBEDDED_FOLDER,
  EMBEDDED_STEPS,
  ONE_REQUEST_EACH,
} from "../../fixtures/embedded_run.ts";
import { readBase, writeMessages } from "../../fixtures/full_run.ts";
import {
  burstFaults,
  type Fault,
  type FaultRule,
  firstFault,
  randomFaults,
  type S3Server,
  SLOW_DOWN,
  startS3Server,
} from "../../fixtures/s3_server.ts";
import { silentReporter } from "../util/reporter.ts";
import { BUCKET } from "../ecmwf/files.ts";
import { ENSEMBLE_SIZE } from "../ecmwf/members.ts";
import { parseSources } from "../ecmwf/sources.ts";
import { findVariables, GIK_VARIABLES } from "../ecmwf/variables.ts";
import { GIK } from "../output/profile.ts";
import { openStorage, type Storage } from "../storage/mod.ts";
import { runStage2 } from "./run_stage2.ts";
import { runStage3 } from "./run_stage3.ts";
import { runStream } from "../stream/run_stream.ts";

const { run } = BEFORE_50R1;
const VARIABLES = findVariables(GIK_VARIABLES);
const MESSAGES = ENSEMBLE_SIZE * EMBEDDED_STEPS.length * VARIABLES.length;

/** A run of 51 members × 2 steps × 12 variables, and its NetCDF without faults. */
interface FullRun extends AsyncDisposable {
  folder: string;
  undisturbed: Uint8Array;
}

async function openFullRun(): Promise<FullRun> {
  const folder = await Deno.makeTempDir();
  const base = await readBase(EMBEDDED_FOLDER, run, EMBEDDED_STEPS[0]!, VARIABLES);
  await writeMessages(`${folder}/bucket`, run, EMBEDDED_STEPS, base);
  await using server = startServer(folder);
  return {
    folder,
    undisturbed: await makeOutput(folder, openStorage({ endpoint: server.url })),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

function startServer(folder: string, faults?: FaultRule): S3Server {
  return startS3Server({ buckets: { [BUCKET]: `${folder}/bucket` }, ...(faults && { faults }) });
}

/** The bytes of the NetCDF that stages 2 and 3 and streaming write. */
async function makeOutput(folder: string, storage: Storage): Promise<Uint8Array> {
  const context = { storage, reporter: silentReporter };
  const common = { run, steps: EMBEDDED_STEPS, maxMembers: ENSEMBLE_SIZE };
  const outputDir = `${folder}/stores`;
  await runStage2({ ...common, parallelWorkers: 8, outputDir, allowMissing: false }, context);
  await runStage3({ ...common, outputDir, zip: false }, context);
  const stream = await runStream({
    ...common,
    parquetDir: outputDir,
    profile: GIK,
    parallelFetches: 16,
    policy: ONE_REQUEST_EACH,
    outputDir: folder,
    now: new Date("2026-02-06T08:15:00Z"),
  }, context);
  assertEquals(stream.messagesUsed, MESSAGES);
  return await Deno.readFile(stream.path);
}

/** 5 connections reset, 2 bodies cut short and one wrong range. */
const BROKEN: Fault[] = [
  ...Array<Fault>(5).fill({ kind: "cut", bytes: 0 }),
  ...Array<Fault>(2).fill({ kind: "cut", bytes: 500 }),
  { kind: "shift", bytes: 64 },
];

/** A server that is overloaded for the first 30 ms of every 100 ms. */
const busyAtTimes: FaultRule = () => performance.now() % 100 < 30 ? SLOW_DOWN : undefined;

const OVERLOADS: [when: string, rule: FaultRule][] = [
  ["for 30 % of the time", busyAtTimes],
  ["for 30 % of the requests, ten in a row", burstFaults(1, 0.3, 10, SLOW_DOWN)],
];

Deno.test("a run of 51 members through faults", async (t) => {
  await using full = await openFullRun();
  const { folder, undisturbed } = full;
  const patience = { minDelayMs: 1, maxDelayMs: 2 };

  for (const [when, overload] of OVERLOADS) {
    await t.step(
      `answered 503 ${when}, 8 % of the rest broken: the same file, at most 1.6 requests a message`,
      async () => {
        const rule = firstFault(overload, randomFaults(2, 0.08, BROKEN));
        await using server = startServer(folder, rule);
        const storage = openStorage({ endpoint: server.url, ...patience });
        assertEquals(await makeOutput(folder, storage), undisturbed);
        const { byStatus, requests } = server.counters;
        assert(byStatus[503]! > 0 && requests > 1.05 * MESSAGES);
        assertEquals(storage.counters.requests, requests);
        assert(requests <= 1.6 * MESSAGES, `${requests} requests for ${MESSAGES} messages`);
      },
    );
  }

  for (const death of ["refuses everything", "is gone"]) {
    await t.step(
      `from the middle on one of two mirrors ${death}: the same file, from the other`,
      async () => {
        let asked = 0;
        await using second = startServer(folder);
        await using first = startServer(folder, () => {
          if (++asked < MESSAGES / 2) return undefined;
          if (death === "is gone") first[Symbol.asyncDispose]();
          return SLOW_DOWN;
        });
        const storage = openStorage({
          endpoint: first.url,
          mirrors: parseSources(`aws,${second.url}/${BUCKET}`),
          ...patience,
        });
        assertEquals(await makeOutput(folder, storage), undisturbed);
        assertEquals(second.counters.byStatus[206]! + first.counters.byStatus[206]!, MESSAGES);
        assert(second.counters.byStatus[206]! > MESSAGES / 2);
        assert(first.counters.byStatus[206]! > MESSAGES / 3);
      },
    );
  }
});
