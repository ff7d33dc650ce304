/**
 * The state of the page: what is shown of which forecast.
 *
 * @module
 */
import type { Frame } from "../../maps/frame.ts";
import type { Cell, PageContent, PageData, PageField, PageVariable } from "./data.ts";
import { findNearest } from "./page_grid.ts";

/** A variable of a forecast with its values, unpacked. */
export interface Layer {
  data: PageData;
  variable: PageVariable;
  /** By key of the statistic: one field for each step of the variable. */
  values: Record<string, Float64Array[]>;
  /** Of a wind that has components: one field for each step of the variable. */
  wind?: { u: Float64Array[]; v: Float64Array[] };
  /** All members of a step, then those of the next. */
  members?: Float64Array[];
}

/** The state of the page. */
export interface View {
  content: PageContent;
  /** The first forecast. */
  data: PageData;
  /** Name of the variable. */
  name: string;
  /** Key of the statistic on the map. */
  statistic: string;
  /** What is beside it: a key of another statistic, `other` for the other forecast, or nothing. */
  beside: string;
  /** Valid time on the map. */
  time: number;
  /** Whether temperatures are in °C. */
  celsius: boolean;
  /** Whether the borders of provinces are drawn. */
  provinces: boolean;
  /** The variable, once it is unpacked, and the same of the other forecast. */
  layer: Layer | undefined;
  other: Layer | undefined;
  /** Variables shown so far, by number of the forecast and name. */
  unpacked: Map<string, Promise<Layer>>;
  /** The frames of the maps in their elements. */
  frames: (Frame | undefined)[];
  /** The cell of the first forecast under the pointer, or where keys have moved it. */
  cursor: Cell | undefined;
  /** The cell whose series is shown. */
  picked: Cell | undefined;
  /** The town that it was picked by. */
  town: string | undefined;
  /** Timer of playing. */
  timer: ReturnType<typeof setInterval> | undefined;
}

/** A map of the page, and what it shows. */
export interface Pane {
  /** 0 for the first, 1 for the one beside it. */
  index: number;
  layer: Layer;
  field: PageField;
  /** Index among the steps of the variable; −1 where it has none at the time. */
  step: number;
}

/** The end of the ids of a pane's elements. */
export function endId(index: number): string {
  return index === 0 ? "" : `-${index + 1}`;
}

/** The variable of a forecast with this name. */
export function findByName(data: PageData, name: string): PageVariable | undefined {
  return data.variables.find((variable) => variable.name === name);
}

/** The shown variable of the first forecast. */
export function findShown({ data, name }: View): PageVariable {
  return findByName(data, name) ?? data.variables[0]!;
}

/** The field of a variable with this key, else its first. */
export function pickField({ fields }: PageVariable, key: string): PageField {
  return fields.find((field) => field.key === key) ?? fields[0]!;
}

/** Valid times of the steps of a variable. */
export function listTimes(data: PageData, { steps }: PageVariable): number[] {
  return steps.map((step) => data.times[step]!);
}

/** Valid time of the first step at which a variable has a value. */
export function findFirstTime(data: PageData, { steps, firstStep = 0 }: PageVariable): number {
  return data.times[steps[firstStep]!]!;
}

/** Index of the step of the shown variable whose time is nearest. */
export function findStep(view: View): number {
  const times = listTimes(view.data, findShown(view));
  const distances = times.map((time) => Math.abs(time - view.time));
  return distances.indexOf(Math.min(...distances));
}

/** The maps of the page: the field, and what is beside it. */
export function listPanes(view: View): Pane[] {
  const { layer, other, statistic, beside } = view;
  if (!layer) return [];
  const field = pickField(layer.variable, statistic);
  const step = findStep(view);
  const first = { index: 0, layer, field, step };
  if (beside === "other") {
    const own = other?.variable.fields.find(({ key }) => key === field.key);
    if (!other || !own) return [first];
    const time = listTimes(layer.data, layer.variable)[step]!;
    const otherStep = listTimes(other.data, other.variable).indexOf(time);
    return [first, { index: 1, layer: other, field: own, step: otherStep }];
  }
  const second = layer.variable.fields.find(({ key }) => key === beside);
  return second && second !== field ? [first, { index: 1, layer, field: second, step }] : [first];
}

/** A cell of the first forecast as the nearest of another one. */
export function findCellOf(view: View, data: PageData, cell: Cell): Cell {
  if (data === view.data) return cell;
  const { latitudes, longitudes } = view.data;
  return findNearest(data, latitudes[cell.row]!, longitudes[cell.column]!);
}

/** A value of a field at a cell of its forecast; `NaN` where it is missing. */
export function readValue(
  { values, data }: Layer,
  { key }: Pick<PageField, "key">,
  step: number,
  { row, column }: Cell,
): number {
  return values[key]?.[step]?.[row * data.longitudes.length + column] ?? NaN;
}

/** Values of all members at the nearest of their points, one list for each member. */
export function readMembers({ data, variable, members }: Layer, cell: Cell): number[][] {
  if (!variable.members || !members) return [];
  const { numbers, stride } = variable.members;
  const columns = Math.ceil(data.longitudes.length / stride);
  const rows = Math.ceil(data.latitudes.length / stride);
  const nearest = (index: number, length: number) =>
    Math.min(Math.round(index / stride), length - 1);
  const at = nearest(cell.row, rows) * columns + nearest(cell.column, columns);
  return numbers.map((_, member) =>
    variable.steps.map((_, step) => members[step * numbers.length + member]![at]!)
  );
}
