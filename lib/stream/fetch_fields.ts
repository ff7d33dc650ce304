/**
 * Planned fields → saved fields: fetched, reduced and saved in the work folder one by one.
 *
 * @module
 */
import type { WorkFolder } from "../checkpoint/work_folder.ts";
import type { Run } from "../ecmwf/run.ts";
import { DEFAULT_POLICY } from "../ensemble/fetch_plan.ts";
import type { PlannedField } from "../ensemble/field_plan.ts";
import type { ReducedField } from "../ensemble/field_reducer.ts";
import { type RestartCause, ServerCheck } from "../ensemble/message_loss.ts";
import { PrefixNeeds } from "../ensemble/prefix_need.ts";
import { reduceFields } from "../ensemble/reduce_fields.ts";
import type { Region } from "../grib/mod.ts";
import { chooseTargetAxes, widenRegion } from "../output/target_grid.ts";
import type { Reference } from "../references/store.ts";
import { receivedBy, type StageContext } from "../storage/mod.ts";
import { chooseExtent, type FieldsOptions } from "./stream_options.ts";

const RESTARTS: Record<RestartCause, string> = {
  replaced: "was replaced on the server while it was read",
  misplaced: "is not where its references point",
};

/** Fetches fields of a run. */
export class FieldFetcher {
  /** Further requests, so far, for messages whose beginning was too short. */
  secondRequests = 0;
  readonly #check: ServerCheck;
  readonly #needs: PrefixNeeds;

  /** @param plan all fields of the run, also those that are not to be fetched. */
  constructor(
    private readonly run: Run,
    private readonly options: FieldsOptions,
    private readonly context: StageContext,
    plan: readonly PlannedField[],
  ) {
    this.#check = new ServerCheck(context.storage, () => listReferences(plan));
    this.#needs = new PrefixNeeds(chooseRegion(options));
  }

  /**
   * Fetches fields, and saves each as soon as it is finished.
   *
   * @param fields by their index in the folder's plan.
   * @returns the steps that were read again from their indexes: fields of them that were saved earlier
   *   are of other versions of their files.
   * @throws {StorageError} when the server cannot be reached, or serves nothing; finished fields stay.
   */
  async fetch(
    fields: ReadonlyMap<number, PlannedField>,
    folder: WorkFolder,
  ): Promise<ReadonlySet<number>> {
    const restarted = new Set<number>();
    if (fields.size === 0) return restarted;
    const fieldIndexes = [...fields.keys()];
    const plan = [...fields.values()];
    const { run, options, context: { storage, reporter } } = this;
    const total = plan.reduce((sum, { messages }) => sum + messages.length, 0);
    const bar = reporter.progress("messages", total, receivedBy(storage));
    let done = 0;
    const target = new TargetCheck(options, fields.size);
    try {
      const reduced = await reduceFields(plan, {
        storage,
        run,
        region: chooseRegion(options),
        parallelFetches: options.parallelFetches,
        ...(options.early && { early: options.early }),
        check: this.#check,
        needs: this.#needs,
        ...boundMemory(plan, options),
        onSecondRequest: () => void this.secondRequests++,
        onMessage: () => bar.advance(1, `${done} of ${fields.size} fields`),
        async onRestart(stepHours, cause) {
          reporter.warn(`step ${stepHours} ${RESTARTS[cause]}: re-reading it from its index`);
          restarted.add(stepHours);
          for (const [fieldIndex, field] of fields) {
            if (field.stepHours === stepHours) await folder.drop(fieldIndex);
          }
        },
        onField(i, field) {
          done++;
          target.note(field);
          return folder.save(fieldIndexes[i]!, field);
        },
      });
      // A field of a step that was read again may have no messages left, and so was not handed over.
      for (const [i, fieldIndex] of fieldIndexes.entries()) {
        if (!folder.fields.has(fieldIndex)) await folder.save(fieldIndex, reduced[i]!);
      }
      return restarted;
    } finally {
      bar.finish();
    }
  }
}

/** Fields that must lie around no point of the target grid before the command ends. */
const ENOUGH_MISFITS = 3;

/**
 * Whether the target grid of an output lies between points of the fields, while they are fetched: that is
 * known of the grids that runs have, and of another one when its messages are there. A single field on
 * another grid than the others is left out of the output.
 */
class TargetCheck {
  #misfits = 0;
  #fits = false;

  constructor(private readonly options: FieldsOptions, private readonly fieldCount: number) {}

  /** @throws {UsageError} when no field so far holds the target grid. */
  note({ axes }: Pick<ReducedField, "axes">): void {
    const { grid, region } = chooseExtent(this.options);
    if (!grid || !axes || this.#fits) return;
    try {
      chooseTargetAxes(axes, region, grid);
      this.#fits = true;
    } catch (error) {
      if (++this.#misfits >= Math.min(ENOUGH_MISFITS, this.fieldCount)) throw error;
    }
  }
}

function* listReferences(plan: readonly PlannedField[]): Generator<Reference> {
  for (const { messages } of plan) for (const { reference } of messages) yield reference;
}

/** The window of every field; a little more than the region where it is interpolated. */
export function chooseRegion(options: FieldsOptions): Region {
  const { grid, region } = chooseExtent(options);
  return grid ? widenRegion(region) : region;
}

/** Turns a bound in messages into one in bytes, those of the longest message. */
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
