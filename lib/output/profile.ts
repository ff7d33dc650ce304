/**
 * Output profiles: what a file contains, as data, from its products and statistics to its name.
 *
 * @module
 */
import type { Region } from "../grib/headers.ts";
import { findDataset } from "../ecmwf/datasets.ts";
import type { MemberKind } from "../ecmwf/members.ts";
import type { Run, RunHour } from "../ecmwf/run.ts";
import { findVariables, GIK_VARIABLES } from "../ecmwf/variables.ts";
import { type FieldProduct, plainProduct } from "../ensemble/field_product.ts";
import { MEAN_AND_DEVIATION, type MemberStatistic } from "../ensemble/statistic.ts";
import { DEFAULT_LAYOUT, type OutputLayout } from "./layout.ts";
import { ICPAC } from "./regions.ts";
import type { TargetGrid } from "./target_grid.ts";

/** The kinds of files: NetCDF classic, NetCDF-4, and a Zarr store, which is a folder. */
export const FILE_FORMATS = ["netcdf", "netcdf4", "zarr"] as const;
/** One of {@linkcode FILE_FORMATS}. */
export type FileFormat = typeof FILE_FORMATS[number];

/** What one kind of output file contains. */
export interface OutputProfile {
  name: string;
  title(run: Run): string;
  institution: string;
  /** Where the data come from, by the degrees between the points of their grid, if they are known. */
  source(spacing: number | undefined, run: Run): string;
  conventions: string;
  /** What is written of the members' values, unless other variables are asked for. */
  products: readonly FieldProduct[];
  /** Forecast steps in hours written unless others are asked for. */
  steps: readonly number[];
  /** Region written unless another is asked for, degrees. */
  region: Region;
  /** Points to which the statistics are interpolated. @default {undefined} (those of the messages) */
  grid?: TargetGrid;
  /** The members that go in: all, or those without the control. */
  members: MemberKind;
  /** Of each product that names none itself. */
  statistics: readonly MemberStatistic[];
  /** How the file is laid out. */
  layout: OutputLayout;
  /** Unit of `time` and `valid_time`: hours since this instant. */
  timeOrigin: { units: string; epochMs: number };
  /** The hours of the runs that it is for. @default {undefined} (all) */
  runHours?: readonly RunHour[];
  /**
   * Of files that lack no value: the members behind each one, at least. A file that would lack one is not
   * written. @default {undefined} (there may be NaN)
   */
  everyValueOf?: number;
  /** Fields that its readers know, but ECMWF publishes in no run of the ensemble. @default {[]} */
  absentFields?: readonly AbsentField[];
  /** What stands in for absent fields, by their names. @default {undefined} (they are left out) */
  substitutes?: Readonly<Record<string, number>>;
  /** What kind of file it is. @default {"netcdf"} (classic, 64-bit offset) */
  format?: FileFormat;
  /** Folder of its files, unless another is asked for. */
  folder: string;
  /** Name of the file of a run. */
  fileName(run: Run): string;
}

/** A field of which there are no messages. */
export interface AbsentField {
  name: string;
  longName: string;
  units: string;
}

/** The input of ICPAC's rainfall model (cGAN), as the GIK tools write it. */
export const GIK: OutputProfile = {
  name: "gik",
  title(run) {
    const ensemble = run.model ? findDataset(run).title : "ensemble";
    return `ECMWF ${ensemble} mean and standard deviation for the cGAN rainfall model`;
  },
  institution: "IGAD Climate Prediction and Applications Centre (ICPAC)",
  source(spacing, run) {
    const grid = spacing === undefined ? "" : `${spacing} degrees, `;
    return `ECMWF ${findDataset(run).title} open data, ${grid}s3://ecmwf-forecasts, CC-BY-4.0`;
  },
  conventions: "CF-1.8",
  products: findVariables(GIK_VARIABLES).map(plainProduct),
  steps: [36, 39, 42, 45, 48, 51, 54, 57, 60],
  region: ICPAC,
  members: "all",
  statistics: MEAN_AND_DEVIATION,
  layout: DEFAULT_LAYOUT,
  // The model's own reader assumes this unit whatever the file says.
  timeOrigin: { units: "hours since 1900-01-01 00:00:00", epochMs: Date.UTC(1900, 0, 1) },
  folder: "cgan_output",
  fileName: (run) => `${findDataset(run).label}_${run.date}_${run.hour}Z_cgan.nc`,
};

/** A profile with other statistics, and a title that does not say which. */
export function withStatistics(
  profile: OutputProfile,
  statistics: readonly MemberStatistic[],
): OutputProfile {
  const title = (run: Run) => `ECMWF ${findDataset(run).title} statistics over members`;
  return { ...profile, statistics, title };
}

/** Any fields of a run, with the statistics of another profile. */
export function makeExtractProfile(profile: OutputProfile): OutputProfile {
  return {
    ...profile,
    name: "extract",
    title: (run) => `ECMWF ${findDataset(run).title}, fields of a region`,
    institution: "European Centre for Medium-Range Weather Forecasts (ECMWF)",
    fileName: (run) => `${findDataset(run).label}_${run.date}_${run.hour}Z_extract.nc`,
  };
}

/** Where the file of a run is. */
export interface OutputPlace {
  profile: OutputProfile;
  /** Folder of the file. */
  outputDir: string;
  /** Name of the file in it. @default that of the profile for the run */
  outputName?: string;
  /** @default {"netcdf"} (classic) */
  format?: FileFormat;
}

/** Folder and name of the file of a run; a Zarr store is a folder, all of whose files count. */
export function locateOutput(
  run: Run,
  { profile, outputDir, outputName, format }: OutputPlace,
): { folder: string; name: string; filePrefix?: string } {
  const name = outputName ?? profile.fileName(run);
  if (format !== "zarr") return { folder: outputDir, name };
  return { folder: outputDir, name: name.replace(/\.nc$/, ".zarr"), filePrefix: "" };
}
