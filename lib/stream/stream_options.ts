/**
 * What streaming is asked for.
 *
 * @module
 */
import type { Run } from "../ecmwf/run.ts";
import type { Variable } from "../ecmwf/variables.ts";
import type { FetchPolicy } from "../ensemble/fetch_plan.ts";
import type { Region } from "../grib/mod.ts";
import type { OutputProfile } from "../output/profile.ts";

/** How fields are fetched and kept. */
export interface FieldsOptions {
  profile: OutputProfile;
  /** Degrees. @default the profile's */
  region?: Region;
  /** Requests under way at once. */
  parallelFetches: number;
  /** Bound of memory: as many bytes of messages under way as so many have. @default 16 MiB */
  membersPerBatch?: number;
  /** @default that of `DEFAULT_POLICY` */
  policy?: FetchPolicy;
  /** Whether messages whose values cannot be true are left out. @default {false} (they are told) */
  dropImplausible?: boolean;
  /** Whether to drop what a stopped command left. @default {false} (go on from there) */
  fresh?: boolean;
}

/** What streaming works on. */
export interface StreamOptions extends FieldsOptions {
  /** Folder of the final stores, local or `gs://`. @default the local folder of `run` */
  parquetDir?: string;
  /** @default the run that the references point to */
  run?: Run;
  /** Forecast steps in hours. @default the profile's */
  steps?: readonly number[];
  /** The first so many members, the control first. */
  maxMembers: number;
  /** Fields of fewer members stay empty. @default {1} (a field has the members that there are) */
  minMembers?: number;
  /** @default the profile's */
  variables?: readonly Variable[];
  /** Folder of the NetCDF. */
  outputDir: string;
  /** Folder of the finished fields, local or `gs://`. @default `<output>.work` */
  work?: string;
  /** The time that `history` gives. */
  now: Date;
}
