/**
 * Scan of a file without an index: from each message's header to the next message.
 *
 * @module
 */
import type { StepFile } from "../ecmwf/files.ts";
import type { Member } from "../ecmwf/members.ts";
import { describeRun, referenceTime, type Run } from "../ecmwf/run.ts";
import { GribError, measureMessage } from "../grib/headers.ts";
import type { Storage } from "../storage/mod.ts";
import { completeHeader, HEADER_BYTES } from "./message_header.ts";
import { readMember } from "./message_member.ts";
import {
  describeField,
  type FieldDescription,
  type FileScan,
  INLINE_BYTES,
} from "./scanned_message.ts";

/** Fetched ahead where messages are short, so that one request serves several. */
const AHEAD_BYTES = 64 * 1024;
/** After a message shorter than this, bytes are fetched ahead. */
const SHORT_BYTES = 8 * 1024;

/** The messages that a scan is for. */
interface Wanted {
  run: Run;
  file: StepFile;
  members: ReadonlySet<Member>;
}

/**
 * Scans a file message by message. A message of another run or step is left out.
 *
 * Only the length of a message says where the next one is. So this costs one request of
 * {@linkcode HEADER_BYTES} a message, one after the other; fewer where messages are short.
 *
 * @throws {GribError} where a message should begin and none does.
 * @throws {StorageError} when the file cannot be read.
 */
export async function scanUnindexed(
  storage: Storage,
  run: Run,
  file: StepFile,
  members: ReadonlySet<Member>,
): Promise<FileScan> {
  const scan: FileScan = { messages: [], problems: [], notInlined: 0 };
  const { url } = file;
  const { size } = await storage.head(url);
  const reader = new AheadReader(storage, url, size);
  for (let offset = 0; offset < size;) {
    offset += await scanMessage(reader, offset, { run, file, members }, scan);
  }
  return scan;
}

/** Scans the message at `offset` and returns its length. */
async function scanMessage(
  reader: AheadReader,
  offset: number,
  wanted: Wanted,
  scan: FileScan,
): Promise<number> {
  const { url } = reader;
  const bytes = await reader.read(offset, HEADER_BYTES);
  const length = measureLength(bytes, url, offset);
  if (offset + length > reader.sizeBytes) {
    const state = `it claims ${length} bytes and the file ends after ${reader.sizeBytes - offset}`;
    scan.problems.push(`${url} at byte ${offset}: ${state}`);
    return length;
  }
  reader.noteLength(length);
  try {
    const header = await completeHeader(bytes, (length) => reader.read(offset, length));
    const owner = readMember(header);
    if (!owner || !wanted.members.has(owner.member)) return length;
    const field = describeField(header);
    const mismatch = findMismatch(field, wanted);
    if (mismatch) {
      scan.problems.push(`${url} at byte ${offset}: ${mismatch}`);
      return length;
    }
    const whole = length < INLINE_BYTES ? await reader.read(offset, length) : undefined;
    scan.messages.push({
      ...owner,
      field,
      reference: { url, offset, length },
      ...(whole && { bytes: whole.slice() }),
    });
  } catch (error) {
    if (!(error instanceof GribError)) throw error;
    scan.problems.push(`${url} at byte ${offset}: ${error.message}`);
  }
  return length;
}

/** How run or step of a message differ from those of its file; `undefined` when they do not. */
function findMismatch(
  { referenceTime: time, stepHours }: FieldDescription,
  { run, file }: Wanted,
): string | undefined {
  const isRight = time.getTime() === referenceTime(run).getTime() && stepHours === file.stepHours;
  if (isRight) return undefined;
  return `it is of ${time.toISOString()} step ${stepHours}, ` +
    `not ${describeRun(run)} step ${file.stepHours}`;
}

function measureLength(bytes: Uint8Array, url: string, offset: number): number {
  try {
    return measureMessage(bytes).messageBytes;
  } catch (cause) {
    if (!(cause instanceof GribError)) throw cause;
    throw new GribError(
      `Cannot scan ${url} beyond byte ${offset}: ${cause.message}; it is damaged, scan another hour`,
      { offset, cause },
    );
  }
}

/** Reads a file from front to back and remembers the bytes of the last request. */
class AheadReader {
  readonly url: string;
  readonly sizeBytes: number;
  readonly #storage: Storage;
  #start = 0;
  #bytes = new Uint8Array();
  #previousLength = Infinity;

  constructor(storage: Storage, url: string, sizeBytes: number) {
    this.#storage = storage;
    this.url = url;
    this.sizeBytes = sizeBytes;
  }

  /** Sets the length of the last message, by which the next request is chosen. */
  noteLength(length: number): void {
    this.#previousLength = length;
  }

  /** Bytes at `offset`, fewer where the file ends. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const wanted = Math.min(length, this.sizeBytes - offset);
    if (offset < this.#start || offset + wanted > this.#start + this.#bytes.length) {
      const ahead = this.#previousLength < SHORT_BYTES ? Math.max(AHEAD_BYTES, wanted) : wanted;
      const range = { offset, length: Math.min(ahead, this.sizeBytes - offset) };
      this.#bytes = await this.#storage.get(this.url, range);
      this.#start = offset;
    }
    const start = offset - this.#start;
    return this.#bytes.subarray(start, start + wanted);
  }
}
