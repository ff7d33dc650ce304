/**
 * The work folder: finished fields on disk, so that a command that was stopped goes on from there.
 *
 * @module
 */
import type { Run } from "./ecmwf/run.ts";
import type { ReducedField } from "./ensemble/field.ts";
import { decodeFieldFile, encodeFieldFile, FIELD_VERSION } from "./ensemble/field_file.ts";
import type { PlannedField } from "./ensemble/plan.ts";
import type { Region } from "./grib/mod.ts";
import type { Storage } from "./storage/mod.ts";

/** What shapes every field of a command, besides its messages. */
export interface FieldSettings {
  /** Name of the output profile. */
  profile: string;
  run: Run;
  region: Region;
}

/** The ending of the files that are this module's, and of those that a killed process left half. */
const OWN_FILES = /^\w+\.field$|^\.\w+\.field\.[0-9a-f-]+\.part$/;
const KEY_DIGITS = 16;

/** The work folder of an output: beside it, or in the working folder when the output is remote. */
export function workFolderOf(path: string): string {
  const isRemote = /^[a-z][a-z0-9+.-]*:\/\//i.test(path);
  return `${isRemote ? path.slice(path.lastIndexOf("/") + 1) : path}.work`;
}

/** A field of a plan and its file. */
interface Place {
  /** SHA-256 in hexadecimal digits of everything that shapes the field. */
  key: string;
  /** Path of the file; a part of the key is in its name. */
  file: string;
}

/** The finished fields of a plan, on disk. */
export class WorkFolder {
  readonly #kept = new Map<number, ReducedField>();
  readonly #warnings: string[] = [];

  private constructor(
    /** Path. */
    readonly path: string,
    private readonly plan: readonly PlannedField[],
    private readonly places: readonly Place[],
    private readonly storage: Storage,
  ) {}

  /**
   * Opens the work folder of a plan and reads the fields of it that are there. Files that are damaged,
   * or that another plan or other settings left, are passed over.
   *
   * @throws {StorageError} when the folder cannot be read.
   */
  static async open(
    path: string,
    plan: readonly PlannedField[],
    settings: FieldSettings,
    storage: Storage,
  ): Promise<WorkFolder> {
    const places = await Promise.all(plan.map((field) => placeField(path, field, settings)));
    const folder = new WorkFolder(path, plan, places, storage);
    await folder.#read();
    return folder;
  }

  /** The fields kept so far, by their place in the plan. */
  get kept(): ReadonlyMap<number, ReducedField> {
    return this.#kept;
  }

  /** What was passed over when the folder was opened. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  async #read(): Promise<void> {
    const names = await listNames(this.path);
    const own = this.places.map(({ file }) => file.slice(this.path.length + 1));
    const others = [...names].filter((name) => !own.includes(name) && !name.endsWith(".part"));
    if (others.length > 0) {
      this.#warnings.push(
        `not used, as they are of something else: ${others.length} of the files in ${this.path}`,
      );
    }
    for (const [i, { key, file }] of this.places.entries()) {
      if (!names.has(own[i]!)) continue;
      const field = await decodeFieldFile(key, await this.storage.get(file));
      if (field) this.#kept.set(i, field);
      else this.#warnings.push(`${file} is damaged: its field is fetched again`);
    }
  }

  /**
   * Keeps a finished field, whole or not at all. One that lacks a message that it was not possible to
   * get is not kept: the next command asks for it again.
   *
   * @param i place in the plan.
   * @throws {StorageError} when the file cannot be written.
   */
  async keep(i: number, field: ReducedField): Promise<void> {
    const faults = field.rejections.filter(({ fault }) => fault !== undefined);
    const { messages } = this.plan[i]!;
    if (field.members.length + faults.length < messages.length) return;
    const { key, file } = this.places[i]!;
    await this.storage.put(file, [await encodeFieldFile(key, field)]);
    this.#kept.set(i, field);
  }

  /** Drops a field that was kept and does not hold any more. */
  drop(i: number): void {
    if (this.#kept.delete(i)) Deno.removeSync(this.places[i]!.file);
  }
}

/**
 * Removes the files that work folders consist of, of whatever command, and the folder unless there is
 * something else in it. A folder that is not there is none.
 */
export async function removeWorkFolder(path: string): Promise<void> {
  const names = [...await listNames(path)];
  await Promise.all(
    names.filter((name) => OWN_FILES.test(name)).map((name) => Deno.remove(`${path}/${name}`)),
  );
  if (names.length > 0 && names.every((name) => OWN_FILES.test(name))) await Deno.remove(path);
}

async function listNames(path: string): Promise<Set<string>> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(path));
    return new Set(entries.map(({ name }) => name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Set();
    throw error;
  }
}

async function placeField(
  folder: string,
  field: PlannedField,
  settings: FieldSettings,
): Promise<Place> {
  const { profile, run, region } = settings;
  const { north, west, south, east } = region;
  const { variable, stepHours, messages, rejections } = field;
  const shape = [
    [FIELD_VERSION, profile, run.date, run.hour, north, west, south, east],
    [variable, stepHours, rejections],
    messages.map(({ member, reference: { url, offset, length } }) => [member, url, offset, length]),
  ];
  const bytes = new TextEncoder().encode(JSON.stringify(shape));
  const key = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  const name = `${variable.name}_${stepHours}h_${key.slice(0, KEY_DIGITS)}.field`;
  return { key, file: `${folder}/${name}` };
}
