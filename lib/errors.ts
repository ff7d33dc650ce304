/**
 * Errors that a user can act on, each with a category, and the exit code of each category.
 *
 * What goes in: what went wrong, in words. What comes out: an error whose text says all there is to
 * say, and the exit code that a command ends with.
 *
 * @module
 */

/** Exit codes of every command. */
export const EXIT = {
  done: 0,
  /** A fault of the program, or of a file that it cannot explain further. */
  failed: 1,
  usage: 2,
  /** The run, step or member is not there. */
  missing: 3,
  /** The network, the server or the permissions. */
  unreachable: 4,
  /** Done, but something that was asked for is missing and named. */
  incomplete: 5,
  /** Stopped by SIGINT or SIGTERM: 128 and the number of SIGINT, as shells count. */
  interrupted: 130,
} as const;

/**
 * What a user can do about an error:
 * - `usage`: change an option or argument
 * - `missing`: wait for the data, or ask for other data
 * - `unreachable`: look at the network, the server, the credentials or the permissions
 * - `incomplete`: let others finish their part first
 * - `interrupted`: run the command again
 * - `damaged`: replace the file or message that the text names
 * - `failed`: read the text; nothing more is known
 */
export type ErrorCategory =
  | "usage"
  | "missing"
  | "unreachable"
  | "incomplete"
  | "interrupted"
  | "damaged"
  | "failed";

/** An error whose text says all that a user needs. Any other error is a fault of the program. */
export class UserError extends Error {
  override readonly name: string = "UserError";

  constructor(readonly category: ErrorCategory, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** The exit code of a command that ends with an error of this category. */
export function exitCodeOf(category: ErrorCategory): number {
  return category === "damaged" ? EXIT.failed : EXIT[category];
}

/** The category of an error with which another process ended, from its exit code. */
export function categoryOf(exitCode: number): ErrorCategory {
  const [category] = Object.entries(EXIT).find(([, code]) => code === exitCode) ?? [];
  return category === undefined || category === "done" ? "failed" : category as ErrorCategory;
}

/** An option or argument that the user can correct. */
export class UsageError extends UserError {
  override readonly name = "UsageError";

  constructor(message: string, options?: ErrorOptions) {
    super("usage", message, options);
  }
}

/** Data that was asked for and does not exist: a run, a step, a member. */
export class MissingDataError extends UserError {
  override readonly name = "MissingDataError";

  constructor(message: string, options?: ErrorOptions) {
    super("missing", message, options);
  }
}

/** Work that cannot be finished yet, because parts of it that others make are not there. */
export class IncompleteError extends UserError {
  override readonly name = "IncompleteError";

  constructor(message: string, options?: ErrorOptions) {
    super("incomplete", message, options);
  }
}

/** The user, or the system, stopped the command. */
export class InterruptedError extends UserError {
  override readonly name = "InterruptedError";

  constructor(message: string, options?: ErrorOptions) {
    super("interrupted", message, options);
  }
}
