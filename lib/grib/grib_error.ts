import { UserError } from "../errors.ts";

/** Where a GRIB2 message is wrong, and why. */
interface GribErrorDetail {
  /** GRIB2 section (0–8) of the fault. */
  section?: number;
  /** Byte offset at or near the fault, from the start of the bytes given. */
  offset?: number;
  /** The error that caused this one. */
  cause?: unknown;
}

/**
 * A GRIB2 message, or the compressed samples inside it, that cannot be read: it is damaged, cut
 * short, or uses a choice of the specification that is not supported (the text then names the code
 * table and number).
 */
export class GribError extends UserError {
  override readonly name: string = "GribError";
  readonly section: number | undefined;
  readonly offset: number | undefined;

  constructor(message: string, detail: GribErrorDetail = {}) {
    super("damaged", message, { cause: detail.cause });
    this.section = detail.section;
    this.offset = detail.offset;
  }
}

/** The beginning of a message is too short for the request; nothing else is known to be wrong. */
export class ShortPrefixError extends GribError {
  override readonly name = "ShortPrefixError";

  /** @param neededBytes bytes from "GRIB" that are enough, as far as the bytes given show. */
  constructor(readonly neededBytes: number, givenBytes: number, cause?: unknown) {
    super(
      `Cannot read the message from its first ${givenBytes} bytes: ${neededBytes} are needed; ` +
        `fetch more`,
      { offset: givenBytes, cause },
    );
  }
}
