import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import parsePrometheus from "npm:parse-prometheus-text-format@1.1.1";
import { formatMetrics } from "./metrics_text.ts";
import { startStatus, type WatchStatus } from "./watch_status.ts";

const START = startStatus({ host: "here", pid: 1, time: "2026-02-06T07:30:00.000Z" });
const STATUS: WatchStatus = {
  ...START,
  state: "making",
  healthy: false,
  problem: 'Cannot read "x"\n',
  lastGood: {
    run: "20260206_00z",
    output: "IFS_20260206_00Z_cgan.nc",
    complete: true,
    time: "2026-02-06T07:12:00.000Z",
    ageSeconds: 27_000,
  },
  last: {
    run: "20260206_00z",
    complete: true,
    time: "2026-02-06T07:12:00.000Z",
    seconds: 1900.5,
    phases: { indexes: 1.5, messages: 40 },
    requests: 500,
    retries: 3,
    bytes: 1e9,
    membersUsed: 51,
    messages: { wanted: 5508, used: 5500, missing: 8, implausible: 1 },
    sources: { 'a"b\\c': 400, "storage.googleapis.com": 100 },
  },
  counts: { complete: 9, incomplete: 1, failed: 2, requests: 5000, retries: 30, bytes: 1e10 },
  freeBytes: 5e9,
};

interface Family {
  name: string;
  type: string;
  help: string;
  metrics: { value: string; labels?: Record<string, string> }[];
}

const parse = (status: WatchStatus): Map<string, Family> =>
  new Map(
    (parsePrometheus(formatMetrics(status)) as Family[]).map((family) => [family.name, family]),
  );

Deno.test("a library reads the metrics as the status has them", () => {
  const families = parse(STATUS);
  const read = (name: string) =>
    families.get(`gik_watch_${name}`)?.metrics.map(({ value, labels = {} }) =>
      [...Object.values(labels), Number(value)].join(" ")
    );
  assertEquals(read("healthy"), ["0"]);
  assertEquals(read("problem"), ["1"]);
  assertEquals(read("last_good_run_timestamp_seconds"), [`${Date.UTC(2026, 1, 6) / 1000}`]);
  assertEquals(read("last_good_run_age_seconds"), ["27000"]);
  assertEquals(read("run_phase_seconds"), ["indexes 1.5", "messages 40"]);
  assertEquals(read("run_messages"), ["wanted 5508", "used 5500", "missing 8", "implausible 1"]);
  assertEquals(read("runs_total"), ["complete 9", "incomplete 1", "failed 2"]);
  assertEquals(read("free_disk_bytes"), ["5000000000"]);
  const hosts = families.get("gik_watch_run_requests")!.metrics.map(({ labels }) => labels!.host);
  assertEquals(hosts, ['a"b\\c', "storage.googleapis.com"]);
  for (const { name, type, help } of families.values()) {
    assertEquals([name, type], [name, name.endsWith("_total") ? "COUNTER" : "GAUGE"]);
    assert(help.endsWith("."), name);
  }
});

Deno.test("what is not known yet has no metric", () => {
  const names = [...parse(START).keys()].map((name) => name.slice("gik_watch_".length));
  assertEquals(names, [
    ...["healthy", "problem", "written_timestamp_seconds", "making"],
    ...["runs_total", "requests_total", "retries_total", "received_bytes_total"],
  ]);
});
