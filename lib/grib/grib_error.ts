import { UserError } from "../errors.ts";

/** What is wrong in a GRIB2 message, and where. */
interface GribErrorDetail {
  /** GRIB2 section (0–8) in which the fault lies. */
  section?: number;
  /** Byte offset from the start of the data given, at or near the fault. */
  offset?: number;
  /** The error that caused this one. */
  cause?: unknown;
}

/**
 * A GRIB2 message, or the compressed samples inside it, that cannot be read: damaged, cut short, or
 * using a choice of the specification that this library does not read (the text then names the code
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

/** The beginning of a message is too short for what is asked of it; nothing else is known to be wrong. */
export class ShortPrefixError extends GribError {
  override readonly name = "ShortPrefixError";

  /** @param neededBytes how many bytes from "GRIB" on do, as far as those given tell; more than they are. */
  constructor(readonly neededBytes: number, givenBytes: number, cause?: unknown) {
    super(
      `Cannot read the message from its first ${givenBytes} bytes: it takes ${neededBytes}; fetch more`,
      { offset: givenBytes, cause },
    );
  }
}
