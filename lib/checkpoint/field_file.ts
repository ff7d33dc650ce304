/**
 * A reduced field ⇄ the bytes of a file, with checksums.
 *
 * Layout: CRC-32 of the two that follow (4 bytes, little-endian), length of the description (4 bytes,
 * likewise), the description as JSON in UTF-8, then sections of numbers one after the other, in the
 * byte order of this machine. The description has the CRC-32 of each, so that one can be read alone.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import type { ArrayTask } from "./array_task.ts";
import type { ObjectVersion } from "../storage/mod.ts";
import type { ReducedField, WindowAxes } from "../ensemble/field_reducer.ts";
import type { KeptMembers } from "../ensemble/kept_members.ts";
import type { FieldPoints } from "../ensemble/member_points.ts";

/** Raise it when equal messages may give another field, or when this layout changes. */
export const FIELD_VERSION = 5;

/** Checksum and length of the description. */
const HEAD_BYTES = 8;

/** What a section holds; there are as many of `further` as statistics. */
export type SectionKind =
  | "latitudes"
  | "longitudes"
  | "mean"
  | "deviation"
  | "further"
  | "counts"
  | "points"
  | "kept";

type Bytes = Uint8Array<ArrayBuffer>;

/** A finished field, and where it comes from. */
export interface SavedField {
  reduced: ReducedField;
  /** Of the files of its messages, by address, as far as servers named them. */
  versions: Readonly<Record<string, ObjectVersion>>;
  /** The task that made it. @default {undefined} (a command that makes all fields) */
  task?: ArrayTask;
}

/** What a file says of a section. */
interface Section {
  kind: SectionKind;
  length: number;
  /** CRC-32 of its bytes. */
  crc: number;
}

/** A section, and where in the file it begins. */
export interface SectionPlace extends Section {
  offset: number;
}

/** What a file says besides its numbers. */
interface Description extends Omit<SavedField, "reduced"> {
  /** As given to {@linkcode encodeFieldFile}. */
  key: string;
  /** The field without its numbers. */
  field: Omit<
    ReducedField,
    "axes" | "mean" | "deviation" | "further" | "counts" | "points" | "kept"
  >;
  grid?: WindowAxes["grid"];
  points?: Omit<FieldPoints, "packed">;
  kept?: Omit<KeptMembers, "packed">;
  /** In the order of the file; a field without members has no axes. */
  sections: Section[];
}

/** A field as it is in its file. */
export interface EncodedField {
  /** To be written one after the other: views of the numbers of the field, not copies. */
  pieces: Bytes[];
  sections: SectionPlace[];
}

/**
 * Encodes a field.
 *
 * @param key names everything that shaped the field.
 */
export function encodeFieldFile(key: string, { reduced, ...origin }: SavedField): EncodedField {
  const { axes, mean, deviation, further, counts, points, kept, ...field } = reduced;
  const { packed: packedPoints, ...pointsPacking } = points ?? {};
  const { packed: packedMembers, ...keptPacking } = kept ?? {};
  const parts = [
    ...listPart("latitudes", axes?.latitudes),
    ...listPart("longitudes", axes?.longitudes),
    ...listPart("mean", mean),
    ...listPart("deviation", deviation),
    ...(further ?? []).flatMap((values) => listPart("further", values)),
    ...listPart("counts", counts),
    ...listPart("points", packedPoints),
    ...listPart("kept", packedMembers), // the last one
  ];
  const head = encodeHead({
    key,
    ...origin,
    field,
    ...(axes?.grid && { grid: axes.grid }),
    ...(points && { points: pointsPacking as Omit<FieldPoints, "packed"> }),
    ...(kept && { kept: keptPacking as Omit<KeptMembers, "packed"> }),
    sections: parts.map(({ section }) => section),
  });
  return {
    pieces: [head, ...parts.map(({ bytes }) => bytes)],
    sections: placeSections(parts.map(({ section }) => section), head.length),
  };
}

function listPart(
  kind: SectionKind,
  numbers: ArrayBufferView | undefined,
): { section: Section; bytes: Bytes }[] {
  if (!numbers) return [];
  const { buffer, byteOffset, byteLength } = numbers as ArrayBufferView<ArrayBuffer>;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  return [{ section: { kind, length: byteLength, crc: crc32(bytes) }, bytes }];
}

function encodeHead(description: Description): Bytes {
  const json = new TextEncoder().encode(JSON.stringify(description));
  const head = new Uint8Array(HEAD_BYTES + json.length);
  const view = new DataView(head.buffer);
  view.setUint32(4, json.length, true);
  head.set(json, HEAD_BYTES);
  view.setUint32(0, crc32(head.subarray(4)), true);
  return head;
}

/** @param start where the first one begins. */
function placeSections(sections: readonly Section[], start: number): SectionPlace[] {
  let end = start;
  return sections.map((section) => {
    const offset = end;
    end += section.length;
    return { ...section, offset };
  });
}

/** A field as it was read, and where its numbers are in its file. */
export interface DecodedField {
  field: SavedField;
  sections: SectionPlace[];
}

/**
 * Decodes a field. Its members are a part of the bytes given, as they may be megabytes; all else is
 * copied.
 *
 * @returns `undefined` when the file is damaged, or has another `key`.
 */
export function decodeFieldFile(key: string, bytes: Bytes): DecodedField | undefined {
  const description = decodeHead(bytes);
  if (description?.key !== key) return undefined;
  const total = description.sections.reduce((sum, { length }) => sum + length, 0);
  const sections = placeSections(description.sections, bytes.length - total);
  const parts = sections.map(({ offset, length }) => bytes.subarray(offset, offset + length));
  if (!sections.every((section, i) => isIntact(section, parts[i]!))) return undefined;
  const copyAll = (kind: SectionKind) =>
    parts.filter((_, i) => sections[i]!.kind === kind).map((part) => part.slice().buffer);
  const copy = (kind: SectionKind) => copyAll(kind)[0]!;
  const has = (kind: SectionKind) => sections.some((section) => section.kind === kind);
  const { key: _, field, grid, points, kept, sections: __, ...origin } = description;
  const further = copyAll("further").map((part) => new Float32Array(part));
  const reduced: ReducedField = {
    ...(has("latitudes") && {
      axes: {
        latitudes: new Float64Array(copy("latitudes")),
        longitudes: new Float64Array(copy("longitudes")),
        ...(grid && { grid }),
      },
    }),
    mean: new Float32Array(copy("mean")),
    deviation: new Float32Array(copy("deviation")),
    ...(further.length > 0 && { further }),
    ...(has("counts") && { counts: new Uint16Array(copy("counts")) }),
    ...field,
    ...(points && { points: { ...points, packed: new Uint8Array(copy("points")) } }),
    ...(kept && { kept: { ...kept, packed: parts.at(-1)! } }),
  };
  return { field: { reduced, ...origin }, sections };
}

/** @returns `undefined` when it is damaged, or when the file is not as long as it says. */
function decodeHead(bytes: Bytes): Description | undefined {
  if (bytes.length < HEAD_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEAD_BYTES);
  const end = HEAD_BYTES + view.getUint32(4, true);
  if (end > bytes.length || crc32(bytes.subarray(4, end)) !== view.getUint32(0, true)) {
    return undefined;
  }
  const text = new TextDecoder().decode(bytes.subarray(HEAD_BYTES, end));
  const description: Description = JSON.parse(text);
  const total = description.sections.reduce((sum, { length }) => sum + length, end);
  return total === bytes.length ? description : undefined;
}

/** Whether bytes are those of a section. */
export function isIntact({ length, crc }: Section, bytes: Uint8Array): boolean {
  return bytes.length === length && crc32(bytes) === crc;
}
