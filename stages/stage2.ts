/**
 * Stage 2: fresh references of a run. Every index is read once and spread over the members.
 *
 * @module
 */
import type { Command } from "../lib/cli/command.ts";
import type { RunSummary } from "../lib/cli/run_summary.ts";
import type { Run } from "../lib/ecmwf/run.ts";
import type { Stage2Result } from "../lib/pipeline/run_stage2.ts";
import { exitWith } from "./cli/console.ts";
import {
  INDEX_OPTIONS,
  type IndexOptions,
  parseIndexOptions,
  parseStageRequest,
  STAGE_OPTIONS,
  type StageRequest,
} from "./cli/run_options.ts";
import { runSingleStage } from "./cli/run_stage.ts";

function describeStage2(run: Run, result: Stage2Result): RunSummary {
  const { complete, members, missingFiles, missingFields, fieldCount, folder } = result;
  return {
    run,
    complete,
    lines: [
      ["members", `${members.length}`],
      ["references", `${fieldCount}`],
      ["missing files", `${missingFiles.length}`],
      ["written", folder],
    ],
    facts: {
      members: members.length,
      references: fieldCount,
      missingFiles: missingFiles.map(({ url }) => url),
      missingFields,
      folder,
    },
  };
}

/** The command `stage2`. */
export const command: Command<StageRequest & IndexOptions> = {
  name: "stage2",
  purpose:
    "Stage 2: reads every .index of a run once and writes one Parquet file a member with the\n" +
    "byte range of every field (step_036/tp/sfc/ens01/0.0.0 → [url, offset, length]).",
  options: [...STAGE_OPTIONS, ...INDEX_OPTIONS],
  examples: [
    "deno run -A stages/stage2.ts --date 20260206",
    "deno task stage2 --date 20260206 --run 12 --steps 36,39,42",
    "deno task stage2 --date latest --max-members 10 --allow-missing",
  ],
  parse: (values) => ({ ...parseStageRequest(values), ...parseIndexOptions(values) }),
  async run(request, reporter) {
    // Loaded when the command line is known to be right.
    const { runStage2 } = await import("../lib/pipeline/run_stage2.ts");
    return await runSingleStage(request, reporter, runStage2, describeStage2);
  },
};

if (import.meta.main) await exitWith(command);
