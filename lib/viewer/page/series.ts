/**
 * The series of a point: mean and deviation or percentiles, and the members as a plume.
 *
 * @module
 */
import type { Series } from "./chart.ts";
import type { Cell, PageField } from "./data.ts";
import { nameField, showUnits, showValue } from "./describe_view.ts";
import {
  findCellOf,
  findStep,
  type Layer,
  listTimes,
  pickField,
  readMembers,
  readValue,
  type View,
} from "./view_state.ts";

/** A chart's series, and how to read it. */
export interface DescribedSeries {
  series: Series;
  note: string;
}

/** The values of a field at a cell, one for each step, in the shown unit. */
export function readLine(view: View, layer: Layer, field: PageField, cell: Cell): number[] {
  return layer.variable.steps.map((_, step) =>
    showValue(view, field, readValue(layer, field, step, cell))
  );
}

/**
 * The line of a chart: the first statistic of the variable in the band of its deviation, or of its
 * percentiles; a probability for itself.
 */
export function planSeries(view: View, layer: Layer, cell: Cell): DescribedSeries {
  const shown = pickField(layer.variable, view.statistic);
  const isProbability = /^probability/.test(shown.label);
  const field = isProbability ? shown : layer.variable.fields[0]!;
  const band = isProbability ? undefined : planBand(view, layer, cell);
  const { other } = view;
  const same = other?.variable.fields.find(({ key }) => key === field.key);
  const otherLine = other && same && {
    times: listTimes(other.data, other.variable),
    line: readLine(view, other, same, findCellOf(view, other.data, cell)),
  };
  const dashed = otherLine ? ` Dashed: run of ${other!.data.runLabel}.` : "";
  return {
    series: {
      times: listTimes(layer.data, layer.variable),
      line: readLine(view, layer, field, cell),
      bands: band ? [band] : [],
      members: [],
      ...(otherLine && { other: otherLine }),
      current: findStep(view),
      label: showUnits(view, field) || layer.variable.name,
    },
    note: `Line: ${nameField(field)}.${band ? ` Band: ${band.name}.` : ""}${dashed}`,
  };
}

/** One deviation to both sides of the mean, else from the least percentile to the greatest. */
export function planBand(view: View, layer: Layer, cell: Cell) {
  const { fields } = layer.variable;
  const line = readLine(view, layer, fields[0]!, cell);
  const spread = fields.find(({ key }) => key.startsWith("deviation"));
  if (spread && fields[0]!.key === "mean") {
    const deviation = readLine(view, layer, spread, cell);
    const shift = (side: number) => line.map((value, step) => value + side * deviation[step]!);
    return { name: "one standard deviation to both sides", low: shift(-1), high: shift(1) };
  }
  const percentiles = fields.filter(({ key }) => /^p\d/.test(key))
    .toSorted((a, b) => Number(a.key.slice(1)) - Number(b.key.slice(1)));
  const [least, most] = [percentiles[0], percentiles.at(-1)];
  if (!least || !most || least === most) return undefined;
  const [low, high] = [least, most].map((field) => readLine(view, layer, field, cell));
  return { name: `${least.label} to ${most.label}`, low: low!, high: high! };
}

/** Every member as a line, in the bands between their quantiles; nothing where there are none. */
export function planPlume(view: View, layer: Layer, cell: Cell): DescribedSeries | undefined {
  const members = readMembers(layer, cell);
  if (members.length === 0) return undefined;
  const lead = layer.variable.fields[0]!;
  const shown = members.map((line) => line.map((value) => showValue(view, lead, value)));
  const quantiles = (share: number) =>
    layer.variable.steps.map((_, step) => findQuantile(shown.map((line) => line[step]!), share));
  return {
    series: {
      times: listTimes(layer.data, layer.variable),
      line: quantiles(0.5),
      bands: [
        { low: quantiles(0.1), high: quantiles(0.9) },
        { low: quantiles(0.25), high: quantiles(0.75) },
      ],
      members: shown,
      current: findStep(view),
      label: showUnits(view, lead) || layer.variable.name,
    },
    note: `Thin lines: ${members.length} members. Line: their median. ` +
      "Bands: the middle 50 % and 80 % of them.",
  };
}

/** A quantile of the values that are not missing, linear between the nearest two. */
export function findQuantile(values: readonly number[], share: number): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).toSorted((a, b) => a - b);
  if (sorted.length === 0) return NaN;
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)]!;
  return low + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - low);
}
