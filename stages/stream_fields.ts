/**
 * The fields of an output: those that a stopped command left, the others fetched and kept.
 *
 * @module
 */
import type { Run } from "../lib/ecmwf/run.ts";
import type { FetchPolicy } from "../lib/ensemble/fetch_plan.ts";
import type { ReducedField } from "../lib/ensemble/field.ts";
import { leaveOut } from "../lib/ensemble/implausible.ts";
import type { PlannedField } from "../lib/ensemble/plan.ts";
import { reduceFields, type RestartCause } from "../lib/ensemble/reduce.ts";
import type { ResultField } from "../lib/ensemble/result.ts";
import type { Region } from "../lib/grib/mod.ts";
import type { OutputProfile } from "../lib/profile.ts";
import { removeWorkFolder, WorkFolder, workFolderOf } from "../lib/work_folder.ts";
import { receivedBy } from "../lib/traffic.ts";
import { optional, type StageContext } from "./options.ts";

/** How fields are fetched and kept. */
export interface FieldsOptions {
  profile: OutputProfile;
  /** Degrees. @default the profile's */
  region?: Region;
  /** Requests under way at once. */
  parallelFetches: number;
  /** @default that of `DEFAULT_POLICY` */
  policy?: FetchPolicy;
  /** Whether to drop what a stopped command left. @default {false} (go on from there) */
  fresh?: boolean;
}

const RESTARTS: Record<RestartCause, string> = {
  replaced: "was replaced on the server while it was read",
  misplaced: "is not where its references point",
};

/** What fetching works with, and what it adds up. */
export interface FetchContext extends StageContext {
  secondRequests: number;
}

/** Takes what is kept of a plan, and fetches and keeps the rest. */
export async function reducePlan(
  plan: readonly PlannedField[],
  work: WorkFolder,
  run: Run,
  options: FieldsOptions,
  context: FetchContext,
): Promise<ResultField[]> {
  const places = [...plan.keys()].filter((place) => !work.kept.has(place));
  const missing = places.map((place) => plan[place]!);
  try {
    const fresh = await fetchFields(missing, run, options, context, {
      keep: (i, field) => work.keep(places[i]!, field),
      drop: (i) => work.drop(places[i]!),
    });
    const reduced = new Map([
      ...work.kept,
      ...places.map((place, i) => [place, fresh[i]!] as const),
    ]);
    return plan.map(({ variable, stepHours }, place) => {
      return { variable, stepHours, reduced: reduced.get(place)! };
    });
  } catch (error) {
    const { path, kept: { size } } = work;
    context.reporter.warn(
      `${size} of ${plan.length} fields are kept in ${path}: the same command goes on from them`,
    );
    throw error;
  }
}

/** Opens the work folder of an output, and tells what of it can be used. */
export async function openWork(
  plan: readonly PlannedField[],
  run: Run,
  path: string,
  options: FieldsOptions,
  { storage, reporter }: StageContext,
): Promise<WorkFolder> {
  const folder = workFolderOf(path);
  if (options.fresh) await removeWorkFolder(folder);
  const settings = { profile: options.profile.name, run, region: chooseRegion(options) };
  const work = await WorkFolder.open(folder, plan, settings, storage);
  for (const line of work.warnings) reporter.warn(line);
  const { size } = work.kept;
  if (size > 0) {
    reporter.info(`going on from ${folder}: ${size} of ${plan.length} fields are there`);
  }
  return work;
}

/** Reduces the fields that have implausible messages again, without these. */
export async function dropImplausible(
  plan: readonly PlannedField[],
  fields: readonly ResultField[],
  run: Run,
  options: FieldsOptions,
  context: FetchContext,
): Promise<ResultField[]> {
  const places = [...fields.keys()].filter((i) => fields[i]!.reduced.implausible.length > 0);
  if (places.length === 0) return [...fields];
  const names = places.map((i) => `${fields[i]!.variable.name} (${fields[i]!.stepHours} h)`);
  context.reporter.info(`read again without implausible messages: ${names.join(", ")}`);
  const fewer = places.map((i) => leaveOut(plan[i]!, fields[i]!.reduced.implausible));
  const again = await fetchFields(fewer, run, options, context);
  return fields.map((field, i) => {
    const place = places.indexOf(i);
    return place < 0 ? field : { ...field, reduced: again[place]! };
  });
}

/** Where finished fields go, by their place in what was asked for. */
interface FieldKeeper {
  keep(i: number, field: ReducedField): Promise<void>;
  /** The field does not hold any more. */
  drop(i: number): void;
}

async function fetchFields(
  fields: readonly PlannedField[],
  run: Run,
  options: FieldsOptions,
  context: FetchContext,
  keeper?: FieldKeeper,
): Promise<ReducedField[]> {
  const total = fields.reduce((sum, field) => sum + field.messages.length, 0);
  const { storage, reporter } = context;
  const bar = reporter.progress("messages", total, receivedBy(storage));
  let done = 0;
  try {
    return await reduceFields(fields, {
      storage,
      run,
      region: chooseRegion(options),
      parallelFetches: options.parallelFetches,
      ...optional("policy", options.policy),
      onSecondRequest: () => void context.secondRequests++,
      onMessage: () => bar.advance(1, `${done} of ${fields.length} fields`),
      onRestart(stepHours, cause) {
        reporter.warn(`step ${stepHours} ${RESTARTS[cause]}: read again from its index`);
        for (const [i, field] of fields.entries()) {
          if (field.stepHours === stepHours) keeper?.drop(i);
        }
      },
      onField(i, field) {
        done++;
        return keeper?.keep(i, field);
      },
    });
  } finally {
    bar.finish();
  }
}

function chooseRegion({ region, profile }: FieldsOptions): Region {
  return region ?? profile.region;
}
