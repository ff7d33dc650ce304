/**
 * References in memory → the Parquet files that stages 2 and 3 would write of the same steps.
 *
 * @module
 */
import { describeRun, isSameRun, type Run } from "../ecmwf/run.ts";
import { findRun } from "../ensemble/field_plan.ts";
import { UsageError } from "../errors.ts";
import { writeMergedStores } from "../pipeline/run_stage2.ts";
import { runStage3 } from "../pipeline/run_stage3.ts";
import { readStageStore, removePartialStageFiles } from "../references/stage_files.ts";
import { parseFieldKey } from "../references/store.ts";
import type { StageContext, Storage } from "../storage/mod.ts";
import type { StepReader } from "./step_reader.ts";

/**
 * Writes the files of stages 2 and 3, with the skeletons of stage 1 if the folder has them.
 *
 * Costs no request, or one GET of 300 bytes for each parameter that skeletons lack.
 *
 * @throws {UsageError} when the folder has references that would be lost: of another run, or of steps
 *   that were not read.
 */
export async function writeReferences(
  reader: StepReader,
  folder: string,
  context: StageContext,
): Promise<void> {
  const { run } = reader;
  const fields = reader.collectFields();
  const members = fields.members.toSorted((a, b) => a - b);
  await removePartialStageFiles(folder);
  for (const member of members.slice(0, 1)) {
    const state = await findOthers(context.storage, folder, member, reader);
    if (state === undefined) continue;
    throw new UsageError(
      `Cannot write references to ${folder}: it has ${state}; give --keep-references another folder`,
    );
  }
  await writeMergedStores(fields, members, folder, context);
  const maxMembers = members.at(-1)! + 1;
  await runStage3({ run, maxMembers, outputDir: folder, zip: false }, context);
}

/** What a folder has that would be lost, by the file of one member. */
async function findOthers(
  storage: Storage,
  folder: string,
  member: number,
  { run, steps }: StepReader,
): Promise<string | undefined> {
  const store = await readStageStore(storage, folder, 2, member);
  if (!store) return undefined;
  const found: Run | undefined = findRun(new Map([[member, store]]));
  if (found && !isSameRun(found, run)) return `those of ${describeRun(found)}`;
  const others = new Set(
    [...store.keys()].flatMap((key) => parseFieldKey(key)?.stepHours ?? [])
      .filter((step) => !steps.includes(step)),
  );
  return others.size > 0 ? `those of other steps, such as ${[...others][0]}` : undefined;
}
