/**
 * How near the adaptive client comes to the best fixed number of requests at once, with a server
 * that handles 8 at a time and answers 503 to others.
 *
 * ```sh
 * deno run -A bench/polite.ts
 * ```
 *
 * @module
 */
import { assert } from "jsr:@std/assert@^1.0.0";
import { BUCKET } from "../lib/ecmwf/files.ts";
import { createContext, type StorageContext } from "../lib/storage/client/context.ts";
import { accessServers } from "../lib/storage/client/access.ts";
import { openS3 } from "../lib/storage/backends/s3.ts";
import { Versions } from "../lib/storage/protocol/versions.ts";
import { printTable, ServerProcess } from "./measure.ts";

const CAPACITY = 8;
const SERVICE_MS = 25;
const SECONDS = 4;
const CALLERS = 64;
const FIXED = [1, 2, 4, 6, 8, 10, 12, 16];
const KEY = "object";
const BYTES = 100_000;
const SAMPLE_MS = 20;

/** The result of a setting. */
interface Yield {
  /** Objects a second. */
  throughput: number;
  /** Refused requests / all requests. */
  refusedShare: number;
}

function openContext(endpoint: string, maxRequests: number): StorageContext {
  const s3 = openS3({ endpoint, region: "eu-central-1" });
  const policy = {
    maxRequests,
    maxAttempts: 10,
    giveUpAfterMs: 600_000,
    minDelayMs: 500,
    maxDelayMs: 30_000,
    timeoutMs: 60_000,
    signal: undefined,
  };
  return createContext(policy, () => s3);
}

/** Reads an object again and again for a while, with `callers` callers at once on each context. */
async function measure(contexts: StorageContext[], callers: number): Promise<Yield> {
  const endMs = performance.now() + SECONDS * 1000;
  let objects = 0;
  const ask = async (context: StorageContext) => {
    const access = accessServers(context, (url) => [{ url }], new Versions());
    while (performance.now() < endMs) {
      const bytes = await access.get(`s3://${BUCKET}/${KEY}`);
      assert(bytes.length === BYTES);
      if (performance.now() < endMs) objects++;
    }
  };
  await Promise.all(
    contexts.flatMap((context) => Array.from({ length: callers }, () => ask(context))),
  );
  const sum = (count: "requests" | "retries") =>
    contexts.reduce((total, { counters }) => total + counters[count], 0);
  return { throughput: objects / SECONDS, refusedShare: sum("retries") / sum("requests") };
}

/** As many independent clients as `requests`, each with one request at a time. */
function measureFixed(endpoint: string, requests: number): Promise<Yield> {
  const contexts = Array.from({ length: requests }, () => openContext(endpoint, 1));
  return measure(contexts, 1);
}

/** The adaptive client, and its limit over time. */
async function measureAdaptive(endpoint: string): Promise<{ result: Yield; limits: number[] }> {
  const context = openContext(endpoint, CALLERS);
  const limits: number[] = [];
  const timer = setInterval(() => {
    for (const host of context.hosts.values()) limits.push(host.limit);
  }, SAMPLE_MS);
  const result = await measure([context], CALLERS);
  clearInterval(timer);
  return { result, limits };
}

function describe({ throughput, refusedShare }: Yield): string {
  return `${throughput.toFixed(0).padStart(4)} objects/s, ` +
    `${(refusedShare * 100).toFixed(1).padStart(4)} % refused`;
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

const folder = await Deno.makeTempDir();
try {
  await Deno.writeFile(`${folder}/${KEY}`, new Uint8Array(BYTES));
  const flags = ["--capacity", String(CAPACITY), "--service-ms", String(SERVICE_MS)];
  await using server = await ServerProcess.start(folder, flags);
  const rows: [string, string][] = [];
  let best = 0;
  for (const requests of FIXED) {
    const result = await measureFixed(server.url, requests);
    best = Math.max(best, result.throughput);
    rows.push([`${requests} at once`, describe(result)]);
  }
  const { result, limits } = await measureAdaptive(server.url);
  const ratio = result.throughput / best;
  const settled = mean(limits.slice(limits.length / 2));
  const perSecond = 1000 / SAMPLE_MS;
  const course = limits.filter((_, i) => i < perSecond ? i % 5 === 0 : i % perSecond === 0);
  rows.push(["adaptive", describe(result)]);
  rows.push(["adaptive / best fixed", `${(ratio * 100).toFixed(1)} %`]);
  rows.push(["limit, first second", course.slice(0, 10).join(" ")]);
  rows.push(["limit, each second after", course.slice(10).join(" ")]);
  rows.push(["limit, mean of the second half", settled.toFixed(1)]);
  printTable(rows);
  assert(ratio > 0.85, `throughput is only ${ratio} of the best fixed setting`);
  assert(settled >= 6 && settled <= 11, `the limit settles at ${settled}`);
} finally {
  await Deno.remove(folder, { recursive: true });
}
