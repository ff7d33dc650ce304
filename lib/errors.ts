/**
 * Errors that end a command, and the exit codes of every command.
 *
 * @module
 */

/** Exit codes of every command. */
export const EXIT = {
  done: 0,
  /** A fault of the program or of a file that it cannot explain further. */
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

/** An option or argument that the user can mend. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Data that was asked for and does not exist: a run, a step, a member. */
export class MissingDataError extends Error {
  override readonly name = "MissingDataError";
}

/** What was to be finished cannot be: parts of it, which others make, are not there. */
export class IncompleteError extends Error {
  override readonly name = "IncompleteError";
}

/** The user, or the system, stopped the command. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
}
