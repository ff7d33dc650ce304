/**
 * What goes in: the skeletons of members and their references to messages of a run, or the headers of
 * the run's GRIB files (`scan_run.ts`). What comes out: stores that open as Zarr, one a member or one
 * of all members, as Parquet, JSON, or a folder of Parquet files.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import type { Run } from "../ecmwf/run.ts";
import type { IndexedField } from "../references/step_index.ts";
import { formatFieldKey, type Store, type StoreValue } from "../references/store.ts";
import type { StageContext } from "../storage/mod.ts";
import { sortUnique } from "../util/numbers.ts";
import { summarizeLines } from "../util/text.ts";
import { type StoreFormat, type StoreOwner, writeFinalStore } from "./final_files.ts";
import { formatCombinedStore, formatMemberStore, type StoreParts } from "./format_store.ts";
import { distinctFields, GroupCatalog, type GroupedFields, groupFields } from "./group_catalog.ts";
import { GroupJoiner } from "./join_groups.ts";
import { readGroups } from "./message_groups.ts";
import type { MissingGroups } from "./missing_groups.ts";

/** Which stores are written, and where. */
export interface FinalStoresOptions {
  run: Run;
  /** A local folder. */
  folder: string;
  format: StoreFormat;
  /** Whether there is to be a store of all members. */
  combine: boolean;
}

/**
 * Writes final stores, one after the other, and remembers what the next ones need: groups made from
 * headers, and, with `combine`, the messages of all members.
 */
export class FinalStores {
  /** References to other runs or servers that were left out so far. */
  foreignReferences = 0;
  readonly #options: FinalStoresOptions;
  readonly #context: StageContext;
  #missingGroups?: MissingGroups;
  readonly #joiner = new GroupJoiner();
  readonly #steps = new Set<number>();
  /** Keys of fields that are in no group. */
  readonly #ungrouped: string[] = [];

  constructor(options: FinalStoresOptions, context: StageContext) {
    this.#options = options;
    this.#context = context;
  }

  /**
   * Writes the store of a member.
   *
   * @throws {StorageError} when a header cannot be read.
   */
  async writeMember(member: Member, parts: StoreParts): Promise<void> {
    const { run, format, combine } = this.#options;
    this.foreignReferences += parts.foreignReferences;
    const fields = distinctFields(parts.fresh);
    const { groups, ungrouped } = await this.#groupFields(parts.skeleton, fields);
    for (const field of ungrouped) this.#ungrouped.push(formatFieldKey(field));
    const steps = sortUnique(fields.map(({ field }) => field.stepHours));
    // A folder is read array by array: a fresh key belongs to no array.
    const stored = format === "kerchunk-parquet" ? { ...parts, fresh: new Map() } : parts;
    await this.#write(member, formatMemberStore(stored, groups, { run, steps, members: member }));
    if (!combine) return;
    this.#joiner.add(member, groups);
    for (const step of steps) this.#steps.add(step);
  }

  async #groupFields(skeleton: Store, fields: readonly IndexedField[]): Promise<GroupedFields> {
    const { run, format, combine } = this.#options;
    const known = readGroups(skeleton);
    // Only a Parquet file is of use without groups: its readers know the fresh keys.
    if (known.length === 0 && format === "parquet" && !combine) {
      return { groups: [], ungrouped: [] };
    }
    const catalog = new GroupCatalog(known);
    if (fields.some(({ field }) => !catalog.has(field))) {
      const { MissingGroups } = await import("./missing_groups.ts");
      this.#missingGroups ??= new MissingGroups(this.#context.storage, run);
      await this.#missingGroups.addTo(catalog, fields);
    }
    return groupFields(catalog, fields);
  }

  /** Writes the store of all members written so far. */
  async writeCombined(): Promise<void> {
    const { run } = this.#options;
    const { groups, members } = this.#joiner;
    const steps = sortUnique(this.#steps);
    await this.#write("combined", formatCombinedStore(groups, { run, steps, members }));
  }

  async #write(owner: StoreOwner, entries: Iterable<[string, StoreValue]>): Promise<void> {
    const { folder, format } = this.#options;
    await writeFinalStore(this.#context.storage, folder, format, owner, entries);
  }

  /**
   * Warns of messages that are in no store or in no group.
   *
   * @returns whether every header was what its index says, and all members are on one grid.
   */
  reportProblems(): boolean {
    const { reporter } = this.#context;
    if (this.foreignReferences > 0) {
      reporter.warn(`${this.foreignReferences} references to other runs or servers left out`);
    }
    const problems = [...this.#missingGroups?.problems ?? [], ...this.#joiner.problems];
    if (problems.length > 0) reporter.warn(summarizeLines(problems));
    const ungrouped = this.#ungrouped;
    if (ungrouped.length > 0) {
      reporter.warn(`${ungrouped.length} messages are in no group: ${summarizeLines(ungrouped)}`);
    }
    return problems.length === 0;
  }
}
