/**
 * What is watched, how a run of it is made, and what a watch works with.
 *
 * @module
 */
import type { ModelName } from "../ecmwf/datasets.ts";
import type { RunHour } from "../ecmwf/run.ts";
import type { ForecastContext } from "../forecast/publish_results.ts";
import type { ForecastOptions, ForecastResult } from "../forecast/run_forecast.ts";
import type { StageContext, Storage } from "../storage/mod.ts";
import type { Reporter } from "../util/reporter.ts";
import type { FreeSpace } from "./disk_space.ts";
import type { Contender } from "./folder_lock.ts";
import type { Post } from "./notifier.ts";
import type { WatchClock } from "./watch_clock.ts";
import type { RunFacts } from "./watch_status.ts";

/** The command in the ledger. */
export const WATCH_COMMAND = "watch";

/** What is watched, and how a run of it is made. */
export interface WatchOptions {
  /** What a forecast is made of. The ledger and the status are in its `outputDir`, a local folder. */
  forecast: Omit<ForecastOptions, "runRequest" | "wait" | "allowMissing" | "now">;
  /** The time in the files. @default the clock's */
  now?: Date;
  hours: readonly RunHour[];
  /** @default {"ifs"} */
  model?: ModelName;
  /** How long after it is due a run is waited for, in milliseconds. */
  waitMs: number;
  /** Whether what is there is written after that. */
  allowMissing: boolean;
  /** Days before today whose runs are made, too. */
  catchUpDays: number;
  /** Days after which runs are removed. @default {undefined} (never) */
  keepDays?: number;
  /** Free space without which no run is started, in bytes. */
  minFreeBytes: number;
  /** Whether to replace files that were made with other options. @default {false} */
  overwrite?: boolean;
  /** Whether to do what is due now, and end. */
  once: boolean;
  /** The options that shape an output, for the ledger. */
  shapingOptions: Readonly<Record<string, string>>;
  /** Where to post failures and recoveries. @default {undefined} (nowhere) */
  notify?: string;
}

/** What a watch works with. */
export interface WatchEnvironment {
  clock: WatchClock;
  /** Files of this machine. */
  files: Storage;
  reporter: Reporter;
  /** Opens the storage for one run, whose requests end with the signal. */
  openContext(signal: AbortSignal): ForecastContext;
  freeSpace: FreeSpace;
  post: Post;
  contender: Contender;
  /** Ends the watch. */
  signal: AbortSignal;
  /** Reports what was made of a run. */
  report(made: MadeForecast): void;
}

/** What was made. */
export interface MadeForecast {
  options: ForecastOptions;
  result: ForecastResult;
  context: StageContext;
  startedMs: number;
  facts: RunFacts;
}
