/**
 * A folder with its ledger and status → a web server for people and for monitoring: `/`, `/healthz`,
 * `/metrics`, and the files of the ledger.
 *
 * All that it says is read from the folder, so that it is as true for a watch that waits for another one.
 *
 * @module
 */
import { UserError } from "../errors.ts";
import { Ledger } from "../runs/ledger.ts";
import { type Storage, unlessMissing } from "../storage/mod.ts";
import { messageOf } from "../util/text.ts";
import { DEAD_AFTER_MS } from "./folder_lock.ts";
import { hasOutput } from "./health.ts";
import { METRICS_TYPE, metricsPath } from "./metrics_text.ts";
import { listFiles } from "./remove_old_runs.ts";
import { FILES_PATH, formatStatusPage, hashPageStyle } from "./status_page.ts";
import { readStatus } from "./watch_status.ts";

/** What is served. */
export interface ServedFolder {
  folder: string;
  files: Storage;
  now(): number;
}

/** Where to listen. */
export interface ListenAddress {
  /** Without brackets. */
  hostname: string;
  port: number;
}

const TYPES: Readonly<Record<string, string>> = {
  nc: "application/x-netcdf",
  png: "image/png",
  html: "text/html; charset=utf-8",
};
const TEXT = { "content-type": "text/plain; charset=utf-8" };

/** Answers the requests for a folder. */
export function createHandler(served: ServedFolder): (request: Request) => Promise<Response> {
  return async (request) => {
    const response = await answer(request, served);
    response.headers.set("x-content-type-options", "nosniff");
    response.headers.set("referrer-policy", "no-referrer");
    response.headers.set("cache-control", "no-cache");
    return response;
  };
}

async function answer(request: Request, served: ServedFolder): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("use GET\n", { status: 405, headers: { ...TEXT, allow: "GET, HEAD" } });
  }
  // Of a Host that is none there is no address.
  const { pathname } = URL.parse(request.url) ?? {};
  if (pathname === undefined) return new Response("no address\n", { status: 400, headers: TEXT });
  if (pathname === "/") return await answerPage(served);
  if (pathname === "/healthz") return await answerHealth(served);
  if (pathname === "/metrics") return await answerMetrics(served);
  if (pathname.startsWith(FILES_PATH)) {
    return await answerFile(pathname.slice(FILES_PATH.length), request.method, served);
  }
  return notFound();
}

function notFound(): Response {
  return new Response("there is no such page\n", { status: 404, headers: TEXT });
}

/** 200 while the newest run is there or not late, and the watch alive; else 503 with the reason. */
async function answerHealth({ folder, files, now }: ServedFolder): Promise<Response> {
  const status = await readStatus(folder, files);
  const reply = (code: number, text: string) =>
    new Response(`${text}\n`, { status: code, headers: TEXT });
  if (!status) return reply(503, "the watch has not written its status yet");
  // One from the future is of a clock that was set back since.
  if (!(Math.abs(now() - Date.parse(status.time)) <= DEAD_AFTER_MS)) {
    return reply(503, `the watch gives no sign of life since ${status.time}`);
  }
  if (!status.healthy) return reply(503, status.problem ?? "the newest run is late");
  return reply(200, "ok");
}

async function answerMetrics({ folder, files }: ServedFolder): Promise<Response> {
  const bytes = await unlessMissing(files.get(metricsPath(folder)));
  if (!bytes) return new Response("there are none yet\n", { status: 503, headers: TEXT });
  return new Response(bytes, { headers: { "content-type": METRICS_TYPE } });
}

async function answerPage({ folder, files, now }: ServedFolder): Promise<Response> {
  const { entries } = await Ledger.open(folder, files);
  const names = entries.filter(hasOutput).flatMap((entry) => [entry.output, ...listFiles(entry)]);
  const present = new Set<string>();
  for (const name of names) if (await isServed(folder, name)) present.add(name);
  const status = await readStatus(folder, files);
  const html = formatStatusPage({ entries, status, present, now: new Date(now()) });
  const policy =
    `default-src 'none'; img-src 'self' data:; style-src '${await hashPageStyle()}'; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  return new Response(html, {
    headers: { "content-type": TYPES.html!, "content-security-policy": policy },
  });
}

/** Whether a name is that of a file of its own in the folder: no path, and no link. */
async function isServed(folder: string, name: string): Promise<boolean> {
  if (!/^[\w-][\w.-]*\.(?:nc|png|html)$/.test(name)) return false;
  return await Deno.lstat(`${folder}/${name}`).then(({ isFile }) => isFile, () => false);
}

/** A file that the ledger names; any other is not there. */
async function answerFile(
  encoded: string,
  method: string,
  { folder, files }: ServedFolder,
): Promise<Response> {
  const { entries } = await Ledger.open(folder, files);
  const name = entries.filter(hasOutput)
    .flatMap((entry) => [entry.output, ...listFiles(entry)])
    .find((name) => encodeURIComponent(name) === encoded);
  if (name === undefined || !await isServed(folder, name)) return notFound();
  const file = await Deno.open(`${folder}/${name}`);
  const { size } = await file.stat();
  const ending = name.slice(name.lastIndexOf(".") + 1);
  const headers = {
    "content-type": TYPES[ending]!,
    "content-length": `${size}`,
    ...(ending === "nc" && { "content-disposition": `attachment; filename="${name}"` }),
  };
  if (method === "HEAD") {
    file.close();
    return new Response(null, { headers });
  }
  return new Response(file.readable, { headers });
}

/**
 * Serves a folder until the signal aborts.
 *
 * @param onListen called with the address, when it is open.
 * @throws {UserError} when the address cannot be used.
 */
export function serveFolder(
  address: ListenAddress,
  served: ServedFolder,
  signal: AbortSignal,
  onListen: (url: string) => void,
): Deno.HttpServer {
  try {
    return Deno.serve({
      ...address,
      signal,
      onListen: ({ hostname, port }) => onListen(`http://${hostname}:${port}/`),
      onError: () => new Response("the ledger cannot be read\n", { status: 500, headers: TEXT }),
    }, createHandler(served));
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new UserError(
      "unreachable",
      `Cannot listen on "${address.hostname}:${address.port}": ${messageOf(error)}; ` +
        "give --listen another address",
    );
  }
}
