/**
 * The products of an output → the fields that they take, at which steps, and what is asked of each.
 *
 * @module
 */
import { asPublished } from "../ecmwf/eras.ts";
import { chooseSteps, describeRun, parseRun, type Run } from "../ecmwf/run.ts";
import { findDataset, listHours, type ModelName } from "../ecmwf/datasets.ts";
import type { Variable } from "../ecmwf/variables.ts";
import type { PlannedField } from "../ensemble/field_plan.ts";
import {
  type FieldProduct,
  isPlain,
  listInputs,
  listInputSteps,
  listWindows,
  plainProduct,
  statisticsOf,
} from "../ensemble/field_product.ts";
import {
  type FieldDemand,
  isOfEveryField,
  isSameStatistic,
  type MemberStatistic,
} from "../ensemble/statistic.ts";
import { UsageError } from "../errors.ts";
import type { OutputProfile } from "../output/profile.ts";
import { sortUnique } from "../util/numbers.ts";
import type { StreamOptions } from "./stream_options.ts";

/** What the products of a command follow from. */
type ProductOptions = Pick<StreamOptions, "profile" | "products" | "variables">;

/** The products of an output. */
export function chooseProducts(
  { profile, products, variables }: ProductOptions,
): readonly FieldProduct[] {
  return products ?? variables?.map(plainProduct) ?? profile.products;
}

/**
 * The steps of all fields that products take, ascending: those that are written, and where periods begin.
 *
 * @param steps that are written, ascending.
 */
export function listFieldSteps(
  products: readonly FieldProduct[],
  run: Run,
  steps: readonly number[],
): number[] {
  return sortUnique(products.flatMap((product) => listProductSteps(product, run, steps)));
}

/** The same for the runs of every hour, where it is not known which one it is. */
export function listStepsOfAnyRun(
  products: readonly FieldProduct[],
  model: ModelName | undefined,
  steps: readonly number[],
): number[] {
  const runs = listHours(findDataset({ model })).map((hour) => parseRun("20260101", hour, model));
  return sortUnique(runs.flatMap((run) => listFieldSteps(products, run, steps)));
}

/**
 * The steps of a run whose fields an output takes, by its options.
 *
 * @throws {UsageError} for a run that the profile is not for, and for steps that end no period of a
 *   product.
 */
export function chooseFieldSteps(
  options: ProductOptions & Pick<StreamOptions, "steps">,
  run: Run,
): number[] {
  requireRunHour(run, options.profile);
  const steps = chooseSteps(run, options.steps, options.profile.steps);
  const products = chooseProducts(options);
  requireWindows(products, run, steps);
  return listFieldSteps(products, run, steps);
}

/** @throws {UsageError} for a run of an hour that the profile is not for. */
export function requireRunHour(
  run: Run,
  { name, runHours }: Pick<OutputProfile, "name" | "runHours">,
): void {
  if (runHours === undefined || runHours.includes(run.hour)) return;
  throw new UsageError(
    `Cannot use profile "${name}" for ${describeRun(run)}: it is for runs of ${
      runHours.join(", ")
    } UTC; give --run ${runHours.join(",")}`,
  );
}

function listProductSteps(product: FieldProduct, run: Run, steps: readonly number[]): number[] {
  return listWindows(product, run, steps).flatMap((window) => listInputSteps(product, run, window));
}

/** Products with their inputs under the names that these had in the era of a run. */
export function publishProducts(products: readonly FieldProduct[], run: Run): FieldProduct[] {
  return products.map((product) => {
    return { ...product, inputs: product.inputs.map((variable) => asPublished(variable, run)) };
  });
}

/**
 * Checks that the steps of an output end any period of each product.
 *
 * @throws {UsageError} naming the product.
 */
export function requireWindows(
  products: readonly FieldProduct[],
  run: Run,
  steps: readonly number[],
): void {
  const empty = products.find((product) => listWindows(product, run, steps).length === 0);
  if (!empty) return;
  const ends = empty.period === "day"
    ? "the day from 06 to 06 UTC, 24 hours at least after the start of the run"
    : `${empty.period} hours that begin with a step of the run`;
  throw new UsageError(
    `Cannot write "${empty.name}": none of steps ${steps.join(", ")} ends ${ends}; ` +
      "give other --steps",
  );
}

/** What products ask of fields, by their steps. */
export class FieldDemands {
  /** By the name of a variable. */
  readonly #plain = new Map<string, MemberStatistic[]>();
  readonly #plainSteps: ReadonlySet<number>;
  /** The steps at which the members of a variable are kept, by its name. */
  readonly #kept = new Map<string, Set<number>>();

  /** @param steps that are written, ascending. */
  constructor(
    products: readonly FieldProduct[],
    run: Run,
    steps: readonly number[],
    profile: Pick<OutputProfile, "statistics">,
  ) {
    this.#plainSteps = new Set(steps);
    for (const product of products) {
      const statistics = statisticsOf(product, profile);
      const isKept = !isPlain(product) || statistics.some(({ kind }) => kind === "members");
      for (const { name } of product.inputs) {
        if (isPlain(product)) this.#plain.set(name, this.#join(name, statistics));
        if (isKept) this.#keep(name, listProductSteps(product, run, steps));
      }
    }
  }

  #join(name: string, statistics: readonly MemberStatistic[]): MemberStatistic[] {
    const known = this.#plain.get(name) ?? [];
    const added = listFurther(statistics)
      .filter((it) => !known.some((other) => isSameStatistic(it, other)));
    return [...known, ...added];
  }

  #keep(name: string, steps: readonly number[]): void {
    this.#kept.set(name, (this.#kept.get(name) ?? new Set()).union(new Set(steps)));
  }

  /** Whether any product takes a field. */
  includes({ variable, stepHours }: Pick<PlannedField, "variable" | "stepHours">): boolean {
    return this.#isPlain(variable, stepHours) || this.#isKept(variable, stepHours);
  }

  /** What is asked of a field besides mean and deviation; `undefined` for nothing. */
  find({ variable, stepHours }: PlannedField): FieldDemand | undefined {
    const statistics = this.#isPlain(variable, stepHours) ? this.#plain.get(variable.name)! : [];
    const keepsMembers = this.#isKept(variable, stepHours);
    return keepsMembers || statistics.length > 0 ? { statistics, keepsMembers } : undefined;
  }

  #isPlain({ name }: Variable, stepHours: number): boolean {
    return this.#plain.has(name) && this.#plainSteps.has(stepHours);
  }

  #isKept({ name }: Variable, stepHours: number): boolean {
    return this.#kept.get(name)?.has(stepHours) ?? false;
  }
}

/** The statistics that are computed only where they are asked for, in the order of the output. */
export function listFurther(statistics: readonly MemberStatistic[]): MemberStatistic[] {
  return statistics.filter((it) => it.kind !== "members" && !isOfEveryField(it));
}

/** The products whose inputs are all published. */
export function withoutInputs(
  products: readonly FieldProduct[],
  left: readonly Variable[],
): FieldProduct[] {
  const names = new Set(left.map(({ name }) => name));
  return products.filter((product) => listInputs([product]).every(({ name }) => !names.has(name)));
}
