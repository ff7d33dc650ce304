/**
 * The work that no decoder of a window can leave out: the CCSDS blocks that the window's rows need, from
 * memory, without the headers, the intervals before the window, scaling or statistics.
 *
 * @module
 */
import { planCoding } from "../lib/grib/ccsds/coding.ts";
import { skipInterval } from "../lib/grib/ccsds/interval.ts";
import { openSamples, readSamples } from "../lib/grib/ccsds/sample_reader.ts";
import { parsePrefix, type Region, selectWindow } from "../lib/grib/mod.ts";

/** Long enough for a clock of 10 ms, and for the compiler to finish first. */
const WARM_UP_ROUNDS = 3;
const LEAST_SECONDS = 5;
const TICKS_PER_SECOND = 100;

/**
 * Processor time of decoding the blocks of one message, the mean over all given, in seconds. Takes about
 * six seconds.
 *
 * @param messages whole or their beginnings, as much as the region needs.
 */
export function timeWindowBlocks(messages: readonly Uint8Array[], region: Region): number {
  const readers = messages.flatMap((message) => openBlocks(message, region) ?? []);
  const readAll = () => {
    for (const read of readers) read();
  };
  for (let round = 0; round < WARM_UP_ROUNDS; round++) readAll();
  const start = readThreadSeconds();
  let seconds = 0;
  let rounds = 0;
  while (seconds < LEAST_SECONDS) {
    readAll();
    rounds++;
    seconds = readThreadSeconds() - start;
  }
  return seconds / rounds / messages.length;
}

/** A function that decodes the blocks of a window; `undefined` when the message has none. */
function openBlocks(message: Uint8Array, region: Region): (() => void) | undefined {
  const { grid, representation, data } = parsePrefix(message);
  if (representation.template !== 42 || representation.bitsPerValue === 0) return undefined;
  const coding = planCoding({ ...representation, bitsPerSample: representation.bitsPerValue });
  const reader = openSamples(data, coding);
  const { firstRow, rowCount, columnRuns: [run] } = selectWindow(grid, region);
  const startOf = (row: number) => (firstRow + row) * grid.columnCount + run!.firstColumn;
  const firstInterval = Math.floor(startOf(0) / coding.samplesPerInterval);
  for (let i = 0; i < firstInterval; i++) skipInterval(reader.cursor, coding);
  const firstBit = reader.cursor.bit;
  return () => {
    reader.cursor.bit = firstBit;
    reader.interval = firstInterval;
    reader.blocksRead = 0;
    for (let row = 0; row < rowCount; row++) {
      const end = startOf(row) + run!.columnCount;
      for (let at = startOf(row); at < end;) at = readSamples(reader, at, end);
    }
  };
}

/** Processor time of this thread so far. Linux only. */
function readThreadSeconds(): number {
  const fields = Deno.readTextFileSync("/proc/thread-self/stat").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
