/**
 * The manifest of a published run: which files belong to it, and whether all of them are there.
 *
 * @module
 */
import { UserError } from "../errors.ts";

/** Its name in the folder. */
export const MANIFEST_NAME = "manifest.json";

const FORMAT = 1;

/** A file as it was published. */
export interface PublishedFile {
  /** Name in the folder. */
  name: string;
  /** `control`, `ens_01` … `ens_50`. */
  member: string;
  /** In bytes. */
  size: number;
  /** Base64 of the big-endian CRC32C. */
  crc32c: string;
}

/** What a manifest says. */
export interface Manifest {
  /** `20260207_00z`. */
  run: string;
  /** Whether every file is there: false from before the first upload until after the last. */
  complete: boolean;
  files: readonly PublishedFile[];
}

/** A manifest that cannot be read. */
export class ManifestError extends UserError {
  override readonly name = "ManifestError";
  readonly url: string;

  constructor(url: string, state: string, cause?: unknown) {
    const remedy = "upload the run again, with this version of the program";
    super("damaged", `Cannot read "${url}" as a manifest: ${state}; ${remedy}`, { cause });
    this.url = url;
  }
}

/** A manifest as a JSON file; the same bytes for the same files. */
export function formatManifest({ run, complete, files }: Manifest): Uint8Array<ArrayBuffer> {
  const text = JSON.stringify({ format: FORMAT, run, complete, files }, null, 2);
  return new TextEncoder().encode(`${text}\n`);
}

/**
 * Reads a manifest.
 *
 * @throws {ManifestError} when it is damaged, or of a format that this version does not know.
 */
export function parseManifest(bytes: Uint8Array, url: string): Manifest {
  const value = parseJson(bytes, url);
  if (value?.format !== FORMAT) {
    throw new ManifestError(url, `its format is ${JSON.stringify(value?.format)}, not ${FORMAT}`);
  }
  const { run, complete, files } = value;
  const isManifest = typeof run === "string" && typeof complete === "boolean" &&
    Array.isArray(files) && files.every(isPublishedFile);
  if (!isManifest) throw new ManifestError(url, "run, complete or files are not as they should be");
  return { run, complete, files };
}

function parseJson(bytes: Uint8Array, url: string): Partial<Record<string, unknown>> | null {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new ManifestError(url, "it is no JSON", cause);
  }
}

function isPublishedFile(value: unknown): value is PublishedFile {
  const { name, member, size, crc32c } = (value ?? {}) as Record<string, unknown>;
  return [name, member, crc32c].every((it) => typeof it === "string" && it !== "") &&
    Number.isSafeInteger(size) && (size as number) > 0;
}
