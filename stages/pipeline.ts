/**
 * The pipeline: stages 1, 2 and 3 in one process, for one run or several.
 *
 * @module
 */
import type { Command, Outcome } from "../lib/cli/command.ts";
import { describeRun, type Run } from "../lib/ecmwf/run.ts";
import { exitWith } from "./console.ts";
import {
  DATE,
  describeTraffic,
  ENDPOINT,
  MAX_MEMBERS,
  openContext,
  optional,
  OUTPUT_DIR,
  PARALLEL_WORKERS,
  parseEndpoint,
  parseRunRequests,
  resolveRun,
  RUN_HOUR,
  type RunRequest,
  type StageContext,
  STEPS,
} from "./options.ts";
import { runStage1, type Stage1Options, type Stage1Result } from "./stage1.ts";
import { ALLOW_MISSING, runStage2, type Stage2Options, type Stage2Result } from "./stage2.ts";
import { runStage3, type Stage3Options, type Stage3Result, ZIP } from "./stage3.ts";
import { parseTemplateOptions, TEMPLATE_OPTIONS } from "./template_options.ts";

/** What the pipeline works on: the options of its stages. */
export interface PipelineOptions extends Stage1Options, Stage2Options, Stage3Options {}

/** What the pipeline left. */
export interface PipelineResult extends Outcome {
  stage1: Stage1Result;
  stage2: Stage2Result;
  stage3: Stage3Result;
}

/**
 * Runs the three stages of one run.
 *
 * @throws what the stages throw; the files of finished stages stay.
 */
export async function runPipeline(
  options: PipelineOptions,
  context: StageContext,
): Promise<PipelineResult> {
  const stage1 = await runStage1(options, context);
  const stage2 = await runStage2(options, context);
  const stage3 = await runStage3(options, context);
  const whole = stage1.complete && stage2.complete && stage3.complete;
  return { stage1, stage2, stage3, complete: whole || options.allowMissing };
}

interface PipelineRequest extends Omit<PipelineOptions, "run"> {
  requests: RunRequest[];
  endpoint: string | undefined;
}

const command: Command<PipelineRequest> = {
  name: "pipeline",
  purpose: "Stages 1, 2 and 3: from a run of the ECMWF ensemble to one Parquet file of byte\n" +
    "references a member, in one process.",
  options: [
    { ...DATE, help: `${DATE.help}; several separated by commas` },
    RUN_HOUR,
    STEPS,
    MAX_MEMBERS,
    PARALLEL_WORKERS,
    ...TEMPLATE_OPTIONS,
    {
      name: "skip-grib-scan",
      help: "make skeletons from the template; this is what happens anyway",
    },
    {
      name: "hours",
      value: "<h,h>",
      default: "0,3",
      help: "forecast hours that --run-stage1 scans (not in this version)",
    },
    ALLOW_MISSING,
    ZIP,
    OUTPUT_DIR,
    ENDPOINT,
  ],
  examples: [
    "deno task pipeline --date 20260206 --skip-grib-scan --parallel-workers 8",
    "deno task pipeline --date latest --run 12 --no-template",
    "deno task pipeline --date 20260206,20260207 --steps 36,39,42 --zip",
  ],
  parse: (values) => ({
    requests: parseRunRequests(values),
    ...optional("steps", values.counts("steps")),
    maxMembers: values.count("max-members"),
    parallelWorkers: values.count("parallel-workers"),
    allowMissing: values.flag("allow-missing"),
    zip: values.flag("zip"),
    ...parseTemplateOptions(values),
    ...optional("outputDir", values.text("output-dir")),
    endpoint: parseEndpoint(values),
  }),
  async run({ requests, endpoint, ...options }, reporter) {
    const context = openContext(endpoint, reporter);
    let complete = true;
    for (const request of requests) {
      const run = await resolveRun(request, context);
      const started = Date.now();
      const result = await runPipeline({ ...options, run }, context);
      complete &&= result.complete;
      reporter.info(describeResult(run, result, context, Date.now() - started));
    }
    return { complete };
  },
};

function describeResult(
  run: Run,
  { stage2, stage3, complete }: PipelineResult,
  context: StageContext,
  elapsedMs: number,
): string {
  return [
    `${describeRun(run)}: ${complete ? "complete" : "INCOMPLETE, see the warnings"}`,
    `  members          ${stage3.members.length}`,
    `  references       ${stage2.fieldCount}`,
    `  missing files    ${stage2.missingFiles.length}`,
    ...describeTraffic(context, elapsedMs),
    `  stores in        ${stage3.folder}`,
  ].join("\n");
}

if (import.meta.main) await exitWith(command);
