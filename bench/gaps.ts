/**
 * What an adaptive gap gains, up to which neighbouring ranges share a request: 1,836 messages of
 * 0.76 MB with fixed gaps and with the adaptive one, over lines where requests or bytes are scarce:
 * `deno run -A bench/gaps.ts`. The messages take 1.4 GB of disk during the run.
 *
 * @module
 */
import { planRun } from "../fixtures/embedded_run.ts";
import { writeMessages } from "../fixtures/full_run.ts";
import { ENSEMBLE_SIZE } from "../lib/ecmwf/members.ts";
import { DEFAULT_POLICY, type FetchPolicy } from "../lib/ensemble/fetch_plan.ts";
import { reduceFields } from "../lib/ensemble/reduce_fields.ts";
import { GIK } from "../lib/output/profile.ts";
import { openStorage } from "../lib/storage/mod.ts";
import { makeBase, RUN, VARIABLES } from "./base_run.ts";
import { formatMegabytes } from "../lib/util/numbers.ts";
import { printTable, ServerProcess } from "./measure.ts";

const STEPS = GIK.steps.slice(0, 3);
const PARALLEL_FETCHES = 16;
const LINES: [name: string, serverFlags: string[]][] = [
  ["loopback", []],
  ["30 ms, 200 Mbit/s", ["--latency-ms", "30", "--bandwidth-mbit", "200"]],
  ["30 ms", ["--latency-ms", "30"]],
  ["50 ms, 503 to more than 4 at once", ["--capacity", "4", "--service-ms", "50"]],
];
const POLICIES: [name: string, policy: FetchPolicy][] = [
  ...[32, 128, 256, 1024].map((kib): [string, FetchPolicy] => [`${kib} KiB`, fixGap(kib * 1024)]),
  ["adaptive", DEFAULT_POLICY],
];

function fixGap(bytes: number): FetchPolicy {
  return {
    ...DEFAULT_POLICY,
    gapBytes: bytes,
    leastGapBytes: bytes,
    throttledGapBytes: bytes,
  };
}

async function measure(bucket: string, serverFlags: string[], policy: FetchPolicy) {
  await using server = await ServerProcess.start(bucket, serverFlags);
  const storage = openStorage({ endpoint: server.url });
  const plan = await planRun({ run: RUN, members: ENSEMBLE_SIZE }, storage, VARIABLES, STEPS);
  const planned = { ...storage.counters };
  const startMs = performance.now();
  await reduceFields(plan, {
    storage,
    run: RUN,
    region: GIK.region,
    parallelFetches: PARALLEL_FETCHES,
    policy,
  });
  return {
    seconds: (performance.now() - startMs) / 1000,
    requests: storage.counters.requests - planned.requests,
    bytes: storage.counters.bytesReceived - planned.bytesReceived,
  };
}

const work = await Deno.makeTempDir();
try {
  await writeMessages(`${work}/bucket`, RUN, STEPS, await makeBase(`${work}/base`));
  for (const [line, serverFlags] of LINES) {
    const rows: [string, string][] = [["", line]];
    for (const [name, policy] of POLICIES) {
      const { seconds, requests, bytes } = await measure(`${work}/bucket`, serverFlags, policy);
      rows.push([
        name,
        `${seconds.toFixed(1)} s, ${requests} requests, ${formatMegabytes(bytes)} MB`,
      ]);
    }
    printTable(rows);
  }
} finally {
  await Deno.remove(work, { recursive: true });
}
