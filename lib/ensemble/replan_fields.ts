/**
 * Planned fields whose references no longer fit their files → the same fields with new references.
 *
 * @module
 */
import { parseStepFile } from "../ecmwf/files.ts";
import type { Run } from "../ecmwf/run.ts";
import { IndexError } from "../index/entries.ts";
import { formatFieldKey, type Reference } from "../references/store.ts";
import { readStepIndex } from "../references/step_index.ts";
import { type Storage, StorageError } from "../storage/mod.ts";
import { byFileOrder } from "./fetch_plan.ts";
import { explainLoss, ServerCheck } from "./message_loss.ts";
import { fieldKey, type PlannedField, type PlannedMessage } from "./field_plan.ts";

/** The present content of an index. */
interface FreshIndex {
  /** Those of messages, by the key of their field. */
  references: Map<string, Reference>;
  /** Why all others are missing. */
  absence: string;
}

/**
 * Reads the indexes of the files of planned fields again. A message that its index no longer lists, or
 * whose index is missing or damaged, becomes a rejection. Ranges read from now on are of the files that
 * are on the server now.
 *
 * Costs one GET and one HEAD a file, one file at a time.
 *
 * @returns one field for each of the plan, in its order; ranges in the order of the files.
 * @throws {StorageError} when the server cannot be reached, or serves nothing.
 */
export async function replanFields(
  plan: readonly PlannedField[],
  storage: Storage,
  run: Run,
  check: ServerCheck = new ServerCheck(storage),
): Promise<PlannedField[]> {
  const urls = new Set(plan.flatMap(({ messages }) => messages.map((it) => it.reference.url)));
  const indexes = new Map<string, FreshIndex>();
  for (const url of urls) indexes.set(url, await readFreshIndex(url, storage, run, check));
  return plan.map((field) => replanField(field, indexes));
}

async function readFreshIndex(
  url: string,
  storage: Storage,
  run: Run,
  check: ServerCheck,
): Promise<FreshIndex> {
  const file = parseStepFile(url)!;
  const servedBefore = check.served;
  try {
    const { fields } = await readStepIndex(storage, run, file);
    return {
      references: new Map(fields.map(({ field, reference }) => [formatFieldKey(field), reference])),
      absence: `no usable line of ${file.indexUrl} lists it`,
    };
  } catch (error) {
    if (error instanceof IndexError) return { references: new Map(), absence: error.message };
    const loss = await check.judge(explainLoss(error, file.indexUrl), servedBefore);
    if (!loss || loss.suspect || !(error instanceof StorageError)) throw error;
    return { references: new Map(), absence: error.message };
  }
}

function replanField(
  field: PlannedField,
  indexes: ReadonlyMap<string, FreshIndex>,
): PlannedField {
  const messages: PlannedMessage[] = [];
  const rejections = [...field.rejections];
  for (const { member, reference: { url } } of field.messages) {
    const { references, absence } = indexes.get(url)!;
    const reference = references.get(fieldKey(field.variable, field.stepHours, member));
    if (reference) messages.push({ member, reference });
    else rejections.push({ member, reason: absence });
  }
  rejections.sort((a, b) => a.member - b.member);
  return { ...field, messages: messages.sort(byFileOrder), rejections };
}
