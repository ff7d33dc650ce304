/**
 * Reads and writes template archives: a `.tar.gz` of one store file a member, as published for the GIK
 * tools.
 *
 * Archive path of a store: `gik-fmrc/v2ecmwf_fmrc/ens_01/ecmwf-2024052900-ens01-rt000.par`.
 *
 * @module
 */
import { createTarDecoder, packTar } from "npm:modern-tar@0.8.6";
import { UserError } from "../errors.ts";
import { type Member, memberFileName, memberKeyName, parseMember } from "../ecmwf/members.ts";
import { isSameRun, parseRun, referenceTime, type Run, runLabel } from "../ecmwf/run.ts";
import { decodeStore } from "../references/store_parquet.ts";
import { encodeStore } from "../references/encode_store.ts";
import { isReference, type Store } from "../references/store.ts";
import { messageOf } from "../util/text.ts";

/** A template archive that is damaged, unsafe, or in another layout. */
export class TemplateError extends UserError {
  override readonly name = "TemplateError";

  constructor(message: string, cause?: unknown) {
    super("damaged", message, { cause });
  }
}

/** The stores of an archive. */
export interface Template {
  /** The run from which the stores were built. */
  run: Run;
  stores: Map<Member, Store>;
}

const STORE_PATH = /(?:^|\/)ecmwf-(\d{8})(\d{2})-(control|ens\d{2})-rt\d+\.par$/;

const FOLDER = "gik-fmrc/v2ecmwf_fmrc";

/** The most that an archive may unpack. */
export interface UnpackLimits {
  /** Of one entry. */
  entryBytes: number;
  /** Of all entries, also those that are not used. */
  totalBytes: number;
  entries: number;
}

/** Far more than the stores of a run have, which are of some MB a member. */
const LIMITS: UnpackLimits = {
  entryBytes: 64 * 1024 * 1024,
  totalBytes: 512 * 1024 * 1024,
  entries: 10_000,
};

/** Counts what an archive unpacks, before it is unpacked. */
export class UnpackBudget {
  #totalBytes = 0;
  #entries = 0;

  constructor(private readonly source: string, private readonly limits: UnpackLimits = LIMITS) {}

  /**
   * Counts an entry.
   *
   * @param isWanted whether it is to be read into memory.
   * @throws {TemplateError} when it, or all entries together, are beyond a limit.
   */
  addEntry(path: string, sizeBytes: number, isWanted: boolean): void {
    const { entryBytes, entries } = this.limits;
    if (++this.#entries > entries) this.#refuse(path, `is one of more than ${entries} entries`);
    if (isWanted && !(sizeBytes <= entryBytes)) {
      this.#refuse(path, `claims ${sizeBytes} bytes, the limit of an entry is ${entryBytes}`);
    }
    this.addBytes(path, sizeBytes);
  }

  /** What may still be unpacked. */
  get leftBytes(): number {
    return this.limits.totalBytes - this.#totalBytes;
  }

  /** Counts bytes that an entry holds. */
  addBytes(path: string, bytes: number): void {
    const { totalBytes } = this.limits;
    this.#totalBytes += bytes;
    if (this.#totalBytes <= totalBytes) return;
    this.#refuse(path, `and those before it unpack to more than ${totalBytes} bytes, the limit`);
  }

  #refuse(path: string, state: string): never {
    const remedy = "use an archive that this project or the Python tools wrote";
    throw new TemplateError(`Cannot use template ${this.source}: "${path}" ${state}; ${remedy}`);
  }
}

/**
 * Reads every store of an archive, front to back, without writing anything to disk.
 *
 * @param archive the gzipped tar.
 * @param source its name, for errors.
 * @param isWanted which members to read.
 * @throws {TemplateError} for a damaged archive, a path that leaves it, a link, stores of several
 * runs, no store at all, or more bytes than `limits` allows.
 */
export async function readTemplate(
  archive: ReadableStream<Uint8Array>,
  source: string,
  isWanted: (member: Member) => boolean = () => true,
  limits: UnpackLimits = LIMITS,
): Promise<Template> {
  const stores = new Map<Member, Store>();
  const budget = new UnpackBudget(source, limits);
  let run: Run | undefined;
  try {
    for await (const { header, body } of decodeTarGzip(archive, source, limits)) {
      checkPath(header.name, header.type, source);
      const match = STORE_PATH.exec(header.name);
      const member = match ? parseMember(match[3]!) : undefined;
      const isStore = match !== null && member !== undefined && isWanted(member);
      budget.addEntry(header.name, header.size, isStore);
      if (!isStore) {
        await skipEntry(body);
        continue;
      }
      run = checkSameRun(run, parseRun(match[1]!, match[2]!), source);
      const bytes = await readEntry(body, header.size, header.name, source);
      const store = await decodeStore(bytes, {
        source: `${header.name} in ${source}`,
        maxBytes: budget.leftBytes,
      });
      budget.addBytes(header.name, measureValues(store));
      stores.set(member, new Map([...(stores.get(member) ?? []), ...store]));
    }
  } catch (cause) {
    if (cause instanceof TemplateError) throw cause;
    const reason = messageOf(cause);
    throw new TemplateError(`Cannot read template ${source}: ${reason}`, cause);
  }
  if (!run) {
    throw new TemplateError(
      `Cannot use template ${source}: it holds no ecmwf-<date><hour>-<member>-rt<step>.par`,
    );
  }
  return { run, stores };
}

/** The archive of a template in the published layout; equal templates give equal bytes. */
export async function encodeTemplate({ run, stores }: Template): Promise<Uint8Array> {
  const mtime = referenceTime(run);
  const entries = Array.from(stores, ([member, store]) => {
    const body = encodeStore(store);
    const folder = member === 0 ? "ens_control" : memberFileName(member);
    const name = `${FOLDER}/${folder}/ecmwf-${run.date}${run.hour}-${
      memberKeyName(member)
    }-rt000.par`;
    return { header: { name, size: body.length, type: "file" as const, mtime, mode: 0o644 }, body };
  });
  const tar = new Blob([await packTar(entries)]).stream();
  return await new Response(tar.pipeThrough(new CompressionStream("gzip"))).bytes();
}

/** Bytes of the values that a store holds itself: compressed, they may have been far fewer. */
export function measureValues(store: Store): number {
  let bytes = 0;
  for (const value of store.values()) if (!isReference(value)) bytes += value.length;
  return bytes;
}

/** What a tar needs beside its entries: headers, and names that are too long for them. */
const TAR_OVERHEAD_BYTES = 16 * 1024 * 1024;

/** Most bytes that are decompressed in one go: of zeros, a thousand times as many come out. */
const PIECE_BYTES = 4096;

function splitPieces(): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      for (let start = 0; start < chunk.length; start += PIECE_BYTES) {
        controller.enqueue(chunk.subarray(start, start + PIECE_BYTES));
      }
    },
  });
}

function decodeTarGzip(
  archive: ReadableStream<Uint8Array>,
  source: string,
  { totalBytes }: UnpackLimits,
) {
  const gunzip = new DecompressionStream("gzip") as ReadableWritablePair<Uint8Array, Uint8Array>;
  let left = totalBytes + TAR_OVERHEAD_BYTES;
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      left -= chunk.length;
      if (left >= 0) return controller.enqueue(chunk);
      const state = `it unpacks to more than ${totalBytes} bytes, the limit`;
      controller.error(new TemplateError(`Cannot use template ${source}: ${state}`));
    },
  });
  return archive.pipeThrough(splitPieces()).pipeThrough(gunzip).pipeThrough(limit)
    .pipeThrough(createTarDecoder({ strict: true }));
}

/**
 * Refuses an archive that has been tampered with.
 *
 * @throws {TemplateError} for a path that leads out of the archive when it is unpacked, and for links.
 */
export function checkPath(path: string, type: string | undefined, source: string): void {
  const leaves = path.startsWith("/") || path.includes("\\") || path.split("/").includes("..");
  if (leaves) {
    throw new TemplateError(`Cannot use template ${source}: entry "${path}" leaves the archive`);
  }
  if (type === "symlink" || type === "link") {
    throw new TemplateError(`Cannot use template ${source}: entry "${path}" is a link`);
  }
}

/**
 * The run of all stores so far.
 *
 * @throws {TemplateError} when a store is of another run than those before it.
 */
export function checkSameRun(known: Run | undefined, found: Run, source: string): Run {
  if (known && !isSameRun(known, found)) {
    throw new TemplateError(
      `Cannot use template ${source}: it holds stores of ${runLabel(known)} and ${runLabel(found)}`,
    );
  }
  return found;
}

/**
 * Reads an entry that is not used. Cancelling its stream would take the bytes of the entry behind it,
 * which then never ends: modern-tar may be ahead of its reader.
 */
async function skipEntry(body: ReadableStream<Uint8Array>): Promise<void> {
  for await (const _ of body);
}

async function readEntry(
  body: ReadableStream<Uint8Array>,
  size: number,
  path: string,
  source: string,
): Promise<ArrayBuffer> {
  const bytes = await new Response(body as BodyInit).arrayBuffer();
  if (bytes.byteLength !== size) {
    throw new TemplateError(
      `Cannot read template ${source}: "${path}" has ${bytes.byteLength} of ${size} bytes`,
    );
  }
  return bytes;
}
