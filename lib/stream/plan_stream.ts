/**
 * Final stores → the plan of an output: its fields, where their messages are, and where it is written.
 *
 * @module
 */
import { workFolderOf } from "../checkpoint/work_folder.ts";
import { describeMembers, firstMembers, type Member } from "../ecmwf/members.ts";
import { checkSteps, describeRun, isSameRun, type Run } from "../ecmwf/run.ts";
import { findVariables, type Variable } from "../ecmwf/variables.ts";
import { findRun, neededKeys, planFields, type PlannedField } from "../ensemble/field_plan.ts";
import { MissingDataError } from "../errors.ts";
import type { Catalog } from "../references/catalog_layout.ts";
import { openPublished } from "../references/publish.ts";
import { readStageStore, stageFolder } from "../references/stage_files.ts";
import type { Store } from "../references/store.ts";
import { receivedBy, type StageContext } from "../storage/mod.ts";
import { sortUnique } from "../util/numbers.ts";
import { mapInParallel } from "../util/parallel.ts";
import type { StreamOptions } from "./stream_options.ts";

/** The fields of an output. The same options and stores give the same plan on every machine. */
export interface StreamPlan {
  run: Run;
  members: readonly Member[];
  variables: readonly Variable[];
  /** Forecast steps in hours, ascending. */
  steps: readonly number[];
  /** Steps first, then variables in the order asked for. */
  fields: readonly PlannedField[];
  /** Path of the NetCDF. */
  path: string;
  /** The work folder: that of the finished fields. */
  work: string;
}

/**
 * Reads the final stores and plans the fields of the output. Costs no request for local stores;
 * published ones cost two or three GETs a member, and two requests for the whole folder; those of a
 * catalogue cost what `readCatalog` does.
 *
 * @throws {MissingDataError} when there are no stores, when they are not completely published, or when
 * they are of another run.
 */
export async function planStream(
  options: StreamOptions,
  context: StageContext,
): Promise<StreamPlan> {
  const { profile, maxMembers, outputDir, catalog } = options;
  const variables = options.variables ?? findVariables(profile.variables);
  const members = firstMembers(maxMembers);
  const steps = sortUnique(options.steps ?? profile.steps);
  const keysOf = (member: Member) => neededKeys(variables, steps, member);
  const stores = catalog
    ? await readFromCatalog(catalog, options, members, keysOf, context)
    : await readStores(options, members, keysOf, context);
  const absent = members.filter((member) => !stores.has(member));
  if (absent.length > 0) {
    const folder = catalog?.name ?? findFolder(options);
    context.reporter.warn(`no store of ${describeMembers(absent)} in ${folder}`);
  }
  const run = chooseRun(options, stores);
  checkSteps(run, steps);
  const fields = planFields(stores, members, variables, steps, run, options.targets);
  const path = `${outputDir}/${profile.fileName(run)}`;
  return { run, members, variables, steps, fields, path, work: options.work ?? workFolderOf(path) };
}

/** The folder of the final stores. */
function findFolder({ parquetDir, run }: StreamOptions): string {
  return parquetDir ?? stageFolder(run!);
}

/** Loads the reader of catalogues only where one is read. */
async function readFromCatalog(
  catalog: Catalog,
  { run, parallelFetches }: StreamOptions,
  members: readonly Member[],
  keysOf: (member: Member) => ReadonlySet<string>,
  context: StageContext,
): Promise<Map<Member, Store>> {
  const { readCatalog } = await import("../references/read_catalog.ts");
  const wanted = { run: run!, members, keysOf, parallelReads: parallelFetches };
  return await readCatalog(catalog, wanted, context);
}

async function readStores(
  options: StreamOptions,
  members: readonly Member[],
  keysOf: (member: Member) => ReadonlySet<string>,
  { storage, reporter }: StageContext,
): Promise<Map<Member, Store>> {
  const folder = findFolder(options);
  const isPublished = folder.startsWith("gs:");
  const sizes = isPublished ? await openPublished(storage, folder, reporter) : undefined;
  const stores = new Map<Member, Store>();
  const bar = reporter.progress("references", members.length, receivedBy(storage));
  const reads = mapInParallel(options.parallelFetches, members, async (member) => {
    const keys = keysOf(member);
    const store = await readStageStore(storage, folder, 3, member, { keys, sizes });
    return [member, store] as const;
  });
  for await (const [member, store] of reads) {
    if (store) stores.set(member, store);
    bar.advance(1);
  }
  bar.finish();
  if (stores.size === 0) {
    const remedy = `run the pipeline first${isPublished ? ", with --upload-gcs" : ""}`;
    throw new MissingDataError(
      `Cannot find stage3_<member>_final.parquet in ${folder}: ${remedy}`,
    );
  }
  return stores;
}

function chooseRun(options: StreamOptions, stores: ReadonlyMap<Member, Store>): Run {
  const found = findRun(stores);
  if (!found) {
    throw new MissingDataError(
      "Cannot find references of these variables and steps: run the pipeline for them",
    );
  }
  const { run } = options;
  if (run && !isSameRun(run, found)) {
    throw new MissingDataError(
      `Cannot stream ${describeRun(run)}: the references are of ${describeRun(found)}`,
    );
  }
  return found;
}
