/** What is wrong in a GRIB2 message, and where. */
export interface GribErrorDetail {
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
export class GribError extends Error {
  override readonly name = "GribError";
  readonly section: number | undefined;
  readonly offset: number | undefined;

  constructor(message: string, detail: GribErrorDetail = {}) {
    super(message, { cause: detail.cause });
    this.section = detail.section;
    this.offset = detail.offset;
  }
}
