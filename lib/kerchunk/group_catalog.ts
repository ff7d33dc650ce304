/**
 * Which group each message of a run belongs to.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import {
  type FieldKey,
  formatFieldKey,
  parseFieldKey,
  type Reference,
  UNNAMED_LEVEL,
} from "../references/store.ts";
import type { IndexedField } from "../references/step_index.ts";
import type { MessageGroup } from "./message_groups.ts";

/** A message of a group. */
export interface GroupedMessage {
  member: Member;
  stepHours: number;
  /** Absent at the surface. */
  level?: number;
  reference: Reference;
}

/** A group and its messages of this run, one at least. */
export interface FilledGroup {
  group: MessageGroup;
  messages: GroupedMessage[];
}

/** Names what an index says of a message besides step, level and member. */
export function parameterName({ param, levtype }: Pick<FieldKey, "param" | "levtype">): string {
  return `${param} ${levtype}`;
}

/** Finds the group of a field by its parameter. */
export class GroupCatalog {
  readonly #byParameter: Map<string, MessageGroup[]>;
  readonly #byPath: Map<string, MessageGroup>;

  constructor(groups: readonly MessageGroup[]) {
    this.#byParameter = Map.groupBy(groups, parameterName);
    this.#byPath = new Map(groups.map((group) => [group.path, group]));
  }

  /** Whether the parameter of a field has a group. */
  has(field: FieldKey): boolean {
    return this.#byParameter.has(parameterName(field));
  }

  /** Adds a group for a parameter, unless there is one of the same path: then its messages go there. */
  add(group: MessageGroup): void {
    const { path } = group;
    if (!this.#byPath.has(path)) this.#byPath.set(path, group);
    this.#byParameter.set(parameterName(group), [this.#byPath.get(path)!]);
  }

  /**
   * The group of a field. A parameter may have several, as when it is an instant at step 0 and an
   * accumulation afterwards: then it is the group made from the field's step, or from the nearest
   * step before.
   */
  find(field: FieldKey): MessageGroup | undefined {
    const groups = this.#byParameter.get(parameterName(field)) ?? [];
    if (groups.length < 2) return groups[0];
    const stepBefore = ({ steps }: MessageGroup) =>
      Math.max(-1, ...steps.filter((step) => step <= field.stepHours));
    return groups.toSorted((a, b) => stepBefore(b) - stepBefore(a))[0];
  }
}

/** The fields of a member, sorted into groups. */
export interface GroupedFields {
  /** In the order of their paths. */
  groups: FilledGroup[];
  /** Fields that are in no group. */
  ungrouped: FieldKey[];
}

/**
 * Sorts the fields of a member into groups. A field remains ungrouped when no group has its parameter,
 * when its group has another message of the same step and level, or when it should have a level and
 * its key names none.
 */
export function groupFields(
  catalog: GroupCatalog,
  fields: readonly IndexedField[],
): GroupedFields {
  const messagesOf = new Map<MessageGroup, Map<string, GroupedMessage>>();
  const ungrouped: FieldKey[] = [];
  for (const { field, reference } of fields) {
    const { member, stepHours, level } = field;
    const group = catalog.find(field);
    const needsLevel = field.levtype !== "sfc";
    if (!group || needsLevel && level === undefined) {
      ungrouped.push(field);
      continue;
    }
    let messages = messagesOf.get(group);
    if (!messages) messagesOf.set(group, messages = new Map());
    const stepAndLevel = needsLevel ? `${stepHours} ${level}` : `${stepHours}`;
    if (messages.has(stepAndLevel)) ungrouped.push(field);
    else {
      const ownLevel = needsLevel ? { level: level! } : {};
      messages.set(stepAndLevel, { member, stepHours, reference, ...ownLevel });
    }
  }
  const groups = Array.from(
    messagesOf,
    ([group, messages]) => ({ group, messages: [...messages.values()] }),
  );
  return { groups: groups.sort(comparePaths), ungrouped };
}

/** The order of groups by path. */
export function comparePaths(one: FilledGroup, other: FilledGroup): number {
  return one.group.path < other.group.path ? -1 : 1;
}

/** The fields of a store's fresh keys, each once: the key without level of a field at 700 hPa is left out. */
export function distinctFields(fresh: ReadonlyMap<string, Reference>): IndexedField[] {
  const fields: IndexedField[] = [];
  for (const [key, reference] of fresh) {
    const field = parseFieldKey(key);
    if (field && !isSecondKey(field, fresh)) fields.push({ field, reference });
  }
  return fields;
}

function isSecondKey(field: FieldKey, fresh: ReadonlyMap<string, Reference>): boolean {
  return field.levtype === "pl" && field.level === undefined &&
    fresh.has(formatFieldKey({ ...field, level: UNNAMED_LEVEL }));
}
