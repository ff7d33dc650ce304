/**
 * `jsr:@std/async/delay` from npm, typed.
 *
 * @module
 */
import * as std from "npm:deno-std@1.4.0/async/delay.js";

interface DelayOptions {
  signal?: AbortSignal;
  /** Whether the process stays alive while it waits. @default {true} */
  persistent?: boolean;
}

export const delay: (ms: number, options?: DelayOptions) => Promise<void> = std.delay;
