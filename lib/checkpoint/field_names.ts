/**
 * Names of the files of finished fields: which field it is, and a part of the digest of everything that
 * shapes it.
 *
 * @module
 */
import type { Run } from "../ecmwf/run.ts";
import { FIELD_VERSION } from "./field_file.ts";
import type { PlannedField } from "../ensemble/field_plan.ts";
import type { Region } from "../grib/headers.ts";

/** What shapes every field of a command, besides its messages. */
export interface FieldSettings {
  /** Name of the output profile. */
  profile: string;
  run: Run;
  region: Region;
}

/** A planned field and the name of its file. */
export interface FieldFileName {
  field: PlannedField;
  /** SHA-256 of everything that shapes the field, in hexadecimal digits. */
  key: string;
  /** Name of the file without its ending: variable, step and the first digits of the key. */
  name: string;
}

/** Names of whole fields, and of those that lack a message. */
const FIELD_FILE = /^\w+\.(?:field|lacking)$/;
const KEY_DIGITS = 16;

/** Whether a file has the name of a field, of whatever command. */
export function isFieldFile(file: string): boolean {
  return FIELD_FILE.test(file);
}

/** Whether a file is of a field with one of these names, or of one made of fewer messages. */
export function isFileOf(file: string, names: readonly string[]): boolean {
  return isFieldFile(file) && names.some((name) => file.startsWith(name));
}

/**
 * Names the files of fields.
 *
 * @param fields by their index in a plan.
 * @param wholes for fields made of fewer messages, the files of the same fields with all of them: the
 *   names begin with theirs.
 */
export async function nameFieldFiles(
  fields: Iterable<[fieldIndex: number, field: PlannedField]>,
  settings: FieldSettings,
  wholes?: ReadonlyMap<number, FieldFileName>,
): Promise<Map<number, FieldFileName>> {
  const files = new Map<number, FieldFileName>();
  for (const [fieldIndex, field] of fields) {
    const key = await digestField(field, settings);
    const beginning = wholes?.get(fieldIndex)?.name ??
      `${field.variable.name}_${field.stepHours}h`;
    files.set(fieldIndex, { field, key, name: `${beginning}_${key.slice(0, KEY_DIGITS)}` });
  }
  return files;
}

/** Reasons of rejections are in the digest: a reworded one makes saved fields useless. */
async function digestField(field: PlannedField, settings: FieldSettings): Promise<string> {
  const { profile, run, region } = settings;
  const { north, west, south, east } = region;
  const { variable, stepHours, messages, rejections, demand } = field;
  const model = run.model ? [run.model] : [];
  const shape = [
    [FIELD_VERSION, profile, run.date, run.hour, ...model, north, west, south, east],
    [variable, stepHours, rejections],
    messages.map(({ member, reference: { url, offset, length } }) => [member, url, offset, length]),
    ...(demand ? [demand] : []),
  ];
  const bytes = new TextEncoder().encode(JSON.stringify(shape));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
