/**
 * The member of a message, and its MARS type.
 *
 * Without an index the header names both; with an index the member is known, and gives the type.
 *
 * @module
 */
import { streamOfMember } from "../ecmwf/files.ts";
import type { Member } from "../ecmwf/members.ts";
import type { Run } from "../ecmwf/run.ts";
import type { GribHeader } from "../grib/headers.ts";

/** MARS type: deterministic, control or perturbed forecast. */
export type DataType = "fc" | "cf" | "pf";

/** Type of processed data, code table 1.4. */
const ANALYSIS = 0;

/**
 * Member and type that a header names. A message that names no member is of the deterministic
 * forecast.
 *
 * @returns `undefined` for an analysis.
 */
export function readMember(
  { typeOfProcessedData, product }: GribHeader,
): { member: Member; dataType: DataType } | undefined {
  if (typeOfProcessedData === ANALYSIS) return undefined;
  const member = product.perturbationNumber;
  if (member === undefined) return { member: 0, dataType: "fc" };
  return { member, dataType: member === 0 ? "cf" : "pf" };
}

/**
 * The type of a member's messages in a run. From IFS cycle 50r1 on the control is the deterministic
 * forecast.
 */
export function dataTypeOf(run: Run, member: Member): DataType {
  if (member !== 0) return "pf";
  return streamOfMember(run, member) === "oper" ? "fc" : "cf";
}
