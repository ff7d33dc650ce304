/**
 * The fields of a whole run, member by member, gathered from the indexes of its files.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { formatKeyHeads, formatKeyTail, type Reference } from "./store.ts";
import type { IndexedField } from "./step_index.ts";

/** What all members of a field share. */
interface SharedField {
  keyHeads: readonly string[];
  url: string;
}

/** Numbers that place a field of a member: its place among the shared fields, offset, length. */
const NUMBERS_A_FIELD = 3;

/**
 * Fields and where their messages are, in the order in which they were added.
 *
 * A run has 700,000 of them. They are kept as numbers, and become keys and references for one member
 * at a time: as objects they would cost more time and memory than all the rest of stage 2.
 */
export class RunFields {
  readonly #shared: SharedField[] = [];
  readonly #places = new Map<Member, number[]>();

  /** Adds the fields of one file. */
  addFile(fields: Iterable<IndexedField>): void {
    const known = new Map<string, number>();
    for (const { field, reference } of fields) {
      const name = `${field.param} ${field.levtype} ${field.level}`;
      let shared = known.get(name);
      if (shared === undefined) {
        known.set(name, shared = this.#shared.length);
        this.#shared.push({ keyHeads: formatKeyHeads(field), url: reference.url });
      }
      let places = this.#places.get(field.member);
      if (!places) this.#places.set(field.member, places = []);
      places.push(shared, reference.offset, reference.length);
    }
  }

  /** Members that have a field. */
  get members(): Member[] {
    return [...this.#places.keys()];
  }

  /** Fields of all members together. */
  get count(): number {
    let numbers = 0;
    for (const places of this.#places.values()) numbers += places.length;
    return numbers / NUMBERS_A_FIELD;
  }

  /** Keys of a member's store and what they refer to. */
  references(member: Member): [key: string, reference: Reference][] {
    const places = this.#places.get(member) ?? [];
    const tail = formatKeyTail(member);
    const references: [string, Reference][] = [];
    for (let i = 0; i < places.length; i += NUMBERS_A_FIELD) {
      const { keyHeads, url } = this.#shared[places[i]!]!;
      const reference = { url, offset: places[i + 1]!, length: places[i + 2]! };
      for (const head of keyHeads) references.push([head + tail, reference]);
    }
    return references;
  }
}
