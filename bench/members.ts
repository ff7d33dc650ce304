/**
 * What the members and percentiles of 51 members × 9 steps × 12 variables at 0.25° cost beside the default
 * output: wall time, start of the process included, and peak memory. From a local S3 server:
 * `deno run -A bench/members.ts`, two minutes on two cores; with `--short` three steps, in one.
 *
 * The messages are made on the spot (`base_run.ts`); they take 4.2 GB of disk during the run.
 *
 * @module
 */
import { assert } from "jsr:@std/assert@^1.0.0";
import { GIK } from "../lib/output/profile.ts";
import { formatMegabytes } from "../lib/util/numbers.ts";
import { RUN, writeRun } from "./base_run.ts";
import { type Cost, describeMachine, IS_SHORT, runAgainstServer } from "./measure.ts";

const PEAK_LIMIT_BYTES = 600e6;
/** Of three steps the start of the process is a larger part, and so is noise. */
const TIME_LIMIT_RATIO = IS_SHORT ? 1.4 : 1.3;
const STEPS = IS_SHORT ? GIK.steps.slice(0, 3) : GIK.steps;
const STATISTICS = "mean,standard_deviation,p10,p50,p90,members";
/** Each output is made so often, in turn; the fastest counts. */
const ROUNDS = IS_SHORT ? 1 : 2;

/** The least time and the most memory of some runs. */
function choose(costs: readonly Cost[]): Omit<Cost, "cpuSeconds"> {
  return {
    wallSeconds: Math.min(...costs.map(({ wallSeconds }) => wallSeconds)),
    peakRssBytes: Math.max(...costs.map(({ peakRssBytes }) => peakRssBytes)),
  };
}

const work = await Deno.makeTempDir();
try {
  const { bucket, stores } = await writeRun(work, STEPS);
  const args = ["--parquet-dir", stores, "--steps", STEPS.join(","), "--output-dir", work];
  const output = `${work}/${GIK.fileName(RUN)}`;
  const stream = async (...more: string[]) => {
    const given = [...args, "--fresh", "--overwrite", ...more];
    const cost = await runAgainstServer(bucket, "stages/stream.ts", given, []);
    return { ...cost, outputBytes: (await Deno.stat(output)).size };
  };
  await stream(); // so that all find the files in memory
  const [plains, all] = [[], []] as Awaited<ReturnType<typeof stream>>[][];
  for (let round = 0; round < ROUNDS; round++) {
    plains!.push(await stream());
    all!.push(await stream("--statistics", STATISTICS));
  }
  const [plain, members] = [choose(plains!), choose(all!)];
  const ratio = members.wallSeconds / plain.wallSeconds;
  const row = (
    name: string,
    { wallSeconds, peakRssBytes }: ReturnType<typeof choose>,
    bytes: number,
    of = 1,
  ) =>
    `| ${name} | ${wallSeconds.toFixed(1)} s, ${of.toFixed(2)} | ` +
    `${formatMegabytes(peakRssBytes)} MB | ${formatMegabytes(bytes)} MB |`;
  console.log(`${describeMachine()}; ${STEPS.length} steps\n`);
  console.log("| statistics | time | peak memory | output |\n| --- | --- | --- | --- |");
  console.log(row("the default ones", plain, plains![0]!.outputBytes));
  console.log(row(`\`${STATISTICS}\``, members, all![0]!.outputBytes, ratio));
  assert(members.peakRssBytes < PEAK_LIMIT_BYTES, formatMegabytes(members.peakRssBytes));
  assert(ratio < TIME_LIMIT_RATIO, `${ratio}`);
} finally {
  await Deno.remove(work, { recursive: true });
}
