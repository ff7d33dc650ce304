/**
 * Stage 3: the final store of every member: its skeleton and the references of this run.
 *
 * @module
 */
import type { Command } from "../lib/cli/command.ts";
import type { RunSummary } from "../lib/cli/run_summary.ts";
import type { Run } from "../lib/ecmwf/run.ts";
import type { FormatOptions } from "../lib/kerchunk/final_files.ts";
import type { Stage3Options, Stage3Result } from "../lib/pipeline/run_stage3.ts";
import { describePublished } from "../lib/references/stage_folders.ts";
import { exitWith } from "./cli/console.ts";
import { FORMAT_OPTIONS, parseFormatOptions, ZIP } from "./cli/format_options.ts";
import { parseUploadOptions, UPLOAD_OPTIONS, type UploadRequest } from "./cli/gcs_options.ts";
import { parseStageRequest, STAGE_OPTIONS, type StageRequest } from "./cli/run_options.ts";
import { runSingleStage } from "./cli/run_stage.ts";

/** The summary of stage 3. */
export function describeStage3(
  run: Run,
  { complete, members, foreignReferences, folder, zipPath, published }: Stage3Result,
): RunSummary {
  return {
    run,
    complete,
    lines: [
      ["stores", `${members.length}`],
      ...(foreignReferences > 0
        ? [["left out", `${foreignReferences} references to other runs or servers`] as const]
        : []),
      ["written", folder],
      ...(zipPath === undefined ? [] : [["zip", zipPath] as const]),
      ...(published ? [["published", describePublished(published)] as const] : []),
    ],
    facts: {
      members: members.length,
      strayReferences: foreignReferences,
      folder,
      zip: zipPath,
      published,
    },
  };
}

/** The command `stage3`. */
export const command: Command<
  StageRequest & UploadRequest & FormatOptions & Pick<Stage3Options, "catalogDir" | "zip">
> = {
  name: "stage3",
  purpose:
    "Stage 3: merges the skeletons of stage 1 and the references of stage 2 into the final store\n" +
    "of every member, stage3_<member>_final.parquet, which also opens as Zarr.",
  options: [...STAGE_OPTIONS, ...FORMAT_OPTIONS, ZIP, ...UPLOAD_OPTIONS],
  examples: [
    "deno task stage3 --date 20260206",
    "deno task stage3 --date 20260206 --zip",
    "deno task stage3 --date 20260206 --format kerchunk-json --combine",
    "deno task stage3 --date 20260206 --run 12 --output-dir ./run12",
    "deno task stage3 --date 20260206 --layout catalog --catalog-dir ./catalog",
    "deno task stage3 --date 20260206 --upload-gcs --gcs-bucket my-bucket",
  ],
  parse: (values) => ({
    ...parseStageRequest(values),
    ...parseUploadOptions(values),
    ...parseFormatOptions(values),
    zip: values.flag("zip"),
  }),
  async run(request, reporter) {
    // Loaded when the command line is known to be right.
    const { runStage3 } = await import("../lib/pipeline/run_stage3.ts");
    return await runSingleStage(request, reporter, runStage3, describeStage3);
  },
};

if (import.meta.main) await exitWith(command);
