/**
 * A catalogue and a run → the stores of its members, whichever of ICPAC's layouts the catalogue has.
 *
 * @module
 */
import { parquetRead } from "npm:hyparquet@1.31.5";
import { type Member, memberFileName, memberKeyName, parseMember } from "../ecmwf/members.ts";
import { describeRun, type Run } from "../ecmwf/run.ts";
import { MissingDataError } from "../errors.ts";
import { receivedBy, type StageContext, type Storage, unlessMissing } from "../storage/mod.ts";
import { mapInParallel } from "../util/parallel.ts";
import { messageOf } from "../util/text.ts";
import {
  canList,
  type Catalog,
  catalogFileName,
  catalogFilePrefix,
  catalogFolder,
  type MemberStyle,
} from "./catalog_layout.ts";
import { MANIFEST_NAME } from "./manifest.ts";
import { openPublished } from "./publish.ts";
import { limitCodecs } from "./store_parquet.ts";
import { readIfThere, readStoreFile } from "./stage_files.ts";
import type { Store } from "./store.ts";

/** What to read of a catalogue. */
export interface ReadCatalogOptions {
  run: Run;
  members: readonly Member[];
  /** The keys that are needed of a member's store. */
  keysOf(member: Member): ReadonlySet<string>;
  /** Files read at once. */
  parallelReads: number;
}

/** A file of a catalogue. */
interface CatalogFile {
  url: string;
  sizeBytes: number;
}

/**
 * Reads the stores of a run, with keys as this program writes them. Members without a file are absent.
 *
 * Costs one listing, or one HEAD a member on a web server (none where `catalog.parquet` has the run, for
 * one GET of that), and two or three GETs a member.
 *
 * @throws {MissingDataError} when the catalogue has no file of the run.
 * @throws {ParquetError} when a file is damaged.
 */
export async function readCatalog(
  catalog: Catalog,
  options: ReadCatalogOptions,
  context: StageContext,
): Promise<Map<Member, Store>> {
  const { run, members, keysOf, parallelReads } = options;
  const { storage, reporter } = context;
  if (catalog.hours && !catalog.hours.includes(run.hour)) {
    throw absentError(catalog, run, `it has the runs of ${catalog.hours.join(", ")} UTC alone`);
  }
  const files = await findFiles(catalog, options, context);
  if (files.size === 0) {
    throw absentError(catalog, run, `there are none in ${catalogFolder(catalog.base, run)}`);
  }
  const present = members.filter((member) => files.has(member));
  reporter.info(`references: ${present.length} members of ${describeRun(run)} in ${catalog.name}`);
  const stores = new Map<Member, Store>();
  const bar = reporter.progress("references", present.length, receivedBy(storage));
  const reads = mapInParallel(parallelReads, present, async (member) => {
    const { url, sizeBytes } = files.get(member)!;
    return [member, await readMember(storage, url, sizeBytes, member, keysOf(member))] as const;
  });
  for await (const [member, store] of reads) {
    stores.set(member, store);
    bar.advance(1);
  }
  bar.finish();
  return stores;
}

function absentError(catalog: Catalog, run: Run, state: string): MissingDataError {
  return new MissingDataError(
    `Cannot find references of ${describeRun(run)} in ${catalog.name}: ${state}; ` +
      "use another catalogue, or run the pipeline",
  );
}

/** Reads a member's store, and gives its keys the names that this program uses. */
async function readMember(
  storage: Storage,
  url: string,
  sizeBytes: number,
  member: Member,
  keys: ReadonlySet<string>,
): Promise<Store> {
  const names = new Map<string, string>();
  for (const key of keys) {
    for (const name of namesOf(member)) {
      names.set(key.replace(`/${memberKeyName(member)}/`, `/${name}/`), key);
    }
  }
  const found = await readStoreFile(storage, url, sizeBytes, new Set(names.keys()));
  return new Map(Array.from(found, ([key, value]) => [names.get(key) ?? key, value]));
}

/** The names that a member has in keys. */
function namesOf(member: Member): string[] {
  if (member === 0) return [memberKeyName(member), "ens_control"];
  return [memberKeyName(member), memberFileName(member)];
}

async function findFiles(
  catalog: Catalog,
  options: ReadCatalogOptions,
  context: StageContext,
): Promise<Map<Member, CatalogFile>> {
  const { run } = options;
  const own = canList(catalog) ? await listFiles(catalog, run, context) : new Map();
  if (own.size > 0) return own;
  const listed = await readList(catalog, run, context);
  if (listed.size > 0 || canList(catalog)) return listed;
  return await probeFiles(catalog, options, context.storage);
}

/** Lists the folder of a run; files without a member's name are left out. */
async function listFiles(
  { base }: Catalog,
  run: Run,
  { storage, reporter }: StageContext,
): Promise<Map<Member, CatalogFile>> {
  const folder = catalogFolder(base, run);
  const sizes = new Map<string, number>();
  for await (const { url, size } of storage.list(`${folder}/`)) {
    sizes.set(url.slice(url.lastIndexOf("/") + 1), size);
  }
  const complete = sizes.has(MANIFEST_NAME)
    ? await openPublished(storage, folder, reporter)
    : sizes;
  const files = new Map<Member, CatalogFile>();
  for (const [name, sizeBytes] of complete) {
    const [, member = ""] = /^\d{10}z-(\w+)\.parquet$/.exec(name) ?? [];
    const number = parseMember(member);
    const isOwn = number !== undefined && name.startsWith(catalogFilePrefix(run));
    if (isOwn) files.set(number, { url: `${folder}/${name}`, sizeBytes });
  }
  return files;
}

/** Name of the table of all files of a catalogue. */
const LIST_NAME = "catalog.parquet";
const LIST_COLUMNS = ["date", "run", "member", "hf_path", "size_bytes"];
/** Rows of a thousand dates have about 2 MB. */
const MAX_LIST_BYTES = 256 * 1024 * 1024;

/** The files of a run in the catalogue's table; none where there is no table, or no row of the run. */
async function readList(
  { listFolder, name }: Catalog,
  run: Run,
  { storage, reporter }: StageContext,
): Promise<Map<Member, CatalogFile>> {
  const files = new Map<Member, CatalogFile>();
  const url = `${listFolder}/${LIST_NAME}`;
  const bytes = listFolder === undefined ? undefined : await readIfThere(storage, url);
  if (!bytes) return files;
  let rows: ListRow[];
  try {
    rows = await decodeList(bytes);
  } catch (error) {
    reporter.warn(`Cannot read ${url}: ${messageOf(error)}; looking for the files of ${name}`);
    return files;
  }
  for (const { date, run: hour, member, hf_path, size_bytes } of rows) {
    const isOwn = formatDay(date) === run.date && formatHour(hour) === run.hour;
    const number = isOwn ? parseMember(String(member)) : undefined;
    const path = formatPath(hf_path);
    const sizeBytes = Number(size_bytes);
    if (number === undefined || path === undefined || !(sizeBytes > 0)) continue;
    files.set(number, { url: `${listFolder}/${path}`, sizeBytes });
  }
  return files;
}

type ListRow = Readonly<Record<string, unknown>>;

async function decodeList(bytes: Uint8Array): Promise<ListRow[]> {
  let rows: ListRow[] = [];
  await parquetRead({
    file: bytes.slice().buffer,
    columns: LIST_COLUMNS,
    rowFormat: "object",
    compressors: await limitCodecs(MAX_LIST_BYTES),
    onComplete: (read: ListRow[]) => (rows = read),
  });
  return rows;
}

/** A day as `YYYYMMDD`, of a text, a number or a date. */
function formatDay(value: unknown): string {
  const text = value instanceof Date ? value.toISOString().slice(0, 10) : String(value);
  return text.replaceAll("-", "");
}

/** A run hour as two digits, of `00`, `00z` or a number. */
function formatHour(value: unknown): string {
  return String(value).replace(/z$/i, "").padStart(2, "0");
}

/** What Hugging Face puts before the path of a file in a data set. */
const PATH_HEAD = /^(?:hf:\/\/)?(?:datasets\/[^/]+\/[^/]+\/)?(?:resolve\/[^/]+\/)?/;

/** The path of a file in the data set; `undefined` for one that could leave it. */
function formatPath(value: unknown): string | undefined {
  const path = String(value).replace(PATH_HEAD, "");
  return /^[\w=-]+(?:[./][\w=-]+)*$/.test(path) ? path : undefined;
}

/** Members asked for first: a run that lacks all of them is not in the catalogue. */
const PROBES = 4;

/** Asks for the file of every member, with the names that the first members turn out to have. */
async function probeFiles(
  catalog: Catalog,
  { run, members, parallelReads }: ReadCatalogOptions,
  storage: Storage,
): Promise<Map<Member, CatalogFile>> {
  const files = new Map<Member, CatalogFile>();
  const { style } = catalog;
  let styles: MemberStyle[] = [style, style === "file" ? "key" : "file"];
  const probe = async (some: readonly Member[]) => {
    const probes = mapInParallel(parallelReads, some, async (member) => {
      const own = member === 0 ? styles.slice(0, 1) : styles;
      for (const style of own) {
        const url = `${catalogFolder(catalog.base, run)}/${catalogFileName(run, member, style)}`;
        storage.forget(url);
        const info = await unlessMissing(storage.head(url));
        if (info) return { member, style, file: { url, sizeBytes: info.size } };
      }
      return undefined;
    });
    for await (const found of probes) {
      if (!found) continue;
      files.set(found.member, found.file);
      if (found.member !== 0) styles = [found.style];
    }
  };
  await probe(members.slice(0, PROBES));
  if (files.size > 0) await probe(members.slice(PROBES));
  return files;
}
