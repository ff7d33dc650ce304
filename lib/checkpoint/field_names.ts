/**
 * Names of the files that finished fields are kept in: they say which field it is, and a part of a key
 * says what it was made of.
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

/** A field of a plan and its file. */
export interface FieldPlace {
  field: PlannedField;
  /** SHA-256 in hexadecimal digits of everything that shapes the field. */
  key: string;
  /** Name of the file without its ending; a part of the key is in it. */
  name: string;
}

/** Names of fields that are whole, and of those that lack a message. */
const FIELD_FILE = /^\w+\.(?:field|lacking)$/;
const KEY_DIGITS = 16;

/** Whether a file has the name of a field, of whatever command. */
export function isFieldFile(file: string): boolean {
  return FIELD_FILE.test(file);
}

/** Whether a file is of one of the fields with such names, or of one made of fewer messages. */
export function isFileOf(file: string, names: readonly string[]): boolean {
  return isFieldFile(file) && names.some((name) => file.startsWith(name));
}

/**
 * Names the files of fields.
 *
 * @param fields by their place in a plan.
 * @param wholes the same fields with all their messages, where these are made of fewer: their names
 *   begin with the names of those.
 */
export async function placeFields(
  fields: Iterable<[place: number, field: PlannedField]>,
  settings: FieldSettings,
  wholes?: ReadonlyMap<number, FieldPlace>,
): Promise<Map<number, FieldPlace>> {
  const places = new Map<number, FieldPlace>();
  for (const [place, field] of fields) {
    const key = await digestField(field, settings);
    const beginning = wholes?.get(place)?.name ?? `${field.variable.name}_${field.stepHours}h`;
    places.set(place, { field, key, name: `${beginning}_${key.slice(0, KEY_DIGITS)}` });
  }
  return places;
}

async function digestField(field: PlannedField, settings: FieldSettings): Promise<string> {
  const { profile, run, region } = settings;
  const { north, west, south, east } = region;
  const { variable, stepHours, messages, rejections } = field;
  const shape = [
    [FIELD_VERSION, profile, run.date, run.hour, north, west, south, east],
    [variable, stepHours, rejections],
    messages.map(({ member, reference: { url, offset, length } }) => [member, url, offset, length]),
  ];
  const bytes = new TextEncoder().encode(JSON.stringify(shape));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
