/**
 * The work folder: finished fields as files, so that a command that was stopped goes on from there,
 * and tasks on several machines share the fields of a command.
 *
 * @module
 */
import type { ArrayTask } from "./array_task.ts";
import type { ReducedField } from "../ensemble/field_reducer.ts";
import { decodeFieldFile, encodeFieldFile, type KeptField } from "./field_file.ts";
import type { PlannedField } from "../ensemble/field_plan.ts";
import { mapInParallel } from "../util/parallel.ts";
import { isRemote, removePartialFiles, type Storage, unlessMissing } from "../storage/mod.ts";
import {
  type FieldPlace,
  type FieldSettings,
  isFieldFile,
  isFileOf,
  placeFields,
} from "./field_names.ts";

/** How a work folder is used. */
export interface WorkFolderOptions {
  settings: FieldSettings;
  storage: Storage;
  /** Noted with the fields that are kept. @default {undefined} (none) */
  task?: ArrayTask;
  /** Called with a line on what is passed over. @default {undefined} */
  onWarning?: (line: string) => void;
}

/** What is read of a work folder. */
export interface ReadOptions {
  /** Places in the plan. @default all */
  places?: Iterable<number>;
  /** Whether fields are taken that lack a message. @default {false} */
  lacking?: boolean;
}

/** Files read or removed at once. */
const PARALLEL = 16;

/** The work folder of an output: beside it, or in the working folder when the output is remote. */
export function workFolderOf(path: string): string {
  return `${isRemote(path) ? path.slice(path.lastIndexOf("/") + 1) : path}.work`;
}

/**
 * The finished fields of a plan, in a folder, local or `gs://`. Every file appears whole or not at all:
 * several processes may keep the same fields in it at the same time.
 */
export class WorkFolder {
  readonly #fields = new Map<number, KeptField>();

  private constructor(
    /** Path, or address without a slash at the end. */
    readonly path: string,
    private readonly places: ReadonlyMap<number, FieldPlace>,
    private readonly options: WorkFolderOptions,
    /** That of the fields with all their messages. @default {undefined} (this one) */
    private readonly whole?: WorkFolder,
  ) {}

  /** The work folder of a plan. Nothing of it is read. */
  static async open(
    path: string,
    plan: readonly PlannedField[],
    options: WorkFolderOptions,
  ): Promise<WorkFolder> {
    const places = await placeFields(plan.entries(), options.settings);
    return new WorkFolder(path, places, options);
  }

  /**
   * The same folder for fields that are made of fewer messages than those of the plan.
   *
   * @param fewer by the place of the field in the plan.
   */
  async without(fewer: ReadonlyMap<number, PlannedField>): Promise<WorkFolder> {
    const places = await placeFields(fewer, this.options.settings, this.places);
    return new WorkFolder(this.path, places, this.options, this);
  }

  /** The fields read or kept so far, by their place in the plan. */
  get fields(): ReadonlyMap<number, KeptField> {
    return this.#fields;
  }

  /**
   * Reads fields that are there. Files that are damaged, or that another plan or other settings left,
   * are passed over, and that is told. Costs one listing, and one GET a field.
   *
   * @throws {StorageError} when the folder cannot be read.
   */
  async read({ places = this.places.keys(), lacking = false }: ReadOptions = {}): Promise<void> {
    const names = await this.#listNames();
    if (!this.whole) this.#tellOthers(names);
    const found = [...places].flatMap((place) => {
      const { name } = this.places.get(place)!;
      const file = [`${name}.field`, ...(lacking ? [`${name}.lacking`] : [])]
        .find((file) => names.has(file));
      return file === undefined ? [] : [{ place, file }];
    });
    const reads = mapInParallel(PARALLEL, found, async ({ place, file }) => {
      return { place, field: await this.#readField(place, `${this.path}/${file}`) };
    });
    for await (const { place, field } of reads) if (field) this.#fields.set(place, field);
  }

  #tellOthers(names: ReadonlySet<string>): void {
    const beginnings = [...this.places.values()].map(({ name }) => name);
    const others = [...names].filter((name) => !isFileOf(name, beginnings));
    if (others.length === 0) return;
    this.options.onWarning?.(
      `not used, as they are of something else: ${others.length} of the files in ${this.path}`,
    );
  }

  async #readField(place: number, file: string): Promise<KeptField | undefined> {
    const bytes = await unlessMissing(this.options.storage.get(file));
    if (!bytes) return undefined;
    const field = await decodeFieldFile(this.places.get(place)!.key, bytes);
    if (!field) this.options.onWarning?.(`${file} is damaged: its field is fetched again`);
    return field;
  }

  /**
   * Keeps a finished field, whole or not at all, with the versions of its files that are known now.
   * One that lacks a message that it was not possible to get is kept apart: the next command asks for
   * it again.
   *
   * @param place in the plan.
   * @throws {StorageError} when the file cannot be written.
   */
  async keep(place: number, reduced: ReducedField): Promise<void> {
    const { storage, task } = this.options;
    const { field, key, name } = this.places.get(place)!;
    const urls = new Set(field.messages.map(({ reference }) => reference.url));
    const versions = Object.fromEntries([...urls].flatMap((url) => {
      const version = storage.versionOf(url);
      return version ? [[url, version]] : [];
    }));
    const kept: KeptField = { reduced, versions, ...(task && { task }) };
    const file = `${this.path}/${name}.${lacksMessages(field, reduced) ? "lacking" : "field"}`;
    await storage.put(file, [await encodeFieldFile(key, kept)]);
    this.#fields.set(place, kept);
  }

  /** Drops a field that was kept, if it was, and does not hold any more. */
  async drop(place: number): Promise<void> {
    if (!this.#fields.delete(place)) return;
    const { name } = this.places.get(place)!;
    const files = [`${this.path}/${name}.field`, `${this.path}/${name}.lacking`];
    await removeFiles(files, this.options.storage);
  }

  /**
   * Removes the files of the plan's fields, and of those made of fewer messages; what others have in
   * the folder stays.
   *
   * @param places only of these. @default all
   */
  async clear(places: Iterable<number> = this.places.keys()): Promise<void> {
    const beginnings: string[] = [];
    for (const place of places) {
      beginnings.push(this.places.get(place)!.name);
      this.#fields.delete(place);
    }
    const files = [...await this.#listNames()].filter((file) => isFileOf(file, beginnings));
    await removeFiles(files.map((file) => `${this.path}/${file}`), this.options.storage);
    await removePartialFiles(this.path, (file) => isFileOf(file, beginnings));
  }

  #listNames(): Promise<Set<string>> {
    return listNames(this.path, this.options.storage);
  }
}

/** Whether a message of a field could not be had: it may come when it is asked for again. */
export function lacksMessages({ messages }: PlannedField, reduced: ReducedField): boolean {
  const faults = reduced.rejections.filter(({ fault }) => fault !== undefined);
  return reduced.members.length + faults.length < messages.length;
}

/**
 * Removes the files that work folders consist of, of whatever command, and a local folder unless there
 * is something else in it. A folder that is not there is none.
 */
export async function removeWorkFolder(path: string, storage: Storage): Promise<void> {
  const own = [...await listNames(path, storage)].filter((name) => isFieldFile(name));
  await removeFiles(own.map((name) => `${path}/${name}`), storage);
  await removePartialFiles(path, (name) => isFieldFile(name));
  if (isRemote(path)) return;
  try {
    await Deno.remove(path);
  } catch (error) {
    const isOfOthers = !(error instanceof Deno.errors.NotFound) && await hasEntries(path);
    if (!isOfOthers && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function hasEntries(path: string): Promise<boolean> {
  for await (const _ of Deno.readDir(path)) return true;
  return false;
}

async function removeFiles(files: readonly string[], storage: Storage): Promise<void> {
  await Array.fromAsync(mapInParallel(PARALLEL, files, (file) => storage.remove(file)));
}

async function listNames(path: string, storage: Storage): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const { url } of storage.list(`${path}/`)) names.add(url.slice(path.length + 1));
  return names;
}
