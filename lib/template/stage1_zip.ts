/**
 * The zip of the stores of stage 1 that the Python tools write:
 * `ecmwf_<date>_<hour>z_efficient.zip`, with `members/<member>/*.parquet`.
 *
 * @module
 */
import { type UnzipFileFilter, type Unzipped, unzipSync, zipSync } from "npm:fflate@0.8.3";
import { type Member, memberFileName, parseMember } from "../ecmwf/members.ts";
import { formatDate, parseRun, referenceTime, type Run, runLabel } from "../ecmwf/run.ts";
import { decodeStore } from "../references/store_parquet.ts";
import { encodeStore } from "../references/encode_store.ts";
import type { Store } from "../references/store.ts";
import { storeTime } from "../references/skeleton.ts";
import {
  checkPath,
  checkSameRun,
  measureValues,
  type Template,
  TemplateError,
  UnpackBudget,
  type UnpackLimits,
} from "./template_archive.ts";
import { messageOf } from "../util/text.ts";

const STORE_PATH = /(?:^|\/)members\/([^/]+)\/[^/]+\.parquet$/;

/** First bytes of every zip. */
const SIGNATURE = [0x50, 0x4b, 0x03, 0x04];

/** A zip is read whole, and the pages inside are compressed already. */
export const MAX_ZIP_BYTES = 512 * 1024 * 1024;

/** Name of the zip of a run. */
export function stage1ZipName(run: Run): string {
  return `ecmwf_${runLabel(run)}_efficient.zip`;
}

/** Whether these are the first bytes of a zip. */
export function isZip(head: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => head[i] === byte);
}

/** The zip of a run's stores; equal stores give equal bytes. */
export function encodeStage1Zip({ run, stores }: Template): Uint8Array<ArrayBuffer> {
  const files: Record<string, Uint8Array> = {};
  for (const [member, store] of stores) {
    const name = memberFileName(member);
    files[`members/${name}/${name}.parquet`] = encodeStore(store);
  }
  // The pages inside are compressed already.
  return zipSync(files, { level: 0, mtime: referenceTime(run) });
}

/**
 * Reads the stores of a zip. Their time coordinates give the run, as the file may have been renamed.
 *
 * @param isWanted which members to read.
 * @throws {TemplateError} for a damaged zip, a path that leaves it, stores of several runs or of none,
 * no store at all, or more bytes than `limits` allows.
 */
export async function readStage1Zip(
  zip: Uint8Array,
  source: string,
  isWanted: (member: Member) => boolean = () => true,
  limits?: UnpackLimits,
): Promise<Template> {
  const stores = new Map<Member, Store>();
  const budget = new UnpackBudget(source, limits);
  let run: Run | undefined;
  for (const [path, bytes] of unzipStores(zip, source, isWanted, budget)) {
    const member = memberOfPath(path)!;
    const store = await readStore(bytes, path, source, budget.leftBytes);
    budget.addBytes(path, measureValues(store));
    run = checkSameRun(run, readRun(store, path, source), source);
    stores.set(member, new Map([...(stores.get(member) ?? []), ...store]));
  }
  if (!run) {
    throw new TemplateError(`Cannot use ${source}: it holds no members/<member>/<name>.parquet`);
  }
  return { run, stores };
}

async function readStore(
  bytes: Uint8Array,
  path: string,
  source: string,
  maxBytes: number,
): Promise<Store> {
  try {
    return await decodeStore(bytes.slice().buffer, { source: `${path} in ${source}`, maxBytes });
  } catch (cause) {
    throw new TemplateError(messageOf(cause), cause);
  }
}

/**
 * Unpacks the stores one by one: all together they could be far more than the zip.
 *
 * @param budget counts what they unpack.
 */
function* unzipStores(
  zip: Uint8Array,
  source: string,
  isWanted: (member: Member) => boolean,
  budget: UnpackBudget,
): Generator<[path: string, bytes: Uint8Array]> {
  for (const path of listStores(zip, source, isWanted, budget)) {
    const files = unzip(zip, source, ({ name }) => name === path);
    yield [path, files[path]!];
  }
}

/** Paths of the stores of the members wanted. */
function listStores(
  zip: Uint8Array,
  source: string,
  isWanted: (member: Member) => boolean,
  budget: UnpackBudget,
): Set<string> {
  const paths = new Set<string>();
  unzip(zip, source, ({ name, originalSize }) => {
    checkPath(name, "file", source);
    const member = memberOfPath(name);
    const isStore = member !== undefined && isWanted(member);
    // Other entries are not unpacked.
    budget.addEntry(name, isStore ? originalSize : 0, isStore);
    if (isStore) paths.add(name);
    return false;
  });
  return paths;
}

/** @param filter which files to unpack. */
function unzip(zip: Uint8Array, source: string, filter: UnzipFileFilter): Unzipped {
  try {
    return unzipSync(zip, { filter });
  } catch (cause) {
    if (cause instanceof TemplateError) throw cause;
    const reason = messageOf(cause);
    throw new TemplateError(`Cannot read ${source}: ${reason}`, cause);
  }
}

function memberOfPath(path: string): Member | undefined {
  return parseMember(STORE_PATH.exec(path)?.[1] ?? "");
}

function readRun(store: Store, path: string, source: string): Run {
  const time = storeTime(store);
  if (!time) {
    throw new TemplateError(`Cannot use ${source}: ${path} has no time coordinate`);
  }
  return parseRun(formatDate(time), String(time.getUTCHours()));
}
