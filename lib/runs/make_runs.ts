/**
 * A list of runs, and the work that makes the output of one → the output of each, one after the other.
 *
 * What goes in: runs, options and a function for one run. What comes out: how each run ended, also in
 * the ledger beside the outputs. Runs that are complete already are skipped, and a run that fails does
 * not stop the others.
 *
 * @module
 */
import { describeImpossible } from "../ecmwf/published.ts";
import { describeRun, type Run, runLabel } from "../ecmwf/run.ts";
import { EXIT, exitCodeOf, InterruptedError, UserError } from "../errors.ts";
import type { StageContext, StorageCounters } from "../storage/mod.ts";
import { messageOf } from "../util/text.ts";
import { holdReports } from "./held_reporter.ts";
import { Ledger, type LedgerEntry, type RunState } from "./ledger.ts";
import { describeAbsentSteps } from "./missing_steps.ts";
import { OutputKeptError, OutputRecord, type OutputRules } from "./output_record.ts";
import { outputPath, type RunOutput } from "./run_output.ts";

/** Exit codes of runs from the best to the worst; that of a command is the worst of its runs. */
const SEVERITY: readonly number[] = [
  EXIT.done,
  EXIT.incomplete,
  EXIT.missing,
  EXIT.unreachable,
  EXIT.failed,
  EXIT.usage,
  EXIT.interrupted,
];

/** What the work left of a run: its output is written. */
export interface MadeRun {
  /** Whether the output holds everything that was asked for. */
  complete: boolean;
  /** Whether an incomplete output counts as done for the exit code. @default {false} */
  isAccepted?: boolean;
  /** Why it is not complete. @default the first warning */
  reason?: string;
  messages?: LedgerEntry["messages"];
  /** Versions of the files that it was made of. @default {undefined} (they are not noted) */
  source?: LedgerEntry["source"];
  /** Digest of what was written. @default that of what is there, which is read */
  sha256?: string;
}

/** The turn of a run, after it was prepared. */
export interface RunTurn<Prepared> {
  prepared: Prepared;
  /** When it began; the preparation may have begun before. */
  startedMs: number;
  /**
   * Notes that the output is about to be written.
   *
   * @throws {OutputKeptError} when another command has made it meanwhile.
   */
  begin(): Promise<void>;
  /** Writes the run into the ledger. Call it when the output is whole, before anything is removed. */
  save(made: MadeRun): Promise<LedgerEntry>;
}

/** The work on one run. */
export interface RunWork<Prepared> {
  output(run: Run): RunOutput;
  /** Forecast steps that are used, in hours. */
  steps(run: Run): readonly number[];
  /** The part of the work that may be done while the run before is made. It writes no output. */
  prepare(run: Run, context: StageContext): Promise<Prepared>;
  /** Makes the output. */
  make(run: Run, turn: RunTurn<Prepared>, context: StageContext): Promise<void>;
  /**
   * Why a complete output is to be made again, if it is.
   *
   * @default {undefined} (it never is)
   */
  findChange?(run: Run, entry: LedgerEntry, context: StageContext): Promise<string | undefined>;
  /**
   * Removes what a killed command left beside a complete output, and makes what is missing beside it.
   *
   * @default nothing
   */
  settle?(run: Run, entry: LedgerEntry, context: StageContext): Promise<void>;
}

/** How runs are made. */
export interface MakeRunsOptions extends OutputRules {
  /** Folder of the ledger. @default {undefined} (there is none: every run is made) */
  folder?: string;
  /** Whether it is no news that a run is not published: then it is no warning. @default {false} */
  isAbsenceExpected?: boolean;
  /** Ends the work. @default {undefined} */
  signal?: AbortSignal;
}

/** How a run ended. */
export interface RunOutcome {
  /** `20230301_00z` */
  run: string;
  /** For people: `20230301 00 UTC`. */
  name: string;
  state: RunState;
  /** Why it is not complete. */
  reason?: string;
  exitCode: number;
  /** Whether an earlier command had completed it. */
  skipped: boolean;
  /** Path of the output; `undefined` when there is none. */
  output?: string;
  messages?: LedgerEntry["messages"];
}

/**
 * Makes the output of every run. While one is made the next one is prepared, with the same storage and
 * so within the same limits of each server; what is reported on it is held back until its turn.
 *
 * Costs, beside the work, a digest of each complete output that is there, and for a run that lacks files
 * what `describeAbsentSteps` does.
 *
 * @throws {UserError} when the ledger cannot be read or written.
 * @throws {InterruptedError} the signal's reason; the ledger has the runs that have ended.
 */
export async function makeRuns<Prepared>(
  runs: readonly Run[],
  work: RunWork<Prepared>,
  options: MakeRunsOptions,
  context: StageContext,
): Promise<RunOutcome[]> {
  const ledger = await Ledger.open(options.folder, context.storage);
  const counters = new RunCounters(context.storage.counters);
  const storage = { ...context.storage, counters };
  const loop = new RunLoop(work, ledger, options, { ...context, storage });
  const outcomes: RunOutcome[] = [];
  let next = runs[0] && loop.begin(runs[0]);
  try {
    for (const [i, run] of runs.entries()) {
      options.signal?.throwIfAborted();
      const begun = next!;
      next = undefined;
      context.reporter.info(`run ${i + 1} of ${runs.length}: ${describeRun(run)}`);
      begun.release();
      const startedMs = Date.now();
      const plan = await begun.plan;
      const following = runs[i + 1];
      next = following && loop.begin(following);
      outcomes.push(await loop.finish(run, plan, begun, startedMs));
      counters.restart();
    }
  } finally {
    await next?.plan;
  }
  return outcomes;
}

/**
 * What one run costs: what went over the network since the run before ended. Each request counts once,
 * one for the preparation of the next run for the present one.
 */
class RunCounters implements StorageCounters {
  #before: StorageCounters;

  constructor(private readonly all: Readonly<StorageCounters>) {
    this.#before = structuredClone(all);
  }

  restart(): void {
    this.#before = structuredClone(this.all);
  }

  get requests(): number {
    return this.all.requests - this.#before.requests;
  }

  get retries(): number {
    return this.all.retries - this.#before.retries;
  }

  get bytesReceived(): number {
    return this.all.bytesReceived - this.#before.bytesReceived;
  }

  get requestsByHost(): Record<string, number> {
    const counts = Object.entries(this.all.requestsByHost).map(([host, count]) =>
      [host, count - (this.#before.requestsByHost[host] ?? 0)] as const
    );
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  }
}

/** What is to be done with a run. */
type RunPlan<Prepared> =
  | { kind: "impossible"; reason: string }
  | { kind: "complete"; entry: LedgerEntry }
  | { kind: "failed"; error: unknown }
  | { kind: "prepared"; prepared: Prepared };

/** A run whose work has begun, perhaps while another one is made. */
interface BegunRun<Prepared> {
  /** Never rejects. */
  plan: Promise<RunPlan<Prepared>>;
  context: StageContext;
  warnings: readonly string[];
  /** Lets its reports through. */
  release(): void;
}

class RunLoop<Prepared> {
  readonly #now: () => Date;

  constructor(
    private readonly work: RunWork<Prepared>,
    private readonly ledger: Ledger,
    private readonly options: MakeRunsOptions,
    private readonly context: StageContext,
  ) {
    this.#now = options.now ?? (() => new Date());
  }

  /** Prepares a run; its reports are held back. */
  begin(run: Run): BegunRun<Prepared> {
    const { storage } = this.context;
    const { reporter, warnings, release } = holdReports(this.context.reporter);
    const context = { storage, reporter };
    const plan = this.#plan(run, context).catch((error) => ({ kind: "failed", error }) as const);
    return { plan, context, warnings, release };
  }

  async #plan(run: Run, context: StageContext): Promise<RunPlan<Prepared>> {
    const reason = describeImpossible(run, this.#now());
    if (reason !== undefined) return { kind: "impossible", reason };
    const entry = await this.#open(run).find((line) => context.reporter.info(line));
    const change = entry && await this.work.findChange?.(run, entry, context);
    if (entry && change === undefined) return { kind: "complete", entry };
    if (change !== undefined) context.reporter.info(`${change}: making it again`);
    return { kind: "prepared", prepared: await this.work.prepare(run, context) };
  }

  #open(run: Run): OutputRecord {
    const { ledger, options, context: { storage } } = this;
    return new OutputRecord(ledger, run, this.work.output(run), options, storage);
  }

  /** Makes a run that is prepared, and says how it ended. */
  async finish(
    run: Run,
    plan: RunPlan<Prepared>,
    { context, warnings }: BegunRun<Prepared>,
    startedMs: number,
  ): Promise<RunOutcome> {
    const { reporter } = context;
    if (plan.kind === "complete") {
      try {
        await this.work.settle?.(run, plan.entry, context);
      } catch (error) {
        return await this.#explain(run, error, warnings);
      }
      const output = outputPath(this.work.output(run));
      reporter.info(`${describeRun(run)}: already complete, ${output}`);
      return { ...describeEntry(run, plan.entry), output, exitCode: EXIT.done, skipped: true };
    }
    if (plan.kind === "impossible") {
      return await this.#fail(run, "not published", plan.reason, EXIT.missing);
    }
    if (plan.kind === "failed") return await this.#explain(run, plan.error, warnings);
    let outcome: RunOutcome | undefined = undefined as RunOutcome | undefined;
    const save = async (made: MadeRun) => {
      const saved = await this.#save(run, made, warnings);
      outcome = saved.outcome;
      return saved.entry;
    };
    try {
      const begin = () => this.#open(run).begin();
      await this.work.make(run, { prepared: plan.prepared, startedMs, begin, save }, context);
    } catch (error) {
      if (!outcome) return await this.#explain(run, error, warnings);
      // The output is whole and recorded: what failed is what is made of it, or the removal of saved fields.
      this.#rethrowInterruption(error);
      reporter.warn(`${describeRun(run)}: ${messageOf(error)}`);
      const reason = [outcome.reason ?? [], messageOf(error)].flat().join("; ");
      const exitCode = findWorst([outcome, { exitCode: findExitCode(error) }]);
      return { ...outcome, reason, exitCode };
    }
    return outcome!;
  }

  /** Records an output that is written. */
  async #save(
    run: Run,
    made: MadeRun,
    warnings: readonly string[],
  ): Promise<{ outcome: RunOutcome; entry: LedgerEntry }> {
    const { complete, isAccepted = false, messages, source, sha256 } = made;
    const reason = made.reason ?? warnings[0]?.replaceAll(/\s*\n\s*/g, " ") ?? "see the warnings";
    const entry = await this.#open(run).save({
      state: complete ? "complete" : "incomplete",
      ...(!complete && { reason }),
      ...(messages && { messages }),
      ...(source && { source }),
      ...(sha256 && { sha256 }),
    });
    if (!complete) this.#warn(run, entry);
    const path = outputPath(this.work.output(run));
    const exitCode = complete || isAccepted ? EXIT.done : EXIT.incomplete;
    const outcome = { ...describeEntry(run, entry), output: path, exitCode, skipped: false };
    return { outcome, entry };
  }

  /** Records why there is no output. */
  async #fail(
    run: Run,
    state: RunState,
    reason: string,
    exitCode: number,
  ): Promise<RunOutcome> {
    return this.#conclude(run, await this.#open(run).fail(state, reason), exitCode);
  }

  /** How a run without an output of its own ended. */
  #conclude(
    run: Run,
    entry: Pick<LedgerEntry, "state" | "reason">,
    exitCode: number,
  ): RunOutcome {
    this.#warn(run, entry);
    return { ...describeEntry(run, entry), exitCode, skipped: false };
  }

  /** @throws what ends the whole command: an interruption. */
  async #explain(run: Run, error: unknown, warnings: readonly string[]): Promise<RunOutcome> {
    this.#rethrowInterruption(error);
    const exitCode = findExitCode(error);
    // The ledger still says how the output was made.
    if (error instanceof OutputKeptError) {
      return this.#conclude(run, { state: "failed", reason: onOneLine(error) }, exitCode);
    }
    const request = { run, steps: this.work.steps(run), now: this.#now() };
    const absence = exitCode === EXIT.missing
      ? await describeAbsentSteps(request, this.context.storage)
      : undefined;
    if (absence !== undefined) return await this.#fail(run, "not published", absence, exitCode);
    if (exitCode === EXIT.failed && error instanceof Error && !(error instanceof UserError)) {
      this.context.reporter.warn(error.stack ?? error.message);
    }
    const reason = onOneLine(error) || warnings.at(-1) || "for an unknown reason";
    return await this.#fail(run, "failed", reason, exitCode);
  }

  #rethrowInterruption(error: unknown): void {
    this.options.signal?.throwIfAborted();
    if (error instanceof InterruptedError) throw error;
  }

  #warn(run: Run, entry: Pick<LedgerEntry, "state" | "reason">): void {
    const { reporter } = this.context;
    const line = `${describeRun(run)}: ${describeState(entry)}`;
    if (entry.state === "not published" && this.options.isAbsenceExpected) reporter.info(line);
    else reporter.warn(line);
  }
}

function describeEntry(
  run: Run,
  { state, reason, messages }: Pick<LedgerEntry, "state" | "reason" | "messages">,
) {
  return {
    run: runLabel(run),
    name: describeRun(run),
    state,
    ...(reason !== undefined && { reason }),
    ...(messages && { messages }),
  };
}

/** `not published yet`, `failed: Cannot …`, `complete`. */
function describeState({ state, reason }: Pick<RunOutcome, "state" | "reason">): string {
  if (reason === undefined) return state;
  return reason.startsWith(state) ? reason : `${state}: ${reason}`;
}

/** The message of an error; details that follow it join its line. */
function onOneLine(error: unknown): string {
  return messageOf(error).replaceAll(/\s*\n\s*/g, "; ");
}

/** The exit code of a run that ended with an error. */
function findExitCode(error: unknown): number {
  if (error instanceof UserError) return exitCodeOf(error.category);
  return error instanceof Deno.errors.NotCapable ? EXIT.unreachable : EXIT.failed;
}

/** The worst exit code of runs. */
export function findWorst(outcomes: readonly Pick<RunOutcome, "exitCode">[]): number {
  const ranks = outcomes.map(({ exitCode }) => SEVERITY.indexOf(exitCode));
  return SEVERITY[Math.max(0, ...ranks)]!;
}
