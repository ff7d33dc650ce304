/**
 * Streaming of 51 members × 9 steps × 12 variables at 0.25°, 5,508 messages of 0.76 MB, from a
 * local S3 server, start of the process included: `deno run -A bench/stream.ts`.
 *
 * The messages are made on the spot, in half a minute, with `../shared/tools/make_run.py` (Debian's
 * python3-eccodes); they take 4.2 GB of disk for the time of the run.
 *
 * @module
 */
import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { ENSEMBLE_SIZE } from "../lib/ecmwf/members.ts";
import { parseRun } from "../lib/ecmwf/run.ts";
import { findVariables } from "../lib/ecmwf/variables.ts";
import { GIK } from "../lib/profile.ts";
import { formatMegabytes, printTable, ROOT, runAgainstServer, runModule } from "./measure.ts";
import { type BaseMessages, readBase, writeMessages } from "../fixtures/full_run.ts";

const RUN = parseRun("20260206", "00");
/** Different messages of each field; the other members are copies of them. */
const BASE_MEMBERS = 3;
const BASE_STEP = 36;
const PEAK_LIMIT_BYTES = 600e6;

const VARIABLES = findVariables(GIK.variables);

/** Encodes a few members with ecCodes and reads the messages that the output needs. */
async function makeBase(folder: string): Promise<BaseMessages[]> {
  const args = ["--date", RUN.date, "--run", RUN.hour, "--steps", String(BASE_STEP)];
  const { success, stderr } = await new Deno.Command("/usr/bin/python3", {
    args: [`${ROOT}../shared/tools/make_run.py`, folder, ...args, "--members", `${BASE_MEMBERS}`],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return await readBase(folder, RUN, BASE_STEP, VARIABLES);
}

const work = await Deno.makeTempDir();
try {
  const messages = await writeMessages(
    `${work}/bucket`,
    RUN,
    GIK.steps,
    await makeBase(`${work}/base`),
  );
  const run = ["--date", RUN.date, "--run", RUN.hour];
  const stores = ["--output-dir", `${work}/stores`];
  const steps = ["--steps", GIK.steps.join(",")];
  await runAgainstServer(`${work}/bucket`, "stages/stage2.ts", [...run, ...steps, ...stores]);
  await runModule("stages/stage3.ts", [...run, ...stores]);

  const { counters, wallSeconds, peakRssBytes } = await runAgainstServer(
    `${work}/bucket`,
    "stages/stream.ts",
    ["--parquet-dir", `${work}/stores`, "--output-dir", work],
  );
  assertEquals(counters.byMethod, { GET: messages });
  assertEquals(counters.byStatus, { 206: messages });
  assertEquals(messages, ENSEMBLE_SIZE * GIK.steps.length * VARIABLES.length);
  assert(peakRssBytes < PEAK_LIMIT_BYTES, `peak memory is ${formatMegabytes(peakRssBytes)}`);
  printTable([
    ["requests", JSON.stringify(counters.byMethod)],
    ["received", formatMegabytes(counters.bytesSent)],
    ["wall time", `${wallSeconds.toFixed(1)} s`],
    ["a message", `${(1000 * wallSeconds / messages).toFixed(2)} ms`],
    ["peak memory", formatMegabytes(peakRssBytes)],
  ]);
} finally {
  await Deno.remove(work, { recursive: true });
}
