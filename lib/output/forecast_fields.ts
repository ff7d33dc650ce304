/**
 * The fields of a forecast's file: which variables of a NetCDF are statistics of which product, and what
 * their names say.
 *
 * @module
 */
import { findVariable } from "../ecmwf/variables.ts";
import type { ForecastSource, SourceAxis, SourceVariable } from "./forecast_source.ts";

/** What a field says of the members. */
export type FieldStatistic =
  | { kind: "mean" | "minimum" | "maximum" }
  | { kind: "standard_deviation"; ddof: 0 | 1 }
  | { kind: "percentile"; percent: number }
  /** The share of the members whose value is on one side of a threshold, 0 to 1. */
  | { kind: "exceedance"; comparison: Comparison; threshold: string };

/** As names of variables have it. */
export type Comparison = "above" | "at_least" | "below" | "at_most";

/** A statistic of a variable, at all its steps. */
export interface ForecastField {
  /** Short name of the statistic: `mean`, `deviation`, `p10`, `above_20mm`. */
  key: string;
  statistic: FieldStatistic;
  /**
   * (latitude, longitude), row-major, north first; NaN where there is no value. A new array.
   *
   * @param stepIndex among the steps of the file; one of the variable's.
   */
  values(stepIndex: number): Float32Array<ArrayBuffer>;
}

/** The members themselves. */
export interface ForecastMembers {
  /** Numbers of the members, 0 for the control. */
  numbers: number[];
  /** (step of the variable, member, latitude, longitude). Reads all at each call. */
  read(): Float32Array<ArrayBuffer>;
}

/** What values are sums or means over: so many hours, or a day, to the step; or from or to another one. */
export type ForecastPeriod = number | "day" | "from the start" | "to the next step";

/** A variable of the file, or what was made of one, such as its sums over a period. */
export interface ForecastVariable {
  /** For example `tp` or `tp_24h`. */
  name: string;
  /** For example "total precipitation". */
  longName: string;
  /** Of the values, as UDUNITS writes them: `J m-2`. */
  units: string;
  /** What each value is a sum or mean over. @default {undefined} (it is of a moment) */
  period: ForecastPeriod | undefined;
  /** Its steps, as indices of the steps of the file, ascending. */
  steps: number[];
  /** In the order of the file. */
  fields: ForecastField[];
  /** @default {undefined} (the file has statistics alone) */
  members: ForecastMembers | undefined;
  /** Members that went into the statistics of a step; `undefined` where the file does not say. */
  membersUsed(stepIndex: number): number | undefined;
}

/** A time axis of a file. */
export interface StepAxis extends SourceAxis {
  /** Its points, as indices of the steps of the file. */
  steps: number[];
}

/** The axes of a grid. */
export interface GridAxes {
  rows: SourceAxis;
  columns: SourceAxis;
}

/** What the name of a variable of a file says. */
interface FieldName {
  product: string;
  key: string;
  statistic: FieldStatistic | "members";
}

type ReadStatistic = (text: string, more?: string) => FieldStatistic | "members";

const SUFFIXES: readonly (readonly [pattern: RegExp, read: ReadStatistic])[] = [
  [/_ensemble_mean$/, () => ({ kind: "mean" })],
  [/_ensemble_standard_deviation$/, () => ({ kind: "standard_deviation", ddof: 0 })],
  [/_ensemble_standard_deviation_sample$/, () => ({ kind: "standard_deviation", ddof: 1 })],
  [/_ensemble_minimum$/, () => ({ kind: "minimum" })],
  [/_ensemble_maximum$/, () => ({ kind: "maximum" })],
  [
    /_ensemble_p(\d+(?:[p_]\d+)?)$/,
    (text) => ({ kind: "percentile", percent: Number(text.replace(/[p_]/, ".")) }),
  ],
  [/_probability_(above|at_least|below|at_most)_(.+)$/, (comparison, threshold) => ({
    kind: "exceedance",
    comparison: comparison as Comparison,
    threshold: threshold!,
  })],
  [/_members$/, () => "members"],
];

/** The product and statistic of a variable of a file; `undefined` where it is none of a forecast. */
export function parseFieldName(name: string): FieldName | undefined {
  for (const [pattern, read] of SUFFIXES) {
    const match = pattern.exec(name);
    if (!match || match.index === 0) continue;
    const statistic = read(match[1] ?? "", match[2]);
    return { product: name.slice(0, match.index), key: nameKey(statistic), statistic };
  }
  return undefined;
}

function nameKey(statistic: FieldStatistic | "members"): string {
  if (statistic === "members") return statistic;
  if (statistic.kind === "standard_deviation") {
    return statistic.ddof === 0 ? "deviation" : "deviation_sample";
  }
  if (statistic.kind === "percentile") return `p${statistic.percent}`;
  if (statistic.kind === "exceedance") return `${statistic.comparison}_${statistic.threshold}`;
  return statistic.kind;
}

/** The field of a variable with this key; `undefined` where the file has none. */
export function findField(variable: ForecastVariable, key: string): ForecastField | undefined {
  return variable.fields.find((field) => field.key === key);
}

/** Whether a statistic is a value that members may have: no deviation, no probability. */
export function isValue({ kind }: FieldStatistic): boolean {
  return kind !== "standard_deviation" && kind !== "exceedance";
}

/** The name without the period: `tp` of `tp_24h` and `tp_day`. */
export function nameBase(product: string): string {
  return product.replace(/_(?:\d+h|day)$/, "");
}

/** The period of a product, by its name and by what its long name says. */
function findPeriod(product: string, longName = ""): ForecastPeriod | undefined {
  const [, hours] = /_(\d+h|day)$/.exec(product) ?? [];
  if (hours !== undefined) return hours === "day" ? hours : parseInt(hours);
  if (/ over the time to the next step$/.test(longName)) return "to the next step";
  const isSum = findVariable(product)?.accumulated || / from the start of the run$/.test(longName);
  return isSum ? "from the start" : undefined;
}

/**
 * The variables of a file, in its order.
 *
 * @param timeAxes every time axis that fields may have; the first is that of fields without one.
 */
export function openVariables(
  source: ForecastSource,
  timeAxes: readonly StepAxis[],
  grid: GridAxes,
): ForecastVariable[] {
  const named = source.names.flatMap((name) => {
    const parsed = parseFieldName(name);
    return parsed ? [{ ...parsed, variable: source.find(name) }] : [];
  });
  return [...Map.groupBy(named, ({ product }) => product)].map(([product, own]) =>
    openVariable(source, product, own, { timeAxes, ...grid })
  );
}

type NamedVariable = FieldName & { variable: SourceVariable };

/** A product from the variables that hold its statistics. */
function openVariable(
  source: ForecastSource,
  product: string,
  own: readonly NamedVariable[],
  axes: GridAxes & { timeAxes: readonly StepAxis[] },
): ForecastVariable {
  const first = own[0]!.variable;
  const steps = findTimeAxis(first, axes.timeAxes);
  const described = own.find(({ statistic }) => !isExceedance(statistic)) ?? own[0]!;
  const fields = own.flatMap((it) =>
    it.statistic === "members"
      ? []
      : [openField(source, { ...it, statistic: it.statistic }, steps, axes)]
  );
  const members = own.find(({ statistic }) => statistic === "members");
  const opened = members && openMembers(source, members.variable, steps, axes);
  const description = source.attribute(described.variable, "long_name");
  const longName = findVariable(nameBase(product))?.longName ?? stripStatistic(description) ??
    product;
  return {
    name: product,
    longName,
    units: isExceedance(described.statistic)
      ? ""
      : normalizeUnits(source.attribute(described.variable, "units") ?? ""),
    period: findPeriod(product, description),
    steps: steps.steps,
    fields: fields.length > 0 || !opened ? fields : reduceMembers(opened, steps),
    members: opened,
    membersUsed: openCounts(source, product, steps),
  };
}

function isExceedance(statistic: FieldStatistic | "members"): boolean {
  return statistic !== "members" && statistic.kind === "exceedance";
}

/** "wind speed at 700 hPa" of "ensemble mean of wind speed at 700 hPa averaged over 24 hours". */
function stripStatistic(longName: string | undefined): string | undefined {
  return longName?.replace(/^(?:ensemble|probability) .*? of (?!a sample)(?:the )?/, "")
    .replace(/ (?:accumulated|averaged) (?:over|from) .*$/, "");
}

/** The time axis of a variable; the first where it has no dimension of any. */
function findTimeAxis(variable: SourceVariable, timeAxes: readonly StepAxis[]): StepAxis {
  const own = timeAxes.find(({ dimension }) =>
    dimension !== undefined && variable.dimensions.includes(dimension)
  );
  return own ?? timeAxes[0]!;
}

function openField(
  source: ForecastSource,
  { key, statistic, variable }: Omit<NamedVariable, "statistic"> & { statistic: FieldStatistic },
  steps: StepAxis,
  { rows, columns }: GridAxes,
): ForecastField {
  const axes = [steps, rows, columns];
  source.checkAxes(variable, axes);
  let all: Float32Array<ArrayBuffer> | undefined;
  const values = (stepIndex: number) =>
    cutStep(all ??= source.values(variable, axes), stepIndex, steps);
  if (statistic.kind !== "exceedance") return { key, statistic, values };
  // Names of variables have no "/" and ".", which long names have.
  const threshold = /^probability (?:above|at least|below|at most) (\S+) of /
    .exec(source.attribute(variable, "long_name") ?? "")?.[1] ?? statistic.threshold;
  return { key, statistic: { ...statistic, threshold }, values };
}

function openMembers(
  source: ForecastSource,
  variable: SourceVariable,
  steps: StepAxis,
  { rows, columns }: GridAxes,
): ForecastMembers {
  const known = [steps, rows, columns].map(({ dimension }) => dimension);
  const at = variable.dimensions.findIndex((name, i) =>
    variable.lengths[i]! > 1 && !known.includes(name)
  );
  const dimension = variable.dimensions[at] ?? "number";
  const number: SourceAxis = { name: dimension, dimension, length: variable.lengths[at] ?? 1 };
  const axes = [steps, number, rows, columns];
  source.checkAxes(variable, axes);
  const numbers = source.has(dimension)
    ? [...source.values(source.find(dimension), [number])]
    : [...Array(number.length).keys()];
  return { numbers, read: () => source.values(variable, axes) };
}

function openCounts(source: ForecastSource, product: string, steps: StepAxis) {
  const name = `${product}_members_used`;
  const counts = source.has(name) ? source.values(source.find(name), [steps]) : undefined;
  return (stepIndex: number) => {
    const count = counts?.[steps.steps.indexOf(stepIndex)];
    return Number.isNaN(count) ? undefined : count;
  };
}

/** Mean and deviation of members, where the file has nothing else. */
function reduceMembers({ numbers, read }: ForecastMembers, steps: StepAxis): ForecastField[] {
  let reduced: { mean: Float32Array<ArrayBuffer>; deviation: Float32Array<ArrayBuffer> };
  const reduce = () => reduced ??= averageMembers(read(), numbers.length, steps.length);
  return [
    {
      key: "mean",
      statistic: { kind: "mean" },
      values: (stepIndex) => cutStep(reduce().mean, stepIndex, steps),
    },
    {
      key: "deviation",
      statistic: { kind: "standard_deviation", ddof: 0 },
      values: (stepIndex) => cutStep(reduce().deviation, stepIndex, steps),
    },
  ];
}

/** Mean and deviation (divisor n) over the members that have a value, in float64. */
function averageMembers(values: Float32Array, count: number, steps: number) {
  const points = values.length / count / steps;
  const [mean, deviation] = [new Float32Array(steps * points), new Float32Array(steps * points)];
  for (let i = 0; i < mean.length; i++) {
    const first = Math.floor(i / points) * count * points + i % points;
    const known = Array.from({ length: count }, (_, member) => values[first + member * points]!)
      .filter((value) => !Number.isNaN(value));
    const middle = known.reduce((sum, value) => sum + value, 0) / known.length;
    const squares = known.reduce((sum, value) => sum + (value - middle) ** 2, 0);
    mean[i] = middle;
    deviation[i] = Math.sqrt(squares / known.length);
  }
  return { mean, deviation };
}

/** The values of a step. */
function cutStep(
  values: Float32Array<ArrayBuffer>,
  stepIndex: number,
  { steps, length }: StepAxis,
): Float32Array<ArrayBuffer> {
  const index = steps.indexOf(stepIndex);
  if (index < 0) {
    throw new RangeError(
      `Cannot cut step index ${stepIndex}: there are ${length} steps, from ${steps[0]} on`,
    );
  }
  const points = values.length / length;
  return values.slice(index * points, (index + 1) * points);
}

/** The spellings of xarray and cfgrib as UDUNITS writes them. */
function normalizeUnits(units: string): string {
  return units === "(0 - 1)" ? "1" : units.replaceAll("**", "");
}
