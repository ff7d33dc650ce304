/**
 * Output profiles: what a file contains, as data, from its variables to its name.
 *
 * @module
 */
import type { Region } from "../grib/headers.ts";
import { findDataset } from "../ecmwf/datasets.ts";
import type { Run } from "../ecmwf/run.ts";
import type { TargetGrid } from "./target_grid.ts";

/** A statistic of the members, written as `<variable>_<suffix>`. */
export interface StatisticSpec {
  suffix: "ensemble_mean" | "ensemble_standard_deviation";
  /** Field of a reduced field that holds it. */
  source: "mean" | "deviation";
  /** Words before a variable's name in `long_name`. */
  description: string;
  /** CF cell method over the dimensionless axis `realization`. */
  cellMethod: "mean" | "standard_deviation";
}

/** What one kind of output file contains. */
export interface OutputProfile {
  name: string;
  title(run: Run): string;
  institution: string;
  /** Where the data come from, by the degrees between the points of their grid, if they are known. */
  source(spacing: number | undefined, run: Run): string;
  conventions: string;
  /** Names of the variables written unless others are asked for. */
  variables: readonly string[];
  /** Forecast steps in hours written unless others are asked for. */
  steps: readonly number[];
  /** Region written unless another is asked for, degrees. */
  region: Region;
  /** Points to which the statistics are interpolated. @default {undefined} (those of the messages) */
  grid?: TargetGrid;
  statistics: readonly StatisticSpec[];
  /** Unit of `time` and `valid_time`: hours since this instant. */
  timeOrigin: { units: string; epochMs: number };
  /** Name of the file of a run. */
  fileName(run: Run): string;
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
  variables: [
    "tp",
    "t2m",
    "sp",
    "ssr",
    "ssrd",
    "tcw",
    "tcwv",
    "tcc",
    "u700",
    "v700",
    "sf",
    "ro",
  ],
  steps: [36, 39, 42, 45, 48, 51, 54, 57, 60],
  region: { north: 25, west: 19, south: -14, east: 55 },
  statistics: [
    {
      suffix: "ensemble_mean",
      source: "mean",
      description: "ensemble mean of",
      cellMethod: "mean",
    },
    {
      suffix: "ensemble_standard_deviation",
      source: "deviation",
      description: "ensemble standard deviation of",
      cellMethod: "standard_deviation",
    },
  ],
  // The model's own reader assumes this unit whatever the file says.
  timeOrigin: { units: "hours since 1900-01-01 00:00:00", epochMs: Date.UTC(1900, 0, 1) },
  fileName: (run) => `${findDataset(run).label}_${run.date}_${run.hour}Z_cgan.nc`,
};
