/**
 * Groups for parameters that a skeleton lacks, made from the header of a message.
 *
 * @module
 */
import { streamOfMember } from "../ecmwf/files.ts";
import type { Run } from "../ecmwf/run.ts";
import { GribError } from "../grib/headers.ts";
import { mapInParallel } from "../util/parallel.ts";
import { formatFieldKey } from "../references/store.ts";
import { findDisagreements } from "./compare_header.ts";
import { describeField } from "./scanned_field.ts";
import { completeHeader, HEADER_BYTES } from "./file_scan.ts";
import { dataTypeOf } from "./scan_indexed.ts";
import { buildStore } from "./build_store.ts";
import type { IndexedField } from "../references/step_index.ts";
import type { Storage } from "../storage/mod.ts";
import { type MessageGroup, readGroups } from "./message_groups.ts";
import { type GroupCatalog, parameterName } from "./group_catalog.ts";

const PARALLEL_REQUESTS = 16;

/** Reads headers of a run's messages, of each parameter once for all members of a stream. */
export class HeaderReader {
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
   * message. One whose header cannot be used is named among the problems, and has no group.
   *
   * Costs one ranged GET of 300 bytes a parameter, none for those read before.
   *
   * @throws {StorageError} when a file cannot be read.
   */
  async complete(catalog: GroupCatalog, fields: readonly IndexedField[]): Promise<void> {
    const lacking = new Map<string, IndexedField>();
    for (const indexed of fields) {
      const { field } = indexed;
      if (catalog.has(field)) continue;
      const name = `${parameterName(field)} ${streamOfMember(this.#run, field.member)}`;
      if (!lacking.has(name)) lacking.set(name, indexed);
    }
    const unread = [...lacking].filter(([name]) => !this.#groups.has(name));
    const read = mapInParallel(PARALLEL_REQUESTS, unread, async ([name, indexed]) => {
      this.#groups.set(name, await this.#read(indexed));
    });
    await Array.fromAsync(read);
    for (const name of lacking.keys()) {
      const group = this.#groups.get(name);
      if (group) catalog.add(group);
    }
  }

  async #read(indexed: IndexedField): Promise<MessageGroup | undefined> {
    const { field: { member, param, levtype }, reference } = indexed;
    const { url, offset, length } = reference;
    const fetch = (bytes: number) =>
      this.#storage.get(url, { offset, length: Math.min(bytes, length) });
    try {
      const header = await completeHeader(await fetch(HEADER_BYTES), fetch);
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
