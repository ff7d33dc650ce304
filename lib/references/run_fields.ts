/**
 * The fields of a whole run, member by member, gathered from the indexes of its files.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { formatField } from "./field_sets.ts";
import { formatKeyHeads, formatKeyTail, type Reference } from "./store.ts";
import type { IndexedField } from "./step_index.ts";

/** What all members of a field share. */
interface SharedField {
  keyHeads: readonly string[];
  url: string;
}

/** Numbers of a field of a member: index of the shared field, offset and length of the message. */
const NUMBERS_PER_FIELD = 3;

/**
 * Fields and where their messages are, in the order in which they were added.
 *
 * A run has 700,000 of them. They are stored as numbers, and become keys and references for one member
 * at a time: as objects they would cost more time and memory than all the rest of stage 2.
 */
export class RunFields {
  readonly #shared: SharedField[] = [];
  readonly #numbers = new Map<Member, number[]>();

  /** Adds the fields of one file. @returns the members that have each, by `formatField()`. */
  addFile(fields: Iterable<IndexedField>): Map<string, Member[]> {
    const known = new Map<string, { shared: number; members: Member[] }>();
    for (const { field, reference } of fields) {
      const name = formatField(field);
      let own = known.get(name);
      if (own === undefined) {
        known.set(name, own = { shared: this.#shared.length, members: [] });
        this.#shared.push({ keyHeads: formatKeyHeads(field), url: reference.url });
      }
      const { shared } = own;
      own.members.push(field.member);
      let numbers = this.#numbers.get(field.member);
      if (!numbers) this.#numbers.set(field.member, numbers = []);
      numbers.push(shared, reference.offset, reference.length);
    }
    return new Map(Array.from(known, ([name, { members }]) => [name, members]));
  }

  /** Members that have a field. */
  get members(): Member[] {
    return [...this.#numbers.keys()];
  }

  /** Fields of all members together. */
  get count(): number {
    let total = 0;
    for (const { length } of this.#numbers.values()) total += length;
    return total / NUMBERS_PER_FIELD;
  }

  /** Keys of a member's store and their references. */
  references(member: Member): [key: string, reference: Reference][] {
    const numbers = this.#numbers.get(member) ?? [];
    const tail = formatKeyTail(member);
    const references: [string, Reference][] = [];
    for (let i = 0; i < numbers.length; i += NUMBERS_PER_FIELD) {
      const { keyHeads, url } = this.#shared[numbers[i]!]!;
      const reference = { url, offset: numbers[i + 1]!, length: numbers[i + 2]! };
      for (const head of keyHeads) references.push([head + tail, reference]);
    }
    return references;
  }
}
