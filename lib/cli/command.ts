/**
 * Commands and their options, and the parsing of command lines.
 *
 * @module
 */
import { parseArgs } from "jsr:@std/cli@^1.0.0/parse-args";
import { UsageError } from "../errors.ts";
import type { Outcome, Reporter } from "../util/reporter.ts";
import { findNearest, suggestNearest } from "../util/text.ts";

/** One option of a command. */
export interface OptionSpec {
  /** Long name without dashes. */
  name: string;
  /** The value after the name, for example `<dir>`; a flag has none. */
  value?: string;
  /** The value of the option when it is given without one. @default {undefined} (that is an error) */
  bare?: string;
  /** Default as text, parsed like a given value. @default {undefined} (none) */
  default?: string;
  /** The default in the help. @default {undefined} (its text) */
  defaultName?: string;
  /** Whether an argument without an option is its value. @default {false} */
  positional?: boolean;
  /** One line or several. */
  help: string;
}

/** A command: its purpose, its options, and the function that does the work. */
export interface Command<Options> {
  /** For example `stage2`. */
  name: string;
  /** A few sentences for the head of the help. */
  purpose: string;
  options: readonly OptionSpec[];
  /** Whole command lines for the help. */
  examples: readonly string[];
  /** Turns the text of the options into the plain object that `run` takes. */
  parse(values: OptionValues): Options;
  run(options: Options, reporter: Reporter): Promise<Outcome>;
}

/** The values of options: those given, else the defaults. */
export class OptionValues {
  constructor(private readonly values: ReadonlyMap<string, string | boolean>) {}

  /** Whether a flag is set. */
  flag(name: string): boolean {
    return this.values.get(name) === true;
  }

  /** The text of an option; `undefined` when it is not given and has no default. */
  text(name: string): string | undefined {
    const value = this.values.get(name);
    return typeof value === "string" ? value : undefined;
  }

  /**
   * The text of an option that the command needs.
   *
   * @throws {UsageError} when it is not given and has no default.
   */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) {
      throw new UsageError(`Cannot run without --${name}: give it a value`);
    }
    return value;
  }

  /**
   * The items of a list separated by commas; `undefined` when the option is not given.
   *
   * @throws {UsageError} for a list without items: a command that does nothing would look like success.
   */
  list(name: string): string[] | undefined {
    const text = this.text(name);
    const items = text?.split(",").map((item) => item.trim()).filter((item) => item !== "");
    if (items?.length === 0) {
      throw new UsageError(`Cannot read --${name} "${text}": give at least one value`);
    }
    return items;
  }

  /**
   * A whole number of at least `minimum`.
   *
   * @throws {UsageError} for anything else.
   */
  count(name: string, minimum = 1): number {
    return parseWhole(name, this.required(name), minimum);
  }

  /**
   * One of some names.
   *
   * @throws {UsageError} for any other, with the nearest one.
   */
  choice<Name extends string>(name: string, choices: readonly Name[]): Name {
    const given = this.required(name);
    const chosen = choices.find((choice) => choice === given);
    if (chosen !== undefined) return chosen;
    throw new UsageError(
      `Cannot read --${name} "${given}": it is one of ${choices.join(", ")}` +
        suggestNearest(given, choices),
    );
  }

  /**
   * Whole numbers separated by commas, for example forecast hours; `undefined` when not given.
   *
   * @param expand gives the numbers of a range, `undefined` for an item that is none.
   * @throws {UsageError} for anything else.
   */
  counts(
    name: string,
    expand: (item: string) => readonly number[] | undefined = () => undefined,
  ): number[] | undefined {
    return this.list(name)?.flatMap((item) => expand(item) ?? [parseWhole(name, item, 0)]);
  }

  /**
   * Exactly `length` numbers separated by commas.
   *
   * @throws {UsageError} for anything else.
   */
  numbers(name: string, length: number): number[] {
    const numbers = (this.list(name) ?? []).map(Number);
    if (numbers.length !== length || !numbers.every(Number.isFinite)) {
      throw new UsageError(
        `Cannot read --${name} "${this.text(name)}": give ${length} numbers separated by commas`,
      );
    }
    return numbers;
  }
}

function parseWhole(name: string, text: string, minimum: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < minimum) {
    throw new UsageError(
      `Cannot read --${name} "${text}": give a whole number of at least ${minimum}`,
    );
  }
  return value;
}

/** Flags of every command. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  { name: "quiet", help: "print warnings and errors only" },
  {
    name: "json",
    help: "report to programs: one JSON object a line on standard output, of type info, warning, " +
      "progress, result, error and, last, end with the exit code",
  },
  { name: "help", help: "print this help" },
];

/**
 * Parses a command line.
 *
 * @throws {UsageError} for an unknown option, with the nearest known one, for an option that lacks its
 * value, and for an argument that belongs to no option.
 */
export function parseCommandLine<Options>(
  command: Command<Options>,
  args: readonly string[],
): OptionValues {
  const options = [...command.options, ...COMMON_OPTIONS];
  const names = options.map((option) => option.name);
  const flags = options.filter((option) => option.value === undefined).map(({ name }) => name);
  const valued = names.filter((name) => !flags.includes(name));
  const positional = options.filter((option) => option.positional);
  const parsed = parseArgs(joinNegativeNumbers(args, valued), {
    string: [...valued, "_"],
    boolean: flags,
    alias: { help: "h" },
    unknown: (argument: string) => {
      if (positional.length > 0 && !argument.startsWith("-")) return true;
      throw new UsageError(describeUnknown(argument, names));
    },
  });
  // Arguments after "--" are not shown to `unknown`.
  const unnamed = parsed._.map(String);
  const given = new Map<string, unknown>(names.map((name) => [name, parsed[name]]));
  for (const { name } of positional) {
    if (given.get(name) === undefined) given.set(name, unnamed.shift());
  }
  if (unnamed[0] !== undefined) throw new UsageError(describeUnknown(unnamed[0], names));
  const values = new Map<string, string | boolean>();
  for (const option of options) {
    const text = given.get(option.name) ?? option.default;
    const value = text === "" ? option.bare ?? text : text;
    if (value === "") {
      throw new UsageError(`Cannot read --${option.name}: it needs a value, ${option.value}`);
    }
    if (typeof value === "string" || typeof value === "boolean") values.set(option.name, value);
  }
  return new OptionValues(values);
}

/** `--region -5,33,…` as `--region=-5,33,…`: `parseArgs` takes `-5,33,…` for short options. */
function joinNegativeNumbers(args: readonly string[], valued: readonly string[]): string[] {
  const joined: string[] = [];
  for (const argument of args) {
    const previous = joined.at(-1) ?? "";
    const isValue = /^-[\d.]/.test(argument) && valued.some((name) => previous === `--${name}`);
    if (isValue) joined[joined.length - 1] = `${previous}=${argument}`;
    else joined.push(argument);
  }
  return joined;
}

function describeUnknown(argument: string, names: readonly string[]): string {
  if (!argument.startsWith("-")) {
    return `Cannot use "${argument}": every argument belongs to an option, see --help`;
  }
  const given = argument.replace(/^-+/, "").replace(/=.*$/, "");
  const nearest = findNearest(given, names);
  const hint = nearest ? `did you mean --${nearest}?` : "see --help";
  return `Cannot use option ${argument}: it is not known; ${hint}`;
}
