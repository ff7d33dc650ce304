/**
 * Which fields of a forecast a figure shows, and in which order.
 *
 * @module
 */
import type { ForecastField, ForecastVariable } from "../output/forecast_fields.ts";
import type { ForecastFile } from "../output/forecast_file.ts";
import { pairWinds } from "./wind_pairs.ts";

/** Which variable and statistic a panel shows. */
export interface PanelChoice {
  /** Name of a variable, whether the file has it or not. */
  name: string;
  /** Key of one of its statistics: `mean`, `deviation`, `p90`, `above_20mm`. */
  statistic: string;
}

/** Variables by what is looked at first; what is not among them comes before the last. */
const ORDER: readonly RegExp[] = [
  /^tp_(?:\d+h|day)$/,
  /^tp$/,
  /^t2m$|^2t$/,
  /^wind/,
  /^msl$/,
  /^sp$/,
  /^tcc$/,
  /^tcwv$/,
  /^ssr$/,
  /^(?:mu)?cape$/,
  /^ro$/,
  /^ssrd$/,
  /^sf$/,
  /^tcw$/,
];
/** Statistics that are drawn where there is room, by what is looked at first. */
const KINDS = ["exceedance", "percentile", "minimum", "maximum", "standard_deviation"];
const MOST_PANELS = 12;
/** Variables whose first statistic is drawn. */
const MOST_VARIABLES = 8;

/** Variables by what is looked at first; components of a wind, which is drawn itself, last. */
export function rankVariables(variables: readonly ForecastVariable[]): ForecastVariable[] {
  const components = new Set(listComponents(variables));
  const rank = (variable: ForecastVariable) => {
    const place = ORDER.findIndex((pattern) => pattern.test(variable.name));
    return components.has(variable) ? ORDER.length + 1 : place < 0 ? ORDER.length : place;
  };
  return variables.toSorted((a, b) => rank(a) - rank(b));
}

function listComponents(variables: readonly ForecastVariable[]): ForecastVariable[] {
  return pairWinds(variables)
    .filter(({ name }) => variables.some((variable) => variable.name === name))
    .flatMap(({ u, v }) => [u, v]);
}

/** The statistic that says most of a variable: its mean, else its median, else the first. */
export function findLead({ fields }: ForecastVariable): ForecastField {
  const lead = ["mean", "p50"].map((key) => fields.find((field) => field.key === key));
  return lead.find((field) => field !== undefined) ?? fields[0]!;
}

/**
 * The panels of what a file holds, at most twelve: a first statistic of eight variables, then
 * probabilities, percentiles, extremes and deviations, as many as there is room for.
 */
export function chooseDefaultPanels({ variables }: Pick<ForecastFile, "variables">): PanelChoice[] {
  const components = new Set(listComponents(variables));
  const ranked = rankVariables(variables).filter((variable) => !components.has(variable));
  const leads = ranked.slice(0, MOST_VARIABLES)
    .map((variable) => ({ name: variable.name, statistic: findLead(variable).key }));
  const others = KINDS.flatMap((kind) =>
    ranked.flatMap((variable) =>
      variable.fields
        .filter((field) => field.statistic.kind === kind && field !== findLead(variable))
        .map(({ key }) => ({ name: variable.name, statistic: key }))
    )
  );
  return [...leads, ...others].slice(0, MOST_PANELS);
}

/** A panel for each of these variables with one statistic. */
export function choosePanels(names: readonly string[], statistic: string): PanelChoice[] {
  return names.map((name) => ({ name, statistic }));
}

/**
 * The panels of variables by name: the first statistic of each, then the second and so on. A variable
 * that the file does not have gets one, which says so.
 */
export function chooseAllPanels(
  { variables }: Pick<ForecastFile, "variables">,
  names: readonly string[],
): PanelChoice[] {
  const keys = names.map((name) =>
    variables.find((variable) => variable.name === name)?.fields.map(({ key }) => key) ?? ["mean"]
  );
  const rounds = Math.max(...keys.map(({ length }) => length));
  return Array.from(
    { length: rounds },
    (_, round) =>
      names.flatMap((name, i) =>
        keys[i]![round] === undefined ? [] : [{ name, statistic: keys[i]![round] }]
      ),
  ).flat();
}
