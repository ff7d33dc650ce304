/**
 * Decodes a few messages, to see whether an index and its file belong together.
 *
 * @module
 */
import { findMismatch } from "../ecmwf/check_message.ts";
import type { Run } from "../ecmwf/run.ts";
import { type Variable, VARIABLES } from "../ecmwf/variables.ts";
import { decodeField, GribError, parseFields } from "../grib/mod.ts";
import type { IndexedField } from "./step_index.ts";
import { type Storage, StorageError } from "../storage/mod.ts";

/** What a spot check found. */
export interface SpotCheck {
  /** Messages fetched and decoded. */
  checked: number;
  /** What is wrong with those that are not what the index says, in words. */
  faults: string[];
}

/**
 * Fetches messages spread evenly over the fields, checks their headers and decodes them.
 *
 * Costs one GET of a whole message each. Only parameters of the table of variables are checked.
 *
 * @param count how many messages.
 * @throws {StorageError} when the server cannot be reached, or serves nothing.
 */
export async function spotCheck(
  storage: Storage,
  run: Run,
  fields: readonly IndexedField[],
  count = 3,
): Promise<SpotCheck> {
  const candidates = fields.flatMap((indexed) => {
    const variable = findVariableOf(indexed);
    return variable ? [{ indexed, variable }] : [];
  });
  const checked = Math.min(count, candidates.length);
  const faults: string[] = [];
  for (let i = 0; i < checked; i++) {
    const index = Math.round(i * (candidates.length - 1) / Math.max(1, count - 1));
    const { indexed, variable } = candidates[index]!;
    const fault = await checkMessage(storage, run, indexed, variable);
    const { url, offset } = indexed.reference;
    if (fault) faults.push(`${indexed.field.param}, ${url} at byte ${offset}: ${fault}`);
  }
  return { checked, faults };
}

function findVariableOf({ field }: IndexedField): Variable | undefined {
  return VARIABLES.find(({ param, level }) => param === field.param && level === field.level);
}

async function checkMessage(
  storage: Storage,
  run: Run,
  { field, reference }: IndexedField,
  variable: Variable,
): Promise<string | undefined> {
  const { member, stepHours } = field;
  try {
    const [found] = parseFields(await storage.get(reference.url, reference));
    if (!found) return "it is empty";
    const mismatch = findMismatch(found, { run, stepHours, member, variable });
    if (!mismatch) decodeField(found);
    return mismatch;
  } catch (error) {
    const isFault = error instanceof GribError ||
      error instanceof StorageError && error.sparesOthers;
    if (!isFault) throw error;
    return error.message;
  }
}
