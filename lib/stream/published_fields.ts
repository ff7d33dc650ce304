/**
 * Planned fields → those that ECMWF published, and the variables and fields that it did not: these are
 * not missing.
 *
 * @module
 */
import {
  describeEnsemble,
  describeFirstRun,
  describeUnpublished,
  findFirstRun,
  findPublication,
  findPublicationAt,
} from "../ecmwf/eras.ts";
import { describeRun, type Run } from "../ecmwf/run.ts";
import type { Variable } from "../ecmwf/variables.ts";
import type { PlannedField } from "../ensemble/field_plan.ts";
import { type FieldProduct, isPlain } from "../ensemble/field_product.ts";
import { UsageError } from "../errors.ts";

/** A field of the output, by its variable and step. */
export type FieldName = Pick<PlannedField, "variable" | "stepHours">;

/** What an output lacks because ECMWF did not publish it. */
export interface Unpublished {
  /** In none of the run's files. */
  variables: readonly Variable[];
  /** Of other variables: accumulations at step 0. */
  fields: readonly FieldName[];
}

/** Fields of a run by whether ECMWF published them. */
export interface PublishedFields {
  fields: readonly PlannedField[];
  unpublished: Unpublished;
}

/**
 * Leaves out the fields that the run's era did not have. A field that any store refers to counts as
 * published, whatever the table of eras says.
 *
 * @param isReferenced whether any store refers to a field.
 */
export function choosePublished(
  run: Run,
  fields: readonly PlannedField[],
  isReferenced: (field: FieldName) => boolean,
): PublishedFields {
  const lacking = new Set(fields.filter((field) => !isReferenced(field)));
  const referenced = new Set(
    fields.filter((it) => !lacking.has(it)).map(({ variable }) => variable.name),
  );
  const isUnpublished = (variable: Variable) =>
    !referenced.has(variable.name) && findPublication(run, variable) !== "yes";
  const ofVariables = [...lacking].filter(({ variable }) => isUnpublished(variable));
  const ofSteps = [...lacking].filter(({ variable, stepHours }) => {
    if (isUnpublished(variable)) return false;
    const isKnown = findPublication(run, variable) !== "no";
    return isKnown
      ? findPublicationAt(run, variable, stepHours) === "no"
      : variable.accumulated && stepHours === 0;
  });
  const left = new Set([...ofVariables, ...ofSteps]);
  const variables = new Map(ofVariables.map(({ variable }) => [variable.name, variable]));
  return {
    fields: fields.filter((field) => !left.has(field)),
    unpublished: {
      variables: [...variables.values()],
      fields: ofSteps.map(({ variable, stepHours }) => ({ variable, stepHours })),
    },
  };
}

/** What is not published under the names that the file would have for it: `mucape` where that is `cape`. */
export function nameAsWritten(
  { variables, fields }: Unpublished,
  products: readonly FieldProduct[],
): Unpublished {
  const rename = (variable: Variable): Variable => {
    const plain = products.filter(isPlain).filter(({ inputs: [it] }) => it!.name === variable.name);
    const written = plain.find(({ name }) => name === variable.name) ?? plain[0];
    return written ? { ...variable, name: written.name } : variable;
  };
  return {
    variables: variables.map(rename),
    fields: fields.map((field) => ({ ...field, variable: rename(field.variable) })),
  };
}

/** What is not published, one line for each first run and each step. */
export function describeUnpublishedFields(
  { variables, fields }: Unpublished,
  run: Run,
): string[] {
  const bySteps = Map.groupBy(fields, ({ stepHours }) => stepHours);
  return [
    ...describeUnpublished(variables, run).map((text) => `ECMWF published no ${text}`),
    ...Array.from(bySteps, ([step, own]) => {
      const names = own.map(({ variable }) => variable.name).join(", ");
      return `ECMWF published no ${names} at step ${step}`;
    }),
  ];
}

/**
 * Checks that ECMWF published variables that were asked for by name.
 *
 * @throws {UsageError} with the first run that has them.
 */
export function requirePublished(run: Run, variables: readonly Variable[]): void {
  if (variables.length === 0) return;
  const firsts = Map.groupBy(variables, (variable) => {
    const first = findFirstRun(variable, run);
    return first && describeFirstRun(first);
  });
  const remedies = Array.from(firsts, ([first, own]) => {
    const names = own.map(({ name }) => name).join(", ");
    return first ? `the first run with ${names} is ${first}` : `no run has ${names}`;
  });
  throw new UsageError(
    `Cannot write ${variables.map(({ name }) => name).join(", ")} of ${describeRun(run)}: ` +
      `ECMWF did not publish that for ${describeEnsemble(run)}; ${remedies.join(", ")}`,
  );
}

/**
 * Checks that any field is left.
 *
 * @throws {UsageError} when ECMWF published none of these variables at these steps.
 */
export function requireFields({ fields, unpublished }: PublishedFields, run: Run): void {
  const [first] = unpublished.fields;
  if (fields.length > 0 || !first) return;
  const names = [...new Set(unpublished.fields.map(({ variable }) => variable.name))];
  throw new UsageError(
    `Cannot write ${names.join(", ")} of ${describeRun(run)} at step ${first.stepHours}: ` +
      "ECMWF does not publish that; give later --steps",
  );
}
