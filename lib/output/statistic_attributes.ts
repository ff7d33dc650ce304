/**
 * A statistic of a product → the name of its variable in files, and its description in CF terms.
 *
 * @module
 */
import type { OverHours } from "../ecmwf/variables.ts";
import { type FieldProduct, isAccumulated } from "../ensemble/field_product.ts";
import type { Exceedance, MemberStatistic } from "../ensemble/statistic.ts";
import type { NetcdfAttribute } from "../netcdf/encode_netcdf.ts";

/** How a statistic is written. */
interface StatisticText {
  /** After the name of the product. */
  suffix: string;
  /** Before its long name. */
  description: string;
  /** Over the dimensionless axis `realization`. @default {undefined} (CF has no name for it) */
  cellMethod?: string;
}

/** The name of the variable of a statistic: `tp_ensemble_mean`, `tp_24h_probability_above_20mm`. */
export function nameStatistic(product: FieldProduct, statistic: MemberStatistic): string {
  return `${product.name}_${describeStatistic(statistic).suffix}`;
}

/** What a product is, whatever the statistic of it. */
export interface ProductText {
  longName: string;
  units: string;
  standardName?: string;
}

/** What a product is. */
export function describeProduct(product: FieldProduct): ProductText {
  const [first] = product.inputs;
  const { longName, units, standardName } = first!;
  const text = product.derive === undefined
    ? { longName, units, ...(standardName && { standardName }) }
    : { longName: describeSpeed(longName), units, standardName: "wind_speed" };
  return { ...text, longName: `${text.longName}${describePeriod(product)}` };
}

/** `eastward wind at 700 hPa` → `wind speed at 700 hPa`. */
function describeSpeed(component: string): string {
  return component.replace(/^\w+ wind/, "wind speed");
}

function describePeriod(product: FieldProduct): string {
  const { period } = product;
  const isSum = isAccumulated(product);
  if (period === undefined) return isSum ? " accumulated from the start of the run" : "";
  const how = isSum ? "accumulated over" : "averaged over";
  if (period === "next") return ` ${how} the time to the next step`;
  if (period === "day") return ` ${how} the day from 06 to 06 UTC`;
  return ` ${how} ${period} hours`;
}

/**
 * The attributes of the variable of a statistic, as far as they follow from both.
 *
 * @param timeAxis name of the axis of its values in time.
 */
export function statisticAttributes(
  product: FieldProduct,
  statistic: MemberStatistic,
  timeAxis: string,
): Record<string, NetcdfAttribute> {
  const { longName, units, standardName } = describeProduct(product);
  const { description, cellMethod } = describeStatistic(statistic);
  const timeMethod = describeTimeMethod(product);
  const cell_methods = [
    ...(timeMethod ? [`${timeAxis}: ${timeMethod}`] : []),
    ...(cellMethod ? [`realization: ${cellMethod}`] : []),
  ].join(" ");
  if (statistic.kind === "exceedance") {
    const { threshold, comparison } = statistic;
    const long_name = `${description} of ${longName}`;
    return { long_name, units: "1", threshold, threshold_units: units, comparison, cell_methods };
  }
  return {
    long_name: `${description} ${longName}`,
    ...(standardName && { standard_name: standardName }),
    units,
    cell_methods,
  };
}

/** CF appendix E: what values in time are; `undefined` where that is not known. */
function describeTimeMethod(product: FieldProduct): string | undefined {
  const { period, inputs: [input] } = product;
  if (period !== undefined) return isAccumulated(product) ? "sum" : "mean";
  if (isAccumulated(product)) return "sum (from the start of the run)";
  return input!.overHours ? describeHours(input!.overHours) : "point";
}

function describeHours({ method, hours }: OverHours): string | undefined {
  if (!method) return undefined;
  const since = hours === undefined ? "since the step before" : `over the ${hours} hours before`;
  return `${method} (${since})`;
}

/** How a statistic is written: the end of its name, and its words. */
export function describeStatistic(statistic: MemberStatistic): StatisticText {
  switch (statistic.kind) {
    case "mean":
      return { suffix: "ensemble_mean", description: "ensemble mean of", cellMethod: "mean" };
    case "standard_deviation":
      return describeDeviation(statistic.ddof);
    case "minimum":
    case "maximum": {
      const { kind } = statistic;
      return { suffix: `ensemble_${kind}`, description: `ensemble ${kind} of`, cellMethod: kind };
    }
    case "percentile":
      return describePercentile(statistic.percent);
    case "exceedance":
      return describeExceedance(statistic);
    case "members":
      return { suffix: "members", description: "ensemble members of" };
  }
}

function describeDeviation(ddof: 0 | 1): StatisticText {
  const cellMethod = "standard_deviation";
  const suffix = "ensemble_standard_deviation";
  if (ddof === 0) return { suffix, description: "ensemble standard deviation of", cellMethod };
  return {
    suffix: `${suffix}_sample`,
    description: "ensemble standard deviation (of a sample, ddof 1) of",
    cellMethod: `${cellMethod} (of a sample)`,
  };
}

function describePercentile(percent: number): StatisticText {
  return {
    suffix: `ensemble_p${nameNumber(percent)}`,
    description: `ensemble percentile ${percent} of`,
    ...(percent === 50 && { cellMethod: "median" }),
  };
}

const COMPARISONS = {
  ">": "above",
  ">=": "at least",
  "<": "below",
  "<=": "at most",
} as const satisfies Record<Exceedance["comparison"], string>;

function describeExceedance({ comparison, label }: Exceedance): StatisticText {
  const words = COMPARISONS[comparison];
  return {
    suffix: `probability_${words.replace(" ", "_")}_${nameNumber(label)}`,
    description: `probability ${words} ${label}`,
  };
}

/** As names of variables have it: `0p5mm`, `minus5C`. */
function nameNumber(text: number | string): string {
  return `${text}`.replace(/^-/, "minus").replaceAll(".", "p").replaceAll("%", "percent")
    .replaceAll("°", "")
    .replaceAll(/[^\w]/g, "_");
}
