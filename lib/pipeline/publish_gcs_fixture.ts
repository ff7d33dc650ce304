/**
 * An embedded run, a bucket to publish it in, and an account with access to it.
 *
 * @module
 */
import {
  BEFORE_50R1,
  EMBEDDED_STEPS,
  openWorkplace,
  type Workplace,
} from "../../fixtures/embedded_run.ts";
import { ALL_PERMISSIONS, type GcsServer, startGcsServer } from "../../fixtures/gcs_server.ts";
import { runLabel } from "../ecmwf/run.ts";
import { GIK } from "../output/profile.ts";
import { openStorage, type StageContext } from "../storage/mod.ts";
import { runStream } from "../stream/run_stream.ts";
import { pipelineOptions } from "./pipeline_fixture.ts";
import { runPipeline } from "./run_pipeline.ts";
import { runStage3 } from "./run_stage3.ts";

const { run, members } = BEFORE_50R1;
export const ACCOUNT = "pipeline@gik.iam.gserviceaccount.com";
export const BUCKET = "gik-ecmwf-aws-tf";
export const ROOT = `gs://${BUCKET}/run_par_ecmwf`;
export const FOLDER = `${ROOT}/${runLabel(run)}`;
export const MANIFEST_KEY = `run_par_ecmwf/${runLabel(run)}/manifest.json`;

/** A workplace with a bucket for stores, and an account with access to it. */
export interface GcsWorkplace {
  workplace: Workplace;
  gcs: GcsServer;
  context: StageContext;
  keyFile: string;
  /** Runs the pipeline, or only stage 3 of it again, with upload. */
  publish(stages?: "all" | "last"): Promise<void>;
  stream(parquetDir: string): ReturnType<typeof runStream>;
  /** Numbers of requests to the bucket since the last call, by action. */
  countRequests(): Record<string, number>;
}

export async function withBucket(test: (workplace: GcsWorkplace) => Promise<void>): Promise<void> {
  await using workplace = await openWorkplace();
  await using gcs = await startGcsServer({
    buckets: { [BUCKET]: new Map(), "gik-fmrc": new Map() },
    accounts: { [ACCOUNT]: { [BUCKET]: ALL_PERMISSIONS } },
  });
  const { folder } = workplace;
  const keyFile = `${folder}/key.json`;
  await Deno.writeTextFile(keyFile, await gcs.formatKeyFile(ACCOUNT));
  const storage = openStorage({
    endpoint: workplace.server.url,
    gcs: { keyFile, endpoint: gcs.url },
    maxAttempts: 3,
    minDelayMs: 1,
    maxDelayMs: 2,
  });
  const context = { storage, reporter: workplace.context.reporter };
  const options = { ...pipelineOptions(BEFORE_50R1, folder), uploadRoot: ROOT };
  let counted = 0;
  await test({
    workplace,
    gcs,
    context,
    keyFile,
    async publish(stages = "all") {
      if (stages === "all") await runPipeline(options, context);
      else await runStage3(options, context);
    },
    stream: (parquetDir) =>
      runStream({
        parquetDir,
        profile: GIK,
        steps: EMBEDDED_STEPS,
        maxMembers: members,
        parallelFetches: 4,
        outputDir: `${folder}/out`,
        now: new Date(0),
      }, context),
    countRequests() {
      const requests = gcs.requests.slice(counted).filter(({ action }) => action !== "token");
      counted = gcs.requests.length;
      return Object.fromEntries(
        Object.entries(Object.groupBy(requests, ({ action }) => action))
          .map(([action, list]) => [action, list.length]),
      );
    },
  });
}
