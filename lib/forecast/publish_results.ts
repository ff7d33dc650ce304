/**
 * The files of a forecast → copies of them in a folder, with a manifest.
 *
 * @module
 */
import { basename } from "node:path";
import { runLabel } from "../ecmwf/run.ts";
import { MAX_FORECAST_BYTES } from "../output/forecast_file.ts";
import { isRemote, type StageContext, type Storage, StorageError } from "../storage/mod.ts";
import type { StreamResult } from "../stream/stream_result.ts";

const FORMAT = 1;

/** What a forecast works with besides its options. */
export interface ForecastContext extends StageContext {
  /** Where copies are written. @default the storage of everything else */
  copies?: Storage;
}

/** The files of a forecast. */
export interface ForecastFiles {
  /** The NetCDF first, what is drawn of it, and the manifest aside. */
  outputs: string[];
  /** The manifest of the copies. */
  manifest?: string;
}

/** The NetCDF of a run. */
export type ForecastOutput = Pick<StreamResult, "run" | "path" | "complete">;

/** Codes of S3. */
const NO_BUCKET = /NoSuchBucket/;
const NO_KEY = /InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken/;

/** A copy as the manifest has it. */
interface PublishedCopy {
  name: string;
  /** In bytes. */
  size: number;
  /** SHA-256 in hexadecimal digits. */
  sha256: string;
}

/**
 * Looks whether copies can be written to a server as far as one GET tells, so that a mistake in its
 * address, its bucket or its key shows at once and not when all is made. A server that fails for other
 * reasons may be well by then: that is a warning.
 *
 * @throws {StorageError} for such a mistake.
 */
export async function checkServer(
  target: string,
  { storage, reporter, copies = storage }: ForecastContext,
): Promise<void> {
  if (!isRemote(target)) return;
  try {
    await copies.get(`${target}/.manifest.json`);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const { answer = "", kind } = error;
    if (NO_BUCKET.test(answer) || NO_KEY.test(answer)) {
      const what = NO_BUCKET.test(answer) ? "there is no such bucket" : "the key is refused";
      const state = `${what} (${answer}); check its name, the key and --publish-region`;
      throw error.with({ kind: "denied", action: "publish", subject: `to ${target}`, state });
    }
    if (error.mistake || kind === "permission") throw error;
    // A key may be for writing alone.
    if (kind === "missing" || kind === "denied") return;
    reporter.warn(`${error.message}; trying again with the copies`);
  }
}

/**
 * Copies the outputs, each whole or not at all, and writes a manifest when all are there: the name of the
 * NetCDF with `.manifest.json`. While an earlier forecast of the run is replaced, the sums in its manifest
 * do not fit.
 *
 * @param target folder, local or on a server, without a slash at its end.
 * @returns the address of the manifest.
 * @throws {StorageError} when a file cannot be written.
 */
export async function publishResults(
  { run, complete, outputs }: ForecastOutput & ForecastFiles,
  target: string,
  { storage, reporter, copies = storage }: ForecastContext,
): Promise<string> {
  const files: PublishedCopy[] = [];
  for (const path of outputs) {
    const bytes = await storage.get(path, { maxBytes: MAX_FORECAST_BYTES });
    const name = basename(path);
    await copies.put(`${target}/${name}`, [bytes]);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    files.push({ name, size: bytes.length, sha256: digest.toHex() });
  }
  const manifest = `${target}/${basename(outputs[0]!).replace(/\.nc$/, "")}.manifest.json`;
  const text = JSON.stringify({ format: FORMAT, run: runLabel(run), complete, files }, null, 2);
  await copies.put(manifest, [new TextEncoder().encode(`${text}\n`)]);
  reporter.info(`published: ${files.length} files in ${target}`);
  return manifest;
}
