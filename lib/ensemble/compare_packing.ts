/**
 * How the messages of members are packed → the members whose packing is unlike that of the others. A
 * damaged description of the packing gives values that may look like weather.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { scaleLimits, type VariableAtStep } from "../ecmwf/plausible.ts";
import type { GribField } from "../grib/mod.ts";
import { median, type Usual } from "./compare_members.ts";

/** One member's message. */
export interface PackedMember {
  member: Member;
  representation: GribField["representation"];
}

/** One other says nothing: it may be the wrong one. What follows from the whole globe needs no more. */
const LEAST_OTHERS = 2;
/**
 * Octaves beyond those of the others. Extremes of the globe differ by a factor of 2, those of rain, whose
 * least value is 0, rarely by 4.
 */
const ODD_OCTAVES = 2;
const ODD_OCTAVES_FROM_0 = 3;
/** The lowest value of the globe, beyond those of the others, by the range of values on the globe. */
const ODD_SHARE = 1 / 4;

/** What ECMWF's encoder sets for a parameter, by ecCodes key. */
type Settings = Readonly<Record<string, number>>;

const readSettings = (representation: PackedMember["representation"]): Settings => ({
  dataRepresentationTemplateNumber: representation.template,
  decimalScaleFactor: representation.decimalScaleFactor,
  bitsPerValue: representation.bitsPerValue,
  ...(representation.template === 42 && {
    ccsdsFlags: representation.flags,
    ccsdsBlockSize: representation.blockSize,
    ccsdsRsi: representation.referenceSampleInterval,
  }),
});

/**
 * Finds the perturbed members with a setting that all other perturbed members share another value of, or
 * with scales far from theirs: these follow from the lowest and highest value on the globe.
 *
 * The control is not compared: from cycle 50r1 on it comes from another stream's file. Nor are constant
 * fields, whose packing is empty.
 *
 * @param usual `least`: the least possible value of the variable.
 * @returns how they differ, in words; nothing when there are fewer than three members to compare.
 */
export function findOddPackings(
  members: readonly PackedMember[],
  { least }: { least: number },
): Map<Member, string> {
  const compared = members
    .filter(({ member, representation }) => member !== 0 && representation.bitsPerValue > 0)
    .map((it) => ({ ...it, settings: readSettings(it.representation) }));
  const found = new Map<Member, string>();
  if (compared.length <= LEAST_OTHERS) return found;
  const octaves = least === 0 ? ODD_OCTAVES_FROM_0 : ODD_OCTAVES;
  for (const { member, representation, settings } of compared) {
    const others = compared.filter((it) => it.member !== member);
    const odd = [
      ...describeSettings(settings, others.map((it) => it.settings)),
      ...describeScales(representation, others.map((it) => it.representation), octaves),
    ];
    if (odd.length > 0) found.set(member, `it does not fit the other members: ${odd.join(", ")}`);
  }
  return found;
}

type Representations = readonly PackedMember["representation"][];

function describeSettings(own: Settings, others: readonly Settings[]): string[] {
  return Object.entries(own).flatMap(([key, value]) => {
    const [usual, ...rest] = new Set(others.map((it) => it[key]));
    const isOdd = usual !== undefined && rest.length === 0 && usual !== value;
    return isOdd ? [`its ${key} is ${value}, theirs ${usual}`] : [];
  });
}

function describeScales(
  own: Representations[number],
  others: Representations,
  octaves: number,
): string[] {
  const factors = others.map((it) => it.binaryScaleFactor);
  const references = others.map((it) => it.referenceValue);
  const range = Math.max(...others.map((it) => 2 ** (it.binaryScaleFactor + it.bitsPerValue)));
  return [
    { key: "binaryScaleFactor", value: own.binaryScaleFactor, usual: factors, room: octaves },
    {
      key: "referenceValue",
      value: own.referenceValue,
      usual: references,
      room: ODD_SHARE * range,
    },
  ].flatMap(({ key, value, usual, room }) => {
    const [least, most] = [Math.min(...usual), Math.max(...usual)];
    const isOdd = value <= least - room || value >= most + room;
    return isOdd ? [`its ${key} is ${value}, theirs ${least} to ${most}`] : [];
  });
}

/**
 * A difference between members that is nothing unusual, by the range of values on the globe. Where
 * `noise` is known it is between a hundredth of that (surface pressure: 500 of 5e4 Pa) and a twentieth
 * (water vapour of the column: 3 of 70 kg m-2).
 */
const USUAL_SHARE = 1 / 20;

/** A member's message, and the distance between its packed values in the unit of the variable. */
export interface MeasuredPacking extends Pick<PackedMember, "representation"> {
  precision: number;
}

/**
 * The least possible value and the usual difference between members. Where they are not known, the
 * range of values on the globe, which the packing states, gives the difference, and values that are
 * nowhere below 0 in any message have 0 as the least.
 */
export function findUsual(at: VariableAtStep, messages: readonly MeasuredPacking[]): Usual {
  const { least, noise } = scaleLimits(at);
  if (noise !== undefined) return { least, noise };
  const packed = messages.filter(({ representation }) => representation.bitsPerValue > 0);
  if (packed.length === 0) return { least, noise: 0 };
  const ranges = packed.map((it) => it.precision * 2 ** it.representation.bitsPerValue);
  const isFrom0 = packed.every(({ representation }) => representation.referenceValue === 0);
  return { least: isFrom0 ? 0 : least, noise: USUAL_SHARE * median(ranges) };
}
