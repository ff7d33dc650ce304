/**
 * Final stores → the plan of an output: its fields, where their messages are, and where it is written.
 *
 * @module
 */
import { DATASETS, findDataset } from "../ecmwf/datasets.ts";
import { chooseMembers, describeMembers, type Member } from "../ecmwf/members.ts";
import { findEra } from "../ecmwf/eras.ts";
import { chooseSteps, describeRun, isSameRun, parseRunLabel, type Run } from "../ecmwf/run.ts";
import {
  findRun,
  isReferenced,
  neededKeys,
  planFields,
  type PlannedField,
} from "../ensemble/field_plan.ts";
import { type FieldProduct, listInputs } from "../ensemble/field_product.ts";
import type { FieldDemand } from "../ensemble/statistic.ts";
import { MissingDataError } from "../errors.ts";
import { describeWrap, requirePoints } from "../output/regions.ts";
import { requireInside } from "../output/target_grid.ts";
import type { Catalog } from "../references/catalog_layout.ts";
import { stageFolder } from "../references/stage_folders.ts";
import type { Store } from "../references/store.ts";
import { receivedBy, type StageContext } from "../storage/mod.ts";
import { sortUnique } from "../util/numbers.ts";
import { mapInParallel } from "../util/parallel.ts";
import {
  chooseProducts,
  FieldDemands,
  listFieldSteps,
  listStepsOfAnyRun,
  publishProducts,
  requireRunHour,
  requireWindows,
  withoutInputs,
} from "./product_fields.ts";
import {
  choosePublished,
  describeUnpublishedFields,
  nameAsWritten,
  requireFields,
  requirePublished,
  type Unpublished,
} from "./published_fields.ts";
import { locateRun } from "./output_format.ts";
import { chooseExtent, type StreamOptions } from "./stream_options.ts";

/** The fields of an output. The same options and stores give the same plan on every machine. */
export interface StreamPlan {
  run: Run;
  members: readonly Member[];
  /** Without those of variables that ECMWF did not publish. */
  products: readonly FieldProduct[];
  /** Forecast steps that are written, in hours, ascending. */
  steps: readonly number[];
  /** Those that the products take: steps first, then variables in the order asked for. */
  fields: readonly PlannedField[];
  /** What is left out because ECMWF did not publish it. */
  unpublished: Unpublished;
  /** Path of the NetCDF, the store or the archive. */
  path: string;
  /** The work folder: that of the finished fields. */
  work: string;
}

/**
 * Reads the final stores and plans the fields of the output. Costs no request for local stores;
 * published ones cost two or three GETs a member, and two requests for the whole folder; those of a
 * catalogue cost what `readCatalog` does. Stores in memory cost nothing.
 *
 * Names once what ECMWF did not publish.
 *
 * @throws {MissingDataError} when there are no stores, when they are not completely published, or when
 * they are of another run.
 * @throws {UsageError} when the region has no point of the run's grid, when ECMWF did not publish a variable that is asked for by name, or any of the
 * variables at these steps.
 */
export async function planStream(
  options: StreamOptions,
  context: StageContext,
): Promise<StreamPlan> {
  const { profile } = options;
  const asked = chooseProducts(options);
  const wanted = listInputs(asked);
  const members = chooseMembers(options, profile.members);
  const keysOf = findNeededKeys(options, asked);
  const stores = options.stores ?? await findAllStores(options, members, keysOf, context);
  const found = findRun(stores);
  const run = chooseRun(options, found);
  requireRunHour(run, profile);
  const steps = chooseSteps(run, options.steps, profile.steps);
  checkRegion(run, options, context);
  requireWindows(asked, run, steps);
  const demands = new FieldDemands(asked, run, steps, profile);
  const fieldSteps = listFieldSteps(asked, run, steps);
  const planned = planFields(stores, members, wanted, fieldSteps, run, options.targets)
    .filter((field) => demands.includes(field))
    .map((field) => addDemand(field, demands.find(field)));
  const published = choosePublished(run, planned, (field) => isReferenced(stores, field));
  const { fields, unpublished: left } = published;
  const named = new Set(options.variables?.map(({ name }) => name));
  const needsAll = profile.everyValueOf !== undefined;
  requirePublished(run, left.variables.filter(({ name }) => needsAll || named.has(name)));
  requireFields(published, run);
  if (!found) throw noReferencesError();
  const unpublished = nameAsWritten(left, asked);
  for (const line of describeUnpublishedFields(unpublished, run)) context.reporter.info(line);
  const products = publishProducts(withoutInputs(asked, left.variables), run);
  const { path, work } = locateRun(run, options);
  return {
    ...{ run, members, products, steps, fields, unpublished, path },
    work: options.work ?? work,
  };
}

function addDemand(field: PlannedField, demand: FieldDemand | undefined): PlannedField {
  return demand ? { ...field, demand } : field;
}

/** The keys that are read of each member's store, whichever run that is of. */
function findNeededKeys(
  { run, model, steps, profile }: StreamOptions,
  products: readonly FieldProduct[],
): (member: Member) => Set<string> {
  const asked = sortUnique(steps ?? profile.steps);
  const fieldSteps = run
    ? listFieldSteps(products, run, asked)
    : listStepsOfAnyRun(products, model, asked);
  return (member) => neededKeys(listInputs(products), fieldSteps, member, run);
}

/** The stores in a catalogue or a folder; warns of members that have none. */
async function findAllStores(
  options: StreamOptions,
  members: readonly Member[],
  keysOf: (member: Member) => ReadonlySet<string>,
  context: StageContext,
): Promise<Map<Member, Store>> {
  const { catalog } = options;
  const stores = catalog
    ? await readFromCatalog(catalog, options, members, keysOf, context)
    : await readStores(options, members, keysOf, context);
  const absent = members.filter((member) => !stores.has(member));
  if (absent.length > 0) {
    const folder = catalog?.name ?? findFolder(options);
    context.reporter.warn(`no store of ${describeMembers(absent)} in ${folder}`);
  }
  return stores;
}

/** Reports a region that goes around the globe; throws for one without a point of the run's grid. */
function checkRegion(
  run: Run,
  options: StreamOptions,
  { reporter }: StageContext,
): void {
  const { region, grid } = chooseExtent(options);
  const { folders } = findEra(run);
  const spacings = folders.map(({ grid }) => grid.spacing);
  if (grid) requireInside(grid, spacings);
  else requirePoints(region, spacings);
  const wrap = describeWrap(region, grid?.spacing ?? spacings[0]!);
  if (wrap !== undefined) reporter.info(wrap);
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

/** Local stores that are read at once: what is known of more of them takes memory, and saves no time. */
const PARALLEL_LOCAL = 2;

/** Loads the readers of stores and of published folders only where they read. */
async function readStores(
  options: StreamOptions,
  members: readonly Member[],
  keysOf: (member: Member) => ReadonlySet<string>,
  { storage, reporter }: StageContext,
): Promise<Map<Member, Store>> {
  const folder = findFolder(options);
  const isPublished = folder.startsWith("gs:");
  const { readStageStore } = await import("../references/stage_files.ts");
  const sizes = isPublished ? await readSizes(folder, { storage, reporter }) : undefined;
  const stores = new Map<Member, Store>();
  const bar = reporter.progress("references", members.length, receivedBy(storage));
  const parallel = isPublished ? options.parallelFetches : PARALLEL_LOCAL;
  const reads = mapInParallel(parallel, members, async (member) => {
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

/** Sizes of the files of a published folder, by name. */
async function readSizes(
  folder: string,
  { storage, reporter }: StageContext,
): Promise<Map<string, number>> {
  const { openPublished } = await import("../references/publish.ts");
  return await openPublished(storage, folder, reporter);
}

/** The run of the references; where there are none the one that is asked for, or that the folder names. */
function chooseRun(
  { run, model, parquetDir = "" }: StreamOptions,
  found: Run | undefined,
): Run {
  if (run && found && !isSameRun(run, found)) {
    throw new MissingDataError(
      `Cannot stream ${describeRun(run)}: the references are of ${describeRun(found)}`,
    );
  }
  const chosen = found ?? run ?? parseFolderName(parquetDir);
  if (!chosen) throw noReferencesError();
  const { label, model: ofReferences } = findDataset(chosen);
  if (model !== undefined && model !== ofReferences) {
    throw new MissingDataError(
      `Cannot stream a run of ${DATASETS[model].label}: the references are of ` +
        `${label} ${chosen.date} ${chosen.hour} UTC; leave --model out`,
    );
  }
  return chosen;
}

function noReferencesError(): MissingDataError {
  return new MissingDataError(
    "Cannot find references of these variables and steps: run the pipeline for them",
  );
}

/** The run of a folder named as `ecmwf_three_stage_20260206_00z` or `…/20260206_00z`. */
function parseFolderName(folder: string): Run | undefined {
  return parseRunLabel(folder.replace(/\/+$/, ""));
}
