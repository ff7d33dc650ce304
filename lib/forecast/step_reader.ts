/**
 * A run and the steps that an output needs → the references of the members at these steps, from the
 * indexes, as far as they are there.
 *
 * @module
 */
import { holdsMember, type StepFile, stepFiles } from "../ecmwf/files.ts";
import {
  chooseMembers,
  type ChosenMembers,
  describeMembers,
  type Member,
  type MemberKind,
} from "../ecmwf/members.ts";
import { findFolder } from "../ecmwf/published.ts";
import { describeRun, type Run } from "../ecmwf/run.ts";
import type { IndexError } from "../index/entries.ts";
import { RunFields } from "../references/run_fields.ts";
import {
  explainAbsence,
  type StepIndex,
  tryStepIndex,
  warnOfProblems,
} from "../references/step_index.ts";
import type { Store } from "../references/store.ts";
import { receivedBy, type StageContext, StorageError, unlessMissing } from "../storage/mod.ts";
import { sortUnique } from "../util/numbers.ts";
import { mapInParallel } from "../util/parallel.ts";

/** What an output needs of a run. */
export interface NeededSteps extends ChosenMembers {
  /**
   * In hours, ascending.
   *
   * @throws {RunError} for a step that the run does not have.
   */
  stepsOf(run: Run): readonly number[];
  /** Which of the members. @default {"all"} */
  memberKind?: MemberKind;
  /** Indexes fetched at once. */
  parallelFetches: number;
}

/** What is known of a file so far. */
interface FileState {
  index?: StepIndex;
  error?: StorageError | IndexError;
  /** Whether the index was on the server, without its file or beside another version of it. */
  indexSeen?: boolean;
  /** Lengths of file and index that did not fit when both were read. */
  lengths?: string;
}

/** The indexes of the steps that an output needs, read one by one or at once. */
export class StepReader {
  readonly #states = new Map<StepFile, FileState>();

  private constructor(
    readonly run: Run,
    /** In hours, ascending. */
    readonly steps: readonly number[],
    private readonly members: readonly Member[],
    private readonly parallelFetches: number,
    private readonly context: StageContext,
    private readonly files: readonly StepFile[],
  ) {}

  /**
   * Chooses the files: of a step the one with the perturbed members, the one with the control, or both.
   * Costs no request; for runs of February 2024 up to twelve HEADs.
   *
   * @throws {RunError} for a step that the run does not have.
   */
  static async open(
    run: Run,
    { stepsOf, memberKind, parallelFetches, ...chosen }: NeededSteps,
    context: StageContext,
  ): Promise<StepReader> {
    const needed = stepsOf(run);
    const members = chooseMembers(chosen, memberKind);
    const folder = await findFolder(run, needed, context.storage);
    const files = needed.flatMap((step) => stepFiles(run, step, folder))
      .filter((file) => members.some((member) => holdsMember(file, run, member)));
    return new StepReader(run, needed, members, parallelFetches, context, files);
  }

  /**
   * Reads the indexes of steps, at once, that were not read in full. Costs one GET and one HEAD a file.
   *
   * @throws {StorageError} when Deno refuses access.
   */
  async read(steps: readonly number[] = this.steps): Promise<void> {
    const { storage, reporter } = this.context;
    const files = this.#select(steps).filter((file) => !this.#isLanded(file));
    const bar = reporter.progress("indexes", files.length, receivedBy(storage));
    const reads = mapInParallel(this.parallelFetches, files, (file) => this.#readFile(file));
    for await (const _ of reads) bar.advance(1);
    bar.finish();
  }

  /**
   * Looks whether a step has landed since, and then reads it.
   *
   * Costs one HEAD as long as it has not: of the first index that is not there, then of its file. When
   * the two do not agree in length it costs two, and they are read again once one of them has changed.
   *
   * @returns whether the step is there.
   * @throws {StorageError} when Deno refuses access.
   */
  async poll(step: number): Promise<boolean> {
    for (const file of this.#select([step])) {
      if (this.#isLanded(file)) continue;
      const { index, indexSeen = false, lengths } = this.#states.get(file) ?? {};
      const url = indexSeen ? file.url : file.indexUrl;
      const length = await this.#findLength(file, url);
      if (length === undefined) return false;
      // Both were read, and did not agree.
      const found = index && `${length} ${await this.#findLength(file, file.indexUrl)}`;
      if (found !== undefined && found === lengths) return false;
      await this.#readFile(file);
      if (this.#isLanded(file)) continue;
      this.#states.set(file, { ...this.#states.get(file), lengths: found });
      return false;
    }
    return true;
  }

  /** The length of a file or an index; `undefined` when it is not there, or the server fails. */
  async #findLength(file: StepFile, url: string): Promise<number | undefined> {
    const { storage } = this.context;
    storage.forget(url);
    try {
      return (await unlessMissing(storage.head(url)))?.size;
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind === "permission") throw error;
      this.#states.set(file, { ...this.#states.get(file), error });
      return undefined;
    }
  }

  async #readFile(file: StepFile): Promise<void> {
    const { storage } = this.context;
    storage.forget(file.indexUrl);
    const result = await tryStepIndex(storage, this.run, file);
    if (!("error" in result)) {
      this.#states.set(file, { index: result, indexSeen: true });
    } else {
      const { error } = result;
      const indexSeen = error instanceof StorageError && error.kind === "missing" &&
        error.url === file.url;
      this.#states.set(file, { error, indexSeen });
    }
  }

  /** Whether index and file are there and agree in length. */
  #isLanded(file: StepFile): boolean {
    const index = this.#states.get(file)?.index;
    return index !== undefined && index.ahead === undefined && index.unlisted === undefined;
  }

  #select(steps: readonly number[]): StepFile[] {
    return this.files.filter(({ stepHours }) => steps.includes(stepHours));
  }

  /** Steps of which a file has not landed, ascending. */
  get waiting(): number[] {
    return this.#stepsOf((file) => !this.#isLanded(file));
  }

  /**
   * Steps that the server does not have: a file or its index is missing, or the two do not agree in
   * length. Ascending; without those that were not asked for, or could not be read for other reasons.
   */
  get absent(): number[] {
    return this.#stepsOf((file) => {
      const { index, error } = this.#states.get(file) ?? {};
      if (index) return !this.#isLanded(file);
      return error instanceof StorageError && error.kind === "missing";
    });
  }

  /** Steps of which an index could not be read, whatever the reason, ascending. */
  get unread(): number[] {
    return this.#stepsOf((file) => this.#states.get(file)?.index === undefined);
  }

  #stepsOf(isIncluded: (file: StepFile) => boolean): number[] {
    return sortUnique(this.files.filter(isIncluded).map(({ stepHours }) => stepHours));
  }

  /** Why a step could not be read, unless it is not there. */
  findFailure(step: number): Error | undefined {
    const errors = this.#select([step]).flatMap((file) => this.#states.get(file)?.error ?? []);
    return errors.find((error) => !(error instanceof StorageError && error.kind === "missing"));
  }

  /** Why a step has not landed, in words. */
  explain(step: number): string {
    for (const file of this.#select([step])) {
      const { index, error } = this.#states.get(file) ?? {};
      if (index && this.#isLanded(file)) continue;
      if (index) return `${file.url}: ${index.ahead ?? index.unlisted}`;
      return error?.message ?? `"${file.indexUrl}" is not there`;
    }
    return "it is there";
  }

  /**
   * Checks that any step can be used, and warns once of those that cannot and of wrong lines.
   *
   * @throws {MissingDataError} when the server has nothing of the run's steps.
   * @throws {StorageError} when it cannot be reached.
   */
  report(): void {
    const { run, steps, unread, context: { reporter } } = this;
    const states = [...this.#states.values()];
    if (states.every(({ index }) => index === undefined)) {
      throw explainAbsence(run, states.flatMap(({ error }) => error ?? []), "find anything of");
    }
    for (const { index } of states) if (index) warnOfProblems(index, reporter);
    const present = new Set(this.collectFields().members);
    const absent = this.members.filter((member) => !present.has(member));
    if (absent.length > 0) {
      reporter.warn(`${describeRun(run)} lacks members ${describeMembers(absent)}`);
    }
    if (unread.length === 0) return;
    const [first] = unread;
    reporter.warn(
      `${unread.length} of ${steps.length} steps of ${describeRun(run)} are not there: ` +
        `${unread.join(", ")}; ${this.explain(first!)}`,
    );
  }

  /** The fields of the wanted members at the steps read so far, in the order of stage 2. */
  collectFields(isIncluded: (step: number) => boolean = () => true): RunFields {
    const wanted = new Set(this.members);
    const fields = new RunFields();
    for (const file of this.files) {
      const index = this.#states.get(file)?.index;
      if (!index || !isIncluded(file.stepHours)) continue;
      fields.addFile(index.fields.filter(({ field }) => wanted.has(field.member)));
    }
    return fields;
  }

  /**
   * The references of each member that has any, as stage 3 would have them without a template.
   *
   * @param onlyLanded whether to leave out steps of which a file has not landed.
   */
  collectStores({ onlyLanded = false } = {}): Map<Member, Store> {
    const waiting = new Set(onlyLanded ? this.waiting : []);
    const fields = this.collectFields((step) => !waiting.has(step));
    const members = fields.members.toSorted((a, b) => a - b);
    return new Map(members.map((member) => [member, new Map(fields.references(member))]));
  }

  /** Drops the known versions of the files, so that files replaced since they were read are found. */
  forgetVersions(): void {
    for (const { url } of this.files) this.context.storage.forget(url);
  }
}
