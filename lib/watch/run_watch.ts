/**
 * Hours of runs, a folder and the options of a forecast go in; the file of every run comes out, as soon
 * as ECMWF has published what it needs, day after day.
 *
 * The state is on the disk alone: the ledger, the saved fields, the status, the lock. A watch that was
 * killed at any moment goes on from there when it is started again.
 *
 * @module
 */
import { parseRunLabel, referenceTime, type Run, runLabel } from "../ecmwf/run.ts";
import { EXIT, InterruptedError, UserError } from "../errors.ts";
import { locateOutput } from "../output/profile.ts";
import { checkTarget } from "../forecast/run_forecast.ts";
import { Ledger } from "../runs/ledger.ts";
import type { RunOutcome } from "../runs/make_runs.ts";
import { chooseFieldSteps } from "../stream/product_fields.ts";
import type { Outcome } from "../util/reporter.ts";
import { messageOf } from "../util/text.ts";
import { findDiskFault, makeOutputFolder } from "./disk_space.ts";
import { BEAT_MS, FolderLock } from "./folder_lock.ts";
import { findLateTime, findNewestOutput, judgeHealth, type KnownRuns } from "./health.ts";
import { failedOutcome, makeForecast } from "./make_forecast.ts";
import { formatMetrics, metricsPath } from "./metrics_text.ts";
import { Notifier } from "./notifier.ts";
import { removeOldRuns } from "./remove_old_runs.ts";
import { WATCH_COMMAND, type WatchEnvironment, type WatchOptions } from "./watch_options.ts";
import {
  addCosts,
  describeGoodRun,
  describeNext,
  formatStatus,
  readStatus,
  startStatus,
  statusPath,
  type WatchStatus,
} from "./watch_status.ts";
import {
  findDue,
  findNextRun,
  listDueRuns,
  RunRetries,
  type WatchedRuns,
} from "./watch_schedule.ts";

/** The longest rest: by then the clock may have been set. */
const LONGEST_REST_MS = 60 * 60_000;
const STANDBY_MS = 60_000;
/** By then a watch has made what was missing at its start, or waits for it. */
const SETTLED_AFTER_MS = 30 * 60_000;

/** How a watch ended. */
export interface WatchResult extends Outcome {
  /** How the runs ended that were due, the newest first; with `once`. */
  outcomes: RunOutcome[];
}

/**
 * Makes the runs that are due, the newest first, and rests until the next one is; with `once` it ends
 * then. Where another watch works in the folder, this one waits until that has ended or died; with
 * `once` it ends.
 *
 * Costs what `runForecast` does for each run, and for one that is not there yet one HEAD every 20 to 60 s
 * while its steps are due.
 *
 * @returns when the signal has ended the watch, or with `once` what is due is done.
 * @throws {UserError} when the folder cannot be used, or another watch has taken it over.
 */
export async function runWatch(
  options: WatchOptions,
  environment: WatchEnvironment,
): Promise<WatchResult> {
  const { files, clock, signal } = environment;
  const { outputDir } = options.forecast;
  const nothing: WatchResult = { complete: true, outcomes: [] };
  checkTarget(options.forecast.publish, outputDir);
  try {
    await makeOutputFolder(outputDir);
    using lock = await takeLock(options, environment);
    if (!lock) return nothing;
    const watch = new Watch(options, environment, lock, await readStatus(outputDir, files));
    using _beats = clock.every(BEAT_MS, () => watch.beat());
    return await watch.run();
  } catch (error) {
    // A service is stopped by a signal: that is its ordinary end.
    if (signal.aborted && !options.once && error instanceof InterruptedError) return nothing;
    throw error;
  }
}

/** The lock of the folder; `undefined` where another one has it and only what is due was asked for. */
async function takeLock(
  { once, forecast: { outputDir } }: WatchOptions,
  { clock, contender, reporter, signal }: WatchEnvironment,
): Promise<FolderLock | undefined> {
  for (let isAnnounced = false;; isAnnounced = true) {
    signal.throwIfAborted();
    const taken = await FolderLock.acquire(outputDir, contender, () => clock.now());
    if (taken instanceof FolderLock) return taken;
    const { host, pid } = taken;
    const state = `another watch works in ${outputDir} (process ${pid} of ${host})`;
    if (once) {
      reporter.info(`${state}: nothing to do`);
      return undefined;
    }
    if (!isAnnounced) reporter.info(`${state}: waiting until it ends`);
    await clock.sleep(STANDBY_MS, signal);
  }
}

/** A watch that has the lock of its folder. */
class Watch {
  readonly #retries = new RunRetries();
  readonly #outcomes = new Map<string, RunOutcome>();
  /** What failed, by run. */
  readonly #failures = new Map<string, string>();
  /** Late runs whose absence was reported: once is enough. */
  readonly #announced = new Set<string>();
  readonly #watched: WatchedRuns;
  readonly #notifier: Notifier;
  /** Aborts with the signal, and when the lock is lost. */
  readonly #controller = new AbortController();
  readonly #signal: AbortSignal;
  #status: WatchStatus;
  readonly #startedMs: number;
  /** Whether each run that was due at the start was tried. */
  #hasLooked = false;
  #diskFault: string | undefined;
  #tidyFault: string | undefined;
  #hasWarnedOfStatus = false;

  constructor(
    private readonly options: WatchOptions,
    private readonly environment: WatchEnvironment,
    private readonly lock: FolderLock,
    earlier: WatchStatus | undefined,
  ) {
    const { forecast, hours, model, catchUpDays, notify } = options;
    const { contender, clock, post, reporter, signal } = environment;
    this.#watched = {
      hours,
      ...(model && { model }),
      catchUpDays,
      steps: (run) => chooseFieldSteps(forecast, run),
    };
    this.#startedMs = clock.now();
    const time = new Date(this.#startedMs).toISOString();
    const { last, counts, notified = {} } = earlier ?? {};
    this.#status = {
      ...startStatus({ ...contender, time }),
      ...(last && { last }),
      ...(counts && { counts }),
    };
    const warn = (line: string) => reporter.warn(line);
    this.#notifier = new Notifier(notify, contender.host, post, warn, notified);
    this.#signal = AbortSignal.any([signal, this.#controller.signal]);
  }

  async run(): Promise<WatchResult> {
    const { once } = this.options;
    const { clock, signal } = this.environment;
    try {
      for (;;) {
        this.#signal.throwIfAborted();
        const [run, ...others] = this.#select();
        if (run) {
          await this.#make(run, others.length > 0);
          continue;
        }
        this.#hasLooked = true;
        await this.#tidy();
        if (once) return this.#conclude();
        const restMs = this.#findRest() - clock.now();
        await clock.sleep(Math.max(1000, Math.min(restMs, LONGEST_REST_MS)), this.#signal);
      }
    } finally {
      if (signal.aborted || once) await this.#writeStatus({ state: "stopped" });
    }
  }

  /** The runs to make now, the newest first. */
  #select(): Run[] {
    const nowMs = this.environment.clock.now();
    return this.#retries.select(listDueRuns(this.#watched, nowMs), nowMs);
  }

  #findRest(): number {
    const nowMs = this.environment.clock.now();
    const retryMs = this.#retries.findNext(listDueRuns(this.#watched, nowMs)) ?? Infinity;
    return Math.min(retryMs, findDue(findNextRun(this.#watched, nowMs), this.#watched));
  }

  /** @param hasOthers whether other runs are due: then this one is not waited for. */
  async #make(run: Run, hasOthers: boolean): Promise<void> {
    const { forecast: { outputDir }, minFreeBytes } = this.options;
    await this.#confirmLock();
    const free = await this.environment.freeSpace(outputDir);
    const fault = findDiskFault(run, outputDir, free, minFreeBytes);
    this.#diskFault = fault?.message;
    try {
      if (fault) throw fault;
      await this.#writeStatus({ state: "making", making: runLabel(run) });
      await this.#tryToMake(run, hasOthers);
    } catch (error) {
      // A disk that is full, or a ledger that cannot be read, waits for someone.
      this.#signal.throwIfAborted();
      if (!(error instanceof UserError)) throw error;
      this.environment.reporter.warn(error.message);
      this.#note(run, failedOutcome(run, error));
    }
    await this.#writeStatus({ state: "waiting" });
  }

  async #tryToMake(run: Run, hasOthers: boolean): Promise<void> {
    const { options, environment } = this;
    const nowMs = environment.clock.now();
    const isLate = await this.#isLate(run);
    const { outcome, made, counters } = await makeForecast(run, {
      ...{ options, environment, signal: this.#signal },
      dueMs: findDue(run, this.#watched),
      otherDueMs: hasOthers ? nowMs : findDue(findNextRun(this.#watched, nowMs), this.#watched),
      isNoNews: !isLate || this.#announced.has(runLabel(run)),
    });
    this.#status.counts = addCosts(this.#status.counts, counters);
    if (made) this.#status.last = made.facts;
    const isAbsent = outcome.state === "not published";
    if (isAbsent && isLate) this.#announced.add(runLabel(run));
    this.#note(run, isAbsent && !isLate ? { ...outcome, exitCode: EXIT.done } : outcome);
  }

  /** Whether a run is later than usual. */
  async #isLate(run: Run): Promise<boolean> {
    const { stepsSeen } = await this.#openLedger();
    return this.environment.clock.now() >= findLateTime(run, this.#watched, stepsSeen);
  }

  /** Notes how a run ended; one that is not there yet, and not late, is no failure. */
  #note(run: Run, outcome: RunOutcome): void {
    const label = runLabel(run);
    const { counts } = this.#status;
    this.#outcomes.set(label, outcome);
    this.#failures.delete(label);
    const { state, exitCode } = outcome;
    if (state === "complete" && !outcome.skipped) counts.complete++;
    if (state === "complete" && exitCode === EXIT.done) {
      return this.#retries.complete(run, findDue(run, this.#watched), this.environment.clock.now());
    }
    if (state === "incomplete") counts.incomplete++;
    // Of a run that is there what is made of it may have failed: pictures, copies.
    const isThere = state === "complete" || state === "incomplete";
    const hasFailed = state === "failed" || (isThere && exitCode !== EXIT.incomplete);
    if (hasFailed) this.#failures.set(label, `${outcome.name}: ${outcome.reason}`);
    this.#putOff(run, hasFailed);
  }

  #putOff(run: Run, isFailure = true): void {
    const { clock } = this.environment;
    if (isFailure) this.#status.counts.failed++;
    this.#retries.putOff(run, clock.now(), clock.random());
  }

  /** Removes what is too old. What cannot be removed shows in the status, and is tried again. */
  async #tidy(): Promise<void> {
    try {
      await this.#removeOld();
      this.#tidyFault = undefined;
    } catch (error) {
      this.#signal.throwIfAborted();
      if (this.#tidyFault === undefined) this.environment.reporter.warn(messageOf(error));
      this.#tidyFault = `Cannot remove old runs: ${messageOf(error)}`;
    }
  }

  async #removeOld(): Promise<void> {
    const { forecast, keepDays } = this.options;
    const { outputDir, keepReferences } = forecast;
    const { files, reporter, clock } = this.environment;
    if (keepDays === undefined) return;
    const removed = await removeOldRuns(
      {
        folder: outputDir,
        keepDays,
        command: WATCH_COMMAND,
        fileName: (run) => locateOutput(run, forecast).name,
        ...(keepReferences !== undefined && { keepReferences }),
      },
      await this.#openLedger(),
      { storage: files, reporter },
      new Date(clock.now()),
    );
    if (removed.length > 0) {
      reporter.info(`removed what is older than ${keepDays} days: ${removed.join(", ")}`);
    }
  }

  #openLedger(): Promise<Ledger> {
    return Ledger.open(this.options.forecast.outputDir, this.environment.files);
  }

  /** The sign of life: of the lock, of the status, and to who wants to hear of problems. */
  async beat(): Promise<void> {
    try {
      await this.#confirmLock();
    } catch (error) {
      // A folder that cannot be reached for a moment shows in the status, too.
      if (error instanceof UserError) return this.#controller.abort(error);
    }
    await this.#writeStatus({});
  }

  /** @throws {UserError} when another process has taken the lock over. */
  async #confirmLock(): Promise<void> {
    if (await this.lock.beat(this.environment.clock.now())) return;
    throw new UserError(
      "failed",
      `Cannot go on in "${this.options.forecast.outputDir}": another watch has taken it over, as ` +
        "this one gave no sign of life for minutes; start it again",
    );
  }

  /** Writes status and metrics. A disk that is full does not end the watch. */
  async #writeStatus(change: Partial<WatchStatus>): Promise<void> {
    const { forecast: { outputDir } } = this.options;
    const { files, reporter } = this.environment;
    try {
      await this.#updateStatus(change);
      const put = (path: string, text: string) => files.put(path, [new TextEncoder().encode(text)]);
      await put(statusPath(outputDir), formatStatus(this.#status));
      await put(metricsPath(outputDir), formatMetrics(this.#status));
      this.#hasWarnedOfStatus = false;
    } catch (error) {
      if (!this.#hasWarnedOfStatus) {
        reporter.warn(`Cannot write the status: ${messageOf(error)}; going on without`);
      }
      this.#hasWarnedOfStatus = true;
    }
  }

  async #updateStatus(change: Partial<WatchStatus>): Promise<void> {
    const { clock, freeSpace } = this.environment;
    const { forecast: { outputDir }, minFreeBytes } = this.options;
    const nowMs = clock.now();
    const free = await freeSpace(outputDir);
    if (free === undefined || free >= minFreeBytes) this.#diskFault = undefined;
    const known = await this.#readLedger();
    const { healthy, problem: late } = judgeHealth(known, this.#watched, nowMs);
    // A watch that has just been started may make what is late at once.
    const isSettled = this.#hasLooked || nowMs - this.#startedMs >= SETTLED_AFTER_MS;
    const problem = this.#diskFault ?? known.fault ?? this.#findFailure(nowMs) ??
      this.#tidyFault ?? (isSettled ? late : undefined);
    await this.#notifier.update(problem, nowMs);
    const newest = findNewestOutput(known, this.#watched);
    const newestRun = newest && parseRunLabel(newest.run);
    const next = findNextRun(this.#watched, nowMs);
    const { making: _, problem: __, lastGood: ___, ...status } = this.#status;
    const state = change.state ?? status.state;
    const making = change.making ?? (state === "making" ? this.#status.making : undefined);
    this.#status = {
      ...status,
      time: new Date(nowMs).toISOString(),
      state,
      ...(making !== undefined && { making }),
      healthy,
      ...(problem !== undefined && { problem }),
      ...(newestRun && { lastGood: describeGoodRun(newest, referenceTime(newestRun), nowMs) }),
      next: describeNext(next, findDue(next, this.#watched)),
      ...(free !== undefined && { freeBytes: free }),
      notified: this.#notifier.state,
    };
  }

  /** The ledger; with the message where it cannot be read, then it counts as empty. */
  async #readLedger(): Promise<KnownRuns & { fault?: string }> {
    try {
      const { entries, stepsSeen } = await this.#openLedger();
      return { entries, stepsSeen };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { entries: [], stepsSeen: {}, fault: error.message };
    }
  }

  /** A failure of a run that is still tried again. */
  #findFailure(nowMs: number): string | undefined {
    const due = listDueRuns(this.#watched, nowMs).map(runLabel);
    return due.flatMap((label) => this.#failures.get(label) ?? [])[0];
  }

  /** What became of the runs that were due. */
  #conclude(): WatchResult {
    const outcomes = [...this.#outcomes.values()];
    return { complete: outcomes.every(({ exitCode }) => exitCode === EXIT.done), outcomes };
  }
}
