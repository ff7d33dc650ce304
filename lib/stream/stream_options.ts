/**
 * The options of streaming, and what they and the profile make together.
 *
 * @module
 */
import type { ModelName } from "../ecmwf/datasets.ts";
import type { Member } from "../ecmwf/members.ts";
import type { Run } from "../ecmwf/run.ts";
import type { Variable } from "../ecmwf/variables.ts";
import type { EarlyPool } from "../ensemble/decode_pool.ts";
import type { FetchPolicy } from "../ensemble/fetch_plan.ts";
import type { FieldProduct } from "../ensemble/field_product.ts";
import type { Region } from "../grib/mod.ts";
import type { OutputProfile } from "../output/profile.ts";
import type { TargetGrid } from "../output/target_grid.ts";
import type { Catalog } from "../references/catalog_layout.ts";
import type { ReferenceTargets } from "../references/reference_targets.ts";
import type { Store } from "../references/store.ts";
import type { OutputFormat } from "./output_format.ts";

/** How fields are fetched and saved. */
export interface FieldsOptions {
  profile: OutputProfile;
  /** Degrees. @default the profile's */
  region?: Region;
  /** Points to which the statistics are interpolated. @default the profile's */
  grid?: TargetGrid;
  /** Requests under way at once. */
  parallelFetches: number;
  /** A decode worker that was started before. @default {undefined} (all are, with the first fetch) */
  early?: EarlyPool;
  /** Bound of memory: messages under way at once, in bytes of the longest. @default 16 MiB worth */
  membersPerBatch?: number;
  /** @default that of `DEFAULT_POLICY` */
  policy?: FetchPolicy;
  /** Whether to leave out messages whose values cannot be true. @default {false} (only warn) */
  dropImplausible?: boolean;
  /** Whether to drop the saved fields and start over. @default {false} (resume from them) */
  fresh?: boolean;
  /**
   * Whether to check the files of every saved field, not only those of steps to which fields will be
   * added: one HEAD a file. @default {false}
   */
  checkSaved?: boolean;
}

/** What streaming works on. */
export interface StreamOptions extends FieldsOptions, OutputFormat {
  /** Folder of the final stores, local or `gs://`. @default the local folder of `run` */
  parquetDir?: string;
  /** Where the stores of `run` are, in place of `parquetDir`. @default {undefined} (in that folder) */
  catalog?: Catalog;
  /** The stores themselves, in place of both. @default {undefined} (they are read) */
  stores?: ReadonlyMap<Member, Store>;
  /** Where references may point. @default {undefined} (to ECMWF's bucket on AWS alone) */
  targets?: ReferenceTargets;
  /** @default the run that the references point to */
  run?: Run;
  /** Model of the run that the references point to. @default {undefined} (any) */
  model?: ModelName;
  /** Forecast steps in hours. @default those of the profile that the run has */
  steps?: readonly number[];
  /** Number of members, the control first. */
  maxMembers: number;
  /** Those members, by their numbers. @default the first `maxMembers` */
  members?: readonly Member[];
  /** Fields of fewer members stay empty. @default {1} (a field has the members that are there) */
  minMembers?: number;
  /** Those asked for by name: each has to be published. @default {undefined} (the profile's that are) */
  variables?: readonly Variable[];
  /** What is written. @default one of each of `variables`, else the profile's */
  products?: readonly FieldProduct[];
  /** Folder of the output. */
  outputDir: string;
  /** Name of the NetCDF in it. @default that of the profile for the run */
  outputName?: string;
  /** Folder of the finished fields, local or `gs://`. @default `<output>.work` */
  work?: string;
  /** The time in the global attribute `history`. */
  now: Date;
  /** The command in the same attribute, where the layout names it. @default {"stream"} */
  commandLine?: string;
}

/** The points of an output. */
export interface OutputExtent {
  /** Degrees; where the grid has corners the box between them. */
  region: Region;
  /** `undefined` for the points of the messages. */
  grid: TargetGrid | undefined;
}

/** The grid and the region of an output: those asked for, else the profile's. */
export function chooseExtent({ region, grid, profile }: FieldsOptions): OutputExtent {
  const chosen = grid ?? profile.grid;
  return { grid: chosen, region: chosen?.corners ?? region ?? profile.region };
}
