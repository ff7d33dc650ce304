/**
 * The products of a file → its axes in time: their coordinates and the bounds of periods.
 *
 * @module
 */
import { referenceTime, type Run } from "../ecmwf/run.ts";
import {
  type FieldProduct,
  isAccumulated,
  listWindows,
  type ProductWindow,
} from "../ensemble/field_product.ts";
import type { NetcdfVariable } from "../netcdf/encode_netcdf.ts";
import type { OutputProfile } from "./profile.ts";

const HOUR_MS = 3_600_000;
const VALID_TIME = "valid_time";
/** Name of the dimension of the two ends of a period. */
const BOUNDS = "bnds";

/** An axis in time, and when each of its values is. */
export interface TimeAxis {
  /** Of its dimension and its coordinate variable. */
  name: string;
  windows: readonly ProductWindow[];
  /** Whether its coordinates have bounds: a value on it is of a period. */
  hasBounds: boolean;
}

/** The name of the axis that a product is on: `valid_time`, `valid_time_24h`, `valid_time_day`. */
export function nameTimeAxis({ period }: Pick<FieldProduct, "period">): string {
  if (period === undefined || period === "next") return VALID_TIME;
  return `${VALID_TIME}_${period === "day" ? period : `${period}h`}`;
}

/**
 * The axes of products, each once, `valid_time` first. Its bounds begin with the run; where its sums are of
 * the time to the next step, they end there. Where it has both kinds it has none: no bounds fit all.
 *
 * @param steps that are written, ascending.
 */
export function listTimeAxes(
  products: readonly FieldProduct[],
  run: Run,
  steps: readonly number[],
): TimeAxis[] {
  const groups = Map.groupBy(products, nameTimeAxis);
  const names = [...groups.keys()].toSorted((a, b) =>
    Number(b === VALID_TIME) - Number(a === VALID_TIME)
  );
  return names.map((name) => {
    const own = groups.get(name)!;
    const { period } = own.find((it) => it.period !== undefined) ?? {};
    const windows = listWindows({ period }, run, steps);
    return {
      name,
      windows: period === undefined ? windows.map((it) => ({ ...it, startHours: 0 })) : windows,
      hasBounds: haveBounds(own),
    };
  });
}

/** Whether the values of products on one axis are of periods, and of the same. */
function haveBounds(products: readonly FieldProduct[]): boolean {
  const ofPeriods = products.filter((it) => it.period !== undefined || isAccumulated(it));
  return ofPeriods.length > 0 && ofPeriods.every(({ period }) => period === ofPeriods[0]!.period);
}

/** The lengths of axes. */
export function timeDimensions(axes: readonly TimeAxis[]): Record<string, number> {
  return Object.fromEntries(axes.map(({ name, windows }) => [name, windows.length]));
}

/** The dimension of the ends of periods, where any axis has bounds. */
export function boundsDimension(axes: readonly TimeAxis[]): Record<string, number> {
  return axes.some(({ hasBounds }) => hasBounds) ? { [BOUNDS]: 2 } : {};
}

/** The start of the run, and the coordinates of each axis with their bounds. */
export function timeVariables(
  { timeOrigin: { units, epochMs } }: Pick<OutputProfile, "timeOrigin">,
  run: Run,
  axes: readonly TimeAxis[],
): NetcdfVariable[] {
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
    ...axes.flatMap(({ name, windows, hasBounds }, i) => [
      {
        name,
        dimensions: [name],
        attributes: {
          standard_name: "time",
          long_name: name === VALID_TIME
            ? "time at which the forecast is valid"
            : "end of the period that the forecast is of",
          units,
          calendar,
          // A letter is on one axis alone (CF 4).
          ...(i === 0 && { axis: "T" }),
          ...(hasBounds && { bounds: `${name}_bnds` }),
        },
        data: Float64Array.from(windows, ({ stepHours }) => runHours + stepHours),
      },
      ...(hasBounds ? [boundsVariable(name, windows, runHours)] : []),
    ]),
  ];
}

/**
 * The ends of periods. They have no attributes: those of the axis hold for them (CF 7.1). Variables of a
 * moment say `valid_time: point` and have no use for them.
 */
function boundsVariable(
  axis: string,
  windows: readonly ProductWindow[],
  runHours: number,
): NetcdfVariable {
  return {
    name: `${axis}_bnds`,
    dimensions: [axis, BOUNDS],
    attributes: {},
    data: Float64Array.from(
      windows.flatMap(({ startHours, endHours }) => [runHours + startHours, runHours + endHours]),
    ),
  };
}
