/**
 * Numbers: sorted, counted up, in other units, and as people read them; and the memory of arrays of them.
 *
 * @module
 */

/** Each number once, ascending. */
export function sortUnique(numbers: Iterable<number>): number[] {
  // Without a comparison, sort() takes numbers for text.
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** The whole numbers from 0 up to, not including, `count`. */
export function countUp(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Bytes as whole MiB, rounded up, so that they fit: the unit in which engines take memory. */
export function toMebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}

/** Bytes as MB, without the unit; a decimal below 100 MB: `9.1`, `120`. */
export function formatMegabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0);
}

/** A count without a fraction, or any other number with one digit of it: `85`, `8.4`. */
export function formatCount(count: number): string {
  return Number.isInteger(count) ? `${count}` : count.toFixed(1);
}

/** A duration, rounded up: `45 s`, `3 min 5 s`, `2 h 10 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * Frees the memory of arrays; their length is 0 then. V8 counts an array as a few bytes, whatever it
 * holds, and lets up to 64 MB of garbage in arrays gather in each thread before it looks for it.
 */
export function release(...arrays: readonly { buffer: ArrayBufferLike }[]): void {
  // None is of memory that threads share.
  for (const { buffer } of arrays) (buffer as ArrayBuffer).transfer(0);
}
