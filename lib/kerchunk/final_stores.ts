/**
 * The final stores of a run, written one by one.
 *
 * @module
 */
import type { Reporter } from "../util/reporter.ts";
import type { Member } from "../ecmwf/members.ts";
import type { Run } from "../ecmwf/run.ts";
import { type StoreFormat, type StoreOwner, writeFinalStore } from "./final_files.ts";
import { formatFieldKey, type StoreValue } from "../references/store.ts";
import { sortUnique } from "../util/numbers.ts";
import { summarizeLines } from "../util/text.ts";
import type { Storage } from "../storage/mod.ts";
import {
  distinctFields,
  formatCombinedStore,
  formatMemberStore,
  GroupCatalog,
  GroupJoiner,
  HeaderReader,
  placeFields,
  readGroups,
  stepsOf,
  type StoreParts,
} from "./format_store.ts";

/** What is written, and where. */
export interface FinalStoresOptions {
  run: Run;
  /** A local folder. */
  folder: string;
  format: StoreFormat;
  /** Whether there is to be a store of all members. */
  combine: boolean;
}

/** Where headers are read, and who is told. */
export interface FinalStoresContext {
  storage: Storage;
  reporter: Reporter;
}

/**
 * Writes final stores, one after the other, and keeps what the next ones need: headers that were read,
 * and, with `combine`, the messages of all members.
 */
export class FinalStores {
  /** References to other runs that were left out so far. */
  strayReferences = 0;
  readonly #options: FinalStoresOptions;
  readonly #context: FinalStoresContext;
  readonly #headers: HeaderReader;
  readonly #joiner = new GroupJoiner();
  readonly #steps = new Set<number>();
  readonly #unplaced: string[] = [];

  constructor(options: FinalStoresOptions, context: FinalStoresContext) {
    this.#options = options;
    this.#context = context;
    this.#headers = new HeaderReader(context.storage, options.run);
  }

  /**
   * Writes the store of a member.
   *
   * @throws {StorageError} when a header cannot be read.
   */
  async writeMember(member: Member, parts: StoreParts): Promise<void> {
    const { run, format, combine } = this.#options;
    this.strayReferences += parts.strayReferences;
    const fields = distinctFields(parts.fresh);
    const known = readGroups(parts.skeleton);
    const needsGroups = known.length > 0 || format !== "parquet" || combine;
    const catalog = new GroupCatalog(known);
    if (needsGroups) await this.#headers.complete(catalog, fields);
    const { placed, unplaced } = placeFields(catalog, needsGroups ? fields : []);
    this.#unplaced.push(...unplaced.map(formatFieldKey));
    const steps = stepsOf(fields);
    // A chunk of no array has no place in a folder that is read array by array.
    const shown = format === "kerchunk-parquet" ? { ...parts, fresh: new Map() } : parts;
    const entries = formatMemberStore(shown, placed, { run, steps, members: member });
    await this.#write(member, entries);
    if (!combine) return;
    this.#joiner.add(member, placed);
    for (const step of steps) this.#steps.add(step);
  }

  /** Writes the store of all members written so far. */
  async writeCombined(): Promise<void> {
    const { groups, members } = this.#joiner;
    const steps = sortUnique(this.#steps);
    await this.#write(
      "combined",
      formatCombinedStore(groups, { run: this.#options.run, steps, members }),
    );
  }

  async #write(owner: StoreOwner, entries: Iterable<[string, StoreValue]>): Promise<void> {
    const { folder, format } = this.#options;
    await writeFinalStore(this.#context.storage, folder, format, owner, entries);
  }

  /** Tells what is in no store, or in no group; whether every header was as it should be. */
  reportProblems(): boolean {
    const { reporter } = this.#context;
    if (this.strayReferences > 0) {
      reporter.warn(`${this.strayReferences} references to other runs left out`);
    }
    const problems = [...this.#headers.problems, ...this.#joiner.problems];
    if (problems.length > 0) reporter.warn(summarizeLines(problems));
    const unplaced = this.#unplaced;
    if (unplaced.length > 0) {
      reporter.warn(`${unplaced.length} messages are in no group: ${summarizeLines(unplaced)}`);
    }
    return problems.length === 0;
  }
}
