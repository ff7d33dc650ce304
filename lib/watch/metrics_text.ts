/**
 * A status → the same as metrics of Prometheus, in its text format.
 *
 * Source: Prometheus, "Exposition formats", text format 0.0.4.
 *
 * @module
 */
import { parseRunLabel, referenceTime } from "../ecmwf/run.ts";
import type { WatchStatus } from "./watch_status.ts";

/** Name of the metrics in the folder of the outputs. */
const METRICS_NAME = "metrics.prom";

/** What a server says that these texts are. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The path of the metrics of a folder. */
export function metricsPath(folder: string): string {
  return `${folder}/${METRICS_NAME}`;
}

/** A value with its labels; without a value there is no sample. */
type Sample = readonly [labels: Readonly<Record<string, string>>, value: number | undefined];

interface Metric {
  /** Without the beginning that all have. */
  name: string;
  type: "gauge" | "counter";
  help: string;
  samples(status: WatchStatus): readonly Sample[];
}

const PREFIX = "gik_watch_";
const one = (value: number | undefined): readonly Sample[] => [[{}, value]];
const truth = (value: boolean | undefined) => value === undefined ? undefined : Number(value);
const seconds = (time: string | undefined) =>
  time === undefined ? undefined : Date.parse(time) / 1000;
const byName = (label: string, values: Readonly<Record<string, number>> = {}): readonly Sample[] =>
  Object.entries(values).map(([name, value]) => [{ [label]: name }, value]);

function runSeconds(label: string | undefined): number | undefined {
  const run = parseRunLabel(label ?? "");
  return run && referenceTime(run).getTime() / 1000;
}

/** The metrics, in the order of the file. */
const METRICS: readonly Metric[] = [
  {
    name: "healthy",
    type: "gauge",
    help: "1 when the newest run is there or not later than usual, else 0.",
    samples: ({ healthy }) => one(truth(healthy)),
  },
  {
    name: "problem",
    type: "gauge",
    help: "1 when anything is wrong: a late run, a failed one, a full disk; else 0.",
    samples: ({ problem }) => one(truth(problem !== undefined)),
  },
  {
    name: "written_timestamp_seconds",
    type: "gauge",
    help: "When these metrics were written; a minute ago at most while the watch is alive.",
    samples: ({ time }) => one(seconds(time)),
  },
  {
    name: "making",
    type: "gauge",
    help: "1 while a run is made or awaited, else 0.",
    samples: ({ state }) => one(truth(state === "making")),
  },
  {
    name: "last_good_run_timestamp_seconds",
    type: "gauge",
    help: "Hour of the newest run that has an output.",
    samples: ({ lastGood }) => one(runSeconds(lastGood?.run)),
  },
  {
    name: "last_good_run_age_seconds",
    type: "gauge",
    help: "Time since the hour of the newest run that has an output.",
    samples: ({ lastGood }) => one(lastGood?.ageSeconds),
  },
  {
    name: "last_good_run_complete",
    type: "gauge",
    help: "1 when the newest output holds everything that was asked for, else 0.",
    samples: ({ lastGood }) => one(truth(lastGood?.complete)),
  },
  {
    name: "last_good_run_written_timestamp_seconds",
    type: "gauge",
    help: "When the newest output was written.",
    samples: ({ lastGood }) => one(seconds(lastGood?.time)),
  },
  {
    name: "run_duration_seconds",
    type: "gauge",
    help: "Time of the run made last, from the start of the work on, waiting included.",
    samples: ({ last }) => one(last?.seconds),
  },
  {
    name: "run_phase_seconds",
    type: "gauge",
    help: "Time of each phase of the run made last.",
    samples: ({ last }) => byName("phase", last?.phases),
  },
  {
    name: "run_requests",
    type: "gauge",
    help: "Requests of the run made last, by host.",
    samples: ({ last }) => byName("host", last?.sources),
  },
  {
    name: "run_retries",
    type: "gauge",
    help: "Requests of the run made last that were sent again.",
    samples: ({ last }) => one(last?.retries),
  },
  {
    name: "run_received_bytes",
    type: "gauge",
    help: "Bytes received for the run made last.",
    samples: ({ last }) => one(last?.bytes),
  },
  {
    name: "run_members_used",
    type: "gauge",
    help: "Members in the output made last.",
    samples: ({ last }) => one(last?.membersUsed),
  },
  {
    name: "run_messages",
    type: "gauge",
    help: "Messages of the run made last: wanted, used, missing, implausible.",
    samples: ({ last }) => byName("kind", last?.messages),
  },
  {
    name: "runs_total",
    type: "counter",
    help: "Runs made, and attempts that failed.",
    samples: ({ counts: { complete, incomplete, failed } }) =>
      byName("result", { complete, incomplete, failed }),
  },
  {
    name: "requests_total",
    type: "counter",
    help: "Requests sent.",
    samples: ({ counts }) => one(counts.requests),
  },
  {
    name: "retries_total",
    type: "counter",
    help: "Requests that were sent again.",
    samples: ({ counts }) => one(counts.retries),
  },
  {
    name: "received_bytes_total",
    type: "counter",
    help: "Bytes received.",
    samples: ({ counts }) => one(counts.bytes),
  },
  {
    name: "free_disk_bytes",
    type: "gauge",
    help: "Free space of the disk with the outputs.",
    samples: ({ freeBytes }) => one(freeBytes),
  },
];

/** The text of the metrics. One without a value is left out. */
export function formatMetrics(status: WatchStatus): string {
  return METRICS.map(({ name, type, help, samples }) => {
    const lines = samples(status).flatMap(([labels, value]) =>
      value === undefined ? [] : [`${PREFIX}${name}${formatLabels(labels)} ${value}\n`]
    );
    if (lines.length === 0) return "";
    return `# HELP ${PREFIX}${name} ${help}\n# TYPE ${PREFIX}${name} ${type}\n${lines.join("")}`;
  }).join("");
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
