/**
 * Reduced fields of a run → the dataset of the output, laid out as its profile says and described in
 * CF terms.
 *
 * @module
 */
import { findEra } from "../ecmwf/eras.ts";
import { describeMembers, type Member } from "../ecmwf/members.ts";
import type { Run } from "../ecmwf/run.ts";
import type { Variable } from "../ecmwf/variables.ts";
import type { CountedConversion, WindowAxes } from "../ensemble/field_reducer.ts";
import { type FieldProduct, type ProductWindow, statisticsOf } from "../ensemble/field_product.ts";
import { sumConversions } from "../ensemble/field_result.ts";
import { isOfEveryField, type MemberStatistic } from "../ensemble/statistic.ts";
import type {
  FileDataset,
  FileVariable,
  NetcdfAttribute,
  NetcdfDataset,
  NetcdfVariable,
  StreamedVariable,
} from "../netcdf/encode_netcdf.ts";
import type { OutputProfile } from "./profile.ts";
import { describeProduct, nameStatistic, statisticAttributes } from "./statistic_attributes.ts";
import {
  boundsDimension,
  listTimeAxes,
  nameTimeAxis,
  type TimeAxis,
  timeDimensions,
  timeVariables,
} from "./time_axes.ts";

/** Values, (latitude, longitude), row-major, north first: held, or read when they are written. */
export type FieldValues = Float32Array | (() => Promise<Float32Array>);

/** Statistics of one product at one step, on the output's grid. */
export interface OutputField<Values extends FieldValues = Float32Array> {
  product: FieldProduct;
  stepHours: number;
  /** In the order of the product's statistics, without the members. */
  statistics: readonly Values[];
  /** Number of members that went in. */
  membersUsed: number;
  /** Whether more members went in at some points: `membersUsed` is the least. @default {false} */
  varies?: boolean;
  /** Units of messages that were converted. @default {undefined} (none were) */
  conversions?: readonly CountedConversion[];
}

/** Everything that goes into the output. */
export interface OutputContent<Values extends FieldValues = Float32Array> {
  profile: OutputProfile;
  run: Run;
  products: readonly FieldProduct[];
  /** Forecast steps in hours, ascending. */
  steps: readonly number[];
  axes: WindowAxes;
  /** Those of the messages, where the fields were interpolated. @default {undefined} (they were not) */
  axesOfMessages?: WindowAxes;
  /** Fields that have values; every other (product, step) stays NaN. */
  fields: readonly OutputField<Values>[];
  /** What ECMWF did not publish: variables that are left out, and fields that are NaN. @default none */
  unpublished?: {
    variables: readonly Variable[];
    fields: readonly { variable: Variable; stepHours: number }[];
  };
  /** Members that went into at least one field, ascending. */
  membersUsed: readonly Member[];
  /** Members asked for that went into no field. */
  membersAbsent: readonly Member[];
  /**
   * Opens the members of a product at a step: what is given back writes the values of one to an array,
   * (latitude, longitude), or says that there are none. Called in the order of the file.
   *
   * @default {undefined} (no statistic asks for them)
   */
  readMembers?(
    product: FieldProduct,
    stepHours: number,
  ): Promise<(member: Member, out: Float32Array) => boolean>;
  /** When and how the file was made, for `history`. */
  history: string;
}

/** Content whose values may be read when they are written. */
type AnyContent = OutputContent<FieldValues>;

/** The axis of members, where a product has them. */
const NUMBER = "number";

/**
 * The dataset of a run: dimensions `time` 1, `valid_time` steps, `latitude`, `longitude`, and `bnds` 2
 * where a variable accumulates; periods have axes in time of their own, members have `number`.
 */
export function buildDataset<Values extends FieldValues>(
  content: OutputContent<Values>,
): NetcdfDataset<Values extends Float32Array ? NetcdfVariable : FileVariable> {
  return buildFile(content) as ReturnType<typeof buildDataset<Values>>;
}

function buildFile(content: AnyContent): FileDataset {
  const { profile, run, axes, steps, products } = content;
  const timeAxes = listTimeAxes(products, run, steps);
  const axisOf = (product: FieldProduct) =>
    timeAxes.find(({ name }) => name === nameTimeAxis(product))!;
  const members = [...content.membersUsed, ...content.membersAbsent].sort((a, b) => a - b);
  const streamed = products.flatMap((product) =>
    membersVariables(content, product, axisOf(product), members)
  );
  return {
    dimensions: {
      time: 1,
      ...timeDimensions(timeAxes),
      ...(streamed.length > 0 && { [NUMBER]: members.length }),
      latitude: axes.latitudes.length,
      longitude: axes.longitudes.length,
      ...boundsDimension(timeAxes),
    },
    attributes: globalAttributes(content),
    variables: [
      ...timeVariables(profile, run, timeAxes),
      ...(streamed.length > 0 ? [numberVariable(members)] : []),
      ...axisVariables(axes),
      ...products.flatMap((product) => statisticVariables(content, product, axisOf(product))),
      ...products.map((product) => countVariable(content, product, axisOf(product))),
    ],
    ...(streamed.length > 0 && { streamed }),
  };
}

function globalAttributes(content: AnyContent): Record<string, NetcdfAttribute> {
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
  { profile, run, products, axes, axesOfMessages }: AnyContent,
): Record<string, string> {
  if (!axesOfMessages) return {};
  const [from, to] = [axesOfMessages, axes].map((it) => findSpacing(run, it));
  const statistics = products.flatMap((product) => statisticsOf(product, profile));
  const what = statistics.every(isOfEveryField) ? "mean and standard deviation" : "statistics";
  return { interpolation: `${what} bilinear from ${from} to ${to} degrees` };
}

/** `tcc, sf`. */
function listNames(variables: readonly Variable[]): string {
  return variables.map(({ name }) => name).join(", ");
}

/** `tp (0 h), ssr (0 h)`. */
function listFields(fields: readonly { variable: Variable; stepHours: number }[]): string {
  return fields.map(({ variable, stepHours }) => `${variable.name} (${stepHours} h)`).join(", ");
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

function numberVariable(members: readonly Member[]): NetcdfVariable {
  return {
    name: NUMBER,
    dimensions: [NUMBER],
    attributes: {
      standard_name: "realization",
      long_name: "ensemble member, 0 is the control",
      units: "1",
    },
    data: Int32Array.from(members),
  };
}

/** The variables of a product's statistics, without the members; held where all fields are. */
function statisticVariables(
  content: AnyContent,
  product: FieldProduct,
  axis: TimeAxis,
): FileVariable[] {
  const own = content.fields.filter((field) => field.product.name === product.name);
  return listArrayStatistics(product, content.profile).map((statistic, i) => {
    const described = {
      name: nameStatistic(product, statistic),
      dimensions: ["time", axis.name, "latitude", "longitude"],
      attributes: describeVariable(content, product, statistic, axis),
    };
    const values = new Map(own.map((field) => [field.stepHours, field.statistics[i]!]));
    return [...values.values()].every((it) => typeof it === "object")
      ? { ...described, data: layOutSteps(content, values as Map<number, Float32Array>, axis) }
      : { ...described, pieces: () => readSteps(content, values, axis) };
  });
}

/** The statistics of a product that one number a point holds: all but the members. */
export function listArrayStatistics(
  product: FieldProduct,
  profile: Pick<OutputProfile, "statistics">,
): MemberStatistic[] {
  return statisticsOf(product, profile).filter(({ kind }) => kind !== "members");
}

function describeVariable(
  content: AnyContent,
  product: FieldProduct,
  statistic: MemberStatistic,
  axis: TimeAxis,
): Record<string, NetcdfAttribute> {
  return {
    ...statisticAttributes(product, statistic, axis.name),
    ancillary_variables: countName(product),
    ...describeConversions(content, product),
    _FillValue: Float32Array.of(NaN),
  };
}

/** The variable of a product's members, read when it is written; none where they are not asked for. */
function membersVariables(
  content: AnyContent,
  product: FieldProduct,
  axis: TimeAxis,
  members: readonly Member[],
): StreamedVariable[] {
  const statistic = statisticsOf(product, content.profile).find(({ kind }) => kind === "members");
  if (!statistic) return [];
  return [{
    name: nameStatistic(product, statistic),
    dimensions: ["time", axis.name, NUMBER, "latitude", "longitude"],
    attributes: describeVariable(content, product, statistic, axis),
    pieces: () => readMemberPieces(content, product, axis, members),
  }];
}

/** Steps that are being read while one is worked on: a read has several turns, between two steps each. */
const STEPS_AHEAD = 4;

/** Values of a piece, or of one member if it has more: they stay in a processor's memory until written. */
const PIECE_VALUES = 128 * 1024;

/** The members at one step after the other. */
async function* readMemberPieces(
  { axes, readMembers }: AnyContent,
  product: FieldProduct,
  { windows }: TimeAxis,
  members: readonly Member[],
): AsyncGenerator<Float32Array> {
  const points = axes.latitudes.length * axes.longitudes.length;
  const open = ({ stepHours }: ProductWindow) => {
    const opening = readMembers!(product, stepHours);
    opening.catch(() => {}); // it is awaited when it is due, unless the file is given up
    return opening;
  };
  const opened = windows.slice(0, STEPS_AHEAD).map(open);
  const perPiece = Math.max(1, Math.floor(PIECE_VALUES / points));
  for (const i of windows.keys()) {
    const fill = await opened.shift()!;
    const next = windows[i + STEPS_AHEAD];
    if (next) opened.push(open(next));
    for (let first = 0; first < members.length; first += perPiece) {
      const some = members.slice(first, first + perPiece);
      const values = new Float32Array(some.length * points);
      for (const [place, member] of some.entries()) {
        const own = values.subarray(place * points, (place + 1) * points);
        if (!fill(member, own)) own.fill(NaN);
      }
      yield values;
    }
  }
}

function describeConversions(
  { fields }: AnyContent,
  product: FieldProduct,
): Record<string, string> {
  const own = fields.filter((field) => field.product.name === product.name);
  const sums = sumConversions(own).map(({ messages, units, factor, bySeconds }) => {
    const seconds = "the seconds from the start of the run";
    const by = !bySeconds ? `${factor}` : factor === 1 ? seconds : `${factor} and ${seconds}`;
    return `${messages} messages in ${units}, multiplied by ${by}`;
  });
  return sums.length > 0 ? { comment: sums.join("; ") } : {};
}

function countName({ name }: FieldProduct): string {
  return `${name}_members_used`;
}

/** The number of members in the statistics of a product, by step; 0 where there are none. */
function countVariable(
  { fields }: AnyContent,
  product: FieldProduct,
  { name: axis, windows }: TimeAxis,
): NetcdfVariable {
  const own = fields.filter((field) => field.product.name === product.name);
  const data = new Int32Array(windows.length);
  for (const { stepHours, membersUsed } of own) {
    data[windows.findIndex((it) => it.stepHours === stepHours)] = membersUsed;
  }
  const isPlain = product.period === undefined && product.derive === undefined;
  const { longName } = isPlain ? product.inputs[0]! : describeProduct(product);
  return {
    name: countName(product),
    dimensions: ["time", axis],
    attributes: {
      long_name: `ensemble members used for ${longName}`,
      // The modifier of this name is deprecated (CF appendix C), the name is not.
      standard_name: "number_of_observations",
      units: "1",
      ...(own.some(({ varies }) => varies) &&
        { comment: "the least over the points: at some of them, members lack a value" }),
    },
    data,
  };
}

/** Values of a statistic as (time, valid_time, latitude, longitude), NaN where there is no field. */
function layOutSteps(
  { axes }: AnyContent,
  fields: ReadonlyMap<number, Float32Array>,
  { windows }: TimeAxis,
): Float32Array {
  const points = axes.latitudes.length * axes.longitudes.length;
  const values = new Float32Array(windows.length * points).fill(NaN);
  for (const [index, { stepHours }] of windows.entries()) {
    const own = fields.get(stepHours);
    if (own) values.set(own, index * points);
  }
  return values;
}

/** The same, one step after the other. */
async function* readSteps(
  { axes }: AnyContent,
  fields: ReadonlyMap<number, FieldValues>,
  { windows }: TimeAxis,
): AsyncGenerator<Float32Array> {
  const points = axes.latitudes.length * axes.longitudes.length;
  for (const { stepHours } of windows) {
    const own = fields.get(stepHours);
    yield own ? await loadValues(own) : new Float32Array(points).fill(NaN);
  }
}

/** Values that are held as a copy, or those that are read. */
export async function loadValues(values: FieldValues): Promise<Float32Array> {
  return typeof values === "function" ? await values() : values.slice();
}
