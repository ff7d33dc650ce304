/**
 * Why a message cannot be fetched, whether the index of its file may know better, and whether the
 * server fails or the object.
 *
 * @module
 */
import { checkMessage, GribError } from "../grib/mod.ts";
import type { Reference } from "../references/store.ts";
import {
  type ByteRange,
  type Storage,
  StorageError,
  type StorageErrorKind,
} from "../storage/mod.ts";

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

/** Answers about an object, of a server that works. */
const ANSWERS: readonly StorageErrorKind[] = ["missing", "changed", "range"];

/** Other files that are asked before a server is believed to serve nothing. */
const MAX_FILES = 3;

/** What the servers of a run have served, as evidence that they work. */
export class ServerCheck {
  #served = 0;
  /** The shortest range that was served. */
  #shortest: Reference | undefined;
  #probe: Promise<boolean> | undefined;
  #search: Promise<boolean> | undefined;

  /**
   * @param known messages of the run, one of which is asked for where nothing else is served.
   *   @default {none}
   */
  constructor(
    private readonly storage: Storage,
    private readonly known: () => Iterable<Reference> = () => [],
  ) {}

  /** Requests served so far. */
  get served(): number {
    return this.#served;
  }

  /** Notes that a range was served. */
  noteServed(url: string, range: ByteRange): void {
    this.#served++;
    const { offset, length } = range;
    if (!this.#shortest || length < this.#shortest.length) this.#shortest = { url, offset, length };
  }

  /**
   * Judges a loss of which the server is suspected. Costs one GET of a range that was served before,
   * if none was since.
   *
   * @param servedBefore requests served when the failed one was sent.
   * @returns the loss, without suspicion if others are served; `undefined` if nothing is any more.
   */
  async judge(
    loss: MessageLoss | undefined,
    servedBefore: number,
  ): Promise<MessageLoss | undefined> {
    if (!loss?.suspect || this.#served === 0) return loss;
    const isServing = this.#served > servedBefore || await this.#isServing();
    return isServing ? clearSuspicion(loss) : undefined;
  }

  /**
   * Whether anything is served. Costs one GET each of up to three other files, once, if nothing was.
   *
   * @param failed files that are not.
   */
  async findServed(failed: ReadonlySet<string>): Promise<boolean> {
    if (this.#served > 0) return true;
    this.#search ??= this.#fetchOther(failed);
    return await this.#search;
  }

  async #fetchOther(failed: ReadonlySet<string>): Promise<boolean> {
    const others = new Map<string, Reference>();
    for (const reference of this.known()) {
      if (!failed.has(reference.url)) others.set(reference.url, reference);
      if (others.size === MAX_FILES) break;
    }
    for (const reference of others.values()) if (await this.#tryFetch(reference)) return true;
    return false;
  }

  async #isServing(): Promise<boolean> {
    this.#probe ??= this.#tryFetch(this.#shortest!).finally(() => this.#probe = undefined);
    return await this.#probe;
  }

  async #tryFetch({ url, offset, length }: Reference): Promise<boolean> {
    try {
      await this.storage.get(url, { offset, length });
      this.noteServed(url, { offset, length });
      return true;
    } catch (error) {
      if (error instanceof StorageError) return ANSWERS.includes(error.kind);
      throw error;
    }
  }
}
