/**
 * Ensemble members: 0 is the control, 1–50 are the perturbed members.
 *
 * @module
 */
import { UsageError } from "../errors.ts";
import type { IndexEntry } from "../index/entries.ts";
import type { Dataset } from "./datasets.ts";
import type { Stream } from "./files.ts";

/** Number of an ensemble member; 0 is the control. */
export type Member = number;

/** Members of the operational ensemble, the control included. */
export const ENSEMBLE_SIZE = 51;

/** The first `count` members, the control first. */
export function firstMembers(count: number): Member[] {
  return Array.from({ length: Math.min(count, ENSEMBLE_SIZE) }, (_, member) => member);
}

/** The members of an ensemble that something is made of. */
export type MemberKind = "all" | "perturbed";

/** Which members a command uses. */
export interface ChosenMembers {
  /** How many, the control first. */
  maxMembers: number;
  /** By their numbers. @default the first `maxMembers` */
  members?: readonly Member[];
}

/**
 * The members that a command uses, of a kind: the perturbed ones are all but the control.
 *
 * @throws {UsageError} when the control alone is chosen, of the perturbed ones.
 */
export function chooseMembers(
  { members, maxMembers }: ChosenMembers,
  kind: MemberKind = "all",
): Member[] {
  const chosen = members ?? firstMembers(maxMembers);
  const ofKind = chosen.filter((member) => kind === "all" || member !== 0);
  if (ofKind.length > 0 || chosen.length === 0) return ofKind;
  throw new UsageError(
    "Cannot use the control alone: this profile has the perturbed members only; give --max-members 3 " +
      "or more",
  );
}

/** A member's name in file names: `control`, `ens_01` … `ens_50`. */
export function memberFileName(member: Member): string {
  return member === 0 ? "control" : `ens_${String(member).padStart(2, "0")}`;
}

/** A member's name in reference keys: `control`, `ens01` … `ens50`. */
export function memberKeyName(member: Member): string {
  return member === 0 ? "control" : `ens${String(member).padStart(2, "0")}`;
}

/** The member of a file name or key name; `undefined` for any other text. */
export function parseMember(name: string): Member | undefined {
  if (name === "control" || name === "ens_control") return 0;
  const match = /^ens_?(\d{2})$/.exec(name);
  const member = match ? Number(match[1]) : 0;
  return member >= 1 && member < ENSEMBLE_SIZE ? member : undefined;
}

/** Members for people: `control, 1-3, 7`. */
export function describeMembers(members: readonly Member[]): string {
  const parts: string[] = [];
  const sorted = [...members].sort((a, b) => a - b);
  for (let i = 0; i < sorted.length;) {
    let last = i;
    while (sorted[i] !== 0 && sorted[last + 1] === sorted[last]! + 1) last++;
    const [from, to] = [sorted[i]!, sorted[last]!];
    parts.push(from === 0 ? "control" : from === to ? `${from}` : `${from}-${to}`);
    i = last + 1;
  }
  return parts.join(", ");
}

/**
 * Whether a line of an index is of a dataset, and not of another class, model, stream or version of the
 * experiment. A line that does not say is.
 *
 * @param stream that of the file.
 */
export function isOfDataset(
  entry: IndexEntry,
  { model, labels }: Dataset,
  stream: Stream,
): boolean {
  const { class: marsClass = labels.class, expver = labels.expver } = entry;
  return marsClass === labels.class && expver === labels.expver &&
    (entry.model ?? model) === model && labels.streams[stream].includes(entry.stream);
}

/**
 * The member of a line of an index.
 *
 * In the `enfo` file a `cf` line is the control and a `pf` line the member of its `number`; in the
 * `oper` file the `fc` lines are the control.
 *
 * @returns `undefined` for other lines, such as ensemble means.
 */
export function memberOfEntry(entry: IndexEntry, stream: Stream): Member | undefined {
  if (stream === "oper") return entry.type === "fc" ? 0 : undefined;
  if (entry.type === "cf") return 0;
  if (entry.type !== "pf" || !/^\d{1,2}$/.test(entry.number ?? "")) return undefined;
  const member = Number(entry.number);
  return member >= 1 && member < ENSEMBLE_SIZE ? member : undefined;
}
