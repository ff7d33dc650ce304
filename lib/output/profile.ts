/**
 * Output profiles: what a file contains, as data, from its products and statistics to its name.
 *
 * @module
 */
import type { Region } from "../grib/headers.ts";
import { findDataset } from "../ecmwf/datasets.ts";
import type { MemberKind } from "../ecmwf/members.ts";
import type { Run } from "../ecmwf/run.ts";
import { findVariables, GIK_VARIABLES } from "../ecmwf/variables.ts";
import { type FieldProduct, plainProduct } from "../ensemble/field_product.ts";
import { MEAN_AND_DEVIATION, type MemberStatistic } from "../ensemble/statistic.ts";

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
  /** The members that go in: all, or those without the control. */
  members: MemberKind;
  /** Of each product that names none itself. */
  statistics: readonly MemberStatistic[];
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
  products: findVariables(GIK_VARIABLES).map(plainProduct),
  steps: [36, 39, 42, 45, 48, 51, 54, 57, 60],
  region: { north: 25, west: 19, south: -14, east: 55 },
  members: "all",
  statistics: MEAN_AND_DEVIATION,
  // The model's own reader assumes this unit whatever the file says.
  timeOrigin: { units: "hours since 1900-01-01 00:00:00", epochMs: Date.UTC(1900, 0, 1) },
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
}

/** Folder and name of the file of a run. */
export function locateOutput(
  run: Run,
  { profile, outputDir, outputName }: OutputPlace,
): { folder: string; name: string } {
  return { folder: outputDir, name: outputName ?? profile.fileName(run) };
}
