/**
 * Groups for parameters that a skeleton lacks, made from the header of a message.
 *
 * @module
 */
import { streamOfMember } from "../ecmwf/files.ts";
import type { Run } from "../ecmwf/run.ts";
import { GribError } from "../grib/headers.ts";
import type { IndexedField } from "../references/step_index.ts";
import { formatFieldKey } from "../references/store.ts";
import type { Storage } from "../storage/mod.ts";
import { mapInParallel } from "../util/parallel.ts";
import { buildStore } from "./build_store.ts";
import { findDisagreements } from "./compare_header.ts";
import { type GroupCatalog, parameterName } from "./group_catalog.ts";
import { type MessageGroup, readGroups } from "./message_groups.ts";
import { fetchHeader } from "./message_header.ts";
import { dataTypeOf } from "./message_member.ts";
import { describeField } from "./scanned_message.ts";

const PARALLEL_REQUESTS = 16;

/**
 * Makes groups from headers of a run's messages. The header of a parameter is read once for all
 * members of a stream.
 */
export class MissingGroups {
  readonly #storage: Storage;
  readonly #run: Run;
  readonly #groups = new Map<string, MessageGroup | undefined>();
  /** Messages that are not what the index says, or cannot be read, in words. */
  readonly problems: string[] = [];

  constructor(storage: Storage, run: Run) {
    this.#storage = storage;
    this.#run = run;
  }

  /**
   * Adds a group for every parameter of a member's fields that a catalog lacks, made from its first
   * message. A parameter whose header cannot be used gets no group, and a line in `problems`.
   *
   * Costs one ranged GET of 300 bytes for each parameter that was not read before.
   *
   * @throws {StorageError} when a file cannot be read.
   */
  async addTo(catalog: GroupCatalog, fields: readonly IndexedField[]): Promise<void> {
    const lacking = new Map<string, IndexedField>();
    for (const indexed of fields) {
      const { field } = indexed;
      if (catalog.has(field)) continue;
      const name = `${parameterName(field)} ${streamOfMember(this.#run, field.member)}`;
      if (!lacking.has(name)) lacking.set(name, indexed);
    }
    const unread = [...lacking].filter(([name]) => !this.#groups.has(name));
    const read = mapInParallel(PARALLEL_REQUESTS, unread, async ([name, indexed]) => {
      this.#groups.set(name, await this.#makeGroup(indexed));
    });
    await Array.fromAsync(read);
    for (const name of lacking.keys()) {
      const group = this.#groups.get(name);
      if (group) catalog.add(group);
    }
  }

  async #makeGroup(indexed: IndexedField): Promise<MessageGroup | undefined> {
    const { field: { member, param, levtype }, reference } = indexed;
    try {
      const header = await fetchHeader(this.#storage, reference);
      const disagreements = findDisagreements(header, indexed, this.#run);
      if (disagreements.length > 0) return this.#refuse(indexed, disagreements.join(", "));
      const dataType = dataTypeOf(this.#run, member);
      const message = { member, dataType, field: describeField(header), reference };
      const [group] = readGroups(buildStore([message]).store);
      return { ...group!, param, levtype };
    } catch (error) {
      if (error instanceof GribError) return this.#refuse(indexed, error.message);
      throw error;
    }
  }

  #refuse({ field }: IndexedField, reason: string): undefined {
    this.problems.push(
      `${parameterName(field)} is in no group: ${formatFieldKey(field)}: ${reason}`,
    );
  }
}
