/**
 * What is written of variables: each as it is, over periods, or derived from two, as data; and the
 * fields that each takes.
 *
 * @module
 */
import { referenceTime, type Run, runSteps } from "../ecmwf/run.ts";
import type { Variable } from "../ecmwf/variables.ts";
import type { MemberStatistic } from "./statistic.ts";

/**
 * The time that a value is of: hours up to its step; `day`, the East African day from 06 to 06 UTC that
 * ends with its step; `next`, from its step to the next one that is written, 0 at the last.
 */
export type Period = number | "day" | "next";

/** Something that has a value of each member at each of its steps. */
export interface FieldProduct {
  /** In the names of what is written: `tp`, `tp_24h`, `wind700`. */
  name: string;
  /** One variable, or the two that it is derived from. */
  inputs: readonly Variable[];
  /** How one value comes of two. @default {undefined} (there is one input) */
  derive?: "speed";
  /**
   * Over which an accumulation is summed, and anything else averaged. @default {undefined} (values are as
   * in the messages)
   */
  period?: Period;
  /** @default {undefined} (those of the profile) */
  statistics?: readonly MemberStatistic[];
}

/** The hours of an East African day, and the hour of UTC that it begins with. */
const DAY_HOURS = 24;
const DAY_STARTS = 6;

/** A value in time. */
export interface ProductWindow {
  /** That it is written at. */
  stepHours: number;
  /** Steps that bound its period; both are `stepHours` where it has none. */
  startHours: number;
  endHours: number;
}

/** A variable as it is. */
export function plainProduct(variable: Variable): FieldProduct {
  return { name: variable.name, inputs: [variable] };
}

/** Whether a product accumulates: it is summed over periods, not averaged. */
export function isAccumulated({ inputs, derive }: FieldProduct): boolean {
  return derive === undefined && inputs[0]!.accumulated;
}

/** Whether a product is its variable, and needs no more than the members of one field. */
export function isPlain({ derive, period }: FieldProduct): boolean {
  return derive === undefined && period === undefined;
}

/** The variables that products are made of, each once. */
export function listInputs(products: readonly FieldProduct[]): Variable[] {
  const inputs = products.flatMap((product) => product.inputs);
  return inputs.filter(({ name }, i) => inputs.findIndex((it) => it.name === name) === i);
}

/**
 * The values of a product in time. A period counts when the run has the step that it starts with.
 *
 * @param steps that are written, ascending.
 */
export function listWindows(
  { period }: Pick<FieldProduct, "period">,
  run: Run,
  steps: readonly number[],
): ProductWindow[] {
  if (period === undefined) {
    return steps.map((step) => ({ stepHours: step, startHours: step, endHours: step }));
  }
  if (period === "next") {
    return steps.map((step, i) => {
      return { stepHours: step, startHours: step, endHours: steps[i + 1] ?? step };
    });
  }
  const hours = period === "day" ? DAY_HOURS : period;
  const runHour = referenceTime(run).getUTCHours();
  const known = new Set(runSteps(run));
  return steps
    .filter((step) => known.has(step - hours))
    .filter((step) => period !== "day" || (runHour + step) % DAY_HOURS === DAY_STARTS)
    .map((step) => ({ stepHours: step, startHours: step - hours, endHours: step }));
}

/** The steps of the fields that a value takes, ascending; of an accumulation without the start of the run. */
export function listInputSteps(
  product: FieldProduct,
  run: Run,
  { startHours, endHours }: ProductWindow,
): number[] {
  if (product.period === undefined) return [endHours];
  if (!isAccumulated(product)) {
    return runSteps(run).filter((step) => startHours < step && step <= endHours);
  }
  if (startHours === endHours) return [];
  return [startHours, endHours].filter((step) => step > 0);
}

/** The statistics of a product. */
export function statisticsOf(
  product: Pick<FieldProduct, "statistics">,
  profile: { statistics: readonly MemberStatistic[] },
): readonly MemberStatistic[] {
  return product.statistics ?? profile.statistics;
}
