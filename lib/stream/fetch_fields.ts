/**
 * Fetching fields into their work folder.
 *
 * @module
 */
import type { WorkFolder } from "../checkpoint/work_folder.ts";
import type { Run } from "../ecmwf/run.ts";
import { DEFAULT_POLICY } from "../ensemble/fetch_plan.ts";
import type { PlannedField } from "../ensemble/field_plan.ts";
import { reduceFields } from "../ensemble/reduce_fields.ts";
import { type RestartCause } from "../ensemble/message_loss.ts";
import type { Region } from "../grib/mod.ts";
import { receivedBy, type StageContext } from "../storage/stage_context.ts";
import type { FieldsOptions } from "./stream_options.ts";

/** What fetching works with, and what it adds up. */
export interface FetchContext extends StageContext {
  secondRequests: number;
}

const RESTARTS: Record<RestartCause, string> = {
  replaced: "was replaced on the server while it was read",
  misplaced: "is not where its references point",
};

/**
 * Fetches fields and keeps each in the folder as soon as it is finished.
 *
 * @param fields by their place in the folder's plan.
 * @returns the steps that were read again from their indexes: what was read of them before is of other
 *   versions of their files.
 */
export async function fetchFields(
  run: Run,
  fields: ReadonlyMap<number, PlannedField>,
  folder: WorkFolder,
  options: FieldsOptions,
  context: FetchContext,
): Promise<ReadonlySet<number>> {
  const restarted = new Set<number>();
  if (fields.size === 0) return restarted;
  const places = [...fields.keys()];
  const plan = [...fields.values()];
  const { storage, reporter } = context;
  const total = plan.reduce((sum, { messages }) => sum + messages.length, 0);
  const bar = reporter.progress("messages", total, receivedBy(storage));
  let done = 0;
  try {
    const reduced = await reduceFields(plan, {
      storage,
      run,
      region: chooseRegion(options),
      parallelFetches: options.parallelFetches,
      ...boundMemory(plan, options),
      onSecondRequest: () => void context.secondRequests++,
      onMessage: () => bar.advance(1, `${done} of ${fields.size} fields`),
      async onRestart(stepHours, cause) {
        reporter.warn(`step ${stepHours} ${RESTARTS[cause]}: read again from its index`);
        restarted.add(stepHours);
        for (const [place, field] of fields) {
          if (field.stepHours === stepHours) await folder.drop(place);
        }
      },
      onField(i, field) {
        done++;
        return folder.keep(places[i]!, field);
      },
    });
    // Of a step that was read again, fields may have come to have no messages.
    for (const [i, place] of places.entries()) {
      if (!folder.fields.has(place)) await folder.keep(place, reduced[i]!);
    }
    return restarted;
  } finally {
    bar.finish();
  }
}

/** What of a field is decoded. */
export function chooseRegion({ region, profile }: FieldsOptions): Region {
  return region ?? profile.region;
}

/** A number of messages as a number of bytes: that of so many of the longest one. */
function boundMemory(
  plan: readonly PlannedField[],
  { policy, membersPerBatch }: FieldsOptions,
) {
  if (membersPerBatch === undefined) return { policy };
  const longest = plan.reduce(
    (longest, { messages }) =>
      messages.reduce((most, { reference }) => Math.max(most, reference.length), longest),
    0,
  );
  const maxBytesUnderWay = membersPerBatch * longest;
  const { maxJoinedBytes } = policy ?? DEFAULT_POLICY;
  return {
    maxBytesUnderWay,
    policy: {
      ...policy ?? DEFAULT_POLICY,
      maxJoinedBytes: Math.min(maxJoinedBytes, maxBytesUnderWay),
    },
  };
}
