/**
 * Whether a message is what its index says, field by field of the index.
 *
 * @module
 */
import { memberKeyName } from "../ecmwf/members.ts";
import { findCodes } from "../ecmwf/parameters.ts";
import { describeRun, referenceTime, type Run } from "../ecmwf/run.ts";
import type { ParameterCode } from "../ecmwf/variables.ts";
import type { GribHeader } from "../grib/headers.ts";
import type { IndexedField } from "../references/step_index.ts";
import { readMember } from "./message_member.ts";
import { describeField } from "./scanned_message.ts";
import { levtypeOf } from "./vertical_level.ts";

/** Level types whose fields have a level in the index. Indexes differ in what they call the others. */
const WITH_LEVEL: ReadonlySet<string> = new Set(["pl", "sol"]);

/**
 * Compares a header with the line of the index that led to it: length, run, step, parameter, level
 * type, level and member. Names with the same code, as of extremes over different hours, count as
 * equal; a name that the table of parameters does not have is not compared.
 *
 * @returns what differs, in words; nothing when it is the message that the index describes.
 */
export function findDisagreements(
  header: GribHeader,
  { field, reference }: IndexedField,
  run: Run,
): string[] {
  const found = describeField(header);
  const { shortName, code } = found.parameter;
  const levtype = levtypeOf(found.level);
  const member = readMember(header)?.member;
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
  if (!mayBeNamed(field.param, code)) compare("its parameter", shortName, field.param);
  if (WITH_LEVEL.has(levtype) || WITH_LEVEL.has(field.levtype)) {
    compare("its level type", levtype, field.levtype);
    compare("its level", found.level.value, field.level);
  }
  compare(
    "its member",
    member === undefined ? "no forecast's" : memberKeyName(member),
    memberKeyName(field.member),
  );
  return differences;
}

/** Whether a code may have this name: it has, or the name is unknown. */
function mayBeNamed(shortName: string, { discipline, category, number }: ParameterCode): boolean {
  const codes = findCodes(shortName);
  return codes.length === 0 ||
    codes.some((code) =>
      code.discipline === discipline && code.category === category && code.number === number
    );
}
