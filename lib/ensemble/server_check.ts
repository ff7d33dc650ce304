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
import { clearSuspicion, type MessageLoss } from "./message_loss.ts";

/** Answers about an object, of a server that works. */
const ANSWERS: readonly StorageErrorKind[] = ["missing", "changed", "range"];

/** What the servers of a run have served, as evidence that they work. */
export class ServerCheck {
  #served = 0;
  /** The shortest range that was served. */
  #shortest: { url: string; range: ByteRange } | undefined;
  #probe: Promise<boolean> | undefined;

  constructor(private readonly storage: Storage) {}

  /** Requests served so far. */
  get served(): number {
    return this.#served;
  }

  /** Notes that a range was served. */
  noteServed(url: string, range: ByteRange): void {
    this.#served++;
    if (this.#shortest && this.#shortest.range.length <= range.length) return;
    this.#shortest = { url, range: { offset: range.offset, length: range.length } };
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

  async #isServing(): Promise<boolean> {
    this.#probe ??= this.#fetchAgain().finally(() => this.#probe = undefined);
    return await this.#probe;
  }

  async #fetchAgain(): Promise<boolean> {
    const { url, range } = this.#shortest!;
    try {
      await this.storage.get(url, range);
      return true;
    } catch (error) {
      if (error instanceof StorageError) return ANSWERS.includes(error.kind);
      throw error;
    }
  }
}
