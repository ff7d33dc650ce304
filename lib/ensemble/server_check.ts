/**
 * Whether a server that fails for an object serves others.
 *
 * @module
 */
import {
  type ByteRange,
  type Storage,
  StorageError,
  type StorageErrorKind,
} from "../storage/mod.ts";
import type { Reference } from "../references/store.ts";
import { clearSuspicion, type MessageLoss } from "./message_loss.ts";

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
