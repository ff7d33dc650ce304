/**
 * What the header of a message says of its field, in the words of ecCodes.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { findParameter, type Parameter } from "../ecmwf/parameters.ts";
import type { GribHeader, RegularLatLonGrid } from "../grib/headers.ts";
import type { Reference } from "../references/store.ts";
import { describeLevel, type VerticalLevel } from "./vertical_level.ts";

/** A field, whatever its member: the messages of all members share it. */
export interface FieldDescription {
  parameter: Parameter;
  /** `instant`, `accum`, `max`, … */
  stepType: string;
  level: VerticalLevel;
  /** End of the step. */
  stepHours: number;
  referenceTime: Date;
  grid: RegularLatLonGrid;
  /** Numbers that define hybrid levels (NV). */
  coordinateCount: number;
  /** Members of the ensemble; absent in the deterministic forecast. */
  ensembleSize?: number;
}

/** MARS type: deterministic, control or perturbed forecast. */
export type DataType = "fc" | "cf" | "pf";

/** A message of a member and where it is. */
export interface ScannedMessage {
  member: Member;
  dataType: DataType;
  field: FieldDescription;
  reference: Reference;
  /** The whole message, where it is short enough to be kept in the store. */
  bytes?: Uint8Array;
}

/** Code table 4.10 → step type. A statistic that is missing (255) makes an instant. */
const STEP_TYPES: ReadonlyMap<number | undefined, string> = new Map([
  [0, "avg"],
  [1, "accum"],
  [2, "max"],
  [3, "min"],
  [4, "diff"],
  [5, "rms"],
  [6, "sd"],
  [7, "cov"],
  [9, "ratio"],
]);

/** Code table 1.4. */
const ANALYSIS = 0;

/** Describes the field of a message. */
export function describeField(header: GribHeader): FieldDescription {
  const { product, referenceTime, grid } = header;
  const { numberOfForecastsInEnsemble: ensembleSize } = product;
  return {
    parameter: findParameter(header),
    stepType: STEP_TYPES.get(product.typeOfStatisticalProcessing) ?? "instant",
    level: describeLevel(product),
    stepHours: product.stepRange.endHours,
    referenceTime,
    grid,
    coordinateCount: product.coordinateCount,
    ...(ensembleSize === undefined ? {} : { ensembleSize }),
  };
}

/**
 * Member and type of a message: a message that names no member is of the deterministic forecast.
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
