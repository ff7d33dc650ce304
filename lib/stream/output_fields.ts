/**
 * Finished fields → the fields of the output, product by product, on its points.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import {
  countLeastMembers,
  emptyUncounted,
  type FieldSummary,
  requireMembers,
  type ResultField,
  summarizeField,
} from "../ensemble/field_result.ts";
import {
  type FieldProduct,
  isPlain,
  listWindows,
  type ProductWindow,
  statisticsOf,
} from "../ensemble/field_product.ts";
import { isSameStatistic, type MemberStatistic } from "../ensemble/statistic.ts";
import {
  type FieldValues,
  listArrayStatistics,
  type OutputField,
} from "../output/forecast_dataset.ts";
import type { FieldSession } from "./field_session.ts";
import type { StreamPlan } from "./plan_stream.ts";
import { listFurther } from "./product_fields.ts";
import type { FillMember, ProductValues } from "./product_values.ts";
import type { StreamOptions } from "./stream_options.ts";

/** What the fields of an output are made of. */
export interface OutputSources {
  plan: StreamPlan;
  options: Pick<StreamOptions, "profile" | "minMembers">;
  /** The fields of the plan, in its order, as they may be written. */
  fields: readonly ResultField[];
  /** Where their statistics are read. */
  session: Pick<FieldSession, "readStatistic">;
  /** The members of those. */
  values: ProductValues;
  /** From the points of the messages to those of the output. @default {undefined} (they are the same) */
  interpolate?: (values: Float32Array) => Float32Array;
  /** Called with a line for each field of a product that too few members have all inputs of. */
  onWarning(line: string): void;
}

/** A field of a product, and where the statistics are that are asked for. */
interface ProductField {
  reduced: FieldSummary;
  /** Mean, deviation, and by their number the statistics that are computed where they are asked for. */
  valuesOf(statistic: "mean" | "deviation" | number): FieldValues;
  further: readonly MemberStatistic[];
}

/** The fields of an output that have values, steps last. */
export async function collectOutputFields(
  sources: OutputSources,
): Promise<OutputField<FieldValues>[]> {
  const { plan: { products, run, steps } } = sources;
  const fields: OutputField<FieldValues>[] = [];
  for (const product of products) {
    for (const window of listWindows(product, run, steps)) {
      const found = isPlain(product)
        ? findPlainField(product, window, sources)
        : await computeField(product, window, sources);
      if (found) fields.push(...toOutputField(product, window, found, sources));
    }
  }
  return fields;
}

/** A field of the plan: its statistics are read when they are written, one after the other. */
function findPlainField(
  { inputs: [variable] }: FieldProduct,
  { stepHours }: ProductWindow,
  { plan, fields, session, interpolate = same }: OutputSources,
): ProductField | undefined {
  const i = fields.findIndex((field) =>
    field.variable.name === variable!.name && field.stepHours === stepHours
  );
  if (i < 0) return undefined; // not published
  const { reduced } = fields[i]!;
  return {
    reduced,
    valuesOf: (statistic) => async () =>
      interpolate(emptyUncounted(await session.readStatistic(i, statistic), reduced)),
    further: plan.fields[i]!.demand?.statistics ?? [],
  };
}

/** The field of a product that takes several: its statistics are computed now, and held. */
async function computeField(
  product: FieldProduct,
  window: ProductWindow,
  { options: { profile, minMembers = 1 }, values, interpolate = same, onWarning }: OutputSources,
): Promise<ProductField> {
  const further = listFurther(statisticsOf(product, profile));
  const result = await values.reduce(product, window, further);
  const [variable] = product.inputs;
  const { stepHours } = window;
  const field = { variable: variable!, stepHours, reduced: summarizeField(result) };
  const { reduced } = requireMembers([field], minMembers)[0]!;
  const { length } = result.members;
  if (length > 0 && reduced.members.length === 0) {
    onWarning(
      `${product.name} (${stepHours} h) is empty: ${length} members have all of its fields and ` +
        `${minMembers} are required`,
    );
  }
  const valuesOf = (statistic: "mean" | "deviation" | number) => {
    const own = typeof statistic === "number" ? result.further![statistic]! : result[statistic];
    return interpolate(emptyUncounted(own, reduced));
  };
  return { reduced, valuesOf, further };
}

function same(values: Float32Array): Float32Array {
  return values;
}

function toOutputField(
  product: FieldProduct,
  { stepHours }: ProductWindow,
  { reduced, valuesOf, further }: ProductField,
  { options: { profile } }: OutputSources,
): OutputField<FieldValues>[] {
  if (reduced.members.length === 0) return [];
  const statistics = listArrayStatistics(product, profile).map((statistic) => {
    if (statistic.kind === "mean") return valuesOf("mean");
    const i = further.findIndex((it) => isSameStatistic(it, statistic));
    return valuesOf(i < 0 ? "deviation" : i);
  });
  const { members, conversions } = reduced;
  const membersUsed = countLeastMembers(reduced);
  const varies = membersUsed < members.length;
  return [{
    ...{ product, stepHours, statistics, membersUsed },
    ...(varies && { varies }),
    ...(conversions && { conversions }),
  }];
}

/** Opens the members of a product at a step, on the points of the output. */
export async function readOutputMembers(
  product: FieldProduct,
  stepHours: number,
  { plan, options: { minMembers = 1 }, values, interpolate }: OutputSources,
): Promise<FillMember> {
  const { run, steps, members } = plan;
  const window = listWindows(product, run, steps).find((it) => it.stepHours === stepHours)!;
  const all = await values.readRounded(product, window);
  const fill = minMembers > 1
    ? emptyScarcePoints(all, members, values.pointCount, minMembers)
    : all;
  if (!interpolate) return fill;
  const own = new Float32Array(values.pointCount);
  return (member, out) => {
    if (!fill(member, own)) return false;
    out.set(interpolate(own));
    return true;
  };
}

/** The same, empty at the points where fewer members have a value than wanted, as the statistics are. */
function emptyScarcePoints(
  fill: FillMember,
  members: readonly Member[],
  pointCount: number,
  wanted: number,
): FillMember {
  const counts = new Uint16Array(pointCount);
  const own = new Float32Array(pointCount);
  for (const member of members) {
    if (!fill(member, own)) continue;
    own.forEach((value, point) => counts[point]! += Number.isNaN(value) ? 0 : 1);
  }
  return (member, out) => {
    if (!fill(member, out)) return false;
    counts.forEach((count, point) => {
      if (count < wanted) out[point] = NaN;
    });
    return true;
  };
}
