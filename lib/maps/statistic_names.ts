/**
 * Statistics, thresholds and periods as text.
 *
 * @module
 */
import type { FieldStatistic, ForecastVariable } from "../output/forecast_fields.ts";

/** A statistic as text: "90th percentile", "probability above 20 mm". */
export function nameStatistic(statistic: FieldStatistic): string {
  switch (statistic.kind) {
    case "standard_deviation":
      return statistic.ddof === 0 ? "standard deviation" : "sample standard deviation";
    case "percentile":
      return statistic.percent === 50 ? "median" : `${formatOrdinal(statistic.percent)} percentile`;
    case "exceedance":
      return `probability ${statistic.comparison} ${formatThreshold(statistic.threshold)}`;
    default:
      return statistic.kind;
  }
}

/** `1st`, `22nd`, `11th`, `99.9th`. */
function formatOrdinal(number: number): string {
  const isTeen = number % 100 > 10 && number % 100 < 14;
  return `${number}${isTeen ? "th" : ["th", "st", "nd", "rd"][number % 10] ?? "th"}`;
}

/** `0.5 mm` of the `0p5mm` of a name. */
export function formatThreshold(label: string): string {
  const [, number, units] = /^([mn]?-?\d+(?:p\d+)?)(.*)$/.exec(label) ?? [];
  if (number === undefined) return label.replaceAll("_", " ");
  const value = number.replace("p", ".").replace(/^(?:m|-)/, "−");
  return `${value} ${units!.replaceAll("_", " ")}`.trim();
}

/** What the values of a variable are sums or means over: "24 h", "the day from 06 UTC". */
export function describePeriod({ name, periodHours }: ForecastVariable): string | undefined {
  if (periodHours === undefined) return undefined;
  return name.endsWith("_day") ? "day from 06 to 06 UTC" : `${periodHours} h`;
}
