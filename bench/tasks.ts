/**
 * The cost of sharing the work: requests and bytes of one machine and of array jobs of several
 * sizes, 51 members × 9 steps × 12 variables at 0.25°, from a local S3 server, one task after the
 * other, and whether their merges write the same file: `deno run -A bench/tasks.ts`. The messages
 * take 4.2 GB of disk during the run. With `--short` three steps and one size, whose tasks have as
 * many fields as those of the largest.
 *
 * @module
 */
import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { GIK } from "../lib/output/profile.ts";
import { RUN, writeRun } from "./base_run.ts";
import { formatMegabytes } from "../lib/util/numbers.ts";
import { IS_SHORT, printTable, runAgainstServer } from "./measure.ts";

const STEPS = IS_SHORT ? GIK.steps.slice(0, 3) : GIK.steps;
const COUNTS = IS_SHORT ? [12] : [9, 20, 36];
/** The most requests of all tasks, of those of one machine. */
const MOST = 1.08;

/** The most memory of a task. */
const PEAK_LIMIT_BYTES = 215e6;

/** Requests and bytes of commands, and the most memory of one of them. */
interface Traffic {
  requests: number;
  bytes: number;
  peakRssBytes: number;
}

const folder = await Deno.makeTempDir();
// Files are compared byte for byte.
Deno.env.set("SOURCE_DATE_EPOCH", "1770365700");
try {
  const { bucket, stores } = await writeRun(folder, STEPS);
  const output = `${folder}/${GIK.fileName(RUN)}`;
  const common = ["--parquet-dir", stores, "--steps", STEPS.join(","), "--output-dir", folder];

  const stream = async (...args: string[]): Promise<Traffic> => {
    const { counters, peakRssBytes } = await runAgainstServer(bucket, "stages/stream.ts", [
      ...common,
      ...args,
    ]);
    return { requests: counters.requests, bytes: counters.bytesSent, peakRssBytes };
  };
  const alone = await stream();
  const expected = await Deno.readFile(output);
  const describe = ({ requests, bytes, peakRssBytes }: Traffic) =>
    `${requests} requests, ${(requests / alone.requests).toFixed(2)}, ${
      formatMegabytes(bytes)
    } MB, ` +
    `${formatMegabytes(peakRssBytes)} MB of memory`;
  const rows: [string, string][] = [["one machine", describe(alone)]];
  for (const count of COUNTS) {
    const work = ["--work", `${folder}/work_${count}`];
    const sum: Traffic = { requests: 0, bytes: 0, peakRssBytes: 0 };
    for (let index = 0; index < count; index++) {
      const task = await stream(...work, "--task", `${index}/${count}`);
      sum.requests += task.requests;
      sum.bytes += task.bytes;
      sum.peakRssBytes = Math.max(sum.peakRssBytes, task.peakRssBytes);
    }
    await Deno.remove(output);
    const merge = await stream(...work, "--merge");
    assertEquals([merge.requests, merge.bytes], [0, 0]);
    const merged = await Deno.readFile(output);
    assert(merged.every((byte, i) => byte === expected[i]) && merged.length === expected.length);
    rows.push([`${count} tasks`, describe(sum)]);
    const isFrugal = sum.requests <= MOST * alone.requests && sum.peakRssBytes < PEAK_LIMIT_BYTES;
    assert(isFrugal, rows.at(-1)!.join(": "));
  }
  printTable(rows);
} finally {
  await Deno.remove(folder, { recursive: true });
}
