/**
 * The folder of a run → what its indexes list at a few steps, and the headers of one message a
 * parameter: enough to see how the run differs from those before it.
 *
 * @module
 */
import { UNNAMED_PARAM } from "../ecmwf/eras.ts";
import { parseFileName, parseStepFile, type StepFile, type Stream } from "../ecmwf/files.ts";
import { type Member, memberOfEntry } from "../ecmwf/members.ts";
import { describeRun, isSameRun, parseRun, type Run, runSteps } from "../ecmwf/run.ts";
import type { Variable } from "../ecmwf/variables.ts";
import { MissingDataError, UsageError } from "../errors.ts";
import { GribError, type GribHeader } from "../grib/headers.ts";
import { type IndexEntry, IndexError, type LineFault, parseIndex } from "../index/entries.ts";
import { fetchHeader } from "../kerchunk/message_header.ts";
import { type Storage, StorageError, unlessMissing } from "../storage/mod.ts";
import { sortUnique } from "../util/numbers.ts";
import { mapInParallel } from "../util/parallel.ts";

/** Which run, and how much of it is read. */
export interface LayoutRequest {
  /** Folder of the run, or of its `enfo` files. */
  address: string;
  /** Steps whose indexes are read. @default {undefined} (the first, 36 h and the last that are there) */
  steps?: readonly number[];
  /** Variables of the output, of which the very message is read. */
  variables: readonly Variable[];
}

/** A message, and what it says of itself. */
export interface SampledMessage {
  entry: IndexEntry;
  stepHours: number;
  /** `undefined` for a member that the ensemble does not have today. */
  member: Member | undefined;
  /** The header, or why it cannot be read. */
  header: GribHeader | GribError;
}

/** A file whose index was read. */
export interface SampledFile {
  file: StepFile;
  entries: readonly IndexEntry[];
  faults: readonly LineFault[];
}

/** What was read of a run. */
export interface RunLayout {
  address: string;
  run: Run;
  /** Steps that are there, by stream; `undefined` where the server lists no files. */
  steps?: Readonly<Record<Stream, readonly number[]>>;
  sampledSteps: readonly number[];
  files: readonly SampledFile[];
  messages: readonly SampledMessage[];
}

/** A run in a folder, as far as its files are known. */
interface FoundRun {
  run: Run;
  files: readonly StepFile[];
  isListed: boolean;
}

const PARALLEL_REQUESTS = 8;
/** It has accumulations, and extremes over 3 hours. */
const TYPICAL_STEP = 36;
/** Looked for where a server lists no files, besides the first and the last. */
const STEPS_TO_TRY = [TYPICAL_STEP, 144];

/**
 * Reads a run.
 *
 * Costs a listing, or up to 16 HEADs where the server has none; one GET an index, and one ranged GET of
 * 300 bytes a parameter.
 *
 * @throws {UsageError} when the address does not name one run.
 * @throws {MissingDataError} when there are no files of an ensemble.
 * @throws {StorageError} when the server cannot be reached or refuses.
 * @throws {IndexError} when no line of an index can be read.
 */
export async function readLayout(storage: Storage, request: LayoutRequest): Promise<RunLayout> {
  const { address, steps: wanted } = request;
  const { run, files, isListed } = await findFiles(storage, address, wanted);
  const stepsOf = (own: Stream) =>
    sortUnique(files.filter(({ stream }) => stream === own).map(({ stepHours }) => stepHours));
  const steps = { enfo: stepsOf("enfo"), oper: stepsOf("oper") };
  const sampledSteps = chooseSampledSteps(steps.enfo, wanted);
  const indexes = mapInParallel(
    PARALLEL_REQUESTS,
    files.filter(({ stepHours }) => sampledSteps.includes(stepHours)),
    (file) => readIndex(storage, file),
  );
  const sampled = await Array.fromAsync(indexes);
  const chosen = chooseMessages(sampled, request.variables);
  const headers = mapInParallel(PARALLEL_REQUESTS, chosen, (it) => readHeader(storage, it));
  const messages = await Array.fromAsync(headers);
  return { address, run, ...(isListed && { steps }), sampledSteps, files: sampled, messages };
}

function isEnsemble({ stream }: StepFile): boolean {
  return stream === "enfo";
}

function chooseSampledSteps(there: readonly number[], wanted?: readonly number[]): number[] {
  if (wanted) return sortUnique(wanted.filter((step) => there.includes(step)));
  return sortUnique([there[0]!, ...there.filter((step) => step === TYPICAL_STEP), there.at(-1)!]);
}

/** Finds files by a listing, else under the names that ECMWF gives them. */
async function findFiles(
  storage: Storage,
  address: string,
  steps: readonly number[] | undefined,
): Promise<FoundRun> {
  const folder = address.replace(/\/+$/, "");
  const listed = await listFiles(storage, folder);
  const files = listed ?? await tryFiles(storage, folder, parseAddress(address), steps);
  const first = files.find(isEnsemble);
  if (!first || steps && !files.some((it) => isEnsemble(it) && steps.includes(it.stepHours))) {
    const wanted = first ? ` of step ${steps!.join(", ")}` : "";
    throw new MissingDataError(
      `Cannot rehearse "${address}": it has no …-enfo-ef.index${wanted}; give the folder of a run, ` +
        "with its enfo files in it or in a folder below",
    );
  }
  checkFiles(address, first, files);
  return { run: parseFileName(first.url)!.run, files, isListed: listed !== undefined };
}

/** The files in a folder, and in the folders below; `undefined` where the server lists none. */
async function listFiles(storage: Storage, folder: string): Promise<StepFile[] | undefined> {
  const folders = isOfStream(folder) ? [folder, folder.replace(/enfo$/, "oper")] : [folder];
  const files: StepFile[] = [];
  try {
    for (const one of folders) {
      for await (const { url } of storage.list(`${one}/`)) {
        const file = url.endsWith(".index") && parseStepFile(url.replace(/\.index$/, ""));
        if (file) files.push(file);
      }
    }
    return files;
  } catch (error) {
    if (error instanceof StorageError && error.kind === "unsupported") return undefined;
    throw error;
  }
}

function isOfStream(folder: string): boolean {
  return folder.endsWith("/enfo");
}

/** @throws {UsageError} when files are of several runs, or two are of the same step. */
function checkFiles(address: string, first: StepFile, files: readonly StepFile[]): void {
  const { run } = parseFileName(first.url)!;
  const other = files.map(({ url }) => parseFileName(url)!.run).find((it) => !isSameRun(it, run));
  if (other) {
    throw new UsageError(
      `Cannot rehearse "${address}": it holds the runs of ${describeRun(run)} and ` +
        `${describeRun(other)}; give the folder of one`,
    );
  }
  for (const same of Map.groupBy(files, (it) => `${it.stream} ${it.stepHours}`).values()) {
    if (same.length === 1) continue;
    throw new UsageError(
      `Cannot rehearse "${address}": "${same[0]!.indexUrl}" and "${
        same[1]!.indexUrl
      }" are of the ` +
        "same step; give the folder of one of them",
    );
  }
}

/** @throws {UsageError} when the address does not say which run it is. */
function parseAddress(address: string): Run {
  const [, date, hour] = /\/(\d{8})\/(\d{2})z(?:\/|$)/.exec(address) ?? [];
  if (date === undefined || hour === undefined) {
    throw new UsageError(
      `Cannot rehearse "${address}": its server lists no files, and the address does not name the ` +
        "run; give one with <YYYYMMDD>/<HH>z in it, or a folder",
    );
  }
  return parseRun(date, hour);
}

/** Finds files of some steps by asking for each, in `enfo` and `oper` or directly in the folder. */
async function tryFiles(
  storage: Storage,
  given: string,
  run: Run,
  steps: readonly number[] | undefined,
): Promise<StepFile[]> {
  const folder = isOfStream(given) ? given.replace(/\/enfo$/, "") : given;
  const all = runSteps(run);
  const tried = steps ?? sortUnique([all[0]!, ...STEPS_TO_TRY, all.at(-1)!]);
  const files: StepFile[] = [];
  for (const [stream, suffix] of [["enfo", "enfo-ef"], ["oper", "oper-fc"]] as const) {
    for (const stepHours of tried) {
      const name = `${run.date}${run.hour}0000-${stepHours}h-${suffix}`;
      for (const stem of [`${folder}/${stream}/${name}`, `${folder}/${name}`]) {
        if (!await unlessMissing(storage.head(`${stem}.index`))) continue;
        files.push({ stream, stepHours, url: `${stem}.grib2`, indexUrl: `${stem}.index` });
        break;
      }
    }
  }
  return files;
}

const decoder = new TextDecoder();

async function readIndex(storage: Storage, file: StepFile): Promise<SampledFile> {
  const read = (bytes: Uint8Array) => parseIndex(decoder.decode(bytes));
  const check = (bytes: Uint8Array) =>
    read(bytes).entries.length === 0 ? "the server sent no index" : undefined;
  const { entries, faults } = read(await storage.get(file.indexUrl, { check }));
  if (entries.length === 0) {
    throw new IndexError(file.indexUrl, faults[0] ?? { line: 1, state: "it is blank" });
  }
  return { file, entries, faults };
}

interface ChosenMessage {
  file: StepFile;
  entry: IndexEntry;
}

/**
 * The name of a parameter and its type of level. At heights above the ground, also the height: other
 * cycles have names for these (`10u`, `100u`), and not for levels of pressure.
 */
export function formatParameter(
  { param, levtype, levelist }: Pick<IndexEntry, "param" | "levtype" | "levelist">,
): string {
  return levtype === "hl" ? `${param} ${levtype} ${levelist ?? ""}` : `${param} ${levtype}`;
}

/**
 * One message of each parameter, and of each variable its own; of a step that has accumulations, if
 * there is such a step. Of the parameters without a name every one.
 */
function chooseMessages(
  files: readonly SampledFile[],
  variables: readonly Variable[],
): ChosenMessage[] {
  const lines = files.toSorted((a, b) => rankFile(a) - rankFile(b))
    .flatMap(({ file, entries }) => entries.map((entry) => ({ file, entry })));
  const byParameter = Map.groupBy(lines, ({ entry }) => formatParameter(entry));
  return [...byParameter.values()].flatMap((all) => {
    const known = all.filter(({ file, entry }) => memberOfEntry(entry, file.stream) !== undefined);
    const own = known.length > 0 ? known : all;
    const [first] = own;
    if (first!.entry.param === UNNAMED_PARAM) return own.filter((it) => isOfSameMember(it, first!));
    const chosen = variables.flatMap((variable) =>
      own.find(({ entry }) => isLineOf(entry, variable)) ?? []
    );
    return chosen.length > 0 ? [...new Set(chosen)] : [first!];
  });
}

/** The ensemble before the deterministic forecast, then steps near the typical one, 0 last. */
function rankFile({ file: { stream, stepHours } }: SampledFile): number {
  return (stream === "enfo" ? 0 : 1e6) +
    (stepHours === 0 ? 1e5 : Math.abs(stepHours - TYPICAL_STEP));
}

function isOfSameMember(a: ChosenMessage, b: ChosenMessage): boolean {
  return a.file === b.file && a.entry.type === b.entry.type && a.entry.number === b.entry.number;
}

/** Whether a line is of a variable, under the name that it has today. */
export function isLineOf(entry: IndexEntry, { param, levtype, level }: Variable): boolean {
  return entry.param === param && entry.levtype === levtype &&
    (level === undefined || entry.levelist === `${level}`);
}

async function readHeader(
  storage: Storage,
  { file, entry }: ChosenMessage,
): Promise<SampledMessage> {
  const { _offset: offset, _length: length } = entry;
  const header = await fetchHeader(storage, { url: file.url, offset, length })
    .catch((error) => {
      if (error instanceof GribError) return error;
      throw error;
    });
  const member = memberOfEntry(entry, file.stream);
  return { entry, stepHours: file.stepHours, member, header };
}
