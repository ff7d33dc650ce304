/**
 * Saved fields → the values of each member of a product: over periods, and derived from two fields. A few
 * fields are in memory at a time, as they were packed.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import {
  emptyField,
  type ReducedField,
  sameAxes,
  type WindowAxes,
} from "../ensemble/field_reducer.ts";
import type { ResultField } from "../ensemble/field_result.ts";
import {
  type FieldProduct,
  isAccumulated,
  isPlain,
  listInputSteps,
  type ProductWindow,
} from "../ensemble/field_product.ts";
import { fillKept, type KeptMembers, openKept } from "../ensemble/kept_members.ts";
import { measureMembers } from "../ensemble/measure_members.ts";
import type { MemberStatistic } from "../ensemble/statistic.ts";
import { meanAndDeviation } from "../ensemble/statistics.ts";
import type { StreamPlan } from "./plan_stream.ts";

/** Members and their values, (latitude, longitude), row-major, north first; ascending. */
export type MemberValues = ReadonlyMap<Member, Float64Array>;

/**
 * Writes the values of a member to an array, rounded to float32 where it is one.
 *
 * @returns whether there are any; else the array is as it was.
 */
export type FillMember = (member: Member, out: Float32Array) => boolean;

/** Where the members of saved fields are read, as of a `FieldSession`. */
export interface ProductSource {
  plan: Pick<StreamPlan, "run" | "members">;
  /** By index in the plan. */
  readKept(fieldIndex: number): Promise<KeptMembers>;
}

/** Bytes of packed members that are held, at most: about 10 fields of the default region. */
const HELD_BYTES = 24 * 1024 * 1024;

/** Computes the values of members of products from the fields of a session. */
export class ProductValues {
  /** Fields that were read last, the latest at the end. */
  readonly #held = new Map<number, KeptMembers>();
  /** Index in the plan, by variable and step. */
  readonly #indexes: ReadonlyMap<string, number>;

  /**
   * @param results of the fields of the plan, in its order, with the members that may be used.
   * @param axes of the output: fields on other points are left out.
   */
  constructor(
    private readonly session: ProductSource,
    private readonly results: readonly ResultField[],
    private readonly axes: WindowAxes,
  ) {
    this.#indexes = new Map(results.map((field, i) => [nameField(field), i]));
  }

  /**
   * The statistics of a product that takes more than one field.
   *
   * @param statistics those besides mean and deviation.
   */
  async reduce(
    product: FieldProduct,
    window: ProductWindow,
    statistics: readonly MemberStatistic[],
  ): Promise<ReducedField> {
    const values = await this.read(product, window);
    const members = [...values.keys()];
    if (members.length === 0) return emptyField([]);
    const arrays = [...values.values()];
    const further = measureMembers(arrays, this.pointCount, statistics);
    return {
      ...emptyField([]),
      ...meanAndDeviation(arrays, this.pointCount),
      axes: this.axes,
      members,
      ...(statistics.length > 0 && { further }),
    };
  }

  /** The values of every member that has all fields which a value of the product takes. */
  async read(product: FieldProduct, window: ProductWindow): Promise<MemberValues> {
    const steps = listInputSteps(product, this.session.plan.run, window);
    if (product.period === undefined) return await this.#readAt(product, window.stepHours);
    return isAccumulated(product)
      ? await this.#sum(product, steps)
      : await this.#average(product, steps);
  }

  /** The same in float32, as files have them: of a field itself, without an array for each member. */
  async readRounded(product: FieldProduct, window: ProductWindow): Promise<FillMember> {
    if (!isPlain(product)) {
      const values = await this.read(product, window);
      return (member, out) => {
        const own = values.get(member);
        if (own) out.set(own);
        return own !== undefined;
      };
    }
    const index = this.#findUsable(product.inputs[0]!.name, window.stepHours);
    if (index === undefined) return () => false;
    // Each is read once: nothing is held.
    const kept = await this.session.readKept(index);
    const members = new Set(this.results[index]!.reduced.members);
    return (member, out) => members.has(member) && fillKept(kept, member, out);
  }

  /**
   * What accumulates between two steps. From the start of the run, where nothing has, it is the value at
   * the later step; at no step it is 0.
   */
  async #sum(product: FieldProduct, steps: readonly number[]): Promise<MemberValues> {
    const [first, last] = steps;
    if (first === undefined) return this.#zeros();
    if (last === undefined) return await this.#readAt(product, first);
    const earlier = await this.#readAt(product, first);
    return join(earlier, await this.#readAt(product, last), (before, after) => after - before);
  }

  #zeros(): MemberValues {
    const zeros = new Float64Array(this.pointCount);
    return new Map(this.session.plan.members.map((member) => [member, zeros]));
  }

  async #average(product: FieldProduct, steps: readonly number[]): Promise<MemberValues> {
    let sums: MemberValues | undefined;
    for (const step of steps) {
      const values = await this.#readAt(product, step);
      sums = sums ? join(sums, values, (sum, value) => sum + value) : values;
    }
    for (const values of sums?.values() ?? []) {
      for (let i = 0; i < values.length; i++) values[i]! /= steps.length;
    }
    return sums ?? new Map();
  }

  /** The values at one step: those of its field, or derived from two. */
  async #readAt({ inputs, derive }: FieldProduct, stepHours: number): Promise<MemberValues> {
    const [first, second] = inputs;
    const values = await this.#readField(first!.name, stepHours);
    if (derive === undefined || !second) return values;
    return join(values, await this.#readField(second.name, stepHours), findSpeed);
  }

  async #readField(name: string, stepHours: number): Promise<MemberValues> {
    const index = this.#findUsable(name, stepHours);
    if (index === undefined) return new Map();
    const kept = await this.#readKept(index);
    return new Map(this.results[index]!.reduced.members.flatMap((member) => {
      const values = openKept(kept, member);
      return values ? [[member, values] as const] : [];
    }));
  }

  /** The index of a field that has members, on the points of the output. */
  #findUsable(name: string, stepHours: number): number | undefined {
    const index = this.#indexes.get(nameField({ variable: { name }, stepHours }));
    const { members = [], axes } = index === undefined ? {} : this.results[index]!.reduced;
    return members.length > 0 && axes && sameAxes(axes, this.axes) ? index : undefined;
  }

  /** Reads a field, or takes it from those that were read last. */
  async #readKept(index: number): Promise<KeptMembers> {
    const kept = this.#held.get(index) ?? await this.session.readKept(index);
    this.#held.delete(index);
    this.#held.set(index, kept);
    let bytes = [...this.#held.values()].reduce((sum, { packed }) => sum + packed.length, 0);
    for (const [oldest, { packed }] of this.#held) {
      if (bytes <= HELD_BYTES || oldest === index) break;
      this.#held.delete(oldest);
      bytes -= packed.length;
    }
    return kept;
  }

  /** Points of a field. */
  get pointCount(): number {
    return this.axes.latitudes.length * this.axes.longitudes.length;
  }
}

function nameField(field: { variable: { name: string }; stepHours: number }): string {
  return `${field.variable.name} ${field.stepHours}`;
}

function findSpeed(eastward: number, northward: number): number {
  return Math.sqrt(eastward * eastward + northward * northward);
}

/** The members that both have, point by point joined into the values of the first. */
function join(
  first: MemberValues,
  second: MemberValues,
  combine: (a: number, b: number) => number,
): MemberValues {
  const joined = new Map<Member, Float64Array>();
  for (const [member, values] of first) {
    const others = second.get(member);
    if (!others) continue;
    for (let i = 0; i < values.length; i++) values[i] = combine(values[i]!, others[i]!);
    joined.set(member, values);
  }
  return joined;
}
