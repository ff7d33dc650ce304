/**
 * Memory that is freed when it is known to be useless, not when it is collected.
 *
 * @module
 */

/**
 * Frees the memory of arrays; their length is 0 then. V8 counts an array as a few bytes, whatever it
 * holds, and lets up to 64 MB of garbage in arrays gather in each thread before it looks for it.
 */
export function release(...arrays: readonly { buffer: ArrayBuffer }[]): void {
  for (const { buffer } of arrays) buffer.transfer(0);
}
