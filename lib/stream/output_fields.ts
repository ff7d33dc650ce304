/**
 * Finished fields → the fields of the output, product by product, on its points.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import { countLeastMembers, requireMembers, type ResultField } from "../ensemble/field_result.ts";
import {
  type FieldProduct,
  isPlain,
  listWindows,
  type ProductWindow,
  statisticsOf,
} from "../ensemble/field_product.ts";
import { isSameStatistic, type MemberStatistic } from "../ensemble/statistic.ts";
import { listArrayStatistics, type OutputField } from "../output/forecast_dataset.ts";
import type { StreamPlan } from "./plan_stream.ts";
import { listFurther } from "./product_fields.ts";
import type { ProductValues } from "./product_values.ts";
import type { StreamOptions } from "./stream_options.ts";

/** What the fields of an output are made of. */
export interface OutputSources {
  plan: StreamPlan;
  options: Pick<StreamOptions, "profile" | "minMembers">;
  /** The fields of the plan, in its order, as they may be written. */
  fields: readonly ResultField[];
  /** The members of those. */
  values: ProductValues;
  /** From the points of the messages to those of the output. */
  interpolate: (values: Float32Array) => Float32Array;
  /** Called with a line for each field of a product that too few members have all inputs of. */
  onWarning(line: string): void;
}

/** A field of a product, and the statistics that are computed of it where they are asked for. */
interface ProductField {
  field: ResultField;
  further: readonly MemberStatistic[];
}

/** The fields of an output that have values, steps last. */
export async function collectOutputFields(sources: OutputSources): Promise<OutputField[]> {
  const { plan: { products, run, steps } } = sources;
  const fields: OutputField[] = [];
  for (const product of products) {
    for (const window of listWindows(product, run, steps)) {
      const found = isPlain(product)
        ? findPlainField(product, window, sources)
        : await computeField(product, window, sources);
      if (found) fields.push(...toOutputField(product, found, sources));
    }
  }
  return fields;
}

function findPlainField(
  { inputs: [variable] }: FieldProduct,
  { stepHours }: ProductWindow,
  { plan, fields }: OutputSources,
): ProductField | undefined {
  const i = fields.findIndex((field) =>
    field.variable.name === variable!.name && field.stepHours === stepHours
  );
  if (i < 0) return undefined; // not published
  return { field: fields[i]!, further: plan.fields[i]!.demand?.statistics ?? [] };
}

/** The field of a product that takes several: its statistics are computed now. */
async function computeField(
  product: FieldProduct,
  window: ProductWindow,
  { options: { profile, minMembers = 1 }, values, onWarning }: OutputSources,
): Promise<ProductField> {
  const further = listFurther(statisticsOf(product, profile));
  const result = await values.reduce(product, window, further);
  const field = requireMembers([result], minMembers)[0]!;
  const { length } = result.reduced.members;
  if (length > 0 && field.reduced.members.length === 0) {
    onWarning(
      `${product.name} (${window.stepHours} h) is empty: ${length} members have all of its fields and ` +
        `${minMembers} are required`,
    );
  }
  return { field, further };
}

function toOutputField(
  product: FieldProduct,
  { field: { stepHours, reduced }, further }: ProductField,
  { options: { profile }, interpolate }: OutputSources,
): OutputField[] {
  if (reduced.members.length === 0) return [];
  const statistics = listArrayStatistics(product, profile).map((statistic) => {
    if (statistic.kind === "mean") return interpolate(reduced.mean);
    const i = further.findIndex((it) => isSameStatistic(it, statistic));
    return interpolate(i < 0 ? reduced.deviation : reduced.further![i]!);
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

/** Reads the members of a product at a step, on the points of the output. */
export async function readOutputMembers(
  product: FieldProduct,
  stepHours: number,
  { plan: { run, steps }, options: { minMembers = 1 }, values, interpolate }: OutputSources,
): Promise<Map<Member, Float32Array>> {
  const window = listWindows(product, run, steps).find((it) => it.stepHours === stepHours)!;
  const members = await values.readRounded(product, window);
  if (minMembers > 1) emptyScarceValues([...members.values()], minMembers);
  for (const [member, own] of members) members.set(member, interpolate(own));
  return members;
}

/** Empties the points at which fewer members have a value than wanted, as the statistics are. */
function emptyScarceValues(members: readonly Float32Array[], wanted: number): void {
  const counts = new Uint16Array(members[0]?.length ?? 0);
  for (const values of members) {
    values.forEach((value, point) => counts[point]! += Number.isNaN(value) ? 0 : 1);
  }
  for (const values of members) {
    counts.forEach((count, point) => {
      if (count < wanted) values[point] = NaN;
    });
  }
}
