/**
 * An output and the ledger beside it → whether a command may write it, has it already, or must keep it.
 *
 * @module
 */
import { type Run, runLabel } from "../ecmwf/run.ts";
import { UserError } from "../errors.ts";
import { type Storage, unlessMissing } from "../storage/mod.ts";
import { Ledger, type LedgerEntry, listDifferences } from "./ledger.ts";
import { digestOutput, outputPath, type RunOutput } from "./run_output.ts";

/** What a command makes outputs by, and which it may replace. */
export interface OutputRules {
  /** The name of the command, for the ledger. */
  command: string;
  /** The options that shape outputs, as text by name. */
  options: Readonly<Record<string, string>>;
  /** Whether to replace an output that was made with other options. @default {false} */
  overwrite?: boolean;
  /** Whether to make complete outputs again. @default {false} */
  remake?: boolean;
  /** The time. @default the clock's */
  now?: () => Date;
}

/** An output of another command is where this one would write. */
export class OutputKeptError extends UserError {
  override readonly name = "OutputKeptError";

  constructor(message: string) {
    super("usage", message);
  }
}

/** What the ledger gets of an output that is written; its digest where the writer knows it. */
export type WrittenOutput = Pick<
  LedgerEntry,
  "state" | "reason" | "messages" | "source" | "sha256"
>;

/** Beside the message about an output without an entry. */
const UNKNOWN = "another program made it, or an earlier version of this one";

/** The reason in the ledger while an output is written: it stays when the command is killed. */
const WRITING = "stopped while it was written";

/** An output, and what the ledger of its folder says about it. */
export class OutputRecord {
  constructor(
    private readonly ledger: Ledger,
    private readonly run: Run,
    private readonly output: RunOutput,
    private readonly rules: OutputRules,
    private readonly storage: Storage,
  ) {}

  /** Reads the ledger of the output's folder. @throws {UserError} for one that is damaged. */
  static async open(
    run: Run,
    output: RunOutput,
    rules: OutputRules,
    storage: Storage,
  ): Promise<OutputRecord> {
    return new OutputRecord(await Ledger.open(output.folder, storage), run, output, rules, storage);
  }

  /**
   * The entry of an output that is complete, made with these options, and still the same; `undefined`
   * where it is to be written. Reads the whole output if its options are the same.
   *
   * @param onAgain is called with the reason why an output that was there is made again.
   * @throws {OutputKeptError} for an output that is not this command's: made with other options, without
   *   a record, or changed since. Not with `overwrite`.
   */
  async find(onAgain: (line: string) => void = () => {}): Promise<LedgerEntry | undefined> {
    const { ledger, output, rules: { remake = false, overwrite = false }, storage } = this;
    if (ledger.path === undefined) return undefined;
    const entry = ledger.find(output.name);
    const path = outputPath(output);
    if (!await isThere(output, storage)) {
      if (entry?.sha256 !== undefined) onAgain(`${path}: it is gone, making it again`);
      return undefined;
    }
    const objection = await this.#object(entry);
    if (objection) {
      if (!overwrite) {
        throw keptError(
          path,
          objection,
          output.digest ? "; give --replace" : "; give --output-dir or --overwrite",
        );
      }
      if (entry) onAgain(`${path}: ${describe(objection)}, making it again`);
      return undefined;
    }
    return entry?.state === "complete" && !remake ? entry : undefined;
  }

  /** Why an output that is there is not this command's. */
  async #object(entry: LedgerEntry | undefined): Promise<Objection | undefined> {
    const { output, rules: { options }, storage } = this;
    // An archive has runs that other commands, beside other ledgers, have put into it.
    if (!entry && output.digest) return undefined;
    if (!entry) return { state: "it is not in runs.json", details: [UNKNOWN] };
    const names = listDifferences(entry.options, options);
    if (names.length > 0) {
      const details = names.map((name) =>
        `--${name}: ${entry.options[name] ?? "none"} there, ${options[name] ?? "none"} here`
      );
      return { state: "other options made it", names, details };
    }
    // A command that was killed while it wrote was allowed to.
    if (entry.sha256 === undefined) return undefined;
    const isSame = await digestOutput(output, storage) === entry.sha256;
    return isSame ? undefined : { state: "it was changed since" };
  }

  /**
   * Notes that the output is about to be written. It is looked at again before: another command may
   * have written it since.
   *
   * @throws {OutputKeptError} as `find` does.
   */
  async begin(): Promise<void> {
    await this.ledger.reread();
    await this.find();
    await this.#record({ state: "failed", reason: WRITING });
  }

  /** Notes an output that is written. Reads all of it where its digest is not given. @returns its entry. */
  async save(written: WrittenOutput): Promise<LedgerEntry> {
    const { ledger, output, storage } = this;
    if (ledger.path === undefined || written.sha256 !== undefined) {
      return await this.#record(written);
    }
    const sha256 = await digestOutput(output, storage);
    return await this.#record({ ...written, ...(sha256 !== undefined && { sha256 }) });
  }

  /**
   * Notes why there is no output. Of one that is there, and that was not begun to be written again, the
   * ledger says as before what it holds.
   */
  async fail(
    state: LedgerEntry["state"],
    reason: string,
  ): Promise<Pick<LedgerEntry, "state" | "reason">> {
    const { ledger, output, storage } = this;
    await ledger.reread();
    const isWhole = ledger.find(output.name)?.sha256 !== undefined;
    if (isWhole && await isThere(output, storage)) return { state, reason };
    return await this.#record({ state, reason });
  }

  async #record(entry: WrittenOutput): Promise<LedgerEntry> {
    const { command, options, now = () => new Date() } = this.rules;
    const whole: LedgerEntry = {
      run: runLabel(this.run),
      output: this.output.name,
      ...entry,
      options,
      command,
      time: now().toISOString(),
    };
    await this.ledger.record(whole);
    return whole;
  }
}

/** Why an output is not that of a command. */
interface Objection {
  state: string;
  /** The options that differ, and a line for each. */
  names?: readonly string[];
  details?: readonly string[];
}

function keptError(
  path: string,
  { state, details = [] }: Objection,
  remedy: string,
): OutputKeptError {
  const lines = [
    `Cannot write "${path}": ${state}${remedy}`,
    ...details,
  ];
  return new OutputKeptError(lines.join("\n  "));
}

/** `other options made it (variables, region)`. */
function describe({ state, names }: Objection): string {
  return names ? `${state} (${names.join(", ")})` : state;
}

async function isThere(output: RunOutput, storage: Storage): Promise<boolean> {
  if (output.digest) return await output.digest(storage) !== undefined;
  const path = outputPath(output);
  if (output.filePrefix === undefined) {
    storage.forget(path);
    return await unlessMissing(storage.head(path)) !== undefined;
  }
  for await (const _ of storage.list(`${path}/${output.filePrefix}`)) return true;
  return false;
}
