/**
 * What goes in: the entries of GRIB indexes. What comes out: reference stores, ordered maps of Zarr keys
 * to bytes or to a byte range of a remote file, with their Parquet files and where these are published.
 *
 * @module
 */
import { UserError } from "../errors.ts";
import { type Member, memberKeyName, parseMember } from "../ecmwf/members.ts";

/** A byte range of a remote file; in a store file the JSON text `["<url>",<offset>,<length>]`. */
export interface Reference {
  url: string;
  /** First byte. */
  offset: number;
  /** Length in bytes. */
  length: number;
}

/** A reference, or the bytes of the value itself (metadata, coordinates). */
export type StoreValue = Reference | Uint8Array;

/** A store: key → value, in the order in which they are written. */
export type Store = Map<string, StoreValue>;

/** A store whose values cannot be read. */
export class StoreError extends UserError {
  override readonly name = "StoreError";
  readonly key: string;

  constructor(message: string, key: string, cause?: unknown) {
    super("damaged", message, { cause });
    this.key = key;
  }
}

/** Whether the value is a byte range of a remote file. */
export function isReference(value: StoreValue): value is Reference {
  return "url" in value;
}

/** The text of a reference in a store file. URLs of ECMWF need no JSON escapes. */
export function formatReference(reference: Reference): string {
  return `["${reference.url}",${reference.offset},${reference.length}]`;
}

const decoder = new TextDecoder();
const OPENING_BRACKET = 0x5b;
const QUOTE = 0x22;

/**
 * Reads a value of a store file: a reference when the bytes are its JSON text, else the bytes. So is
 * what only begins like a reference: it costs the value that it should have named.
 */
export function parseValue(bytes: Uint8Array): StoreValue {
  if (!looksLikeReference(bytes)) return bytes;
  try {
    const [url, offset, length] = JSON.parse(decoder.decode(bytes)) as unknown[];
    const isRange = isCount(offset) && isCount(length) && length > 0 && isCount(offset + length);
    if (typeof url === "string" && isRange) return { url, offset, length };
  } catch {
    // Not JSON.
  }
  return bytes;
}

/** Whether the bytes begin as the JSON text of a reference does. */
export function looksLikeReference(bytes: Uint8Array): boolean {
  return bytes[0] === OPENING_BRACKET && bytes[1] === QUOTE;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The field of a fresh key, without its member. */
export interface SharedFieldKey {
  stepHours: number;
  /** MARS short name. */
  param: string;
  /** MARS `levtype`: `sfc`, `pl` or `sol`. */
  levtype: string;
  /** Pressure level in hPa or soil layer; absent at the surface and in keys without level. */
  level?: number;
}

/** The field that a fresh key names. */
export interface FieldKey extends SharedFieldKey {
  member: Member;
}

/** The key of a field: `step_036/u/pl/700/ens01/0.0.0`, `step_036/tp/sfc/ens01/0.0.0`. */
export function formatFieldKey(field: FieldKey): string {
  return formatKeyHead(field) + formatKeyTail(field.member);
}

/** The part of a key that all members of a field share. */
function formatKeyHead({ stepHours, param, levtype, level }: SharedFieldKey): string {
  const step = String(stepHours).padStart(3, "0");
  return `step_${step}/${param}/${levtype}${level === undefined ? "" : `/${level}`}/`;
}

/** The part of a key that names the member. Head and tail together are a key. */
export function formatKeyTail(member: Member): string {
  return `${memberKeyName(member)}/0.0.0`;
}

/** The level whose messages also have a key without level, in hPa. */
export const UNNAMED_LEVEL = 700;

/**
 * The heads of every key of a field. Existing readers expect no level in a key, so a field at 700 hPa
 * has a second key without level.
 */
export function formatKeyHeads(field: SharedFieldKey): string[] {
  const head = formatKeyHead(field);
  if (field.levtype !== "pl" || field.level !== UNNAMED_LEVEL) return [head];
  const { level: _, ...unnamed } = field;
  return [head, formatKeyHead(unnamed)];
}

const FIELD_KEY = /^step_(\d{3})\/([^/]+)\/([a-z]+)(?:\/(\d+))?\/((?:ens|control)[^/]*)\/0\.0\.0$/;

/** The field of a fresh key; `undefined` for other keys of a store. */
export function parseFieldKey(key: string): FieldKey | undefined {
  const match = FIELD_KEY.exec(key);
  const member = match ? parseMember(match[5]!) : undefined;
  if (!match || member === undefined) return undefined;
  const field: FieldKey = {
    stepHours: Number(match[1]),
    param: match[2]!,
    levtype: match[3]!,
    member,
  };
  return match[4] === undefined ? field : { ...field, level: Number(match[4]) };
}
