/**
 * The manifest of a published run: which files belong to it, and whether all of them are there.
 *
 * @module
 */
import { UserError } from "../errors.ts";

/** File name of the manifest in the published folder. */
export const MANIFEST_NAME = "manifest.json";

const FORMAT = 1;

/** A published file. */
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

/** The content of a manifest. */
export interface Manifest {
  /** `20260207_00z`. */
  run: string;
  /** Whether every file is there: false from before the first upload until after the last. */
  complete: boolean;
  files: readonly PublishedFile[];
}

/** A manifest as a JSON file; the same bytes for the same files. */
export function encodeManifest({ run, complete, files }: Manifest): Uint8Array<ArrayBuffer> {
  const text = JSON.stringify({ format: FORMAT, run, complete, files }, null, 2);
  return new TextEncoder().encode(`${text}\n`);
}

/**
 * Reads a manifest.
 *
 * @throws {UserError} when it is damaged, or has a format that this version does not know.
 */
export function parseManifest(bytes: Uint8Array, url: string): Manifest {
  const value = parseJson(bytes, url);
  if (value?.format !== FORMAT) {
    throw manifestError(url, `its format is ${JSON.stringify(value?.format)}, not ${FORMAT}`);
  }
  const fault = findFault(value);
  if (fault !== undefined) throw manifestError(url, fault);
  const { run, complete, files } = value as unknown as Manifest;
  return { run, complete, files };
}

type Json = Readonly<Record<string, unknown>>;

function parseJson(bytes: Uint8Array, url: string): Json | null {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw manifestError(url, "it is not JSON", cause);
  }
}

function manifestError(url: string, state: string, cause?: unknown): UserError {
  const remedy = "upload the run again, with this version of the program";
  const message = `Cannot read "${url}" as a manifest: ${state}; ${remedy}`;
  return new UserError("damaged", message, { cause });
}

/** Values of a field that are accepted. */
interface Rule {
  expected: string;
  accepts(value: unknown): boolean;
}

const TEXT: Rule = {
  expected: "a text that is not empty",
  accepts: (value) => typeof value === "string" && value !== "",
};

const RULES: Readonly<Record<"run" | "complete" | "files", Rule>> = {
  run: { expected: "a text", accepts: (value) => typeof value === "string" },
  complete: { expected: "true or false", accepts: (value) => typeof value === "boolean" },
  files: { expected: "a list", accepts: Array.isArray },
};

const FILE_RULES: Readonly<Record<keyof PublishedFile, Rule>> = {
  name: TEXT,
  member: TEXT,
  size: {
    expected: "a number of bytes",
    accepts: (value) => Number.isSafeInteger(value) && (value as number) > 0,
  },
  crc32c: TEXT,
};

/** The first field that is wrong, in words. */
function findFault(manifest: Json): string | undefined {
  const fault = findBadField(manifest, RULES, "");
  if (fault !== undefined) return fault;
  for (const [i, file] of (manifest.files as unknown[]).entries()) {
    const fault = findBadField((file ?? {}) as Json, FILE_RULES, `files[${i}].`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function findBadField(
  value: Json,
  rules: Readonly<Record<string, Rule>>,
  prefix: string,
): string | undefined {
  const bad = Object.entries(rules).find(([name, { accepts }]) => !accepts(value[name]));
  if (!bad) return undefined;
  const [name, { expected }] = bad;
  return `\`${prefix}${name}\` is ${JSON.stringify(value[name])}, expected ${expected}`;
}
