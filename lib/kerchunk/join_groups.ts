/**
 * Joins the groups of every member for the store of all members.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { isReference, type StoreValue } from "../references/store.ts";
import { sortUnique } from "../util/numbers.ts";
import type { MessageGroup } from "./message_groups.ts";
import { comparePaths, type FilledGroup } from "./group_catalog.ts";

/** Joins the groups of members one by one. Their messages stay in memory, 100 bytes each. */
export class GroupJoiner {
  readonly #groups = new Map<string, FilledGroup>();
  /** Groups on another grid than the first member's, in words; they are left out. */
  readonly problems: string[] = [];
  readonly members: Member[] = [];

  /** Adds the groups of a member. */
  add(member: Member, groups: readonly FilledGroup[]): void {
    this.members.push(member);
    for (const { group, messages } of groups) {
      const shared = this.#groups.get(group.path);
      if (!shared) this.#groups.set(group.path, { group, messages: [...messages] });
      else if (isSameGrid(shared.group, group)) {
        shared.group = mergeGroups(shared.group, group);
        for (const message of messages) shared.messages.push(message);
      } else this.problems.push(`${group.path} of member ${member} is on another grid`);
    }
  }

  /** The joined groups, in the order of their paths. */
  get groups(): FilledGroup[] {
    return [...this.#groups.values()].sort(comparePaths);
  }
}

/** The group with the attributes that both have, and the levels of either. */
function mergeGroups(one: MessageGroup, other: MessageGroup): MessageGroup {
  const attributes = Object.entries(one.attributes).filter(([name, value]) =>
    JSON.stringify(value) === JSON.stringify(other.attributes[name])
  );
  return {
    ...one,
    attributes: Object.fromEntries(attributes),
    levels: sortUnique([...one.levels, ...other.levels]),
  };
}

function isSameGrid(one: MessageGroup, other: MessageGroup): boolean {
  return ["latitude", "longitude"].every((name) => {
    const key = `${one.path}/${name}/0`;
    return isSameValue(one.fixedEntries.get(key), other.fixedEntries.get(key));
  });
}

function isSameValue(one: StoreValue | undefined, other: StoreValue | undefined): boolean {
  if (!one || !other || isReference(one) || isReference(other)) return false;
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
