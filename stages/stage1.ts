/**
 * Stage 1: checks a run and leaves the skeleton of every member's store, made from a template or from
 * the headers of the run's own GRIB files.
 *
 * @module
 */
import type { Command, OptionSpec } from "../lib/cli/command.ts";
import type { RunSummary } from "../lib/cli/run_summary.ts";
import type { Run } from "../lib/ecmwf/run.ts";
import type { Stage1Result } from "../lib/pipeline/run_stage1.ts";
import type { ScanOptions } from "../lib/pipeline/skeleton_source.ts";
import type { TemplateOptions } from "../lib/template/open_template.ts";
import { exitWith } from "./cli/console.ts";
import { parseStageRequest, STAGE_OPTIONS, type StageRequest } from "./cli/run_options.ts";
import { runSingleStage } from "./cli/run_stage.ts";
import { parseScanOptions, SCAN_OPTIONS } from "./cli/scan_options.ts";
import { parseTemplateOptions, TEMPLATE_OPTIONS } from "./cli/template_options.ts";

function describeStage1(run: Run, result: Stage1Result): RunSummary {
  const { complete, members, fromTemplate, scanned, folder } = result;
  const origin = scanned ? "a scan" : fromTemplate ? "a template" : "nothing: they are empty";
  return {
    run,
    complete,
    lines: [["skeletons", `${members.length}`], ["made from", origin], ["written", folder]],
    facts: { members: members.length, fromTemplate, scanned, folder },
  };
}

const ZIP: OptionSpec = {
  name: "zip",
  help: "also write the zip of the Python tools, ecmwf_<date>_<run>z_efficient.zip",
};

/** The command `stage1`. */
export const command: Command<
  StageRequest & TemplateOptions & ScanOptions & { stage1Zip: boolean }
> = {
  name: "stage1",
  purpose:
    "Stage 1: checks that a run of the ECMWF ensemble is there, and writes the skeleton of\n" +
    "every member's store (metadata and coordinates) from a template archive, or from the\n" +
    "headers of the run's own GRIB files.",
  options: [...STAGE_OPTIONS, ...TEMPLATE_OPTIONS, ...SCAN_OPTIONS, ZIP],
  examples: [
    "deno task stage1 --date 20260206",
    "deno task stage1 --date latest --run 12 --no-template",
    "deno task stage1 --date 20260206 --template ./template.tar.gz --require-template",
    "deno task stage1 --date 20260206 --scan --save-template ./template.tar.gz",
  ],
  parse: (values) => ({
    ...parseStageRequest(values),
    ...parseTemplateOptions(values),
    ...parseScanOptions(values),
    stage1Zip: values.flag(ZIP.name),
  }),
  async run(request, reporter) {
    // Loaded when the command line is known to be right.
    const { runStage1 } = await import("../lib/pipeline/run_stage1.ts");
    return await runSingleStage(request, reporter, runStage1, describeStage1);
  },
};

if (import.meta.main) await exitWith(command);
