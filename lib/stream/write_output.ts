/**
 * Finished fields → the output.
 *
 * @module
 */
import { MissingDataError } from "../errors.ts";
import { describeRun, type Run } from "../ecmwf/run.ts";
import {
  alignFields,
  describeRejections,
  emptyUncounted,
  measureRange,
  requireMembers,
  type ResultField,
} from "../ensemble/field_result.ts";
import type { WindowAxes } from "../ensemble/field_reducer.ts";
import { addAbsentFields } from "../output/absent_fields.ts";
import { requireEveryValue } from "../output/complete_values.ts";
import { buildDataset, type FieldValues, type OutputContent } from "../output/forecast_dataset.ts";
import { formatHistory } from "../output/history.ts";
import { makeInterpolation } from "../output/interpolate.ts";
import { layOutDataset } from "../output/layout.ts";
import { chooseTargetAxes } from "../output/target_grid.ts";
import { removeWorkFolder } from "../checkpoint/work_folder.ts";
import type { FieldSession } from "./field_session.ts";
import { chooseExtent, type StreamOptions } from "./stream_options.ts";
import { writeDataset } from "./output_format.ts";
import { collectOutputFields, readOutputMembers } from "./output_fields.ts";
import { ProductValues } from "./product_values.ts";
import { countFields, type FieldsCount } from "./stream_result.ts";

/** What is called around the writing of an output. */
export interface OutputHooks {
  /** Before the file is written. */
  onWrite?(): Promise<void>;
  /**
   * Afterwards, before saved fields are removed.
   *
   * @param sha256 of the output that is one file.
   */
  onWritten?(count: FieldsCount, sha256?: string): Promise<void>;
  /**
   * Whether the saved fields of an incomplete output stay: the same command then fetches what it lacks.
   *
   * @default {false}
   */
  keepsFields?: boolean;
  /** Whether no other command reads the saved fields; else they stay, and that one removes them. */
  isAlone?(): Promise<boolean>;
}

/**
 * Writes the output, and removes the saved fields that it was made of. A work folder that was named
 * stays, with the files of other commands.
 *
 * @returns the fields as they are in the file.
 * @throws {MissingDataError} when no field has a value, or one lacks a value and the profile wants all.
 */
export async function writeOutput(
  session: FieldSession,
  results: readonly ResultField[],
  hooks: OutputHooks = {},
): Promise<FieldsCount> {
  const { plan, options, timer } = session;
  timer.start("output");
  const { run, products, steps, members, unpublished, path } = plan;
  const required = requireMembers(results, options.minMembers ?? 1);
  const { axes, fields } = alignFields(await measureScarce(required, session));
  if (!axes) throw explainEmptiness(run, fields);
  const count = countFields(fields, members);
  const { membersUsed } = count;
  const { profile } = options;
  const { interpolate, ...grid } = chooseGrid(axes, options);
  const values = new ProductValues(session, fields, axes);
  const onWarning = (line: string) => session.context.reporter.warn(line);
  const sources = { plan, options, fields, session, values, interpolate, onWarning };
  const outputFields = await collectOutputFields(sources);
  const content: OutputContent<FieldValues> = {
    profile,
    run,
    products,
    steps,
    ...grid,
    fields: outputFields,
    readMembers: async (product, stepHours) =>
      outputFields.some((it) => it.product === product && it.stepHours === stepHours)
        ? await readOutputMembers(product, stepHours, sources)
        : () => false,
    membersUsed,
    unpublished,
    membersAbsent: members.filter((member) => !membersUsed.includes(member)),
    history: formatHistory(options),
  };
  await requireEveryValue(content, path);
  const dataset = layOutDataset(
    addAbsentFields(buildDataset(content), profile),
    profile.layout,
    products,
  );
  await hooks.onWrite?.();
  const sha256 = await writeDataset(dataset, run, count, options, session.context);
  await hooks.onWritten?.(count, sha256);
  const isDone = count.complete || !hooks.keepsFields;
  if (isDone && (await hooks.isAlone?.() ?? true)) await removeFields(session);
  return count;
}

/** Removes saved fields: those of this output from a folder that was named, else the folder. */
export async function removeFields({ options, folder, context }: FieldSession): Promise<void> {
  if (options.work === undefined) await removeWorkFolder(folder.path, context.storage);
  else await folder.clear();
}

/** Fields with the ranges of what is left of them where points were emptied. */
async function measureScarce(
  fields: readonly ResultField[],
  session: FieldSession,
): Promise<ResultField[]> {
  return await Promise.all(fields.map(async (field, i) => {
    const { reduced } = field;
    if (!reduced.scarcePoints) return field;
    const measure = async (statistic: "mean" | "deviation") =>
      measureRange(emptyUncounted(await session.readStatistic(i, statistic), reduced));
    const ranges = { mean: await measure("mean"), deviation: await measure("deviation") };
    return { ...field, reduced: { ...reduced, ranges } };
  }));
}

/** The points of the output. */
interface OutputGrid {
  axes: WindowAxes;
  axesOfMessages?: WindowAxes;
  /** From the points of the messages. @default {undefined} (they are the same) */
  interpolate?: (values: Float32Array) => Float32Array;
}

function chooseGrid(axes: WindowAxes, options: StreamOptions): OutputGrid {
  const { region, grid } = chooseExtent(options);
  if (!grid) return { axes };
  const target = chooseTargetAxes(axes, region, grid);
  return { axes: target, axesOfMessages: axes, interpolate: makeInterpolation(axes, target) };
}

function explainEmptiness(run: Run, fields: readonly ResultField[]): MissingDataError {
  const [example = "nothing is referenced"] = describeRejections(fields);
  return new MissingDataError(
    `Cannot use any message of ${describeRun(run)}, for example ${example}`,
  );
}
