/**
 * A run → its era, and what ECMWF published then.
 *
 * @module
 */
import { DATASETS, type Era, type EraParameter, findDataset, type FirstRun } from "./datasets.ts";
import { referenceTime, type Run } from "./run.ts";
import type { Variable } from "./variables.ts";

const DAY_MS = 86_400_000;

/** The eras of the dataset of a run, the oldest first. */
export function listEras(dataset: Pick<Run, "model">): readonly Era[] {
  return findDataset(dataset).eras;
}

/** The era of a run; of a run before all eras of its dataset the first one. */
export function findEra(run: Run): Era {
  const eras = listEras(run);
  return eras.findLast(({ firstRun }) => !isBefore(run, firstRun)) ?? eras[0]!;
}

/** Whether a run starts before another one. */
export function isBefore(run: Run, other: Run): boolean {
  // Both are of fixed width, and this is asked for every field of a run.
  return run.date + run.hour < other.date + other.hour;
}

/** Name that ECMWF's indexer gives to each parameter that it does not know. */
export const UNNAMED_PARAM = "unknown";

/** A field, as far as its era knows it. */
export interface EraField {
  param: string;
  levtype: string;
  /** hPa, or the layer of the soil. */
  level?: number;
}

/**
 * Whether ECMWF published a field of the ensemble; `perhaps` where its first run, or whether it is at
 * this step, is not known.
 */
export type Publication = "yes" | "perhaps" | "no";

/** The row of a field in the era of a run; `undefined` when the era never had it. */
export function findEraParameter(
  run: Run,
  { param, levtype, level }: EraField,
): EraParameter | undefined {
  const { parameters, levels } = findEra(run);
  const row = parameters.find((it) => it.param === param && it.levtype === levtype);
  if (!row || row.levtype === "sfc" || level === undefined) return row;
  return levels[row.levtype].includes(level) && !row.notOn?.includes(level) ? row : undefined;
}

/** Whether ECMWF published a field of a run, at any step. */
export function findPublication(run: Run, field: EraField): Publication {
  const row = isBefore(run, listEras(run)[0]!.firstRun) ? undefined : findEraParameter(run, field);
  if (!row || row.operOnly) return "no";
  if (!row.since) return "yes";
  const { run: first, aboutDays = 0 } = row.since;
  const daysAfter = (referenceTime(run).getTime() - referenceTime(first).getTime()) / DAY_MS;
  if (daysAfter >= aboutDays) return "yes";
  return daysAfter < -aboutDays ? "no" : "perhaps";
}

/** Those of some variables that ECMWF surely did not publish of a run. */
export function findUnpublished(run: Run, variables: readonly Variable[]): Variable[] {
  return variables.filter((it) => findPublication(run, asPublished(it, run)) === "no");
}

/** Whether ECMWF published a field of a run at a step. */
export function findPublicationAt(run: Run, field: EraField, stepHours: number): Publication {
  const publication = findPublication(run, field);
  if (publication === "no") return "no";
  const { afterStep0, steps } = findEraParameter(run, field)!;
  if (afterStep0 && stepHours === 0) return "no";
  if (steps === "some") return "perhaps";
  const isThen = steps?.some(([first, last]) => first <= stepHours && stepHours <= last) ?? true;
  return isThen ? publication : "no";
}

/**
 * The first run that has a variable, whatever its name then; `undefined` when none has.
 *
 * @param dataset of whose runs. @default the IFS
 */
export function findFirstRun(
  variable: Variable,
  dataset: Pick<Run, "model"> = {},
): FirstRun | undefined {
  for (const { firstRun } of listEras(dataset)) {
    const row = findEraParameter(firstRun, asPublished(variable, firstRun));
    if (row && !row.operOnly) return row.since ?? { run: firstRun };
  }
  return undefined;
}

/** A first run for people: `2025-11-20 12 UTC`, or `about 2024-03-05`. */
export function describeFirstRun({ run: { date, hour }, aboutDays }: FirstRun): string {
  const day = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`;
  return aboutDays ? `about ${day}` : `${day} ${hour} UTC`;
}

/** The ensemble of a dataset in a sentence: `the ensemble` is that of the IFS. */
export function describeEnsemble(dataset: Pick<Run, "model">): string {
  return dataset.model ? `the ${findDataset(dataset).title}` : "the ensemble";
}

/**
 * When ECMWF published no such variables, one text for those of the same first run: `tcc, sf for the
 * ensemble before 2025-11-20 12 UTC`.
 *
 * @param dataset of whose runs. @default the IFS
 */
export function describeUnpublished(
  variables: readonly Variable[],
  dataset: Pick<Run, "model"> = {},
): string[] {
  const byFirst = Map.groupBy(variables, (variable) => {
    const first = findFirstRun(variable, dataset);
    return first ? ` before ${describeFirstRun(first)}` : "";
  });
  return [...byFirst].map(([before, own]) =>
    `${own.map(({ name }) => name).join(", ")} for ${describeEnsemble(dataset)}${before}`
  );
}

/** A variable under the name that its parameter had in the era of a run. */
export function asPublished(variable: Variable, run: Run): Variable {
  const earlier = findEra(run).earlierNames?.find(({ now }) => now === variable.param);
  if (!earlier) return variable;
  const { now: _, ...facts } = earlier;
  return { ...variable, ...facts };
}

/**
 * A variable under every name that its parameter has had, that of the table first.
 *
 * @param dataset of whose runs. @default of all datasets
 */
export function listNames(variable: Variable, dataset?: Pick<Run, "model">): Variable[] {
  const eras = dataset ? listEras(dataset) : Object.values(DATASETS).flatMap((it) => it.eras);
  const named = eras.map(({ firstRun }) => asPublished(variable, firstRun));
  return [variable, ...named.filter(({ param }) => param !== variable.param)];
}
