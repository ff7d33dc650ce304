import { assert } from "jsr:@std/assert@^1.0.0";
import { stub } from "jsr:@std/testing@^1.0.0/mock";
import { FakeTime } from "jsr:@std/testing@^1.0.0/time";
import { makeRandom } from "../../../fixtures/random.ts";
import { limitRate } from "../../../fixtures/rate_limit.ts";
import { statusError, StorageError } from "../protocol/storage_error.ts";
import { Host } from "./host.ts";
import { waitForPermit } from "./request.ts";

/** As the commands have it. */
const POLICY = { maxRequests: 64, giveUpAfterMs: 600_000, minDelayMs: 500, maxDelayMs: 30_000 };
const LATENCY_MS = 20;
const STEP_MS = 5;
/** Time from one look at the clock to the next. */
const READ_MS = 0.01;
/** Requests that the server serves at once after a pause. */
const BURST = 5;

/** Clients that share a server with a limited rate. */
interface Crowd {
  clients: number;
  /** Requests a second that the server allows. */
  rate: number;
  /** Objects that each client reads. */
  objects: number;
  /** Requests that each client would have under way. */
  callers: number;
  /** Time between the starts of two clients. */
  apartMs: number;
}

/** What came of it. */
interface Course {
  refusedShare: number;
  /** Requests served, of those that the rate allows, until the first client was done. */
  usedAtFirst: number;
  /** The same until all were done. */
  used: number;
  /** When the clients were done. */
  endsMs: number[];
}

/** Reads the objects with real hosts, on a clock of its own. */
async function share({ clients, rate, objects, callers, apartMs }: Crowd): Promise<Course> {
  using time = new FakeTime(0);
  // As code runs, time goes on: what is not due yet may be due when a timer is set for it.
  let readMs = time.now;
  using _now = stub(performance, "now", () => readMs = Math.max(time.now, readMs + READ_MS));
  using _random = stub(Math, "random", makeRandom(7));
  const choose = limitRate(rate, BURST, LATENCY_MS);
  const servedMs: number[] = [];
  let refused = 0;
  const answer = async () => {
    const isRefused = choose({ method: "GET", bucket: "b", key: "k" })?.kind === "status";
    if (isRefused) refused++;
    else servedMs.push(time.now);
    await new Promise((resolve) => setTimeout(resolve, LATENCY_MS));
    if (isRefused) throw statusError("s3://b/k", 503, "SlowDown");
  };
  const endsMs: number[] = [];
  const read = async (host: Host) => {
    for (let isServed = false; !isServed;) {
      const permit = await waitForPermit([host], false, undefined);
      isServed = await host.use(permit!, answer).then(() => true, isRefusal);
    }
  };
  const work = async (client: number) => {
    await new Promise((resolve) => setTimeout(resolve, client * apartMs));
    const host = new Host(`host ${client}`, { ...POLICY, sharers: clients });
    let left = objects;
    const call = async () => {
      while (left-- > 0) await read(host);
    };
    await Promise.all(Array.from({ length: callers }, call));
    endsMs.push(time.now);
  };
  void Promise.all(Array.from({ length: clients }, (_, client) => work(client)));
  while (endsMs.length < clients) {
    time.tick(STEP_MS);
    for (let i = 0; i < 12; i++) await Promise.resolve();
  }
  const [firstMs, lastMs] = [endsMs[0]!, endsMs.at(-1)!];
  const usedUntil = (ms: number) =>
    servedMs.filter((it) => it < ms).length / (BURST + rate * ms / 1000);
  return {
    refusedShare: refused / (refused + servedMs.length),
    usedAtFirst: usedUntil(firstMs),
    used: usedUntil(lastMs),
    endsMs,
  };
}

/** @returns false. */
function isRefusal(error: unknown): boolean {
  assert(error instanceof StorageError && error.status === 503, `${error}`);
  return false;
}

/** The most that may be refused, and the least of what the server allows that must be used. */
const CROWDS: readonly [crowd: Crowd, mostRefused: number, leastUsed: number][] = [
  [{ clients: 1, rate: 50, objects: 1000, callers: 16, apartMs: 0 }, 0.05, 0.92],
  [{ clients: 1, rate: 200, objects: 3000, callers: 16, apartMs: 0 }, 0.03, 0.92],
  [{ clients: 3, rate: 50, objects: 600, callers: 16, apartMs: 300 }, 0.07, 0.9],
  [{ clients: 9, rate: 50, objects: 300, callers: 16, apartMs: 300 }, 0.1, 0.85],
  [{ clients: 20, rate: 50, objects: 170, callers: 16, apartMs: 300 }, 0.13, 0.75],
  [{ clients: 20, rate: 200, objects: 300, callers: 16, apartMs: 100 }, 0.05, 0.65],
];

for (const [crowd, mostRefused, leastUsed] of CROWDS) {
  const { clients, rate } = crowd;
  const subject = clients === 1 ? "a client alone" : `${clients} clients together`;
  Deno.test(`${subject} use the ${rate} requests a second that a server allows, and are seldom refused`, async () => {
    const { refusedShare, usedAtFirst, used, endsMs } = await share(crowd);
    assert(refusedShare <= mostRefused, `${refusedShare} of the requests were refused`);
    assert(usedAtFirst >= 0.9, `${usedAtFirst} of the rate was used while all had work`);
    assert(used >= leastUsed, `${used} of the rate was used`);
    // Nobody starves: the last one is done soon after the rate would have served them all.
    const leastMs = 1000 * clients * crowd.objects / rate;
    assert(endsMs.at(-1)! <= leastMs / leastUsed, `${endsMs}`);
  });
}
