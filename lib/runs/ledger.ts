/**
 * The ledger of a folder, `runs.json`: what became of each run whose output belongs there.
 *
 * What goes in: how a run ended, and the options that its output was made with. What comes out: whether
 * an output that is there is complete, and the one that these options would make.
 *
 * @module
 */
import { dirname } from "node:path";
import { UserError } from "../errors.ts";
import { lockFolder, removePartialFiles, type Storage, unlessMissing } from "../storage/mod.ts";
import { messageOf, quoteValue } from "../util/text.ts";
import type { SourceVersions } from "./source_versions.ts";

/** Name of the ledger in the folder of the outputs. */
const LEDGER_NAME = "runs.json";

/** The path of the ledger of a folder. */
export function ledgerPath(folder: string): string {
  return folder === "." ? LEDGER_NAME : `${folder.replace(/\/+$/, "")}/${LEDGER_NAME}`;
}

/** The version of the format that this program writes, and the newest that it reads. */
const VERSION = 1;

/**
 * How a run ended:
 * - `complete`: the output holds everything that was asked for
 * - `incomplete`: there is an output, and it lacks something
 * - `not published`: none was written, because the servers lack files of the run
 * - `failed`: none was written, for another reason; that of an earlier command may be there
 */
export type RunState = "complete" | "incomplete" | "not published" | "failed";

const STATES: readonly RunState[] = ["complete", "incomplete", "not published", "failed"];

/** A run in the ledger. */
export interface LedgerEntry {
  /** `20230301_00z` */
  run: string;
  /** Name of the output in the folder of the ledger: a file, or a folder of files. */
  output: string;
  state: RunState;
  /** Why it is not complete. @default {undefined} (it is) */
  reason?: string;
  /** Messages of the output. @default {undefined} (not counted) */
  messages?: { used: number; wanted: number };
  /** The options that shape the output, by name, defaults included. */
  options: Readonly<Record<string, string>>;
  /** SHA-256 of the output. @default {undefined} (there is none) */
  sha256?: string;
  /** Versions of the files that it was made of. @default {undefined} (they were not noted) */
  source?: SourceVersions;
  /** Names of the files that were made of the output, beside it. @default {undefined} (none) */
  files?: readonly string[];
  /** Folder with copies of all of them. @default {undefined} (there are none) */
  published?: string;
  /** When its files were removed for their age: UTC, ISO 8601. @default {undefined} (they were not) */
  removed?: string;
  /** The command that made it. */
  command: string;
  /** When it ended: UTC, ISO 8601. */
  time: string;
}

/** When each step of a run was first seen on the server, ISO 8601, by run (`20230301_00z`) and step. */
export type StepsSeen = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Runs whose steps are remembered: more than 60 of each hour of a day. */
const RUNS_SEEN = 300;

/** The options that differ, by name. */
export function listDifferences(a: LedgerEntry["options"], b: LedgerEntry["options"]): string[] {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].filter((name) => a[name] !== b[name]);
}

/** Of an earlier entry of an output: what it does not share with the next one. */
const REPLACED = [
  "reason",
  "messages",
  "sha256",
  "source",
  "files",
  "published",
  "removed",
] as const;

/** The ledger of a folder, local or `gs://`. */
export class Ledger {
  #file: LedgerFile = { version: VERSION, runs: [] };

  private constructor(readonly path: string | undefined, private readonly storage: Storage) {}

  /**
   * Reads a ledger; an absent one is empty.
   *
   * @param folder `undefined` for a ledger that is neither read nor written.
   * @throws {UserError} for one that is damaged, or that a newer program wrote.
   */
  static async open(folder: string | undefined, storage: Storage): Promise<Ledger> {
    const ledger = new Ledger(folder === undefined ? undefined : ledgerPath(folder), storage);
    // What killed commands left of it.
    if (folder !== undefined) await removePartialFiles(folder, (name) => name === LEDGER_NAME);
    await ledger.reread();
    return ledger;
  }

  /** The entry of an output. */
  find(output: string): LedgerEntry | undefined {
    return this.#file.runs.find((entry) => entry.output === output);
  }

  /** All entries, by run and output. */
  get entries(): readonly LedgerEntry[] {
    return this.#file.runs;
  }

  /** When the steps of the last runs were first seen. */
  get stepsSeen(): StepsSeen {
    return this.#file.stepsSeen ?? {};
  }

  /**
   * Notes when steps of a run were seen; of a step that was seen before the earlier time stays.
   *
   * @param run `20230301_00z`
   * @param seen ISO 8601, by step.
   */
  async recordSteps(run: string, seen: Readonly<Record<string, string>>): Promise<void> {
    if (this.path === undefined) return;
    using _lock = await lockFolder(dirname(this.path));
    await this.reread();
    const all = { ...this.stepsSeen, [run]: { ...seen, ...this.stepsSeen[run] } };
    // Labels of other models sort behind those of the IFS: the oldest of each are dropped by their date.
    const dateOf = (label: string) => label.slice(-"20230301_00z".length);
    const kept = Object.entries(all).toSorted(([a], [b]) => dateOf(a) < dateOf(b) ? -1 : 1)
      .slice(-RUNS_SEEN);
    await this.#write({ ...this.#file, stepsSeen: Object.fromEntries(kept) });
  }

  /** Notes what became of the files of an output that stays as it is recorded. */
  async amend(
    output: string,
    change: Pick<LedgerEntry, "files" | "published" | "removed">,
  ): Promise<void> {
    if (this.path === undefined) return;
    using _lock = await lockFolder(dirname(this.path));
    await this.reread();
    const runs = this.#file.runs.map((entry) =>
      entry.output === output ? { ...entry, ...change } : entry
    );
    await this.#write({ ...this.#file, runs });
  }

  /**
   * Writes an entry; it replaces the output's earlier one. The file appears whole or not at all. It
   * is read again before, as another command may have written it since; where the file system has locks,
   * none does so meanwhile.
   */
  async record(entry: LedgerEntry): Promise<void> {
    if (this.path === undefined) return;
    using _lock = await lockFolder(dirname(this.path));
    await this.reread();
    const earlier = this.find(entry.output);
    const rest = { ...earlier };
    for (const name of REPLACED) delete rest[name];
    const others = this.#file.runs.filter((it) => it !== earlier);
    // What other programs added to an entry stays.
    const runs = [...others, { ...rest, ...entry }].toSorted(compareEntries);
    await this.#write({ ...this.#file, runs });
  }

  async #write(file: LedgerFile): Promise<void> {
    this.#file = file;
    await this.storage.put(this.path!, [new TextEncoder().encode(formatLedger(file))]);
  }

  /** Reads what other commands have written since. @throws {UserError} for a file that is damaged. */
  async reread(): Promise<void> {
    if (this.path === undefined) return;
    this.storage.forget(this.path);
    const bytes = await unlessMissing(this.storage.get(this.path));
    if (bytes) this.#file = parseLedger(new TextDecoder().decode(bytes), this.path);
  }
}

/** The file as JSON; fields that other programs added stay where they are. */
interface LedgerFile {
  version: number;
  /** @default {{}} */
  stepsSeen?: StepsSeen;
  runs: readonly LedgerEntry[];
}

function compareEntries(a: LedgerEntry, b: LedgerEntry): number {
  const keyOf = ({ run, output }: LedgerEntry) => `${run} ${output}`;
  return keyOf(a) < keyOf(b) ? -1 : 1;
}

/** JSON with a line for each run. */
function formatLedger({ runs, stepsSeen, ...head }: LedgerFile): string {
  const toLine = ([name, value]: [string, unknown]) =>
    `${JSON.stringify(name)}: ${JSON.stringify(value)}`;
  const fields = Object.entries(head).map((field) => `${toLine(field)},\n`);
  if (stepsSeen) {
    fields.push(`"stepsSeen": {\n${Object.entries(stepsSeen).map(toLine).join(",\n")}\n},\n`);
  }
  const lines = runs.map((entry) => JSON.stringify(entry)).join(",\n");
  return `{\n${fields.join("")}"runs": [\n${lines}\n]\n}\n`;
}

/** @throws {UserError} naming the field that is wrong. */
function parseLedger(text: string, path: string): LedgerFile {
  const fail = (
    state: string,
    remedy = "repair it, or move it away and give --overwrite once",
  ) => new UserError("damaged", `Cannot read "${path}": ${state}; ${remedy}`);
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (error) {
    throw fail(`it is not JSON, ${messageOf(error)}`);
  }
  const { version, runs, stepsSeen } = toObject(file);
  if (typeof version === "number" && version > VERSION) {
    const state = `its version is ${version}, this program knows versions up to ${VERSION}`;
    throw fail(state, "use the program that wrote it, or another folder for the outputs");
  }
  if (version !== VERSION) {
    throw fail(`its "version" is ${JSON.stringify(version)}, not ${VERSION}`);
  }
  if (!Array.isArray(runs)) throw fail('its "runs" is not a list');
  if (stepsSeen !== undefined && !isStepsSeen(stepsSeen)) {
    throw fail(`its "stepsSeen" is ${quoteValue(stepsSeen)}, expected times by run and step`);
  }
  for (const [i, entry] of runs.entries()) {
    const fault = describeFault(toObject(entry));
    if (fault !== undefined) throw fail(`in entry ${i + 1} of "runs", ${fault}`);
  }
  return file as LedgerFile;
}

function isStepsSeen(value: unknown): value is StepsSeen {
  return Object.values(toObject(value)).every((steps) =>
    Object.values(toObject(steps)).every((time) => !Number.isNaN(Date.parse(String(time))))
  );
}

function toObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

/** The first field of an entry that is wrong. */
function describeFault(entry: Record<string, unknown>): string | undefined {
  const { state, options, messages, source, files = [] } = entry;
  const texts = ["run", "output", "command", "time"];
  const optional = ["reason", "sha256", "published", "removed"]
    .filter((name) => entry[name] !== undefined);
  const wrong = [...texts, ...optional].find((name) => typeof entry[name] !== "string");
  if (wrong !== undefined) return `"${wrong}" is ${JSON.stringify(entry[wrong])}, expected text`;
  if (!STATES.includes(state as RunState)) {
    return `"state" is ${JSON.stringify(state)}, expected one of ${STATES.join(", ")}`;
  }
  if (!Array.isArray(files) || !files.every((name) => typeof name === "string")) {
    return `"files" is ${JSON.stringify(files)}, expected a list of texts`;
  }
  const areTexts = options !== null && typeof options === "object" &&
    Object.values(options).every((value) => typeof value === "string");
  if (!areTexts) return `"options" is ${JSON.stringify(options)}, expected an object of texts`;
  const { sizes, etags } = toObject(source);
  if (source !== undefined && (typeof sizes !== "string" || typeof etags !== "object")) {
    return `"source" is ${JSON.stringify(source)}, expected sizes and etags`;
  }
  const { used, wanted } = toObject(messages);
  if (messages === undefined || (Number.isInteger(used) && Number.isInteger(wanted))) {
    return undefined;
  }
  return `"messages" is ${JSON.stringify(messages)}, expected the whole numbers used and wanted`;
}
