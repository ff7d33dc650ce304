/**
 * The ledger of the last days and the status → a page for people, in HTML alone: each run with its
 * picture, its page and its file.
 *
 * @module
 */
import style from "./status_page.css" with { type: "text" };
import { describeRun, parseRunLabel, referenceTime } from "../ecmwf/run.ts";
import type { LedgerEntry } from "../runs/ledger.ts";
import { formatMegabytes } from "../util/numbers.ts";
import { hasOutput } from "./health.ts";
import { listFiles } from "./remove_old_runs.ts";
import type { WatchStatus } from "./watch_status.ts";

const DAY_MS = 86_400_000;
/** Days that the page shows. */
const DAYS_SHOWN = 30;

/** Where files are served: the address of a file is this and its name. */
export const FILES_PATH = "/files/";

/** What a page shows. */
export interface PageContent {
  entries: readonly LedgerEntry[];
  /** @default {undefined} (there is none yet) */
  status?: WatchStatus | undefined;
  /** Names of files that are there. */
  present: ReadonlySet<string>;
  now: Date;
}

/** The page. It loads pictures of its server, and nothing else. */
export function formatStatusPage({ entries, status, present, now }: PageContent): string {
  const recent = entries.filter(({ run, output }) => {
    const parsed = parseRunLabel(run);
    return parsed && output.endsWith(".nc") &&
      now.getTime() - referenceTime(parsed).getTime() < DAYS_SHOWN * DAY_MS;
  });
  const items = recent.toSorted((a, b) => timeOf(b) - timeOf(a))
    .map((entry) => formatEntry(entry, present));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Forecasts of the last ${DAYS_SHOWN} days</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>Ensemble forecasts of the last ${DAYS_SHOWN} days</h1>
${formatHealth(status)}
</header>
<main>
${
    items.length > 0
      ? `<ul>\n${items.join("\n")}\n</ul>`
      : "<p>There is no run in the ledger yet.</p>"
  }
</main>
<footer>
${formatFooter(status)}
<p>Data: ECMWF, www.ecmwf.int, CC-BY-4.0. Times are UTC.</p>
</footer>
</body>
</html>
`;
}

function timeOf({ run }: LedgerEntry): number {
  return referenceTime(parseRunLabel(run)!).getTime();
}

/** The style as a source of the Content Security Policy of the page. */
export async function hashPageStyle(): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style));
  return `sha256-${new Uint8Array(digest).toBase64()}`;
}

function formatHealth(status: WatchStatus | undefined): string {
  if (!status) return `<p class="health late">The watch has not written its status yet.</p>`;
  const { problem, healthy, lastGood } = status;
  const newest = lastGood ? `The newest run is ${describeLabel(lastGood.run)}. ` : "";
  const state = problem ?? (healthy ? "All is well." : "The newest run is late.");
  const look = problem === undefined && healthy ? "health" : "health late";
  return `<p class="${look}" role="status">${escapeHtml(newest + state)}</p>`;
}

function formatEntry(entry: LedgerEntry, present: ReadonlySet<string>): string {
  const { run, state, reason, messages, output, removed, time } = entry;
  const name = describeLabel(run);
  const isThere = hasOutput(entry) && present.has(output);
  const word = removed === undefined ? state : `${state}, removed for its age`;
  const lines = [
    `<h2>${escapeHtml(name)}</h2>`,
    `<p><span class="state${state === "complete" ? "" : " bad"}">${escapeHtml(word)}</span>` +
    `${reason === undefined ? "" : `: ${escapeHtml(reason)}`}</p>`,
    `<p>${messages ? `${messages.used} of ${messages.wanted} messages, ` : ""}` +
    `<time datetime="${escapeHtml(time)}">${formatTime(time)}</time></p>`,
    ...(isThere ? formatFiles(entry, name, present) : []),
  ];
  return `<li>\n${lines.join("\n")}\n</li>`;
}

/** The picture, and links to the page and the file. */
function formatFiles(entry: LedgerEntry, name: string, present: ReadonlySet<string>): string[] {
  const files = listFiles(entry).filter((file) => present.has(file));
  const picture = files.find((file) => file.endsWith(".png"));
  const page = files.find((file) => file.endsWith(".html"));
  const link = (file: string, text: string) =>
    `<a href="${FILES_PATH}${encodeURIComponent(file)}">${text}</a>`;
  const address = picture && `${FILES_PATH}${encodeURIComponent(picture)}`;
  const run = escapeHtml(name);
  return [
    ...(address === undefined ? [] : [
      `<a href="${address}"><img src="${address}" alt="Maps of the run of ${run}" loading="lazy"></a>`,
    ]),
    `<p class="links">${page === undefined ? "" : link(page, `Look at ${run}`)} ` +
    `${link(entry.output, `Download ${run}`)}</p>`,
  ];
}

function formatFooter(status: WatchStatus | undefined): string {
  if (!status) return "";
  const { time, host, state, making, next, freeBytes } = status;
  const doing = making === undefined ? state : `${state} ${describeLabel(making)}`;
  const parts = [
    `Written ${formatTime(time)} by ${host}, ${doing}.`,
    ...(next ? [`Next: ${describeLabel(next.run)}, from ${formatTime(next.due)} on.`] : []),
    ...(freeBytes === undefined ? [] : [`${formatMegabytes(freeBytes)} MB free.`]),
  ];
  return `<p>${escapeHtml(parts.join(" "))}</p>`;
}

/** `20260206 00 UTC` */
function describeLabel(label: string): string {
  const run = parseRunLabel(label);
  return run ? describeRun(run) : label;
}

/** `2026-02-06 07:12` */
function formatTime(time: string): string {
  return escapeHtml(time.slice(0, 16).replace("T", " "));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => ENTITIES[letter]!);
}
