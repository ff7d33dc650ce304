/**
 * A scanned message: its field in the words of ecCodes, its member, and where it is.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { findParameter, type Parameter } from "../ecmwf/parameters.ts";
import type { GribHeader, RegularLatLonGrid } from "../grib/headers.ts";
import type { Reference } from "../references/store.ts";
import type { DataType } from "./message_member.ts";
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

/** A message of a member and where it is. */
export interface ScannedMessage {
  member: Member;
  dataType: DataType;
  field: FieldDescription;
  reference: Reference;
  /** The whole message, where it is shorter than {@linkcode INLINE_BYTES}. */
  bytes?: Uint8Array;
}

/** The messages of a file. */
export interface FileScan {
  /** Of the members wanted, in the order of the file or its index. */
  messages: ScannedMessage[];
  /** Messages that were left out, and why, in words. */
  problems: string[];
  /** Short messages that stay references, because they lie too far apart. */
  notInlined: number;
}

/**
 * Shorter messages are stored inline, as kerchunk does by default. These are constant fields, which
 * have no packed values and about 210 bytes.
 */
export const INLINE_BYTES = 500;

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

/** The field of a message, from its header. */
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
