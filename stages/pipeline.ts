/**
 * The pipeline: stages 1, 2 and 3 in one process, for one run or several.
 *
 * @module
 */
import type { Command, OptionSpec } from "../lib/cli/command.ts";
import { type RunSummary, summarizeRun } from "../lib/cli/run_summary.ts";
import type { Run } from "../lib/ecmwf/run.ts";
import { UsageError } from "../lib/errors.ts";
import type { FormatOptions } from "../lib/kerchunk/final_files.ts";
import { GIK_VARIABLES } from "../lib/ecmwf/variables.ts";
import type { PipelineResult } from "../lib/pipeline/run_pipeline.ts";
import type { ScanOptions } from "../lib/pipeline/skeleton_source.ts";
import type { TemplateOptions } from "../lib/template/open_template.ts";
import type { Outcome, Reporter } from "../lib/util/reporter.ts";
import { exitWith } from "./cli/console.ts";
import { FORMAT_OPTIONS, parseFormatOptions, ZIP } from "./cli/format_options.ts";
import { parseUploadOptions, UPLOAD_OPTIONS, type UploadRequest } from "./cli/gcs_options.ts";
import {
  DATES,
  INDEX_OPTIONS,
  type IndexOptions,
  listShapingOptions,
  parseIndexOptions,
  parseStageRequest,
  RUN_HOURS,
  STAGE_OPTIONS,
  type StageRequest,
} from "./cli/run_options.ts";
import { openContext, runStage } from "./cli/run_stage.ts";
import { parseScanOptions, SCAN_OPTIONS } from "./cli/scan_options.ts";
import { parseTemplateOptions, TEMPLATE_OPTIONS } from "./cli/template_options.ts";
import { describeStage3 } from "./stage3.ts";

interface PipelineRequest
  extends StageRequest, TemplateOptions, ScanOptions, IndexOptions, FormatOptions, UploadRequest {
  stage1Zip: boolean;
  zip: boolean;
  /** The folder of a run to be rehearsed instead. */
  rehearse?: string;
  /** For the ledger of several runs. */
  shapingOptions: Record<string, string>;
}

const STAGE1_ZIP: OptionSpec = {
  name: "stage1-zip",
  help: "also write the stage 1 zip of the Python tools, ecmwf_<date>_<run>z_efficient.zip",
};

const REHEARSE: OptionSpec = {
  name: "rehearse",
  value: "<folder or URL>",
  help: "print how the run in this folder differs from the newest known cycle; make nothing\n" +
    "(of the other options, --steps, --max-members and those on servers apply)",
};

const RUN_LISTS = new Map([DATES, RUN_HOURS].map((option) => [option.name, option]));
const OPTIONS: readonly OptionSpec[] = [
  ...STAGE_OPTIONS.map((option) => RUN_LISTS.get(option.name) ?? option),
  ...INDEX_OPTIONS,
  ...TEMPLATE_OPTIONS,
  ...SCAN_OPTIONS,
  STAGE1_ZIP,
  ...FORMAT_OPTIONS,
  ZIP,
  ...UPLOAD_OPTIONS,
];

/** The command `pipeline`. */
export const command: Command<PipelineRequest> = {
  name: "pipeline",
  purpose: "Stages 1, 2 and 3: from a run of the ECMWF ensemble to one Parquet file of byte\n" +
    "references a member, in one process. Several days or hours are several runs, each\n" +
    "with a folder of its own; runs.json says what became of them.",
  options: [...OPTIONS, REHEARSE],
  examples: [
    "deno task pipeline --date 20260206 --skip-grib-scan --parallel-workers 8",
    "deno task pipeline --date latest --run 12 --no-template",
    "deno task pipeline --date 20260206 --run-stage1 --hours 0,3",
    "deno task pipeline --date 20260206 --scan --format kerchunk-json --combine",
    "deno task pipeline --date 20260206,20260207 --steps 36,39,42 --zip",
    "deno task pipeline --date 20240301..20240531/7 --run 00,12 --no-template",
    "deno task pipeline --date latest --upload-gcs",
    "deno task pipeline --date 20260206 --model aifs-ens",
    "deno task pipeline --rehearse s3://ecmwf-forecasts/20270601/00z/ifs/0p25",
  ],
  parse: (values) => ({
    ...parseStageRequest(values),
    ...parseIndexOptions(values),
    ...parseTemplateOptions(values),
    ...parseScanOptions(values),
    ...parseUploadOptions(values),
    ...parseFormatOptions(values),
    stage1Zip: values.flag(STAGE1_ZIP.name),
    zip: values.flag("zip"),
    rehearse: values.text(REHEARSE.name),
    shapingOptions: listShapingOptions(OPTIONS, values),
  }),
  async run(request, reporter) {
    if (request.rehearse !== undefined) return await rehearse(request, request.rehearse, reporter);
    const { runRequests, outputDir, saveTemplate } = request;
    if (saveTemplate !== undefined && runRequests.length > 1) {
      throw new UsageError("Cannot save templates of several runs as one file: give one --date");
    }
    if (outputDir !== undefined && runRequests.length > 1) {
      throw new UsageError("Cannot put several runs into one --output-dir: leave it out");
    }
    if (runRequests.length <= 1) {
      const { runPipeline } = await import("../lib/pipeline/run_pipeline.ts");
      return await runStage(request, reporter, runPipeline, describePipeline);
    }
    const { pipelineWork } = await import("../lib/pipeline/pipeline_runs.ts");
    const { runRange } = await import("./cli/run_range.ts");
    const work = pipelineWork(request, (run, result, context, startedMs) => {
      reporter.result(summarizeRun(describePipeline(run, result), context, startedMs));
    });
    // References are no one's last copy: the same command makes them again.
    const options = {
      ...{ command: "pipeline", folder: ".", options: request.shapingOptions },
      overwrite: true,
    };
    return await runRange(request, work, options, reporter);
  },
};

/** Compares a run with the newest era; prints the result instead of the usual summary. */
async function rehearse(
  { server, gcs, steps, maxMembers }: PipelineRequest,
  address: string,
  reporter: Reporter,
): Promise<Outcome> {
  const [{ rehearseRun }, { reportRehearsal }] = await Promise.all([
    import("../lib/pipeline/rehearse_run.ts"),
    import("../lib/cli/rehearsal_report.ts"),
  ]);
  const context = openContext(server, reporter, gcs);
  const options = { address, steps, maxMembers, variables: GIK_VARIABLES };
  return reportRehearsal(await rehearseRun(options, context), context);
}

/** The summary of the three stages. */
function describePipeline(run: Run, { stage2, stage3, complete }: PipelineResult): RunSummary {
  const { lines, facts } = describeStage3(run, stage3);
  const { fieldCount, missingFiles, missingFields } = stage2;
  return {
    run,
    complete,
    lines: [
      ["references", `${fieldCount}`],
      ["missing files", `${missingFiles.length}`],
      ...lines,
    ],
    facts: {
      references: fieldCount,
      missingFiles: missingFiles.map(({ url }) => url),
      missingFields,
      ...facts,
    },
  };
}

if (import.meta.main) await exitWith(command);
