/**
 * The fields of a forecast as a page has them: rounded as far as their spread hides, and packed.
 *
 * @module
 */
import { isValue } from "../output/forecast_fields.ts";
import type { ForecastField, ForecastFile, ForecastVariable } from "../output/forecast_file.ts";
import { findLead } from "../maps/choose_panels.ts";
import { findExtent } from "../maps/color_scale.ts";
import { findDisplay } from "../maps/palettes.ts";
import { describePeriod, labelStatistic } from "../maps/statistic_names.ts";
import { pairWinds } from "../maps/wind_pairs.ts";
import {
  chooseQuantum,
  countDigits,
  packCodes,
  quantize,
  type StatisticFields,
} from "./pack_values.ts";
import type { PageField, PageMembers, PageScale, PageVariable } from "./page/data.ts";

/** The colours of a field; `null` where it has no value. */
export type PlanScale = (variable: ForecastVariable, field: ForecastField) => PageScale | null;

/** Shares of a variable's typical spread to which its values may be rounded, the finest first. */
const SPREAD_SHARES: readonly number[] = [1 / 64, 1 / 32, 1 / 16, 1 / 8];
/** The same for members, which are lines in a chart. */
const MEMBERS_SHARE = 1 / 16;

/** Text that a packed value may take: 3 MB for 12 variables at 9 steps on 157 × 145 points. */
const BYTES_PER_VALUE = 0.58;
/** Text that all values may take in any case: small regions are rounded no more than large ones. */
const LEAST_BYTES = 400_000;

/** Values of members that a page may hold: some 4 MB. */
const MOST_MEMBER_VALUES = 8_000_000;

/** Percent: any two counts out of a hundred members have different ones. */
const PROBABILITY_QUANTUM = 1;

const NO_BREAK_SPACE = "\u00a0";

/**
 * The variables of a forecast. Values are rounded to a share of their typical spread: the finest of
 * four with which the page stays small, else the coarsest, an eighth. `largestError` of a field is
 * measured.
 */
export async function packVariables(
  forecast: ForecastFile,
  planScale: PlanScale,
  onVariable: () => void,
): Promise<PageVariable[]> {
  const packed = await packFinest(forecast, planScale, SPREAD_SHARES, onVariable);
  const stride = chooseStride(forecast);
  for (const [i, variable] of forecast.variables.entries()) {
    const members = await packMembers(forecast, variable, stride);
    if (members) packed[i] = { ...packed[i]!, members };
  }
  return packed;
}

async function packFinest(
  forecast: ForecastFile,
  planScale: PlanScale,
  [share, ...coarser]: readonly number[],
  onVariable: () => void,
): Promise<PageVariable[]> {
  const packed: PageVariable[] = [];
  for (const variable of forecast.variables) {
    packed.push(await packVariable(forecast, variable, planScale, share!));
    onVariable();
  }
  const points = forecast.latitudes.length * forecast.longitudes.length;
  const steps = packed.reduce((sum, { steps, fields }) => sum + steps.length * fields.length, 0);
  const fields = packed.flatMap(({ fields }) => fields);
  const bytes = fields.reduce((sum, field) => sum + field.packed.bytes.length, 0);
  const isSmall = bytes <= Math.max(LEAST_BYTES, points * steps * BYTES_PER_VALUE);
  return isSmall || coarser.length === 0
    ? packed
    : packFinest(forecast, planScale, coarser, onVariable);
}

async function packVariable(
  forecast: ForecastFile,
  variable: ForecastVariable,
  planScale: PlanScale,
  share: number,
): Promise<PageVariable> {
  const { units, factor } = findDisplay(variable);
  const quantum = chooseQuantum(listFields(variable), factor, share);
  const lead = findLead(variable);
  const fields: PageField[] = [];
  for (const field of [lead, ...variable.fields.filter((field) => field !== lead)]) {
    const packed = await packField(variable, field, quantum, forecast.longitudes.length);
    fields.push({ ...packed, scale: planScale(variable, field) });
  }
  const period = describePeriod(variable);
  const firstStep = variable.steps.findIndex((step) => hasValue(lead.values(step)));
  const wind = pairWinds(forecast.variables).find(({ name }) => name === variable.name);
  return {
    name: variable.name,
    longName: variable.longName,
    units: formatUnits(units),
    accumulated: variable.period === "from the start",
    ...(period !== undefined && { period }),
    steps: variable.steps,
    ...(firstStep > 0 && { firstStep }),
    membersUsed: variable.steps.map((step) => variable.membersUsed(step) ?? null),
    fields,
    ...(wind && { wind: { u: wind.u.name, v: wind.v.name } }),
  };
}

/** ECMWF publishes no accumulation at step 0. */
const hasValue = (values: Float32Array) => values.some((value) => !Number.isNaN(value));

const formatUnits = (units: string) => units.replaceAll(" ", NO_BREAK_SPACE);

/** What decides how far a variable's values are rounded. */
function listFields(variable: ForecastVariable): StatisticFields {
  const read = ({ values }: ForecastField) => variable.steps.map((step) => values(step));
  const ofKind = (isWanted: (field: ForecastField) => boolean) => variable.fields.filter(isWanted);
  const deviation = ofKind(({ statistic }) => statistic.kind === "standard_deviation");
  const values = ofKind(({ statistic }) => isValue(statistic)).flatMap(read);
  if (deviation.length > 0) return { values, deviation: deviation.flatMap(read) };
  const [least, most] = findExtent(values, 1) ?? [0, 0];
  return { values, deviation: [Float32Array.of((most - least) / 10)] };
}

async function packField(
  variable: ForecastVariable,
  field: ForecastField,
  quantumOfValues: number,
  columns: number,
): Promise<Omit<PageField, "scale">> {
  const { units, factor } = findDisplay(variable, field);
  const isProbability = field.statistic.kind === "exceedance";
  const quantum = isProbability ? PROBABILITY_QUANTUM : quantumOfValues;
  const codes = quantize(variable.steps.map((step) => field.values(step)), factor, quantum);
  return {
    key: field.key,
    label: labelStatistic(field.statistic),
    units: formatUnits(units),
    quantum,
    digits: countDigits(quantum),
    largestError: codes.largestError,
    packed: await packCodes(codes, columns),
  };
}

/** Rows and columns from one point of members to the next, so that all of them are not too many. */
function chooseStride({ latitudes, longitudes, variables }: ForecastFile): number {
  const planes = variables.reduce(
    (sum, { steps, members }) => sum + steps.length * (members?.numbers.length ?? 0),
    0,
  );
  const points = latitudes.length * longitudes.length;
  return Math.max(1, Math.ceil(Math.sqrt(planes * points / MOST_MEMBER_VALUES)));
}

async function packMembers(
  { latitudes, longitudes }: ForecastFile,
  variable: ForecastVariable,
  stride: number,
): Promise<PageMembers | undefined> {
  if (!variable.members) return undefined;
  const { numbers, read } = variable.members;
  const all = read();
  const points = latitudes.length * longitudes.length;
  const shape = [latitudes, longitudes].map(({ length }) => Math.ceil(length / stride));
  const [rows, columns] = [shape[0]!, shape[1]!];
  const planes = Array.from(
    { length: all.length / points },
    (_, plane) =>
      Float32Array.from({ length: rows * columns }, (_, i) => {
        const [row, column] = [Math.floor(i / columns) * stride, i % columns * stride];
        return all[plane * points + row * longitudes.length + column]!;
      }),
  );
  const { factor } = findDisplay(variable);
  const spread = listFields(variable);
  const quantum = chooseQuantum({ ...spread, values: planes }, factor, MEMBERS_SHARE);
  const packed = await packCodes(quantize(planes, factor, quantum), columns);
  return { numbers, stride, quantum, packed };
}
