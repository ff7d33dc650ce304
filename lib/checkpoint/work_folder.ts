/**
 * Finished fields ⇄ files in a work folder, local or on Google Cloud Storage: a command that was
 * stopped resumes from them, and tasks on several machines share the fields of a command.
 *
 * @module
 */
import type { ArrayTask } from "./array_task.ts";
import type { ReducedField } from "../ensemble/field_reducer.ts";
import {
  type DecodedField,
  decodeFieldFile,
  encodeFieldFile,
  isIntact,
  type SavedField,
  type SectionKind,
  type SectionPlace,
} from "./field_file.ts";
import type { PlannedField } from "../ensemble/field_plan.ts";
import { type FieldSummary, summarizeField } from "../ensemble/field_result.ts";
import type { KeptMembers } from "../ensemble/kept_members.ts";
import type { FieldPoints } from "../ensemble/member_points.ts";
import { MissingDataError } from "../errors.ts";
import { release } from "../util/numbers.ts";
import { mapInParallel } from "../util/parallel.ts";
import {
  isRemote,
  removePartialFiles,
  type Storage,
  StorageError,
  type StorageErrorKind,
  unlessMissing,
} from "../storage/mod.ts";
import {
  type FieldFileName,
  type FieldSettings,
  isFieldFile,
  isFileOf,
  nameFieldFiles,
} from "./field_names.ts";

/** How a work folder is used. */
export interface WorkFolderOptions {
  settings: FieldSettings;
  storage: Storage;
  /** Noted in the files of saved fields. @default {undefined} (none) */
  task?: ArrayTask;
  /** Called with a line on files that are ignored. @default {undefined} */
  onWarning?: (line: string) => void;
  /**
   * Called with the points of an accumulation that was read or saved; the folder does not retain them.
   *
   * @default {undefined}
   */
  onPoints?: (fieldIndex: number, points: FieldPoints) => void;
}

/** What is read of a work folder. */
export interface ReadOptions {
  /** Of the plan. @default all */
  fieldIndexes?: Iterable<number>;
  /** Whether to read fields that lack a message, too. @default {false} */
  lacking?: boolean;
}

/** Files of a server that are read at once, and files that are removed at once. */
const PARALLEL = 16;
/** Local files that are read at once: more of them take more memory, and no less time. */
const PARALLEL_LOCAL = 2;

/** What a range of a file is refused for that is not the one it was. */
const CHANGED: readonly StorageErrorKind[] = ["missing", "range", "corrupt", "changed"];

/** What is held of a field that is saved: not its numbers, which are in its file. */
export interface RetainedField extends Omit<SavedField, "reduced"> {
  reduced: FieldSummary;
}

/** Where the numbers of a saved field are. */
interface FieldPlace {
  file: string;
  sections: readonly SectionPlace[];
  /** How its members are packed, where they were kept. */
  kept?: Omit<KeptMembers, "packed">;
  /** Its statistics. @default {undefined} (they are read from the file, which is on this machine) */
  held?: HeldStatistics;
}

/** The statistics of a field on a server: each would cost a request when it is written. */
type HeldStatistics = Pick<ReducedField, "mean" | "deviation" | "further">;

/** The work folder of an output: beside it, or in the current folder when the output is remote. */
export function workFolderOf(path: string): string {
  return `${isRemote(path) ? path.slice(path.lastIndexOf("/") + 1) : path}.work`;
}

/**
 * The finished fields of a plan, in a folder, local or `gs://`. Every file appears whole or not at all:
 * several processes may save the same fields in it at the same time.
 */
export class WorkFolder {
  readonly #fields = new Map<number, RetainedField>();
  readonly #places = new Map<number, FieldPlace>();

  private constructor(
    /** Path, or address without a slash at the end. */
    readonly path: string,
    private readonly files: ReadonlyMap<number, FieldFileName>,
    private readonly options: WorkFolderOptions,
    /** That of the fields with all their messages. @default {undefined} (this one) */
    private readonly whole?: WorkFolder,
  ) {}

  /** The work folder of a plan. Reads nothing. */
  static async open(
    path: string,
    plan: readonly PlannedField[],
    options: WorkFolderOptions,
  ): Promise<WorkFolder> {
    const files = await nameFieldFiles(plan.entries(), options.settings);
    return new WorkFolder(path, files, options);
  }

  /**
   * The same folder for fields that are made of fewer messages than those of the plan.
   *
   * @param fewer by the index of the field in the plan.
   */
  async without(fewer: ReadonlyMap<number, PlannedField>): Promise<WorkFolder> {
    const files = await nameFieldFiles(fewer, this.options.settings, this.files);
    const { onPoints: _, ...options } = this.options;
    return new WorkFolder(this.path, files, options, this);
  }

  /** The task that saved fields are noted with. */
  get task(): ArrayTask | undefined {
    return this.options.task;
  }

  /** The fields read or saved so far, by their index in the plan. */
  get fields(): ReadonlyMap<number, RetainedField> {
    return this.#fields;
  }

  /**
   * Reads the saved fields. Files that are damaged, or that another plan or other settings left, are
   * ignored with a warning. Costs one listing, and one GET a field.
   *
   * @throws {StorageError} when the folder cannot be read.
   */
  async read(
    { fieldIndexes = this.files.keys(), lacking = false }: ReadOptions = {},
  ): Promise<void> {
    const names = await this.#listNames();
    if (!this.whole) this.#warnOfOthers(names);
    const found = [...fieldIndexes].flatMap((fieldIndex) => {
      const { name } = this.files.get(fieldIndex)!;
      const file = [`${name}.field`, ...(lacking ? [`${name}.lacking`] : [])]
        .find((file) => names.has(file));
      return file === undefined ? [] : [{ fieldIndex, file }];
    });
    const parallel = isRemote(this.path) ? PARALLEL : PARALLEL_LOCAL;
    const reads = mapInParallel(parallel, found, async ({ fieldIndex, file: name }) => {
      const file = `${this.path}/${name}`;
      return { fieldIndex, file, bytes: await unlessMissing(this.options.storage.get(file)) };
    });
    for await (const { fieldIndex, file, bytes } of reads) {
      const decoded = bytes && this.#decode(fieldIndex, file, bytes);
      if (decoded) this.#retain(fieldIndex, decoded.field, { file, ...decoded });
      if (bytes) release(bytes);
    }
  }

  #warnOfOthers(names: ReadonlySet<string>): void {
    const beginnings = [...this.files.values()].map(({ name }) => name);
    const others = [...names].filter((name) => !isFileOf(name, beginnings));
    if (others.length === 0) return;
    this.options.onWarning?.(
      `ignoring ${others.length} of the files in ${this.path}: they are not of this command`,
    );
  }

  #decode(
    fieldIndex: number,
    file: string,
    bytes: Uint8Array<ArrayBuffer>,
  ): DecodedField | undefined {
    const decoded = decodeFieldFile(this.files.get(fieldIndex)!.key, bytes);
    if (!decoded) this.options.onWarning?.(`${file} is damaged: its field is fetched again`);
    return decoded;
  }

  /**
   * Saves a finished field, whole or not at all, with the versions of its files that are known now. A
   * field that lacks a message gets a name of its own: the next command fetches it again.
   *
   * The numbers belong to this object from now on: those that it does not hold are freed.
   *
   * @param fieldIndex of the plan.
   * @throws {StorageError} when the file cannot be written.
   */
  async save(fieldIndex: number, reduced: ReducedField): Promise<void> {
    const { storage, task } = this.options;
    const { field, key, name } = this.files.get(fieldIndex)!;
    const urls = new Set(field.messages.map(({ reference }) => reference.url));
    const versions = Object.fromEntries([...urls].flatMap((url) => {
      const version = storage.versionOf(url);
      return version ? [[url, version]] : [];
    }));
    const saved: SavedField = { reduced, versions, ...(task && { task }) };
    const file = `${this.path}/${name}.${lacksMessages(field, reduced) ? "lacking" : "field"}`;
    const { pieces, sections } = encodeFieldFile(key, saved);
    await storage.put(file, pieces);
    this.#retain(fieldIndex, saved, { file, sections });
    if (reduced.kept) release(reduced.kept.packed);
  }

  /** Retains what is not read again, and frees the statistics otherwise. */
  #retain(
    fieldIndex: number,
    { reduced, ...origin }: SavedField,
    { file, sections }: Pick<FieldPlace, "file" | "sections">,
  ): void {
    const { packed: _, ...packing } = reduced.kept ?? {};
    const kept = reduced.kept && { kept: packing as Omit<KeptMembers, "packed"> };
    const { mean, deviation, further } = reduced;
    const held = isRemote(file) && { held: { mean, deviation, further } };
    this.#places.set(fieldIndex, { file, sections, ...kept, ...held });
    this.#fields.set(fieldIndex, { ...origin, reduced: summarizeField(reduced) });
    if (!held) release(mean, deviation, ...further ?? []);
    if (reduced.points) this.options.onPoints?.(fieldIndex, reduced.points);
  }

  /**
   * Reads the points of a saved field once more. Costs one GET, or two for a field that lacks messages.
   *
   * @throws {MissingDataError} when its file was removed or damaged meanwhile.
   */
  async readPoints(fieldIndex: number): Promise<FieldPoints> {
    return await this.#readAgain(fieldIndex, ({ points }) => points);
  }

  /**
   * Reads the members of a saved field that were kept, and nothing else of it. Costs one GET.
   *
   * @throws {MissingDataError} likewise, and when they were not kept.
   */
  async readKept(fieldIndex: number): Promise<KeptMembers> {
    const { kept } = this.#places.get(fieldIndex) ?? {};
    const packed = kept && await this.#readSection(fieldIndex, "kept");
    return packed ? { ...kept, packed } : await this.#readAgain(fieldIndex, ({ kept }) => kept);
  }

  /**
   * Reads one statistic of a saved field, and nothing else of it; it is the caller's. Costs no request.
   *
   * @param number of those of kind `further`. @default {0}
   * @throws {MissingDataError} likewise.
   */
  async readStatistic(
    fieldIndex: number,
    kind: "mean" | "deviation" | "further",
    number = 0,
  ): Promise<Float32Array<ArrayBufferLike>> {
    const choose = (reduced: HeldStatistics) =>
      kind === "further" ? reduced.further?.[number] : reduced[kind];
    const { held } = this.#places.get(fieldIndex)!;
    const known = held && choose(held);
    if (known) return known.slice();
    const bytes = await this.#readSection(fieldIndex, kind, number);
    if (bytes) return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    return await this.#readAgain(fieldIndex, choose);
  }

  /** @returns `undefined` when it is not there, or not as it was. */
  async #readSection(
    fieldIndex: number,
    kind: SectionKind,
    number = 0,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { file, sections } = this.#places.get(fieldIndex)!;
    const section = sections.filter((it) => it.kind === kind)[number];
    if (!section || section.length === 0) return undefined;
    const { offset, length } = section;
    try {
      const bytes = await this.options.storage.get(file, { offset, length });
      return isIntact(section, bytes) ? bytes : undefined;
    } catch (error) {
      // Another task may have saved the same field again, with other words in its description.
      if (error instanceof StorageError && CHANGED.includes(error.kind)) return undefined;
      throw error;
    }
  }

  async #readAgain<Part>(
    fieldIndex: number,
    choose: (reduced: ReducedField) => Part | undefined,
  ): Promise<Part> {
    const { key, name } = this.files.get(fieldIndex)!;
    for (const file of [`${this.path}/${name}.field`, `${this.path}/${name}.lacking`]) {
      const bytes = await unlessMissing(this.options.storage.get(file));
      const decoded = bytes && decodeFieldFile(key, bytes);
      const part = decoded && choose(decoded.field.reduced);
      if (part) return part;
    }
    throw new MissingDataError(
      `Cannot read the field "${this.path}/${name}" again: it was removed or damaged meanwhile; ` +
        "run the same command again",
    );
  }

  /** Removes a field that is no longer valid, if it was saved. */
  async drop(fieldIndex: number): Promise<void> {
    if (!this.#fields.delete(fieldIndex)) return;
    this.#places.delete(fieldIndex);
    const { name } = this.files.get(fieldIndex)!;
    const files = [`${this.path}/${name}.field`, `${this.path}/${name}.lacking`];
    await removeFiles(files, this.options.storage);
  }

  /**
   * Removes the files of the plan's fields, and of those made of fewer messages; files of other
   * commands stay.
   *
   * @param fieldIndexes only of these. @default all
   */
  async clear(fieldIndexes: Iterable<number> = this.files.keys()): Promise<void> {
    const beginnings: string[] = [];
    for (const fieldIndex of fieldIndexes) {
      beginnings.push(this.files.get(fieldIndex)!.name);
      this.#fields.delete(fieldIndex);
      this.#places.delete(fieldIndex);
    }
    const files = [...await this.#listNames()].filter((file) => isFileOf(file, beginnings));
    await removeFiles(files.map((file) => `${this.path}/${file}`), this.options.storage);
    await removePartialFiles(this.path, (file) => isFileOf(file, beginnings));
  }

  #listNames(): Promise<Set<string>> {
    return listNames(this.path, this.options.storage);
  }
}

/** Whether a message of a field could not be fetched: it may arrive when it is asked for again. */
export function lacksMessages(
  { messages }: PlannedField,
  reduced: Pick<ReducedField, "members" | "rejections">,
): boolean {
  const faults = reduced.rejections.filter(({ fault }) => fault !== undefined);
  return reduced.members.length + faults.length < messages.length;
}

/**
 * Removes the files of fields, of whatever command, and then a local folder if it is empty. Does
 * nothing when there is no such folder.
 */
export async function removeWorkFolder(path: string, storage: Storage): Promise<void> {
  const own = [...await listNames(path, storage)].filter((name) => isFieldFile(name));
  await removeFiles(own.map((name) => `${path}/${name}`), storage);
  await removePartialFiles(path, (name) => isFieldFile(name));
  if (isRemote(path)) return;
  try {
    await Deno.remove(path);
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound;
    if (!isMissing && await isThereAndEmpty(path)) throw error;
  }
}

/** Another process that ends at the same time may have removed it. */
async function isThereAndEmpty(path: string): Promise<boolean> {
  try {
    for await (const _ of Deno.readDir(path)) return false;
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function removeFiles(files: readonly string[], storage: Storage): Promise<void> {
  await Array.fromAsync(mapInParallel(PARALLEL, files, (file) => storage.remove(file)));
}

async function listNames(path: string, storage: Storage): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const { url } of storage.list(`${path}/`)) names.add(url.slice(path.length + 1));
  return names;
}
