/**
 * A request for a run → the run whose needed steps are on the server, with what was read of it.
 *
 * @module
 */
import { listLatestRuns, type RunRequest } from "../ecmwf/published.ts";
import { describeRun, parseRun } from "../ecmwf/run.ts";
import { MissingDataError } from "../errors.ts";
import type { StageContext } from "../storage/mod.ts";
import { type NeededSteps, StepReader } from "./step_reader.ts";

/**
 * Opens the run of a request. For `latest` that is the newest run of its hour whose needed steps are all
 * there, checked by their indexes and files, which are read by then: a middle step can be missing while
 * the last one is there.
 *
 * For a given day nothing is read. `latest` costs one GET and one HEAD a file, and the same once or
 * twice for each newer run that lacks a step.
 *
 * @throws {RunError} for a day or a step that no run has.
 * @throws {MissingDataError} when no run of the last days has all steps.
 * @throws {StorageError} when the server cannot be reached.
 */
export async function openLatest(
  request: RunRequest,
  needed: NeededSteps,
  context: StageContext,
  now: Date,
): Promise<StepReader> {
  const { date, hour, model } = request;
  if (date !== "latest") return await StepReader.open(parseRun(date, hour, model), needed, context);
  const lacking: LackingRun[] = [];
  for (const run of listLatestRuns(request, now)) {
    const reader = await StepReader.open(run, needed, context);
    // The last step comes last: one request shows that a run is not there yet.
    await reader.read(reader.steps.slice(-1));
    if (reader.absent.length === 0) await reader.read();
    const { absent } = reader;
    if (absent.length === 0) {
      const newer = lacking.length > 0 ? ` (${describeLacking(lacking)})` : "";
      context.reporter.info(`latest run with all steps: ${describeRun(run)}${newer}`);
      return reader;
    }
    lacking.push({ date: run.date, steps: absent.join(", ") });
  }
  throw new MissingDataError(
    `Cannot find the latest ${hour} UTC run: at ${now.toISOString().slice(0, 16)}Z no run has ` +
      `all steps; give --date, or --wait\n  ${describeLacking(lacking)}`,
  );
}

/** A run that is not taken, and the steps that it lacks. */
interface LackingRun {
  date: string;
  steps: string;
}

/** `20260311, 20260310 without step 39; 20260309 without step 36, 39`. */
function describeLacking(runs: readonly LackingRun[]): string {
  return [...Map.groupBy(runs, ({ steps }) => steps)]
    .map(([steps, own]) => `${own.map(({ date }) => date).join(", ")} without step ${steps}`)
    .join("; ");
}

/** The newest run of an hour that has begun, whether or not any of it is there. */
export async function openNewest(
  request: RunRequest,
  needed: NeededSteps,
  context: StageContext,
  now: Date,
): Promise<StepReader> {
  const { date, hour, model } = request;
  const [run] = date === "latest" ? listLatestRuns(request, now) : [parseRun(date, hour, model)];
  if (date === "latest") context.reporter.info(`newest run: ${describeRun(run!)}`);
  return await StepReader.open(run!, needed, context);
}
