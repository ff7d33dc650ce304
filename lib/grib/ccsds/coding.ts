/**
 * The parameters of a CCSDS 121.0-B stream → how to read its blocks, checked before decoding.
 *
 * @module
 */
import { GribError } from "../grib_error.ts";

/** The parameters of coded samples in GRIB2 template 5.42. */
export interface CcsdsParameters {
  /** 1–32 (octet 20). */
  bitsPerSample: number;
  /** Samples in a block: 8, 16, 32 or 64 (octet 23). */
  blockSize: number;
  /** Blocks in a reference sample interval: 1–4096 (octets 24–25). */
  referenceSampleInterval: number;
  /**
   * Options (octet 22): 1 signed samples, 2 samples of 17–24 bits in 3 bytes, 4 big-endian samples,
   * 8 preprocessed, 16 restricted set of code options, 32 intervals padded to whole bytes. 2 and 4
   * describe how an application stores samples in memory: the stream is the same without them.
   */
  flags: number;
}

const SIGNED = 1;
const PREPROCESSED = 8;
const RESTRICTED = 16;
const PADDED = 32;

/** How to read the blocks of a stream. */
export interface Coding {
  readonly bitsPerSample: number;
  readonly blockSize: number;
  readonly blocksPerInterval: number;
  readonly samplesPerInterval: number;
  /** Width of the option identifier at the head of a block. */
  readonly optionBits: number;
  /** 1: the first block of an interval begins with an uncoded reference sample; 0: none does. */
  readonly referenceCount: 0 | 1;
  readonly isPadded: boolean;
  readonly isSigned: boolean;
  /** Bits to shift left, then right, for the sign of a sample: 0 when samples are unsigned. */
  readonly signShift: number;
  /** Largest signed integer of `bitsPerSample` bits. */
  readonly signedMaximum: number;
  /** Difference between a sample and its representation in the signed range. */
  readonly bias: number;
}

/**
 * Plans how to read a stream.
 *
 * @throws {GribError} naming the octet of template 5.42 whose value the standard does not define.
 */
export function planCoding(parameters: CcsdsParameters): Coding {
  const { bitsPerSample, blockSize, referenceSampleInterval, flags } = parameters;
  checkChoice("bits per sample", "octet 20", bitsPerSample, isWithin(bitsPerSample, 1, 32));
  checkChoice("option flags", "octet 22", flags, isWithin(flags, 0, 255));
  checkChoice("samples per block", "octet 23", blockSize, [8, 16, 32, 64].includes(blockSize));
  checkChoice(
    "blocks per reference interval",
    "octets 24-25",
    referenceSampleInterval,
    isWithin(referenceSampleInterval, 1, 4096),
  );
  const isSigned = (flags & SIGNED) !== 0;
  const signedMaximum = (2 ** (bitsPerSample - 1) - 1) | 0;
  return {
    bitsPerSample,
    blockSize,
    blocksPerInterval: referenceSampleInterval,
    samplesPerInterval: referenceSampleInterval * blockSize,
    optionBits: planOptionBits(bitsPerSample, (flags & RESTRICTED) !== 0),
    referenceCount: (flags & PREPROCESSED) !== 0 ? 1 : 0,
    isPadded: (flags & PADDED) !== 0,
    isSigned,
    signShift: isSigned ? 32 - bitsPerSample : 0,
    signedMaximum,
    bias: isSigned ? 0 : (signedMaximum + 1) | 0,
  };
}

/** CCSDS 121.0-B, table of code option identifiers, basic and restricted set. */
function planOptionBits(bitsPerSample: number, isRestricted: boolean): number {
  if (bitsPerSample > 16) return 5;
  if (bitsPerSample > 8) return 4;
  if (!isRestricted) return 3;
  checkChoice(
    "bits per sample",
    "octet 20",
    bitsPerSample,
    bitsPerSample <= 4,
    " (restricted set)",
  );
  return bitsPerSample > 2 ? 2 : 1;
}

function checkChoice(
  what: string,
  octet: string,
  value: number,
  isDefined: boolean,
  context = "",
): void {
  if (isDefined) return;
  throw new GribError(
    `Cannot decode CCSDS data: ${value} ${what}${context} (template 5.42, ${octet}) is not ` +
      `defined by CCSDS 121.0-B; the message is damaged`,
    { section: 5 },
  );
}

function isWithin(value: number, minimum: number, maximum: number): boolean {
  return Number.isInteger(value) && value >= minimum && value <= maximum;
}
