/**
 * Streaming as work on one run of several: its references are read and planned ahead of its turn, its
 * messages are fetched in it.
 *
 * @module
 */
import { removeWorkFolder } from "../checkpoint/work_folder.ts";
import { formatSteps, type Run } from "../ecmwf/run.ts";
import {
  describeFindings,
  describeRejections,
  describeScarcePoints,
} from "../ensemble/field_result.ts";
import type { RunWork } from "../runs/make_runs.ts";
import { describeAbsentSteps } from "../runs/missing_steps.ts";
import type { StageContext } from "../storage/mod.ts";
import { sortUnique } from "../util/numbers.ts";
import { summarizeLines } from "../util/text.ts";
import { FieldSession } from "./field_session.ts";
import { locateRun } from "./output_format.ts";
import { chooseFieldSteps } from "./product_fields.ts";
import { markSource } from "./recorded_stream.ts";
import { runStream } from "./run_stream.ts";
import type { StreamOptions } from "./stream_options.ts";
import type { FieldsCount, StreamResult } from "./stream_result.ts";

/** Where streams of several runs read, and where they report. */
export interface StreamRunsHooks {
  /** Finds the folder of a run's final stores; none where a catalogue has its references. */
  findStores(run: Run, context: StageContext): Promise<string | undefined>;
  /** Reports what was made of a run. */
  report(
    options: StreamOptions,
    result: StreamResult,
    context: StageContext,
    startedMs: number,
  ): void;
}

/** Streaming of several runs: each has stores of its own. */
export type StreamRunsOptions = Omit<StreamOptions, "run" | "parquetDir">;

/** The work of streaming on one run. The saved fields of an incomplete output stay. */
export function streamWork(
  given: StreamRunsOptions,
  { findStores, report }: StreamRunsHooks,
): RunWork<FieldSession> {
  const output = (run: Run) => locateRun(run, given).output;
  const stepsOf = (run: Run) => chooseFieldSteps(given, run);
  return {
    output,
    steps: stepsOf,
    async prepare(run, context) {
      const parquetDir = await findStores(run, context);
      const session = await FieldSession.open({ ...given, parquetDir, run }, context);
      session.timer.start("waiting");
      return session;
    },
    async make(run, { prepared: session, startedMs, begin, save }, context) {
      session.timer.start("messages");
      const onWritten = async (count: FieldsCount, sha256?: string) => {
        const { complete, messagesUsed: used, messagesWanted: wanted } = count;
        const reason = complete
          ? undefined
          : await describeLosses(run, stepsOf(run), count, context);
        const source = await markSource(session);
        const made = { complete, messages: { used, wanted }, source };
        await save({ ...made, ...(reason && { reason }), ...(sha256 && { sha256 }) });
      };
      const hooks = { session, onWrite: begin, onWritten, keepsFields: true };
      const result = await runStream(session.options, context, hooks);
      if (isLeft(result)) await save(describeLeft(result));
      report(session.options, result, context, startedMs);
    },
    async settle(run, _, { storage }) {
      if (given.work === undefined) {
        await removeWorkFolder(locateRun(run, given).work, storage);
      }
    },
  };
}

/** Whether a run was in its archive already. */
function isLeft({ fields }: StreamResult): boolean {
  return fields.length === 0;
}

function describeLeft({ complete, messagesUsed: used, messagesWanted: wanted }: StreamResult) {
  const reason = `${
    wanted - used
  } of ${wanted} messages are missing in the archive: give --replace`;
  return { complete, messages: { used, wanted }, ...(!complete && { reason }) };
}

/** Which steps are not there, or have no references; else what is wrong with which messages. */
export async function describeLosses(
  run: Run,
  steps: readonly number[],
  { fields, messagesUsed, messagesWanted }: FieldsCount,
  { storage }: StageContext,
): Promise<string> {
  const used = new Set(
    fields.filter(({ reduced }) => reduced.members.length > 0).map((field) => field.stepHours),
  );
  // Without the steps at which ECMWF published none of the variables.
  const planned = sortUnique(fields.map(({ stepHours }) => stepHours));
  const lacking = planned.filter((step) => !used.has(step));
  if (lacking.length > 0) {
    const absence = await describeAbsentSteps({ run, steps, lacking, now: new Date() }, storage);
    if (absence !== undefined) return absence;
    return `${lacking.length} of ${steps.length} steps have no usable message, ` +
      `${formatSteps(run, lacking)}: run the pipeline again, then this`;
  }
  const left = messagesWanted - messagesUsed;
  const doubted = fields.reduce((sum, { reduced }) => sum + reduced.implausible.length, 0);
  const losses = [
    ...(left > 0
      ? [`${left} of ${messagesWanted} messages are missing`, ...describeRejections(fields)]
      : []),
    ...(doubted > 0
      ? [
        `${doubted} of ${messagesWanted} messages are implausible and used`,
        ...describeFindings(fields),
      ]
      : []),
    ...describeScarcePoints(fields),
  ];
  return summarizeLines(losses);
}
