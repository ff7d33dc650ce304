/**
 * The zip of the stores of stage 1 that the Python tools write:
 * `ecmwf_<date>_<hour>z_efficient.zip`, with `members/<member>/*.parquet`.
 *
 * @module
 */
import { unzipSync, zipSync } from "npm:fflate@0.8.3";
import { type Member, memberFileName, parseMember } from "../ecmwf/members.ts";
import { formatDate, parseRun, referenceTime, type Run, runLabel } from "../ecmwf/run.ts";
import { decodeStore, encodeStore } from "../references/store_parquet.ts";
import type { Store } from "../references/store.ts";
import { storeTime } from "../references/skeleton.ts";
import {
  checkPath,
  checkSameRun,
  MAX_ENTRY_BYTES,
  type Template,
  TemplateError,
} from "./template_archive.ts";
import { messageOf } from "../util/text.ts";

const STORE_PATH = /(?:^|\/)members\/([^/]+)\/[^/]+\.parquet$/;

/** First bytes of every zip. */
const SIGNATURE = [0x50, 0x4b, 0x03, 0x04];

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
 * or no store at all.
 */
export async function readStage1Zip(
  zip: Uint8Array,
  source: string,
  isWanted: (member: Member) => boolean = () => true,
): Promise<Template> {
  const stores = new Map<Member, Store>();
  let run: Run | undefined;
  for (const [path, bytes] of unzipStores(zip, source, isWanted)) {
    const member = memberOfPath(path)!;
    const store = await readStore(bytes, path, source);
    run = checkSameRun(run, readRun(store, path, source), source);
    stores.set(member, new Map([...(stores.get(member) ?? []), ...store]));
  }
  if (!run) {
    throw new TemplateError(`Cannot use ${source}: it holds no members/<member>/<name>.parquet`);
  }
  return { run, stores };
}

async function readStore(bytes: Uint8Array, path: string, source: string): Promise<Store> {
  try {
    return await decodeStore(bytes.slice().buffer, { source: `${path} in ${source}` });
  } catch (cause) {
    throw new TemplateError(messageOf(cause), cause);
  }
}

function unzipStores(
  zip: Uint8Array,
  source: string,
  isWanted: (member: Member) => boolean,
): [path: string, bytes: Uint8Array][] {
  try {
    const files = unzipSync(zip, {
      filter: ({ name, originalSize }) => {
        checkPath(name, "file", source);
        const member = memberOfPath(name);
        if (member === undefined || !isWanted(member)) return false;
        if (originalSize <= MAX_ENTRY_BYTES) return true;
        throw new TemplateError(`Cannot use ${source}: "${name}" claims ${originalSize} bytes`);
      },
    });
    return Object.entries(files);
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
