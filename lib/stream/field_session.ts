/**
 * Options → the fields of an output that one process makes: planned, resumed from the work folder,
 * fetched, and freed of implausible messages.
 *
 * @module
 */
import type { ArrayTask } from "../checkpoint/array_task.ts";
import { findOpenSteps, findReplaced, sameVersions } from "../checkpoint/field_versions.ts";
import { partitionFields } from "../checkpoint/partition_fields.ts";
import { lacksMessages, type RetainedField, WorkFolder } from "../checkpoint/work_folder.ts";
import type { PlannedField } from "../ensemble/field_plan.ts";
import { emptySummary, type ResultField } from "../ensemble/field_result.ts";
import { GrowthCheck, leaveOut } from "../ensemble/implausible.ts";
import type { KeptMembers } from "../ensemble/kept_members.ts";
import { MissingDataError } from "../errors.ts";
import type { StageContext } from "../storage/mod.ts";
import { PhaseTimer } from "../util/timing.ts";
import { chooseRegion, FieldFetcher } from "./fetch_fields.ts";
import { planStream, type StreamPlan } from "./plan_stream.ts";
import type { StreamOptions } from "./stream_options.ts";
import type { FieldsCount, FieldsResult } from "./stream_result.ts";

/** Saved fields by their index in the plan. */
export type SavedFields = ReadonlyMap<number, RetainedField>;

/** Planned fields, made of fewer messages than in the plan, by their index in it. */
type FewerMessages = ReadonlyMap<number, PlannedField>;

/** Which part of the work a session has. */
interface SessionOptions {
  /** @default {undefined} (one process makes all fields) */
  task?: ArrayTask;
  /** Name of the phase that follows the reading of references. @default "messages" */
  phase?: string;
}

/** How often files that are replaced while they are read are read. */
const MAX_ATTEMPTS = 3;

/** The fields of a plan that one process makes, from its options to its results. */
export class FieldSession {
  /** Of the fields that this process makes, in the plan; ascending. */
  readonly fieldIndexes: readonly number[];
  readonly #fetcher: FieldFetcher;
  readonly #growth: GrowthCheck;
  #fieldsResumed = 0;
  /** That of the fields made of fewer messages. @default {undefined} (there are none) */
  #refetched: WorkFolder | undefined;

  private constructor(
    readonly plan: StreamPlan,
    readonly folder: WorkFolder,
    growth: GrowthCheck,
    readonly options: StreamOptions,
    readonly context: StageContext,
    readonly timer: PhaseTimer,
  ) {
    const { fields, run } = plan;
    const { task } = folder;
    this.fieldIndexes = task
      ? partitionFields(fields, task.count)[task.index]!
      : [...fields.keys()];
    this.#fetcher = new FieldFetcher(run, options, context, fields);
    this.#growth = growth;
  }

  /**
   * Plans the fields and opens their work folder. Costs what `planStream` does.
   *
   * @throws as `planStream` does.
   */
  static async open(
    options: StreamOptions,
    context: StageContext,
    { task, phase = "messages" }: SessionOptions = {},
  ): Promise<FieldSession> {
    const timer = new PhaseTimer();
    timer.start("references");
    const plan = await planStream(options, context);
    timer.start(phase);
    const growth = new GrowthCheck(plan.fields);
    const folder = await openWorkFolder(plan, growth, options, context, task);
    return new FieldSession(plan, folder, growth, options, context, timer);
  }

  /**
   * Reads the saved fields of this process. Fields whose files were replaced since are dropped, but not
   * those of a step that is whole, as nothing will be added to it, unless `checkSaved` is set: one HEAD a file of the other steps.
   */
  async resume(): Promise<void> {
    const { plan, folder, fieldIndexes } = this;
    if (this.options.fresh) await folder.clear(fieldIndexes);
    await folder.read({ fieldIndexes });
    const checked = this.options.checkSaved
      ? new Set(plan.steps)
      : findOpenSteps(plan.fields, folder.fields);
    await this.#dropReplaced(checked);
    const { size } = folder.fields;
    this.#fieldsResumed = size;
    if (size === 0) return;
    const count = `${size} of ${fieldIndexes.length} fields`;
    this.context.reporter.info(`resuming: ${count} are saved in ${folder.path}`);
  }

  /** Reads all saved fields as they are, also those that lack messages. */
  async readAll(): Promise<void> {
    await this.folder.read({ lacking: true });
    this.#fieldsResumed = this.folder.fields.size;
  }

  /**
   * Reads saved fields of other tasks, also those that lack messages. Costs one listing, and one GET a
   * field.
   */
  async readOthers(fieldIndexes: readonly number[]): Promise<SavedFields> {
    const folder = await openWorkFolder(this.plan, this.#growth, this.options, this.context);
    if (fieldIndexes.length > 0) await folder.read({ fieldIndexes, lacking: true });
    return folder.fields;
  }

  /**
   * Fetches and saves the fields that are not in the work folder and, with `dropImplausible`, fetches
   * those with implausible messages once more without these. All fields of a step are of the same
   * versions of its files: when one is replaced meanwhile, fields saved earlier are read again.
   *
   * @param judge gives fields with everything that is implausible about them, once the fields of this
   *   process are saved.
   * @returns the fields of this process, in the order of `fieldIndexes`.
   * @throws {MissingDataError} when files are replaced again and again.
   * @throws {StorageError} when the server cannot be reached or refuses; finished fields stay.
   */
  async complete(judge: () => Promise<SavedFields>): Promise<ResultField[]> {
    try {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const fields = await this.#tryToComplete(judge);
        if (fields) return fields;
      }
    } catch (error) {
      this.context.reporter.warn(this.#describeSaved());
      throw error;
    }
    throw new MissingDataError(
      "Cannot read all fields of a step from one version of its files: they are replaced again and " +
        "again, run the same command later",
    );
  }

  /** @returns `undefined` when fields saved earlier had to be dropped. */
  async #tryToComplete(
    judge: () => Promise<SavedFields>,
  ): Promise<ResultField[] | undefined> {
    const { plan, folder } = this;
    const missing = this.fieldIndexes
      .filter((i) => !folder.fields.has(i) && plan.fields[i]!.messages.length > 0)
      .map((i) => [i, plan.fields[i]!] as const);
    const restarted = await this.#fetcher.fetch(new Map(missing), folder);
    if (await this.#dropReplaced(restarted)) return undefined;

    const judged = await judge();
    const fewer = this.leaveOutImplausible(judged);
    const { refetched, newerSteps } = await this.#refetch(fewer, judged);
    if (await this.#dropReplaced(newerSteps)) return undefined;
    return this.collect(new Map([...folder.fields, ...judged]), fewer, refetched);
  }

  /**
   * Fetches fields with fewer messages, unless that was done for the same versions of their files.
   *
   * @returns the fields, and the steps whose files were replaced since the fields were judged.
   */
  async #refetch(
    fewer: FewerMessages,
    judged: SavedFields,
  ): Promise<{ refetched: WorkFolder; newerSteps: ReadonlySet<number> }> {
    const folder = await this.folder.without(fewer);
    const refetched = folder.fields;
    if (fewer.size === 0) return { refetched: folder, newerSteps: new Set() };
    await folder.read();
    const isNewer = (i: number, field: RetainedField) => !sameVersions(field, judged.get(i)!);
    for (const [i, field] of refetched) if (isNewer(i, field)) await folder.drop(i);
    const missing = [...fewer].filter(([i, { messages }]) =>
      !refetched.has(i) && messages.length > 0
    );
    if (missing.length > 0) {
      const names = missing.map(([, field]) => `${field.variable.name} (${field.stepHours} h)`);
      this.context.reporter.info(`re-reading without implausible messages: ${names.join(", ")}`);
    }
    await this.#fetcher.fetch(new Map(missing), folder);
    const newer = [...refetched].filter(([i, field]) => isNewer(i, field));
    return {
      refetched: folder,
      newerSteps: new Set(newer.map(([i]) => this.plan.fields[i]!.stepHours)),
    };
  }

  /** Drops fields of some steps whose files were replaced since. @returns whether there were any. */
  async #dropReplaced(steps: ReadonlySet<number>): Promise<boolean> {
    const { plan, folder, context: { storage, reporter } } = this;
    const stepOf = (fieldIndex: number) => plan.fields[fieldIndex]!.stepHours;
    const fields = [...folder.fields].filter(([i]) => steps.has(stepOf(i)));
    const replaced = await findReplaced(fields, storage);
    for (const [stepHours, stale] of Map.groupBy(replaced, stepOf)) {
      for (const fieldIndex of stale) await folder.drop(fieldIndex);
      reporter.warn(
        `step ${stepHours} was replaced on the server: re-reading ${stale.length} fields saved earlier`,
      );
    }
    return replaced.length > 0;
  }

  /**
   * Reads the members of a field that were kept, of the messages that its result is made of. Costs one
   * GET.
   *
   * @throws {MissingDataError} when its file was removed or damaged meanwhile.
   */
  async readKept(fieldIndex: number): Promise<KeptMembers> {
    return await this.#folderOf(fieldIndex).readKept(fieldIndex);
  }

  /**
   * Reads a statistic of a field, likewise: its mean, its deviation, or one of those asked for besides,
   * by its number. Costs as much.
   *
   * @throws {MissingDataError} likewise.
   */
  async readStatistic(
    fieldIndex: number,
    statistic: "mean" | "deviation" | number,
  ): Promise<Float32Array> {
    const folder = this.#folderOf(fieldIndex);
    return typeof statistic === "number"
      ? await folder.readStatistic(fieldIndex, "further", statistic)
      : await folder.readStatistic(fieldIndex, statistic);
  }

  /** The folder with the file that the result of a field is of. */
  #folderOf(fieldIndex: number): WorkFolder {
    return this.#refetched?.fields.has(fieldIndex) ? this.#refetched : this.folder;
  }

  /**
   * Fields with everything that is implausible about them, also beside the other steps. Where something
   * is, the fields of its variable are read again from the work folder.
   */
  async judge(fields: SavedFields): Promise<SavedFields> {
    const reduced = new Map([...fields].map(([i, field]) => [i, field.reduced]));
    const found = await this.#growth.judge(reduced, (i) => this.folder.readPoints(i));
    return new Map(
      [...fields].sort(([a], [b]) => a - b).map(([i, field]) => {
        const implausible = [...field.reduced.implausible, ...found.get(i) ?? []];
        implausible.sort((a, b) => a.member - b.member);
        return [i, { ...field, reduced: { ...field.reduced, implausible } }];
      }),
    );
  }

  /** The fields that have implausible messages, without these; none unless `dropImplausible` is set. */
  leaveOutImplausible(judged: SavedFields): FewerMessages {
    if (!this.options.dropImplausible) return new Map();
    return new Map(
      [...judged].filter(([, { reduced }]) => reduced.implausible.length > 0)
        .map(([i, { reduced }]) => [i, leaveOut(this.plan.fields[i]!, reduced.implausible)]),
    );
  }

  /**
   * The results of this process: from `refetched` for the fields in `fewer`, from `saved` for the
   * others; a field without messages has only rejections.
   */
  collect(saved: SavedFields, fewer: FewerMessages, refetched: WorkFolder): ResultField[] {
    this.#refetched = fewer.size > 0 ? refetched : undefined;
    return this.fieldIndexes.map((i) => {
      const { variable, stepHours, rejections } = fewer.get(i) ?? this.plan.fields[i]!;
      const field = (fewer.has(i) ? refetched.fields : saved).get(i);
      return { variable, stepHours, reduced: field?.reduced ?? emptySummary(rejections) };
    });
  }

  /** Ends the last phase, and adds to what is in the fields what they cost. */
  finish(count: FieldsCount): FieldsResult {
    return {
      ...count,
      run: this.plan.run,
      unpublished: this.plan.unpublished,
      fieldsResumed: this.#fieldsResumed,
      secondRequests: this.#fetcher.secondRequests,
      phasesMs: this.timer.end(),
    };
  }

  /** How much of its work the same command need not do again. */
  #describeSaved(): string {
    const { plan, folder, fieldIndexes } = this;
    const whole = [...folder.fields].filter(([i, { reduced }]) =>
      !lacksMessages(plan.fields[i]!, reduced)
    );
    return `${whole.length} of ${fieldIndexes.length} fields are saved in ${folder.path}: ` +
      "run the same command to resume";
  }
}

function openWorkFolder(
  { run, work, fields }: StreamPlan,
  growth: GrowthCheck,
  options: StreamOptions,
  { storage, reporter }: StageContext,
  task?: ArrayTask,
): Promise<WorkFolder> {
  return WorkFolder.open(work, fields, {
    settings: { profile: options.profile.name, run, region: chooseRegion(options) },
    storage,
    task,
    onWarning: (line) => reporter.warn(line),
    onPoints: (fieldIndex, points) => growth.note(fieldIndex, points),
  });
}
