/**
 * Builds stores from the GRIB files of a run, of which only headers are fetched.
 *
 * @module
 */
import { type StepFile, stepFiles } from "../ecmwf/files.ts";
import type { Member } from "../ecmwf/members.ts";
import { absentRunError, findFolder } from "../ecmwf/published.ts";
import type { Run } from "../ecmwf/run.ts";
import { IndexError } from "../index/entries.ts";
import {
  type IndexedField,
  listLosses,
  readStepIndex,
  type StepIndex,
} from "../references/step_index.ts";
import type { Store } from "../references/store.ts";
import { receivedBy, type StageContext, type Storage, StorageError } from "../storage/mod.ts";
import type { Reporter } from "../util/reporter.ts";
import { summarizeLines } from "../util/text.ts";
import { buildStore } from "./build_store.ts";
import { scanIndexed } from "./scan_indexed.ts";
import { scanUnindexed } from "./scan_unindexed.ts";
import type { FileScan, ScannedMessage } from "./scanned_message.ts";
import { levtypeOf } from "./vertical_level.ts";

/** The files and members to scan. */
export interface ScanRunOptions {
  run: Run;
  /** Forecast hours whose files are scanned. */
  hours: readonly number[];
  members: readonly Member[];
}

/** What a scan found. */
export interface RunScan {
  /** The members found, the control first, each with its store as kerchunk builds it. */
  stores: Map<Member, Store>;
  /** Messages of all members, in the order of their files. */
  messages: ScannedMessage[];
  /** Whether every message of the files is in a store. */
  complete: boolean;
}

/**
 * Scans the files of some hours of a run and builds the store of every member. Warns of every message
 * that is left out, and of parameters without a name.
 *
 * Costs one GET of the index, one HEAD and about one ranged GET a field and file; a file without an
 * index costs one a message.
 *
 * @throws {MissingDataError} when a file is not there.
 * @throws {StorageError} when a file cannot be read.
 */
export async function scanRun(options: ScanRunOptions, context: StageContext): Promise<RunScan> {
  const { run, members } = options;
  const { reporter } = context;
  const messages: ScannedMessage[] = [];
  let complete = true;
  const folder = await findFolder(run, options.hours, context.storage);
  const files = options.hours.flatMap((hour) => stepFiles(run, hour, folder));
  const bar = reporter.progress("headers", files.length, receivedBy(context.storage));
  for (const file of files) {
    const scan = await scanFile(run, file, new Set(members), context);
    complete &&= reportProblems(file, scan, reporter);
    messages.push(...scan.messages);
    bar.advance(1);
  }
  bar.finish();
  warnOfUnknown(messages, reporter);
  const { stores, problems } = buildStores(messages, members);
  if (problems.length > 0) reporter.warn(summarizeLines(problems));
  return { stores, messages, complete: complete && problems.length === 0 };
}

/** Scans a file, and scans it again when it was replaced meanwhile. */
async function scanFile(
  run: Run,
  file: StepFile,
  wanted: ReadonlySet<Member>,
  context: StageContext,
): Promise<FileScan> {
  try {
    return await scanVersion(run, file, wanted, context);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    if (error.kind === "missing") {
      throw absentRunError(`scan step ${file.stepHours} of`, run, error);
    }
    if (error.kind !== "changed") throw error;
    context.reporter.warn(`${error.message}; scanning it again`);
    return await scanVersion(run, file, wanted, context);
  }
}

/** Scans the version of a file that is on the server now. */
async function scanVersion(
  run: Run,
  file: StepFile,
  wanted: ReadonlySet<Member>,
  { storage, reporter }: StageContext,
): Promise<FileScan> {
  const index = await readIndexIfThere(storage, run, file);
  if (index instanceof Error) {
    const isMissing = index instanceof StorageError && index.kind === "missing";
    const state = isMissing ? "is missing" : `cannot be used (${index.message})`;
    reporter.warn(`${file.indexUrl} ${state}: reading ${file.url} message by message`);
    return await scanUnindexed(storage, run, file, wanted);
  }
  const fields = index.fields.filter(({ field }) => wanted.has(field.member));
  const scan = await scanIndexed(storage, run, fields);
  const { doubtful } = index.problems;
  if (doubtful.length > 0) reporter.warn(`${file.indexUrl}: ${summarizeLines(doubtful)}`);
  return { ...scan, problems: [...listLosses(index), ...scan.problems] };
}

/** The index of a file, or why its messages must be found without one. */
async function readIndexIfThere(
  storage: Storage,
  run: Run,
  file: StepFile,
): Promise<StepIndex | IndexError | StorageError> {
  try {
    return await readStepIndex(storage, run, file);
  } catch (error) {
    const isUnusable = error instanceof StorageError && error.url === file.indexUrl &&
      (error.kind === "missing" || error.kind === "corrupt");
    if (isUnusable || error instanceof IndexError) return error;
    throw error;
  }
}

function reportProblems(file: StepFile, scan: FileScan, reporter: Reporter): boolean {
  const { problems, notInlined } = scan;
  for (const problem of problems) reporter.warn(`${file.indexUrl}: ${problem}`);
  if (notInlined > 0) {
    reporter.info(`${file.url}: ${notInlined} short messages stay references`);
  }
  return problems.length === 0;
}

function buildStores(messages: readonly ScannedMessage[], members: readonly Member[]) {
  const byMember = Map.groupBy(messages, ({ member }) => member);
  const stores = new Map<Member, Store>();
  const problems: string[] = [];
  for (const member of members) {
    const own = byMember.get(member);
    if (!own) continue;
    const built = buildStore(own);
    stores.set(member, built.store);
    problems.push(...built.problems);
  }
  return { stores, problems };
}

/** Warns of parameters that the table of parameters does not have, each once. */
function warnOfUnknown(messages: readonly ScannedMessage[], reporter: Reporter): void {
  const unknown = messages.map(({ field }) => field.parameter)
    .filter(({ paramId }) => paramId === 0);
  const byName = new Map(unknown.map((parameter) => [parameter.shortName, parameter]));
  for (const { shortName, name } of byName.values()) {
    reporter.warn(`unknown parameter, saved as ${shortName}: ${name}`);
  }
}

/** A scanned message as an index would list it. */
export function toIndexedField({ member, field, reference }: ScannedMessage): IndexedField {
  const { parameter, level, stepHours } = field;
  const levtype = levtypeOf(level);
  const ownLevel = levtype === "sfc" || level.value === undefined ? {} : { level: level.value };
  const param = parameter.shortName;
  return { field: { stepHours, param, levtype, ...ownLevel, member }, reference };
}
