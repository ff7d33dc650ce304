/**
 * Scan of a file with the help of its index: one header a field, since its members share it.
 *
 * @module
 */
import { memberKeyName } from "../ecmwf/members.ts";
import type { Run } from "../ecmwf/run.ts";
import { GribError } from "../grib/headers.ts";
import type { IndexedField } from "../references/step_index.ts";
import type { Storage } from "../storage/mod.ts";
import { mapInParallel } from "../util/parallel.ts";
import { findDisagreements } from "./compare_header.ts";
import { type JoinedParts, joinParts, type Part } from "./join_ranges.ts";
import { completeHeader, HEADER_BYTES } from "./message_header.ts";
import { dataTypeOf } from "./message_member.ts";
import {
  describeField,
  type FieldDescription,
  type FileScan,
  INLINE_BYTES,
} from "./scanned_message.ts";

/** Requests for one file. Long headers and wrong lines of the index take a few more. */
const MAXIMUM_REQUESTS = 500;
/** Messages of a field that are tried before the field is given up. */
const MAXIMUM_ROUNDS = 3;
const PARALLEL_REQUESTS = 16;

/** What a message holds. */
interface Found {
  description: FieldDescription;
  /** The whole message, if it is short. */
  bytes?: Uint8Array;
}

/** What is known of the messages so far. */
interface ScanState {
  storage: Storage;
  run: Run;
  found: Map<IndexedField, Found>;
  /** Messages that are not what the index says, and how they differ. */
  faults: Map<IndexedField, string>;
}

/**
 * Scans the messages that an index lists.
 *
 * Fetches the first {@linkcode HEADER_BYTES} of one message a field, and whole messages shorter than
 * {@linkcode INLINE_BYTES}; never the data of others. Short messages for which no request is left stay
 * references.
 *
 * A message that is not what the index says is left out, and the field is read from another member's.
 *
 * @param fields of one file, of the members wanted.
 * @param maximumRequests at a time; a field takes one in any case.
 * @throws {StorageError} when the file cannot be read.
 */
export async function scanIndexed(
  storage: Storage,
  run: Run,
  fields: readonly IndexedField[],
  maximumRequests: number = MAXIMUM_REQUESTS,
): Promise<FileScan> {
  const state: ScanState = { storage, run, found: new Map(), faults: new Map() };
  const byField = [...Map.groupBy(fields, fieldName).values()];
  const short = fields.filter(isShort);
  let unknown = byField;
  for (let round = 0; round < MAXIMUM_ROUNDS && unknown.length > 0; round++) {
    const samples = unknown.flatMap((own) => own.find((it) => !state.faults.has(it)) ?? []);
    const parts = planParts(samples, round === 0 ? short : []);
    await fetchParts(joinParts(parts, maximumRequests), state);
    unknown = unknown.filter((own) => !own.some((it) => state.found.has(it)));
  }
  return collectMessages(byField, state);
}

function fieldName({ field }: IndexedField): string {
  return [field.param, field.levtype, field.level ?? []].flat().join(" ");
}

function isShort({ reference }: IndexedField): boolean {
  return reference.length < INLINE_BYTES;
}

/** The headers of samples, which are required, and short messages, whole. */
function planParts(
  samples: readonly IndexedField[],
  short: readonly IndexedField[],
): Part<IndexedField>[] {
  const wanted = new Map(short.map((owner) => [owner, false]));
  for (const owner of samples) wanted.set(owner, true);
  return [...wanted].map(([owner, isRequired]) => {
    const { offset, length } = owner.reference;
    const fetched = isShort(owner) ? length : Math.min(HEADER_BYTES, length);
    return { owner, isRequired, offset, length: fetched };
  });
}

async function fetchParts(
  joined: readonly JoinedParts<IndexedField>[],
  state: ScanState,
): Promise<void> {
  const fetched = mapInParallel(PARALLEL_REQUESTS, joined, async ({ parts, offset, length }) => {
    const { url } = parts[0]!.owner.reference;
    const bytes = await state.storage.get(url, { offset, length });
    for (const part of parts) {
      const start = part.offset - offset;
      await readPart(part.owner, bytes.subarray(start, start + part.length), state);
    }
  });
  await Array.fromAsync(fetched);
}

async function readPart(
  owner: IndexedField,
  bytes: Uint8Array,
  { storage, run, found, faults }: ScanState,
): Promise<void> {
  const { url, offset } = owner.reference;
  try {
    const header = await completeHeader(bytes, (length) => storage.get(url, { offset, length }));
    const disagreements = findDisagreements(header, owner, run);
    if (disagreements.length > 0) faults.set(owner, disagreements.join(", "));
    else {
      const description = describeField(header);
      found.set(owner, { description, ...(isShort(owner) && { bytes: bytes.slice() }) });
    }
  } catch (error) {
    if (!(error instanceof GribError)) throw error;
    faults.set(owner, error.message);
  }
}

/** Every message whose field is known, with the header of its own or of another member. */
function collectMessages(
  byField: readonly (readonly IndexedField[])[],
  { found, faults, run }: ScanState,
): FileScan {
  const scan: FileScan = { messages: [], problems: [], notInlined: 0 };
  for (const own of byField) {
    const wrong = own.filter((it) => faults.has(it));
    for (const it of wrong) scan.problems.push(`${describeLine(it)}: ${faults.get(it)}`);
    const sample = own.flatMap((it) => found.get(it) ?? [])[0];
    const right = own.filter((it) => !faults.has(it));
    if (!sample) {
      if (right.length > 0) scan.problems.push(`${fieldName(own[0]!)}: given up`);
      continue;
    }
    for (const it of right) {
      const { description: field, bytes } = found.get(it) ?? { description: sample.description };
      if (isShort(it) && !bytes) scan.notInlined++;
      const { field: { member }, reference } = it;
      const dataType = dataTypeOf(run, member);
      scan.messages.push({ member, dataType, field, reference, ...(bytes && { bytes }) });
    }
  }
  return scan;
}

function describeLine(indexed: IndexedField): string {
  const { field, reference } = indexed;
  return `${fieldName(indexed)} of ${memberKeyName(field.member)} at byte ${reference.offset}`;
}
