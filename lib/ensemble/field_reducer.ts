/**
 * One field of the output: the same variable and step of every member, decoded over the region and
 * reduced to mean and standard deviation.
 *
 * @module
 */
import { type ExpectedField, findMismatch } from "../ecmwf/check_message.ts";
import type { Member } from "../ecmwf/members.ts";
import { findImplausible, findPrecision } from "../ecmwf/plausible.ts";
import {
  decodePrefix,
  GribError,
  parsePrefix,
  type Region,
  selectWindow,
  ShortPrefixError,
} from "../grib/mod.ts";
import { meanAndDeviation } from "./statistics.ts";
import { type MemberTotals, sumBlocks } from "./member_totals.ts";

/** Rows and columns of a window. */
export interface WindowAxes {
  /** Degrees north, north first. */
  latitudes: Float64Array;
  /** Degrees east, west first. */
  longitudes: Float64Array;
}

/**
 * What is wrong with a message that is there:
 * - `mismatched`: it is not the one that was asked for, or is on another grid
 * - `damaged`: it cannot be decoded
 * - `implausible`: its values cannot be true, and the command leaves such messages out
 * - `scarce`: its field has too few members
 */
export type Fault = "mismatched" | "damaged" | "implausible" | "scarce";

/** A message that is not averaged in, and why. */
export interface Rejection {
  member: Member;
  reason: string;
  /** @default {undefined} (the message is missing) */
  fault?: Fault;
}

/** A message whose values cannot be true, and why; it is averaged in. */
export interface Finding {
  member: Member;
  reason: string;
}

/** Mean and standard deviation of one field. */
export interface ReducedField {
  /** Absent when no member could be used. */
  axes?: WindowAxes;
  /** (latitude, longitude), row-major, north first. */
  mean: Float32Array;
  /** Population standard deviation, same shape. */
  deviation: Float32Array;
  /** Members averaged, ascending. */
  members: Member[];
  rejections: Rejection[];
  /** In the order of the members. */
  implausible: Finding[];
  /** Of an accumulation: those of each member, in their order. */
  totals?: MemberTotals[];
}

/** A field without any member. */
export function emptyField(rejections: readonly Rejection[]): ReducedField {
  return {
    mean: new Float32Array(),
    deviation: new Float32Array(),
    members: [],
    rejections: [...rejections],
    implausible: [],
  };
}

interface DecodedMember {
  member: Member;
  axes: WindowAxes;
  values: Float64Array;
  implausible: string | undefined;
  totals: MemberTotals | undefined;
}

/** Collects the messages of one field. */
export class FieldReducer {
  readonly #decoded: DecodedMember[] = [];
  readonly #rejections: Rejection[] = [];
  /** Beginnings that were too short, until the rest arrives. */
  readonly #beginnings = new Map<Member, Uint8Array>();

  constructor(private readonly region: Region) {}

  /**
   * Checks and decodes one member's message, or its beginning. A message that is not the one
   * expected, or cannot be decoded, becomes a rejection.
   *
   * @param bytes of the message; after a beginning that was too short, those that follow it.
   * @returns how many bytes of the message are needed: when more than were given, add the missing
   *   ones. `undefined` when the message is rejected.
   */
  add(bytes: Uint8Array, expected: ExpectedField): number | undefined {
    const { member } = expected;
    const message = this.#continue(member, bytes);
    try {
      const field = parsePrefix(message);
      const mismatch = findMismatch(field, expected);
      if (mismatch) return this.#reject(member, mismatch, "mismatched");
      const window = selectWindow(field.grid, this.region);
      const { latitudes, longitudes } = window;
      const { values, neededBytes } = decodePrefix(field, window);
      const { variable } = expected;
      this.#decoded.push({
        member,
        axes: { latitudes, longitudes },
        values,
        implausible: findImplausible(values, field, variable),
        totals: variable.accumulated
          ? { member, sums: sumBlocks(values, longitudes.length), precision: findPrecision(field) }
          : undefined,
      });
      return neededBytes;
    } catch (error) {
      if (!(error instanceof GribError)) throw error;
      if (!(error instanceof ShortPrefixError)) {
        return this.#reject(member, error.message, "damaged");
      }
      this.#beginnings.set(member, message.slice());
      return error.neededBytes;
    }
  }

  /** Joins bytes to the beginning of their message, if there is one. */
  #continue(member: Member, bytes: Uint8Array): Uint8Array {
    const beginning = this.#beginnings.get(member);
    if (!beginning) return bytes;
    this.#beginnings.delete(member);
    const message = new Uint8Array(beginning.length + bytes.length);
    message.set(beginning);
    message.set(bytes, beginning.length);
    return message;
  }

  #reject(member: Member, reason: string, fault: Fault): undefined {
    this.#rejections.push({ member, reason, fault });
  }

  /** Statistics of the members on the grid that most of them share; the others are rejected. */
  reduce(): ReducedField {
    // By member, not in order of arrival: equal input gives equal bits.
    const decoded = this.#decoded.toSorted((a, b) => a.member - b.member);
    const axes = mostCommon(decoded.map((it) => it.axes));
    const used = decoded.filter((it) => axes && sameAxes(it.axes, axes));
    const strays = decoded.filter((it) => !used.includes(it));
    const points = axes ? axes.latitudes.length * axes.longitudes.length : 0;
    const totals = used.flatMap((it) => it.totals ?? []);
    return {
      ...(axes && { axes }),
      ...meanAndDeviation(used.map((it) => it.values), points),
      members: used.map((it) => it.member),
      rejections: [
        ...this.#rejections,
        ...strays.map(({ member }) => rejectStray(member)),
      ].sort((a, b) => a.member - b.member),
      implausible: used.flatMap(({ member, implausible: reason }) =>
        reason ? [{ member, reason }] : []
      ),
      ...(totals.length > 0 && { totals }),
    };
  }
}

/** A message that is left out because the others are on other points. */
export function rejectStray(member: Member): Rejection {
  return { member, reason: "it is on another grid", fault: "mismatched" };
}

/** Whether two windows have the same points. */
export function sameAxes(a: WindowAxes, b: WindowAxes): boolean {
  return sameNumbers(a.latitudes, b.latitudes) && sameNumbers(a.longitudes, b.longitudes);
}

function sameNumbers(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** The axes that occur most often; of equally frequent ones the first. */
export function mostCommon(list: readonly WindowAxes[]): WindowAxes | undefined {
  const groups: { axes: WindowAxes; count: number }[] = [];
  for (const axes of list) {
    const group = groups.find((known) => sameAxes(known.axes, axes));
    if (group) group.count++;
    else groups.push({ axes, count: 1 });
  }
  return groups.reduce<typeof groups[number] | undefined>(
    (best, group) => best && best.count >= group.count ? best : group,
    undefined,
  )?.axes;
}
