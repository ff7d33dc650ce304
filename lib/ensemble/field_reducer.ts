/**
 * One field of the output: the same variable and step of every member, decoded over the region and
 * reduced to mean and standard deviation.
 *
 * @module
 */
import {
  type ExpectedField,
  findConversion,
  findFactor,
  findMismatch,
  isEraGrid,
  isUsualGrid,
} from "../ecmwf/check_message.ts";
import type { Member } from "../ecmwf/members.ts";
import {
  findFlatPacking,
  findImplausible,
  findPrecision,
  isRangePlausible,
  mayBeMissing,
} from "../ecmwf/plausible.ts";
import { canOnlyGrow, type Conversion } from "../ecmwf/variables.ts";
import {
  decodePacked,
  equalGrids,
  GribError,
  type GribField,
  type GridWindow,
  parsePrefix,
  type Region,
  selectWindow,
  ShortPrefixError,
} from "../grib/mod.ts";
import type { FieldDemand } from "./statistic.ts";
import { keepMembers, type KeptMembers } from "./kept_members.ts";
import { measurePacked } from "./packed_statistics.ts";
import { findOutliers, summarizeWindow, type WindowSummary } from "./compare_members.ts";
import { findOddPackings, findUsual } from "./compare_packing.ts";
import { type FieldPoints, joinPoints, packPoints } from "./member_points.ts";
import {
  type PackedValues,
  packIntegers,
  packValues,
  unpackValues,
  WindowMemory,
} from "./packed_values.ts";
import type { Statistics } from "./statistics.ts";

/** No output is larger, not even the globe at 0.15°; all members of a field are in memory at once. */
const MOST_POINTS = 4_000_000;

/** Rows and columns of a window. */
export interface WindowAxes {
  /** Degrees north, north first. */
  latitudes: Float64Array;
  /** Degrees east, west first. */
  longitudes: Float64Array;
  /** The grid that they are cut from. @default {undefined} (not known) */
  grid?: GribField["grid"];
}

/**
 * What is wrong with a message that is there:
 * - `mismatched`: it is not the one that was asked for, or is on another grid
 * - `damaged`: it cannot be decoded, or has no value in the region
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

/** Mean and population standard deviation of one field, (latitude, longitude), north first. */
export interface ReducedField extends Statistics {
  /** Absent when no member could be used. */
  axes?: WindowAxes;
  /** Members averaged, ascending. */
  members: Member[];
  rejections: Rejection[];
  /** In the order of the members. */
  implausible: Finding[];
  /** Points left empty, as fewer members than required have a value there. @default {0} */
  scarcePoints?: number;
  /** The other units of messages, and how many were in each. @default {undefined} (none were) */
  conversions?: readonly CountedConversion[];
  /** Of an accumulation: the values of each member, for comparison with other steps. */
  points?: FieldPoints;
  /** Those of the demand's statistics, in their order. @default {undefined} (none are asked for) */
  further?: Float32Array[];
  /** The values of each member, exactly. @default {undefined} (nothing is made of them) */
  kept?: KeptMembers;
}

/** A conversion, and the number of messages that it was applied to. */
export interface CountedConversion extends Conversion {
  messages: number;
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
  packed: PackedValues;
  summary: WindowSummary;
  precision: number;
  representation: GribField["representation"];
  conversion: Conversion | undefined;
  implausible: string | undefined;
  /** Why its packing cannot be true. */
  flat: string | undefined;
}

/** Collects the messages of one field. */
export class FieldReducer {
  readonly #decoded: DecodedMember[] = [];
  readonly #rejections: Rejection[] = [];
  /** Beginnings that were too short, until the rest arrives. */
  readonly #beginnings = new Map<Member, Uint8Array>();
  /** That of the last message. */
  #window: GridWindow | undefined;
  /** That of the first message; all are of the same variable and step. */
  #expected: ExpectedField | undefined;

  /** @param memory for the values of messages, used again. @default {its own} */
  constructor(
    private readonly region: Region,
    private readonly memory: WindowMemory = new WindowMemory(),
  ) {}

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
      const window = this.#selectWindow(field);
      const { latitudes, longitudes, grid } = window;
      const conversion = findConversion(field, expected.variable);
      const factor = findFactor(conversion, expected.stepHours);
      const { packed, neededBytes } = this.#pack(field, window, factor);
      const precision = factor * findPrecision(field);
      const outside = this.#findOutside(packed, field, precision, expected);
      if (outside?.isEmpty) {
        return this.#reject(member, "it has no value in the region", "damaged");
      }
      this.#expected ??= expected;
      this.#decoded.push({
        member,
        axes: { latitudes, longitudes, grid },
        packed,
        summary: summarizeWindow(packed, window.columnCount, this.memory),
        precision,
        representation: field.representation,
        conversion,
        implausible: outside?.reason,
        flat: findFlatPacking(field, factor, expected),
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

  /** The region's part of a grid: most messages have that of the one before. */
  #selectWindow(field: GribField): GridWindow {
    const known = this.#window;
    if (known && equalGrids(known.grid, field.grid)) return known;
    return this.#window = selectSmallWindow(field, this.region);
  }

  /** Decodes a window: its values, multiplied by a factor. */
  #pack(
    field: GribField,
    window: GridWindow,
    factor: number,
  ): { packed: PackedValues; neededBytes: number } {
    const decoded = decodePacked(field, window, this.memory);
    const { neededBytes } = decoded;
    const packing = { representation: field.representation, factor };
    if ("integers" in decoded) {
      return { packed: packIntegers(decoded.integers, packing), neededBytes };
    }
    const { values } = decoded;
    if (factor !== 1) { for (let i = 0; i < values.length; i++) values[i]! *= factor; }
    return { packed: packValues(values, packing), neededBytes };
  }

  /**
   * What cannot be true of values by themselves. Only where they may be outside the limits of their
   * variable, or missing, is each looked at.
   */
  #findOutside(
    packed: PackedValues,
    field: GribField,
    precision: number,
    expected: ExpectedField,
  ): { isEmpty: boolean; reason: string | undefined } | undefined {
    if (packed.bounds && isRangePlausible(packed.bounds, precision, expected)) return undefined;
    const values = this.memory.takeValues(packed.numbers.length);
    unpackValues(packed, values);
    return {
      isEmpty: values.every(Number.isNaN),
      reason: findImplausible(values, { precision, mayBeMissing: mayBeMissing(field) }, expected),
    };
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

  /**
   * Statistics of the members on the grid that most of them share; the others are rejected. Members
   * that do not fit the others are named.
   *
   * @param demand what is asked for besides. @default {undefined} (nothing)
   */
  reduce(demand?: FieldDemand): ReducedField {
    // By member, not in order of arrival: equal input gives equal bits.
    const decoded = this.#decoded.toSorted((a, b) => a.member - b.member);
    const axes = mostCommon(decoded.map((it) => it.axes).filter(isOfEra));
    const fitting = decoded.filter((it) => axes && sameAxes(it.axes, axes));
    const strays = decoded.filter((it) => !fitting.includes(it));
    const pointCount = axes ? axes.latitudes.length * axes.longitudes.length : 0;
    const packed = fitting.map((it) => it.packed);
    const reduced: ReducedField = {
      ...(axes && { axes }),
      ...measurePacked(packed, pointCount, fitting.length > 0 ? demand?.statistics ?? [] : []),
      members: fitting.map((it) => it.member),
      rejections: [
        ...this.#rejections,
        ...strays.map(({ member }) => rejectStray(member)),
      ].sort((a, b) => a.member - b.member),
      implausible: this.#findImplausible(fitting),
      ...countConversions(fitting),
      ...(demand?.keepsMembers && fitting.length > 0 &&
        {
          kept: keepMembers(pointCount, fitting.map((it) => ({ member: it.member, ...it.packed }))),
        }),
      ...(this.#expected && canOnlyGrow(this.#expected.variable) && fitting.length > 0 && {
        points: joinPoints(pointCount, fitting.map(packMember)),
      }),
    };
    for (const { packed } of decoded) this.memory.giveBack(packed);
    return reduced;
  }

  /** What cannot be true: by itself, or, of the members within their limits, beside the others. */
  #findImplausible(used: readonly DecodedMember[]): Finding[] {
    const within = used.filter(({ implausible }) => !implausible);
    const usual = this.#expected ? findUsual(this.#expected, within) : { least: 0, noise: 0 };
    const outliers = findOutliers(within, usual);
    // Numbers in other units are packed in another way.
    const byUnits = [...Map.groupBy(within, ({ conversion }) => conversion).values()];
    const oddPackings = new Map(byUnits.flatMap((own) => [...findOddPackings(own, usual)]));
    // Damage does not flatten several members alike.
    const flatCount = used.filter(({ flat }) => flat).length;
    const isFlat = flatCount > 1 && 2 * flatCount > used.length;
    return used.flatMap(({ member, implausible, flat }) => {
      const reason = implausible ?? oddPackings.get(member) ?? outliers.get(member) ??
        (isFlat ? undefined : flat);
      return reason ? [{ member, reason }] : [];
    });
  }
}

function packMember({ member, packed, precision }: DecodedMember) {
  return { member, ...packPoints(packed, precision) };
}

function countConversions(
  used: readonly DecodedMember[],
): Pick<ReducedField, "conversions"> {
  const conversions = used.flatMap(({ conversion }) => conversion ?? []);
  const groups = [...Map.groupBy(conversions, (conversion) => conversion)];
  if (groups.length === 0) return {};
  return { conversions: groups.map(([it, { length }]) => ({ ...it, messages: length })) };
}

/** @throws {GribError} when the window is too large to be averaged. */
function selectSmallWindow({ grid, messageOffset }: GribField, region: Region): GridWindow {
  const requireFew = (count: number) => {
    if (count <= MOST_POINTS) return;
    throw new GribError(
      `Cannot average the field at byte ${messageOffset}: the region has ${count} points of its grid ` +
        `of ${grid.columnCount} × ${grid.rowCount}, more than ${MOST_POINTS}; choose a smaller --region`,
    );
  };
  // Before the axes of the window are made, which may be as long as the grid.
  requireFew(Math.max(grid.columnCount, grid.rowCount));
  const window = selectWindow(grid, region);
  requireFew(window.rowCount * window.columnCount);
  return window;
}

/** A grid that no era has is that of a damaged header, however many members have it. */
function isOfEra({ grid }: WindowAxes): boolean {
  return !grid || isEraGrid(grid);
}

/** A message that is left out because the others are on other points. */
export function rejectStray(member: Member): Rejection {
  return { member, reason: "it is on another grid", fault: "mismatched" };
}

/**
 * Whether two windows have the same points, of the same grid: a window may look alike on a grid whose
 * rows or columns a damaged header has turned around.
 */
export function sameAxes(a: WindowAxes, b: WindowAxes): boolean {
  const sameGrid = !a.grid || !b.grid || equalGrids(a.grid, b.grid);
  return sameGrid && sameNumbers(a.latitudes, b.latitudes) &&
    sameNumbers(a.longitudes, b.longitudes);
}

function sameNumbers(a: Float64Array, b: Float64Array): boolean {
  return a === b || a.length === b.length && a.every((value, i) => value === b[i]);
}

/** The axes that occur most often; of equally frequent ones those of a usual grid, else the first. */
export function mostCommon(list: readonly WindowAxes[]): WindowAxes | undefined {
  const groups: { axes: WindowAxes; count: number }[] = [];
  for (const axes of list) {
    const group = groups.find((known) => sameAxes(known.axes, axes));
    if (group) group.count++;
    else groups.push({ axes, count: 1 });
  }
  const rank = ({ axes: { grid }, count }: typeof groups[number]) =>
    count + (grid && isUsualGrid(grid) ? 0.5 : 0);
  return groups.reduce<typeof groups[number] | undefined>(
    (best, group) => best && rank(best) >= rank(group) ? best : group,
    undefined,
  )?.axes;
}
