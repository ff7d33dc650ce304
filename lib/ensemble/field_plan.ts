/**
 * Stores by member → fields by variable and step, and where their messages are.
 *
 * @module
 */
import { asPublished, listNames } from "../ecmwf/eras.ts";
import { canonicalUrl, parseFileName } from "../ecmwf/files.ts";
import type { Member } from "../ecmwf/members.ts";
import { isSameRun, type Run, runLabel } from "../ecmwf/run.ts";
import type { Variable } from "../ecmwf/variables.ts";
import { findReferenceFault, type ReferenceTargets } from "../references/reference_targets.ts";
import {
  formatFieldKey,
  isReference,
  type Reference,
  type Store,
  UNNAMED_LEVEL,
} from "../references/store.ts";
import { byFileOrder } from "./fetch_plan.ts";
import type { Rejection } from "./field_reducer.ts";
import type { FieldDemand } from "./statistic.ts";

/** A member's message of a field. */
export interface PlannedMessage {
  member: Member;
  reference: Reference;
}

/** A field of the output, and where its messages are. */
export interface PlannedField {
  variable: Variable;
  stepHours: number;
  /** @default {undefined} (mean and deviation only) */
  demand?: FieldDemand;
  /** In the order of the files. */
  messages: PlannedMessage[];
  /** Members without a usable reference, and why. */
  rejections: Rejection[];
}

/** The key of a member's field, with its level. */
export function fieldKey(variable: Variable, stepHours: number, member: Member): string {
  const { param, levtype, level } = variable;
  return formatFieldKey({ stepHours, param, levtype, level, member });
}

/** The keys that a field may have in a store, the one with the level first. */
function candidateKeys(variable: Variable, stepHours: number, member: Member): string[] {
  const key = fieldKey(variable, stepHours, member);
  if (variable.levtype !== "pl" || variable.level !== UNNAMED_LEVEL) return [key];
  return [key, fieldKey({ ...variable, level: undefined }, stepHours, member)];
}

/**
 * Every key that fields of these variables and steps need of a member's store, under every name that
 * their parameters have had: the run may be known from the store alone.
 *
 * @param run that of the store, where it is known.
 */
export function neededKeys(
  variables: readonly Variable[],
  steps: readonly number[],
  member: Member,
  run?: Run,
): Set<string> {
  return new Set(
    variables.flatMap((variable) => listNames(variable, run)).flatMap((variable) =>
      steps.flatMap((step) => candidateKeys(variable, step, member))
    ),
  );
}

/** Whether any store refers to a field. */
export function isReferenced(
  stores: ReadonlyMap<Member, Store>,
  { variable, stepHours }: Pick<PlannedField, "variable" | "stepHours">,
): boolean {
  return [...stores].some(([member, store]) =>
    candidateKeys(variable, stepHours, member).some((key) => store.has(key))
  );
}

/**
 * Inverts stores to fields, steps first, variables in the order given, each under the name that its
 * parameter had in the era of the run.
 *
 * A key without level, as the Python tools write them, is used where the one with the level is missing:
 * the decoder checks the level of its message.
 *
 * @param targets where references may point.
 */
export function planFields(
  stores: ReadonlyMap<Member, Store>,
  members: readonly Member[],
  variables: readonly Variable[],
  steps: readonly number[],
  run: Run,
  targets?: ReferenceTargets,
): PlannedField[] {
  const published = variables.map((variable) => asPublished(variable, run));
  const files = new StepFiles();
  return steps.flatMap((stepHours) =>
    published.map((variable) => {
      const field: PlannedField = { variable, stepHours, messages: [], rejections: [] };
      for (const member of members) {
        addMessage(field, member, stores.get(member), run, files, targets);
      }
      field.messages.sort(byFileOrder);
      return field;
    })
  );
}

function addMessage(
  field: PlannedField,
  member: Member,
  store: Store | undefined,
  run: Run,
  files: StepFiles,
  targets: ReferenceTargets | undefined,
): void {
  const { variable, stepHours } = field;
  const key = candidateKeys(variable, stepHours, member).find((key) => store?.has(key));
  const value = key === undefined ? undefined : store?.get(key);
  if (value === undefined) {
    field.rejections.push({ member, reason: store ? "it is not referenced" : "no store" });
    return;
  }
  const reason = findReferenceFault(value, targets);
  if (reason !== undefined || !isReference(value)) {
    field.rejections.push({ member, reason: reason ?? "it is not referenced" });
    return;
  }
  const { file, url } = files.find(value.url);
  if (!file || file.stepHours !== stepHours || !isSameRun(file.run, run)) {
    field.rejections.push({ member, reason: `its reference points to ${value.url}` });
    return;
  }
  field.messages.push({ member, reference: value.url === url ? value : { ...value, url } });
}

/** The files of references, each read once: thousands of references have some dozens of files. */
class StepFiles {
  readonly #known = new Map<string, { file: ReturnType<typeof parseFileName>; url: string }>();

  /** What the name of a file says, and its address as all references to it have it. */
  find(url: string): { file: ReturnType<typeof parseFileName>; url: string } {
    const known = this.#known.get(url) ?? { file: parseFileName(url), url: canonicalUrl(url) };
    this.#known.set(url, known);
    return known;
  }
}

/** The run that most references of the stores point to; of several the first one. */
export function findRun(stores: ReadonlyMap<Member, Store>): Run | undefined {
  const files = new StepFiles();
  const counts = new Map<string, { run: Run; count: number }>();
  for (const store of stores.values()) {
    for (const value of store.values()) {
      const run = isReference(value) ? files.find(value.url).file?.run : undefined;
      if (!run) continue;
      const known = counts.get(runLabel(run));
      if (known) known.count++;
      else counts.set(runLabel(run), { run, count: 1 });
    }
  }
  const most = Math.max(...Array.from(counts.values(), ({ count }) => count));
  return [...counts.values()].find(({ count }) => count === most)?.run;
}
