/**
 * The plan of an output → whether the archive that it is appended to will take it, before any message
 * is fetched.
 *
 * @module
 */
import { DATASETS } from "../ecmwf/datasets.ts";
import { findEra } from "../ecmwf/eras.ts";
import { runLabel } from "../ecmwf/run.ts";
import { addAbsentFields } from "../output/absent_fields.ts";
import { buildDataset } from "../output/forecast_dataset.ts";
import { formatHistory } from "../output/history.ts";
import { layOutDataset } from "../output/layout.ts";
import { widthOf } from "../output/regions.ts";
import type { StageContext } from "../storage/mod.ts";
import type { StreamPlan } from "./plan_stream.ts";
import { chooseExtent, type StreamOptions } from "./stream_options.ts";

/** Points this close are the same. */
const EDGE_DEGREES = 1e-5;

/**
 * Checks that the archive of `append` has the variables, steps, members and attributes of an output, and
 * that its points can be those of the output. Costs no request: archives are local.
 *
 * @throws {UserError} naming the first difference.
 */
export async function requireArchiveFit(
  plan: StreamPlan,
  options: StreamOptions,
  { storage }: StageContext,
): Promise<void> {
  const { append, zarrFormat } = options;
  if (append === undefined) return;
  const { requireFit } = await import("../zarr/append_run.ts");
  const { localFiles } = await import("../zarr/store_files.ts");
  const coming = {
    describe: (points: { latitude: number; longitude: number }) =>
      describeOutput(plan, options, points),
    mayLieAt: (axis: "latitude" | "longitude", points: readonly number[]) =>
      mayLieAt(plan, options, axis, points),
  };
  const target = {
    path: append,
    label: runLabel(plan.run),
    ...(zarrFormat && { format: zarrFormat }),
  };
  await requireFit(coming, target, localFiles(storage));
}

/** The dataset of an output of which nothing was fetched. */
function describeOutput(
  { run, products, steps, members, unpublished }: StreamPlan,
  options: StreamOptions,
  { latitude, longitude }: { latitude: number; longitude: number },
) {
  const { profile } = options;
  const axes = {
    latitudes: Float64Array.from({ length: latitude }, (_, i) => -i),
    longitudes: Float64Array.from({ length: longitude }, (_, i) => i),
  };
  const dataset = buildDataset({
    ...{ profile, run, products, steps, axes, fields: [], unpublished },
    ...{ membersUsed: members, membersAbsent: [], history: formatHistory(options) },
  });
  return layOutDataset(addAbsentFields(dataset, profile), profile.layout, products);
}

/** Whether an output may have these points: all that are in its region, or those of its target grid. */
function mayLieAt(
  { run }: StreamPlan,
  options: StreamOptions,
  axis: "latitude" | "longitude",
  points: readonly number[],
): boolean {
  const { region, grid } = chooseExtent(options);
  const { north, south, west } = region;
  const [least, most] = axis === "latitude" ? [south, north] : [west, west + widthOf(region)];
  const ordered = points.toSorted((a, b) => a - b);
  const [first, last] = [ordered[0]!, ordered.at(-1)!];
  const spacing = ordered.length > 1 ? (last - first) / (ordered.length - 1) : undefined;
  const isNear = (a: number, b: number) =>
    Math.abs(a - b) <= EDGE_DEGREES * Math.max(1, Math.abs(a));
  if (first < least - EDGE_DEGREES || last > most + EDGE_DEGREES) return false;
  if (grid?.corners && !(isNear(first, least) && isNear(last, most))) return false;
  if (spacing === undefined) return true;
  if (grid) return isNear(spacing, grid.spacing);
  const isWhole = first - least < spacing + EDGE_DEGREES && most - last < spacing + EDGE_DEGREES;
  return isWhole && mayBeSpaced(spacing, findEra(run).folders.map((it) => it.grid.spacing));
}

/** Whether points of a run may be so far apart: not as those of other eras are. */
function mayBeSpaced(spacing: number, own: readonly number[]): boolean {
  const isOneOf = (list: readonly number[]) =>
    list.some((it) => Math.abs(it - spacing) <= EDGE_DEGREES);
  const all = Object.values(DATASETS).flatMap(({ eras }) => eras)
    .flatMap(({ folders }) => folders.map(({ grid }) => grid.spacing));
  return isOneOf(own) || !isOneOf(all);
}
