/**
 * Whether a message is what its index says, field by field of the index.
 *
 * @module
 */
import { memberKeyName } from "../ecmwf/members.ts";
import { describeRun, referenceTime, type Run } from "../ecmwf/run.ts";
import type { GribHeader } from "../grib/mod.ts";
import type { IndexedField } from "../step_index.ts";
import { describeField, readMember } from "./field.ts";

/** MARS `levtype` of the types of level that belong to one only; others are left open. */
const LEVTYPES: ReadonlyMap<string, string> = new Map([
  ["isobaricInhPa", "pl"],
  ["isobaricInPa", "pl"],
  ["soilLayer", "sol"],
  ["snowLayer", "sol"],
]);

/**
 * Compares a header with the line of the index that led to it: length, run, step, parameter, level
 * type, level and member. A parameter that the table does not have is not compared.
 *
 * @returns what differs, in words; nothing when it is the message that the index describes.
 */
export function findDisagreements(
  header: GribHeader,
  { field, reference }: IndexedField,
  run: Run,
): string[] {
  const found = describeField(header);
  const { typeOfLevel, value } = found.level;
  const { paramId, shortName } = found.parameter;
  const member = readMember(header)?.member;
  const levtype = LEVTYPES.get(typeOfLevel) ??
    (isOnOneLevel(field.levtype) ? "another" : undefined);
  const isRun = header.referenceTime.getTime() === referenceTime(run).getTime();
  const differences: string[] = [];
  const compare = (what: string, inFile: unknown, inIndex: unknown) => {
    if (inFile !== inIndex) differences.push(`${what} is ${inFile}, the index says ${inIndex}`);
  };
  compare("its length", header.messageLength, reference.length);
  compare(
    "its run",
    isRun ? describeRun(run) : header.referenceTime.toISOString(),
    describeRun(run),
  );
  compare("its step", found.stepHours, field.stepHours);
  if (paramId !== 0) compare("its parameter", shortName, field.param);
  if (levtype !== undefined) compare("its level type", levtype, field.levtype);
  if (isOnOneLevel(field.levtype)) compare("its level", value, field.level);
  compare(
    "its member",
    member === undefined ? "no forecast's" : memberKeyName(member),
    memberKeyName(field.member),
  );
  return differences;
}

function isOnOneLevel(levtype: string): boolean {
  return levtype === "pl" || levtype === "sol";
}
