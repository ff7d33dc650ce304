/**
 * Reduced fields of a run → the dataset of the output, laid out as its profile says and described in
 * CF terms.
 *
 * @module
 */
import { findEra } from "../ecmwf/eras.ts";
import { describeMembers, type Member } from "../ecmwf/members.ts";
import { referenceTime, type Run } from "../ecmwf/run.ts";
import type { Variable } from "../ecmwf/variables.ts";
import type { CountedConversion, WindowAxes } from "../ensemble/field_reducer.ts";
import { sumConversions } from "../ensemble/field_result.ts";
import type { NetcdfAttribute, NetcdfDataset, NetcdfVariable } from "../netcdf/encode_netcdf.ts";
import type { OutputProfile, StatisticSpec } from "./profile.ts";

/** Statistics of one variable at one step, on the output's grid. */
export interface OutputField {
  variable: Variable;
  stepHours: number;
  /** (latitude, longitude), row-major, north first. */
  mean: Float32Array;
  deviation: Float32Array;
  /** Number of members that went in. */
  membersUsed: number;
  /** Whether more members went in at some points: `membersUsed` is the least. @default {false} */
  varies?: boolean;
  /** Units of messages that were converted. @default {undefined} (none were) */
  conversions?: readonly CountedConversion[];
}

/** Everything that goes into the output. */
export interface OutputContent {
  profile: OutputProfile;
  run: Run;
  variables: readonly Variable[];
  /** Forecast steps in hours, ascending. */
  steps: readonly number[];
  axes: WindowAxes;
  /** Those of the messages, where the fields were interpolated. @default {undefined} (they were not) */
  axesOfMessages?: WindowAxes;
  /** Fields that have values; every other (variable, step) stays NaN. */
  fields: readonly OutputField[];
  /** What ECMWF did not publish: variables that are left out, and fields that are NaN. @default none */
  unpublished?: {
    variables: readonly Variable[];
    fields: readonly Pick<OutputField, "variable" | "stepHours">[];
  };
  /** Members that went into at least one field, ascending. */
  membersUsed: readonly Member[];
  /** Members asked for that went into no field. */
  membersAbsent: readonly Member[];
  /** When and how the file was made, for `history`. */
  history: string;
}

const HOUR_MS = 3_600_000;
const DIMENSIONS = ["time", "valid_time", "latitude", "longitude"];

/** Name of the variable, and of the dimension, of the periods that accumulations are summed over. */
const BOUNDS = { variable: "valid_time_bnds", dimension: "bnds" };

/**
 * The dataset of a run: dimensions `time` 1, `valid_time` steps, `latitude`, `longitude`, and `bnds` 2
 * where a variable accumulates.
 */
export function buildDataset(content: OutputContent): NetcdfDataset {
  const { profile, axes, steps, variables } = content;
  const hasBounds = variables.some(({ accumulated }) => accumulated);
  return {
    dimensions: {
      time: 1,
      valid_time: steps.length,
      latitude: axes.latitudes.length,
      longitude: axes.longitudes.length,
      ...(hasBounds && { [BOUNDS.dimension]: 2 }),
    },
    attributes: globalAttributes(content),
    variables: [
      ...timeVariables(content, hasBounds),
      ...axisVariables(axes),
      ...variables.flatMap((variable) =>
        profile.statistics.map((statistic) => statisticVariable(content, variable, statistic))
      ),
      ...variables.map((variable) => countVariable(content, variable)),
    ],
  };
}

function globalAttributes(content: OutputContent): Record<string, NetcdfAttribute> {
  const { profile, run, steps, membersUsed, membersAbsent, history } = content;
  const { variables, fields } = content.unpublished ?? { variables: [], fields: [] };
  return {
    Conventions: profile.conventions,
    title: profile.title(run),
    institution: profile.institution,
    source: profile.source(findSpacing(run, content.axesOfMessages ?? content.axes), run),
    model_date: run.date,
    model_run: `${run.hour}Z`,
    forecast_hours: Int32Array.from(steps),
    n_ensemble_members: Int32Array.of(membersUsed.length),
    absent_ensemble_members: describeMembers(membersAbsent) || "none",
    ...describeInterpolation(content),
    ...(variables.length > 0 && { variables_not_published: listNames(variables) }),
    ...(fields.length > 0 && { fields_not_published: listFields(fields) }),
    history,
  };
}

/** Degrees between the points of a grid; of a single point those of all grids of the run's era. */
function findSpacing(run: Run, { latitudes, longitudes }: WindowAxes): number | undefined {
  const [points] = [longitudes, latitudes].filter(({ length }) => length > 1);
  if (points) return Number(Math.abs(points[1]! - points[0]!).toFixed(6));
  const [spacing, ...others] = new Set(findEra(run).folders.map(({ grid }) => grid.spacing));
  return others.length === 0 ? spacing : undefined;
}

function describeInterpolation(
  { run, axes, axesOfMessages }: OutputContent,
): Record<string, string> {
  if (!axesOfMessages) return {};
  const [from, to] = [axesOfMessages, axes].map((it) => findSpacing(run, it));
  return { interpolation: `mean and standard deviation bilinear from ${from} to ${to} degrees` };
}

/** `tcc, sf`. */
function listNames(variables: readonly Variable[]): string {
  return variables.map(({ name }) => name).join(", ");
}

/** `tp (0 h), ssr (0 h)`. */
function listFields(fields: readonly Pick<OutputField, "variable" | "stepHours">[]): string {
  return fields.map(({ variable, stepHours }) => `${variable.name} (${stepHours} h)`).join(", ");
}

function timeVariables(content: OutputContent, hasBounds: boolean): NetcdfVariable[] {
  const { profile, run, steps } = content;
  const { units, epochMs } = profile.timeOrigin;
  const runHours = (referenceTime(run).getTime() - epochMs) / HOUR_MS;
  const calendar = "proleptic_gregorian";
  return [
    {
      name: "time",
      dimensions: ["time"],
      attributes: {
        standard_name: "forecast_reference_time",
        long_name: "start of the forecast run",
        units,
        calendar,
      },
      data: Float64Array.of(runHours),
    },
    {
      name: "valid_time",
      dimensions: ["valid_time"],
      attributes: {
        standard_name: "time",
        long_name: "time at which the forecast is valid",
        units,
        calendar,
        axis: "T",
        ...(hasBounds && { bounds: BOUNDS.variable }),
      },
      data: Float64Array.from(steps, (step) => runHours + step),
    },
    ...(hasBounds ? [boundsVariable(steps, runHours)] : []),
  ];
}

/**
 * From the start of the run to each step. It has no attributes: those of `valid_time` hold for it (CF
 * 7.1). Variables of a moment say `valid_time: point` and have no use for it.
 */
function boundsVariable(steps: readonly number[], runHours: number): NetcdfVariable {
  return {
    name: BOUNDS.variable,
    dimensions: ["valid_time", BOUNDS.dimension],
    attributes: {},
    data: Float64Array.from(steps.flatMap((step) => [runHours, runHours + step])),
  };
}

function axisVariables(axes: WindowAxes): NetcdfVariable[] {
  const axis = (name: string, units: string, letter: string, data: Float64Array) => ({
    name,
    dimensions: [name],
    attributes: { standard_name: name, long_name: name, units, axis: letter },
    data,
  });
  return [
    axis("latitude", "degrees_north", "Y", axes.latitudes),
    axis("longitude", "degrees_east", "X", axes.longitudes),
  ];
}

function statisticVariable(
  content: OutputContent,
  variable: Variable,
  statistic: StatisticSpec,
): NetcdfVariable {
  const accumulation = variable.accumulated ? " accumulated from the start of the run" : "";
  return {
    name: `${variable.name}_${statistic.suffix}`,
    dimensions: DIMENSIONS,
    attributes: {
      long_name: `${statistic.description} ${variable.longName}${accumulation}`,
      ...(variable.standardName && { standard_name: variable.standardName }),
      units: variable.units,
      cell_methods: `${describeTimeMethod(variable)}realization: ${statistic.cellMethod}`,
      ancillary_variables: countName(variable),
      ...describeConversions(content, variable),
      _FillValue: Float32Array.of(NaN),
    },
    data: layOutSteps(content, variable, statistic),
  };
}

/** What values are over time, as `cell_methods` has it, with a space behind it. */
function describeTimeMethod({ accumulated, overHours }: Variable): string {
  if (accumulated) return "valid_time: sum (from the start of the run) ";
  if (!overHours) return "valid_time: point ";
  const { method, hours } = overHours;
  if (!method) return "";
  const since = hours === undefined ? "since the step before" : `over the ${hours} hours before`;
  return `valid_time: ${method} (${since}) `;
}

function describeConversions(
  { fields }: OutputContent,
  variable: Variable,
): Record<string, string> {
  const own = fields.filter((field) => field.variable.name === variable.name);
  const sums = sumConversions(own).map(({ messages, units, factor, bySeconds }) => {
    const seconds = "the seconds from the start of the run";
    const by = !bySeconds ? `${factor}` : factor === 1 ? seconds : `${factor} and ${seconds}`;
    return `${messages} messages in ${units}, multiplied by ${by}`;
  });
  return sums.length > 0 ? { comment: sums.join("; ") } : {};
}

function countName(variable: Variable): string {
  return `${variable.name}_members_used`;
}

/** The number of members in the statistics of a variable, by step; 0 where there are none. */
function countVariable({ steps, fields }: OutputContent, variable: Variable): NetcdfVariable {
  const data = new Int32Array(steps.length);
  for (const { variable: { name }, stepHours, membersUsed } of fields) {
    if (name === variable.name) data[steps.indexOf(stepHours)] = membersUsed;
  }
  const varies = fields.some((field) => field.variable.name === variable.name && field.varies);
  return {
    name: countName(variable),
    dimensions: ["time", "valid_time"],
    attributes: {
      long_name: `ensemble members used for ${variable.longName}`,
      // The modifier of this name is deprecated (CF appendix C), the name is not.
      standard_name: "number_of_observations",
      units: "1",
      ...(varies &&
        { comment: "the least over the points: at some of them, members lack a value" }),
    },
    data,
  };
}

/** Values of a variable as (time, valid_time, latitude, longitude), NaN where there is no field. */
function layOutSteps(
  content: OutputContent,
  variable: Variable,
  statistic: StatisticSpec,
): Float32Array {
  const { steps, axes, fields } = content;
  const points = axes.latitudes.length * axes.longitudes.length;
  const values = new Float32Array(steps.length * points).fill(NaN);
  for (const field of fields) {
    if (field.variable.name !== variable.name) continue;
    values.set(field[statistic.source], steps.indexOf(field.stepHours) * points);
  }
  return values;
}
