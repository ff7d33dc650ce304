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

/** A message in its group. */
export interface PlacedMessage {
  member: Member;
  stepHours: number;
  /** Absent where the group has no level to choose. */
  level?: number;
  reference: Reference;
}

/** A group and its messages of this run, one at least. */
export interface PlacedGroup {
  group: MessageGroup;
  messages: PlacedMessage[];
}

/** What an index tells apart besides step, level and member. */
export function parameterName({ param, levtype }: Pick<FieldKey, "param" | "levtype">): string {
  return `${param} ${levtype}`;
}

/** Groups by the parameters whose messages they take. */
export class GroupCatalog {
  readonly #byParameter: Map<string, MessageGroup[]>;
  readonly #byPath: Map<string, MessageGroup>;

  constructor(groups: readonly MessageGroup[]) {
    this.#byParameter = Map.groupBy(groups, parameterName);
    this.#byPath = new Map(groups.map((group) => [group.path, group]));
  }

  /** Whether messages of a parameter have a group. */
  has(field: FieldKey): boolean {
    return this.#byParameter.has(parameterName(field));
  }

  /** Adds a group for a parameter. One of the same path takes its messages instead, if there is one. */
  add(group: MessageGroup): void {
    const { path } = group;
    if (!this.#byPath.has(path)) this.#byPath.set(path, group);
    this.#byParameter.set(parameterName(group), [this.#byPath.get(path)!]);
  }

  /**
   * The group of a field. Where a parameter has several, as one that is an instant at step 0 and an
   * accumulation afterwards, it is the one made from that step, or from the nearest before it.
   */
  find(field: FieldKey): MessageGroup | undefined {
    const groups = this.#byParameter.get(parameterName(field)) ?? [];
    if (groups.length < 2) return groups[0];
    const stepBefore = ({ steps }: MessageGroup) =>
      Math.max(-1, ...steps.filter((step) => step <= field.stepHours));
    return groups.toSorted((a, b) => stepBefore(b) - stepBefore(a))[0];
  }
}

/** What became of the messages of a member. */
export interface Placement {
  /** By path, in the order of the paths. */
  placed: PlacedGroup[];
  /** Fields that no group takes. */
  unplaced: FieldKey[];
}

/**
 * Places the messages of a member. A field whose place is taken is not placed; one on pressure levels
 * without its level has no place unless it is the second key of another.
 */
export function placeFields(catalog: GroupCatalog, fields: readonly IndexedField[]): Placement {
  const byGroup = new Map<MessageGroup, Map<string, PlacedMessage>>();
  const unplaced: FieldKey[] = [];
  for (const { field, reference } of fields) {
    const { member, stepHours, level } = field;
    const group = catalog.find(field);
    const needsLevel = field.levtype !== "sfc";
    if (!group || needsLevel && level === undefined) {
      unplaced.push(field);
      continue;
    }
    let messages = byGroup.get(group);
    if (!messages) byGroup.set(group, messages = new Map());
    const place = needsLevel ? `${stepHours} ${level}` : `${stepHours}`;
    if (messages.has(place)) unplaced.push(field);
    else {messages.set(place, {
        member,
        stepHours,
        reference,
        ...(needsLevel && { level: level! }),
      });}
  }
  const placed = Array.from(
    byGroup,
    ([group, messages]) => ({ group, messages: [...messages.values()] }),
  );
  placed.sort((a, b) => a.group.path < b.group.path ? -1 : 1);
  return { placed, unplaced };
}

/** The fields of a store's fresh keys, each once: the second key of a field is left out. */
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
