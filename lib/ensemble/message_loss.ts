/**
 * Why a message cannot be fetched, and whether the index of its file may know better.
 *
 * @module
 */
import { checkMessage, GribError } from "../grib/mod.ts";
import { StorageError } from "../storage/mod.ts";

/**
 * Why a step is read again from the indexes of its files:
 * - `replaced`: a file was replaced after some of its messages were read
 * - `misplaced`: a reference points to no message, as when the file was replaced before
 */
export type RestartCause = "replaced" | "misplaced";

/** Why a message cannot be fetched. */
export interface MessageLoss {
  reason: string;
  /** Set when the index of the file may list the message elsewhere. */
  cause?: RestartCause;
  /** Whether it may concern only one of the messages of a joined request. @default {false} */
  splits?: boolean;
  /** Set while the server may be what fails: the message is lost only if others are served. */
  suspect?: StorageError;
}

/** Thrown in place of the bytes of a message. */
export class MessageLostError extends Error {
  override readonly name = "MessageLostError";

  constructor(readonly loss: MessageLoss) {
    super(loss.reason);
  }
}

const REMEDY = "run the pipeline and stream again";

/**
 * Explains an error of a request.
 *
 * @returns `undefined` for errors that concern more than one object, such as a server that is down.
 */
export function explainLoss(error: unknown, url: string): MessageLoss | undefined {
  if (error instanceof GribError) {
    const reason = `no whole message lies where it is referenced in ${url}, ${REMEDY}`;
    return { reason, cause: "misplaced" };
  }
  if (!(error instanceof StorageError)) return undefined;
  const { kind, message, hasServed, isOfObject } = error;
  switch (kind) {
    case "missing":
      return { reason: message };
    case "denied":
      return { reason: message, splits: true, ...(hasServed ? {} : { suspect: error }) };
    case "unreachable":
      return isOfObject ? { reason: message, splits: true, suspect: error } : undefined;
    case "corrupt":
      return { reason: message, splits: true };
    case "range":
      return { reason: message, cause: "misplaced", splits: true };
    case "changed": {
      // Shown only when it happens twice: the first time, the step is read again.
      const reason = `${url} was replaced twice while it was read, ${REMEDY}`;
      return { reason, cause: "replaced" };
    }
    default:
      return undefined;
  }
}

/** The same loss, known to be of the object. */
export function clearSuspicion({ suspect: _, ...loss }: MessageLoss): MessageLoss {
  return loss;
}

/** Checks that bytes are the message that a reference describes, or its beginning. */
export function findMisplacement(
  bytes: Uint8Array,
  messageBytes: number,
  url: string,
): MessageLoss | undefined {
  try {
    checkMessage(bytes, messageBytes);
    return undefined;
  } catch (error) {
    const loss = explainLoss(error, url);
    if (!loss) throw error;
    return loss;
  }
}
