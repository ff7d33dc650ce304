/**
 * Finished fields in, the NetCDF out.
 *
 * @module
 */
import { basename, dirname } from "node:path";
import { MissingDataError } from "../errors.ts";
import type { Member } from "../ecmwf/members.ts";
import { describeRun, type Run } from "../ecmwf/run.ts";
import {
  alignFields,
  describeRejections,
  requireMembers,
  type ResultField,
} from "../ensemble/field_result.ts";
import { encodeNetcdf } from "../netcdf/encode_netcdf.ts";
import { buildDataset, type OutputField } from "../output/forecast_dataset.ts";
import { removePartialFiles, type StageContext } from "../storage/mod.ts";
import { removeWorkFolder, type WorkFolder } from "../checkpoint/work_folder.ts";
import type { StreamOptions } from "./stream_options.ts";
import type { StreamPlan } from "./plan_stream.ts";

/** What is in fields. */
export interface FieldsCount {
  fields: ResultField[];
  /** Members that went into at least one field. */
  membersUsed: Member[];
  /** Messages asked for, one a member and field. */
  messagesWanted: number;
  messagesUsed: number;
  /** Whether every message asked for is in. */
  complete: boolean;
}

/** Counts what is in fields. */
export function countFields(fields: ResultField[], members: readonly Member[]): FieldsCount {
  const membersUsed = members.filter((member) =>
    fields.some(({ reduced }) => reduced.members.includes(member))
  );
  const messagesWanted = fields.length * members.length;
  const messagesUsed = fields.reduce((sum, { reduced }) => sum + reduced.members.length, 0);
  const complete = messagesUsed === messagesWanted;
  return { fields, membersUsed, messagesWanted, messagesUsed, complete };
}

/**
 * Writes the NetCDF, and removes from the work folder what it was made of. A folder that was named
 * stays, and in it what is of other commands.
 *
 * @throws {MissingDataError} when no field has a value.
 */
export async function writeOutput(
  plan: StreamPlan,
  results: readonly ResultField[],
  folder: WorkFolder,
  options: StreamOptions,
  { storage }: StageContext,
): Promise<FieldsCount> {
  const { run, variables, steps, members, path } = plan;
  const { axes, fields } = alignFields(requireMembers(results, options.minMembers ?? 1));
  if (!axes) throw explainEmptiness(run, fields);
  const count = countFields(fields, members);
  const { membersUsed } = count;
  const dataset = buildDataset({
    profile: options.profile,
    run,
    variables,
    steps,
    axes,
    fields: fields.flatMap(toOutputField),
    membersUsed,
    membersAbsent: members.filter((member) => !membersUsed.includes(member)),
    history: formatHistory(options.now),
  });
  await removePartialFiles(dirname(path), (name) => name === basename(path));
  await storage.put(path, encodeNetcdf(dataset));
  if (options.work === undefined) await removeWorkFolder(folder.path, storage);
  else await folder.clear();
  return count;
}

/** The `history` of the output. */
export function formatHistory(now: Date): string {
  return `${now.toISOString()} written by gik-deno stream from byte references`;
}

function explainEmptiness(run: Run, fields: readonly ResultField[]): MissingDataError {
  const [example = "nothing is referenced"] = describeRejections(fields);
  return new MissingDataError(
    `Cannot use any message of ${describeRun(run)}, for example ${example}`,
  );
}

function toOutputField({ variable, stepHours, reduced }: ResultField): OutputField[] {
  if (reduced.members.length === 0) return [];
  const { mean, deviation, members } = reduced;
  return [{ variable, stepHours, mean, deviation, membersUsed: members.length }];
}
