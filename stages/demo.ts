/**
 * The main job on the run that comes with the project: a local S3 server in front of `fixtures/run`,
 * the pipeline, streaming, and a comparison with what ecCodes and numpy make of the same messages.
 *
 * @module
 */
import {
  AFTER_50R1,
  BEFORE_50R1,
  EMBEDDED_FOLDER,
  EMBEDDED_STEPS,
  largestDifference,
  readExpected,
} from "../fixtures/embedded_run.ts";
import { startS3Server } from "../fixtures/s3_server.ts";
import type { Command } from "../lib/cli/command.ts";
import type { Outcome, Reporter } from "../lib/util/reporter.ts";
import { formatTable } from "../lib/cli/text_report.ts";
import { BUCKET } from "../lib/ecmwf/files.ts";
import { describeRun } from "../lib/ecmwf/run.ts";
import { GIK } from "../lib/output/profile.ts";
import { stageFolder } from "../lib/references/stage_files.ts";
import { exitWith } from "./cli/console.ts";
import { openContext } from "./cli/run_options.ts";
import { runPipeline } from "../lib/pipeline/run_pipeline.ts";
import { runStream } from "../lib/stream/run_stream.ts";
import { measureVariables, tabulateVariables } from "../lib/cli/variable_ranges.ts";

const OUTPUT_DIR = "demo_output";

/** Largest relative difference to the expected values that float32 explains. */
const TOLERANCE = 1e-6;

/** Runs the main job on both embedded runs. */
export async function runDemo(outputDir: string, reporter: Reporter): Promise<Outcome> {
  await using server = startS3Server({ buckets: { [BUCKET]: EMBEDDED_FOLDER } });
  let complete = true;
  for (const { run, members } of [BEFORE_50R1, AFTER_50R1]) {
    reporter.info(`\n${describeRun(run)}, ${members} members, from a local S3 server`);
    const context = openContext({ endpoint: server.url }, reporter);
    const folder = `${outputDir}/${stageFolder(run)}`;
    const pipeline = await runPipeline({
      run,
      steps: EMBEDDED_STEPS,
      maxMembers: members,
      parallelWorkers: 8,
      outputDir: folder,
      requireTemplate: false,
      templateCache: outputDir,
      allowMissing: false,
      zip: false,
    }, context);
    const stream = await runStream({
      parquetDir: folder,
      profile: GIK,
      steps: EMBEDDED_STEPS,
      maxMembers: members,
      parallelFetches: 8,
      outputDir,
      now: new Date(),
    }, context);
    const expected = await readExpected(run);
    const worst = largestDifference(stream.fields, expected);
    reporter.info(formatTable(tabulateVariables(measureVariables(stream.fields, members))));
    reporter.info(`${stream.messagesUsed} of ${stream.messagesWanted} messages → ${stream.path}`);
    reporter.info(`largest relative difference to ecCodes and numpy: ${worst.toExponential(1)}`);
    complete &&= pipeline.complete && stream.complete && worst <= TOLERANCE;
  }
  return { complete };
}

/** The command `demo`. */
export const command: Command<Record<string, never>> = {
  name: "demo",
  purpose: "The main job on the embedded run, without any network: references, NetCDF, and a\n" +
    `comparison with ecCodes and numpy. Writes to ${OUTPUT_DIR}/.`,
  options: [],
  examples: ["deno task demo", "deno task demo --quiet", "deno task demo --json"],
  parse: () => ({}),
  run: (_, reporter) => runDemo(OUTPUT_DIR, reporter),
};

if (import.meta.main) await exitWith(command);
