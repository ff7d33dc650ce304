/**
 * Options on what is made of the members: statistics, probabilities, periods and winds.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { findNamed, listFields } from "../../lib/ecmwf/inventory_fields.ts";
import { type Variable, VARIABLES } from "../../lib/ecmwf/variables.ts";
import { findWind, WIND_NAMES } from "../../lib/ecmwf/winds.ts";
import {
  type FieldProduct,
  isAccumulated,
  isPlain,
  listInputs,
  type Period,
  plainProduct,
} from "../../lib/ensemble/field_product.ts";
import {
  type Exceedance,
  type MemberStatistic,
  nameStatisticKind,
} from "../../lib/ensemble/statistic.ts";
import { convertThreshold, listThresholdUnits } from "../../lib/ensemble/threshold_units.ts";
import { UsageError } from "../../lib/errors.ts";
import { type OutputProfile, withStatistics } from "../../lib/output/profile.ts";
import type { StreamOptions } from "../../lib/stream/stream_options.ts";
import { suggestNearest } from "../../lib/util/text.ts";

const DEFAULT_STATISTICS = "mean,standard_deviation";

/** Statistics by the name that they are asked for with; percentiles besides. */
const STATISTICS: Readonly<Record<string, MemberStatistic>> = {
  mean: { kind: "mean" },
  standard_deviation: { kind: "standard_deviation", ddof: 0 },
  standard_deviation_sample: { kind: "standard_deviation", ddof: 1 },
  minimum: { kind: "minimum" },
  maximum: { kind: "maximum" },
  members: { kind: "members" },
};

/** Options on what is made of the members. */
export const PRODUCT_OPTIONS: readonly OptionSpec[] = [
  {
    name: "statistics",
    value: "<s,s,…>",
    defaultName: DEFAULT_STATISTICS,
    help:
      "over the members: mean, standard_deviation, standard_deviation_sample, minimum, maximum\n" +
      "percentiles as p10,p50,p90, linear between members\n" +
      "members: their values themselves",
  },
  {
    name: "exceed",
    value: "<condition,…>",
    help: "also the fraction of members above a threshold, or below it, in quotes for the shell\n" +
      "for example 'tp_24h>20mm,t2m<0C,wind700>=15m/s'",
  },
  {
    name: "periods",
    value: "<p,p,…>",
    help: "also what accumulates in 3h, 6h, 24h or day (from 06 to 06 UTC) up to each step\n" +
      "of every member, before the statistics; what bounds a period is fetched as well",
  },
];

/** What is written, where options say so. */
export type ProductRequest = Pick<StreamOptions, "products" | "variables">;

/**
 * Parses `--exceed`, `--periods`, and the names of products in `--variables`.
 *
 * @param asked the products that are named; `undefined` for those of the profile.
 * @returns `variables` that have to be published as they were asked for; nothing where all is as the
 *   profile says.
 * @throws {UsageError} for a value that is wrong.
 */
export function parseProducts(
  values: OptionValues,
  asked: readonly FieldProduct[] | undefined,
  profile: OutputProfile,
): ProductRequest {
  const base = asked ?? profile.products;
  const periods = listPeriods(values).flatMap((period) => overPeriod(base, period));
  const listed = uniteByName([...base, ...periods]);
  const { products, added } = addExceedances(values, listed, profile.statistics);
  const required = listInputs([...asked ?? [], ...added]);
  const isAsProfile = products.length === base.length && products.every((it, i) => it === base[i]);
  return {
    ...(required.length > 0 && { variables: required }),
    ...(!(isAsProfile && (asked ?? []).every(isPlain)) && { products }),
  };
}

/**
 * The statistics of names, each once.
 *
 * @throws {UsageError} for a name that is none.
 */
export function parseStatisticNames(names: readonly string[]): MemberStatistic[] {
  const statistics = names.map((name) => {
    const known = STATISTICS[name] ?? parsePercentile(name);
    if (known) return known;
    const all = Object.keys(STATISTICS);
    throw new UsageError(
      `Cannot use --statistics "${name}": it is not known${suggestNearest(name, all)}\n` +
        `  the known ones are ${all.join(", ")}, and percentiles from p0 to p100`,
    );
  });
  return uniteStatistics(statistics);
}

/** Statistics, each name in the file once: `p10` and `p10.0`, `>20C` and `>20°C` are the same. */
function uniteStatistics(statistics: readonly MemberStatistic[]): MemberStatistic[] {
  const nameOf = (it: MemberStatistic) => nameStatisticKind(it).replace("°", "");
  return [...new Map(statistics.map((it) => [nameOf(it), it])).values()];
}

/**
 * A profile with the statistics of `--statistics`, where these are not its own.
 *
 * @throws {UsageError} for two of them that have one name in the layout of the profile.
 */
export function chooseStatistics(profile: OutputProfile, values: OptionValues): OutputProfile {
  const chosen = values.text("statistics") === undefined
    ? profile
    : withStatistics(profile, parseStatisticNames(values.list("statistics")!));
  const deviations = chosen.statistics.filter(({ kind }) => kind === "standard_deviation");
  if (profile.layout.plainDeviation && deviations.length > 1) {
    throw new UsageError(
      `Cannot write both deviations with profile "${profile.name}": it has one name for them; leave ` +
        "standard_deviation or standard_deviation_sample out of the statistics",
    );
  }
  return chosen;
}

function parsePercentile(name: string): MemberStatistic | undefined {
  const percent = Number(/^p(\d+(?:\.\d+)?)$/.exec(name)?.[1]);
  return percent <= 100 ? { kind: "percentile", percent } : undefined;
}

/**
 * The product of a name: `tp`, `tp_24h`, `tp_day`, `t2m_24h`, `wind10m`, `wind700_24h`; or of a name in
 * MARS: `2t`, `u@925`, `2t_day`.
 */
export function findProduct(name: string): FieldProduct | undefined {
  const [, base, period] = /^([\w@]+?)(?:_(day|[1-9]\d*h))?$/.exec(name) ?? [];
  const variable = findNamed(base ?? "") ?? listFields().get(base ?? "");
  const wind = variable ? undefined : findWind(base ?? "");
  if (!variable && !wind) return undefined;
  const product: FieldProduct = variable
    ? plainProduct(variable)
    : { name: base!, inputs: wind!, derive: "speed" };
  return period === undefined ? product : withPeriod(product, parsePeriod(period));
}

/**
 * The products of names, each once.
 *
 * @param ofProfile whose names come first: a profile may have something else by a name.
 * @throws {UsageError} for a name that is none.
 */
export function parseProductNames(
  names: readonly string[],
  ofProfile: readonly FieldProduct[] = [],
): FieldProduct[] {
  return [...new Set(names)].map((name) => {
    const product = ofProfile.find((it) => it.name === name) ?? findProduct(name);
    if (product) return product;
    const known = VARIABLES.map((it) => it.name);
    throw new UsageError(
      `Cannot write variable "${name}": it is not known${suggestNearest(name, known)}\n` +
        `  the known ones are ${
          known.join(", ")
        }, ${WIND_NAMES}; and each over a period, as tp_24h ` +
        "or t2m_day",
    );
  });
}

function withPeriod(product: FieldProduct, period: Period): FieldProduct {
  return { ...product, name: `${product.name}_${namePeriod(period)}`, period };
}

function namePeriod(period: Period): string {
  return typeof period === "number" ? `${period}h` : period;
}

/** @param text `24h` or `day`. */
function parsePeriod(text: string): Period {
  return text === "day" ? text : parseInt(text);
}

function listPeriods(values: OptionValues): Period[] {
  return (values.list("periods") ?? []).map((text) => {
    if (/^(?:[1-9]\d*h|day)$/.test(text)) return parsePeriod(text);
    throw new UsageError(
      `Cannot use --periods "${text}": give hours, as 3h, 6h or 24h, or day for 06 to 06 UTC`,
    );
  });
}

/** The accumulations among products, over a period. */
function overPeriod(products: readonly FieldProduct[], period: Period): FieldProduct[] {
  const sums = products.filter((product) => isPlain(product) && isAccumulated(product));
  if (sums.length > 0) return sums.map((product) => withPeriod(product, period));
  const names = products.map(({ name }) => name).join(", ");
  throw new UsageError(
    `Cannot use --periods ${namePeriod(period)}: none of ${names} accumulates; name means as ` +
      "t2m_24h with --variables",
  );
}

function uniteByName(products: readonly FieldProduct[]): FieldProduct[] {
  return [...new Map(products.map((product) => [product.name, product])).values()];
}

/** Products with the probabilities that are asked of them, and those that are there for these alone. */
function addExceedances(
  values: OptionValues,
  products: readonly FieldProduct[],
  statistics: readonly MemberStatistic[],
): { products: FieldProduct[]; added: FieldProduct[] } {
  const exceedances = (values.list("exceed") ?? []).map((text) => parseExceedance(text, products));
  const byName = Map.groupBy(exceedances, ({ product }) => product.name);
  const own = products.map((product) => {
    const asked = byName.get(product.name)?.map(({ exceedance }) => exceedance);
    return asked ? { ...product, statistics: uniteStatistics([...statistics, ...asked]) } : product;
  });
  const known = new Set(products.map(({ name }) => name));
  const added = [...byName].filter(([name]) => !known.has(name)).map(([, group]) => {
    const own = group.map(({ exceedance }) => exceedance);
    return { ...group[0]!.product, statistics: uniteStatistics(own) };
  });
  return { products: [...own, ...added], added };
}

const EXCEEDANCE = /^([\w@]+)\s*([<>]=?)\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*(.*)$/;

/**
 * `tp_24h>20mm`, `2t>308K`
 *
 * @param written the products whose names come first.
 */
function parseExceedance(
  text: string,
  written: readonly FieldProduct[],
): { product: FieldProduct; exceedance: Exceedance } {
  const fail = (state: string): never => {
    throw new UsageError(`Cannot use --exceed "${text}": ${state}`);
  };
  const [, name, comparison, number, unit] = EXCEEDANCE.exec(text) ?? [];
  if (name === undefined) return fail("give a variable, > or <, and a number, as 'tp_24h>20mm'");
  const [product] = parseProductNames([name], written);
  const [variable] = product!.inputs;
  const { units } = variable!;
  const threshold = convertThreshold(Number(number), unit!, units);
  if (threshold === undefined) {
    const fitting = listThresholdUnits(units).join(", ");
    return fail(`"${unit}" is no unit of ${name}, which is in ${units}; give one of ${fitting}`);
  }
  if (!isPossible(threshold, product!, variable!)) {
    const [usual] = listThresholdUnits(units);
    return fail(
      `no value is near ${threshold} ${units}; give another number, or a unit as ${usual}`,
    );
  }
  return {
    product: product!,
    exceedance: {
      kind: "exceedance",
      comparison: comparison as Exceedance["comparison"],
      threshold,
      label: `${Number(number)}${unit!.replaceAll(" ", "")}`,
    },
  };
}

/** The hours of the longest run: what accumulates from its start without a period. */
const MOST_HOURS = 360;

/** Whether a threshold is within what values can be. */
function isPossible(
  threshold: number,
  { period }: FieldProduct,
  { accumulated, limits }: Variable,
): boolean {
  if (!limits) return true;
  const { least, most } = limits;
  const periodHours = typeof period === "number" ? period : period === "day" ? 24 : MOST_HOURS;
  const hours = accumulated ? periodHours : 1;
  return threshold >= least && threshold <= most * hours;
}
