/**
 * A run that is due → its forecast, made as one run of several: the ledger says whether it is complete
 * already, and what became of it.
 *
 * @module
 */
import { basename } from "node:path";
import { removeWorkFolder, workFolderOf } from "../checkpoint/work_folder.ts";
import { describeRun, type Run, runLabel } from "../ecmwf/run.ts";
import { EXIT, type UserError } from "../errors.ts";
import { locateOutput } from "../output/profile.ts";
import type { ForecastContext } from "../forecast/publish_results.ts";
import { type ForecastOptions, makeOthers, runForecast } from "../forecast/run_forecast.ts";
import { stageFolder } from "../references/stage_folders.ts";
import { Ledger, type LedgerEntry } from "../runs/ledger.ts";
import { makeRuns, type RunOutcome, type RunWork } from "../runs/make_runs.ts";
import { outputPath } from "../runs/run_output.ts";
import { describeDelay, noteSteps } from "../runs/step_delays.ts";
import type { StageContext, Storage, StorageCounters } from "../storage/mod.ts";
import { chooseFieldSteps } from "../stream/product_fields.ts";
import { describeLosses } from "../stream/stream_runs.ts";
import {
  type MadeForecast,
  WATCH_COMMAND,
  type WatchEnvironment,
  type WatchOptions,
} from "./watch_options.ts";
import { findChange } from "./find_change.ts";
import { listFiles } from "./remove_old_runs.ts";
import { bindClock } from "./watch_clock.ts";
import { collectRunFacts } from "./watch_status.ts";

/** A run, and how it is made. */
export interface ForecastTurn {
  options: WatchOptions;
  environment: WatchEnvironment;
  /** When its first step may be there, milliseconds since 1970. */
  dueMs: number;
  /** When another run is due, milliseconds since 1970: no longer are steps waited for. */
  otherDueMs: number;
  /** Ends the work. */
  signal: AbortSignal;
  /** Whether it is no news that steps are not there. */
  isNoNews: boolean;
}

/** How a turn ended. */
export interface TurnResult {
  outcome: RunOutcome;
  /** @default {undefined} (nothing: it was complete already, or failed) */
  made?: MadeForecast;
  counters: Readonly<StorageCounters>;
}

/** Makes the forecast of a run. Never rejects for what can be tried again. */
export async function makeForecast(run: Run, turn: ForecastTurn): Promise<TurnResult> {
  const { options, environment, signal, isNoNews } = turn;
  const context = environment.openContext(signal);
  let made: MadeForecast | undefined;
  const onMade = (forecast: MadeForecast) => {
    made = forecast;
    environment.report(forecast);
  };
  const [outcome] = await makeRuns([run], forecastWork(turn, onMade, context.copies), {
    command: WATCH_COMMAND,
    folder: options.forecast.outputDir,
    options: options.shapingOptions,
    overwrite: options.overwrite ?? false,
    signal,
    isAbsenceExpected: isNoNews,
    now: () => new Date(environment.clock.now()),
  }, context);
  return { outcome: outcome!, ...(made && { made }), counters: context.storage.counters };
}

/** The work on the run of a turn. Saved fields of an incomplete output stay. */
function forecastWork(
  turn: ForecastTurn,
  onMade: (made: MadeForecast) => void,
  copies: Storage | undefined,
): RunWork<undefined> {
  const { environment: { clock } } = turn;
  const { forecast } = turn.options;
  const output = (run: Run) => locateOutput(run, forecast);
  const stepsOf = (run: Run) => chooseFieldSteps(forecast, run);
  const withCopies = (context: StageContext) => ({ ...context, ...(copies && { copies }) });
  return {
    output,
    steps: stepsOf,
    prepare: () => Promise.resolve(undefined),
    async make(run, { begin, save }, context) {
      const startedMs = clock.now();
      const options = chooseOptions(run, turn, context);
      const bare = { ...options, plot: false, view: false, publish: undefined };
      let written: LedgerEntry | undefined;
      const result = await runForecast(bare, context, {
        onWrite: begin,
        async onMade({ source, ...count }) {
          const { complete, messagesUsed: used, messagesWanted: wanted } = count;
          const reason = complete
            ? undefined
            : await describeLosses(run, stepsOf(run), count, context);
          const messages = { used, wanted };
          written = await save({
            ...{ complete, messages },
            ...(source && { source }),
            ...(reason && { reason }),
          });
        },
      });
      const { counters } = context.storage;
      const facts = collectRunFacts(result, counters, startedMs, clock.now());
      onMade({ options, result, context, startedMs, facts });
      // With its record it is there, whatever becomes of pictures and copies.
      await makeLacking(run, written!, turn.options, withCopies(context));
    },
    findChange: (run, { source }, { storage }) => findChange(run, source, turn, storage),
    async settle(run, entry, context) {
      await removeWorkFolder(workFolderOf(outputPath(output(run))), context.storage);
      await makeLacking(run, entry, turn.options, withCopies(context));
    },
  };
}

/** The files of a forecast as its entry in the ledger has them. */
function nameOthers(
  outputs: readonly string[],
  { publish }: Pick<ForecastOptions, "publish">,
): Pick<LedgerEntry, "files" | "published"> {
  const files = outputs.slice(1).map((path) => basename(path));
  return { files, ...(publish !== undefined && { published: publish }) };
}

/**
 * Makes of an output what it was made without: a picture, a page, copies. It may be new, another command
 * may have made it, or this one with fewer options.
 */
async function makeLacking(
  run: Run,
  entry: LedgerEntry,
  { forecast }: WatchOptions,
  context: ForecastContext,
): Promise<void> {
  const { plot, view, publish, outputDir } = forecast;
  const files = listFiles(entry);
  const lacks = (isWanted: boolean, ending: string) =>
    isWanted && !files.some((name) => name.endsWith(ending));
  const isUnpublished = publish !== undefined && entry.published !== publish;
  if (!lacks(plot, ".png") && !lacks(view, ".html") && !isUnpublished) return;
  const path = outputPath(locateOutput(run, forecast));
  const complete = entry.state === "complete";
  const { outputs } = await makeOthers({ run, path, complete }, forecast, context);
  const made = nameOthers(outputs, forecast);
  const others = files.filter((name) => !made.files!.includes(name));
  await (await Ledger.open(outputDir, context.storage))
    .amend(entry.output, { ...made, files: [...made.files!, ...others] });
}

function chooseOptions(run: Run, turn: ForecastTurn, context: StageContext): ForecastOptions {
  const { options, environment, dueMs, otherDueMs, signal } = turn;
  const { forecast, waitMs, allowMissing } = options;
  const { clock } = environment;
  const { keepReferences, outputDir } = forecast;
  const leftMs = Math.max(0, dueMs + waitMs - clock.now());
  const untilOtherMs = options.once ? 0 : Math.max(0, otherDueMs - clock.now());
  const limitMs = Math.min(leftMs, untilOtherMs);
  return {
    ...forecast,
    runRequest: run,
    now: options.now ?? new Date(clock.now()),
    // Fields that a killed watch saved may be of files that were replaced since.
    checkSaved: true,
    // Not before its time is over: it ends within this call, or is over.
    allowMissing: allowMissing && limitMs === leftMs,
    ...(keepReferences !== undefined &&
      { keepReferences: `${keepReferences}/${stageFolder(run)}` }),
    wait: {
      limitMs,
      clock: bindClock(clock, signal),
      async onSeen(run, steps) {
        const { run: label, seen } = noteSteps(run, steps, clock.now());
        if (Object.keys(seen).length === 0) return;
        await (await Ledger.open(outputDir, context.storage)).recordSteps(label, seen);
      },
      async explainDelay(run, step) {
        const { stepsSeen } = await Ledger.open(outputDir, context.storage);
        return describeDelay(stepsSeen, run, step, clock.now());
      },
    },
  };
}

/** How a run ended that could not be begun. */
export function failedOutcome(run: Run, { message }: UserError): RunOutcome {
  return {
    run: runLabel(run),
    name: describeRun(run),
    state: "failed",
    reason: message,
    exitCode: EXIT.failed,
    skipped: false,
  };
}
