/**
 * Statistics, thresholds and periods as text.
 *
 * @module
 */
import type { FieldStatistic, ForecastVariable } from "../output/forecast_fields.ts";

/** A statistic as text: "90th percentile", "probability above 20 mm". */
export function labelStatistic(statistic: FieldStatistic): string {
  switch (statistic.kind) {
    case "standard_deviation":
      return statistic.ddof === 0 ? "standard deviation" : "sample standard deviation";
    case "percentile":
      return statistic.percent === 50 ? "median" : `${formatOrdinal(statistic.percent)} percentile`;
    case "exceedance":
      return `probability ${statistic.comparison.replace("_", " ")} ${
        formatThreshold(statistic.threshold)
      }`;
    default:
      return statistic.kind;
  }
}

/** `1st`, `22nd`, `11th`, `99.9th`. */
function formatOrdinal(number: number): string {
  const isTeen = number % 100 > 10 && number % 100 < 14;
  return `${number}${isTeen ? "th" : ["th", "st", "nd", "rd"][number % 10] ?? "th"}`;
}

/** `0.5 mm` of `0.5mm`, or of the `0p5mm` of a name; `−5 °C` of `minus5C`. */
export function formatThreshold(label: string): string {
  const [, sign, number, units] = /^(minus|-)?(\d+(?:[.p]\d+)?)(.*)$/.exec(label) ?? [];
  if (number === undefined) return label.replaceAll("_", " ");
  const unit = { percent: "%", C: "°C" }[units!] ?? units!.replaceAll("_", " ").trim();
  return `${sign ? "−" : ""}${number.replace("p", ".")} ${unit}`.trim();
}

/** What the values of a variable are sums or means over: "24 h"; nothing where they are of a moment. */
export function describePeriod(
  { period }: ForecastVariable,
  stepHours?: number,
): string | undefined {
  if (typeof period === "number") return `${period} h`;
  if (period === "day") return "day from 06 to 06 UTC";
  if (period === "from the start") return stepHours === undefined ? undefined : `0–${stepHours} h`;
  return period;
}
