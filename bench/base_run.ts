/**
 * The messages that benchmarks of streaming are made of, encoded by ecCodes on the spot with
 * `../shared/tools/make_run.py` (Debian's python3-eccodes), in half a minute.
 *
 * @module
 */
import { parseRun } from "../lib/ecmwf/run.ts";
import { findVariables, GIK_VARIABLES } from "../lib/ecmwf/variables.ts";
import { type BaseMessages, readBase, writeMessages } from "../fixtures/full_run.ts";
import { ROOT, runAgainstServer, runModule, type ServedBucket } from "./measure.ts";

export const RUN = parseRun("20260206", "00");
export const VARIABLES = findVariables(GIK_VARIABLES);
/** Members with messages of their own; the others are copies of them. */
const MEMBERS = 3;
const STEP = 36;

/** Encodes a few members with ecCodes and reads the messages that the output needs. */
export async function makeBase(folder: string): Promise<BaseMessages[]> {
  await encodeBase(folder);
  return await readBase(folder, RUN, STEP, VARIABLES);
}

async function encodeBase(folder: string): Promise<void> {
  const args = ["--date", RUN.date, "--run", RUN.hour, "--steps", `${STEP}`];
  const only = [...new Set(VARIABLES.map(({ param }) => param))].join(",");
  const { success, stderr } = await new Deno.Command("/usr/bin/python3", {
    args: [
      ...[`${ROOT}../shared/tools/make_run.py`, folder, ...args],
      ...["--members", `${MEMBERS}`, "--only", only],
    ],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** A run in a bucket, and the final stores of its members. */
export interface StoredRun {
  /** Folder laid out like the bucket. */
  bucket: string;
  /** Folder of the stores. */
  stores: string;
  messages: number;
}

/**
 * Writes the messages of 51 members, 0.47 GB a step, and their final stores.
 *
 * @param steps hours.
 */
export async function writeRun(folder: string, steps: readonly number[]): Promise<StoredRun> {
  const bucket = `${folder}/bucket`;
  const messages = await writeMessages(bucket, RUN, steps, await makeBase(`${folder}/base`));
  return { bucket, stores: await makeStores(folder, bucket, steps), messages };
}

/** A run that only a server has, and the final stores of its members. */
export interface ServedRun {
  bucket: ServedBucket;
  /** Folder of the stores. */
  stores: string;
}

/**
 * Makes the same messages without the disk for them: a server makes their bytes when they are asked for.
 *
 * @param steps hours; the bucket has all others as well.
 */
export async function serveRun(folder: string, steps: readonly number[]): Promise<ServedRun> {
  await encodeBase(`${folder}/base`);
  const bucket = { copiesOf: `${folder}/base` };
  return { bucket, stores: await makeStores(folder, bucket, steps) };
}

async function makeStores(
  folder: string,
  bucket: ServedBucket,
  steps: readonly number[],
): Promise<string> {
  const stores = `${folder}/stores`;
  const args = ["--date", RUN.date, "--run", RUN.hour, "--output-dir", stores];
  await runAgainstServer(bucket, "stages/stage2.ts", [...args, "--steps", steps.join(",")]);
  await runModule("stages/stage3.ts", args);
  return stores;
}
