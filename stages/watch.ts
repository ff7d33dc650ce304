/**
 * The service around `forecast`: the NetCDF of every run, day after day.
 *
 * @module
 */
import type { Command } from "../lib/cli/command.ts";
import { concludeRange } from "../lib/cli/range_summary.ts";
import { openStorage } from "../lib/storage/mod.ts";
import { measureFreeSpace } from "../lib/watch/disk_space.ts";
import { postMessage } from "../lib/watch/notifier.ts";
import { machineClock } from "../lib/watch/watch_clock.ts";
import type { WatchEnvironment } from "../lib/watch/watch_options.ts";
import { exitWith, listenForSignals } from "./cli/console.ts";
import { openContext } from "./cli/run_stage.ts";
import { parseWatchRequest, WATCH_OPTIONS, type WatchRequest } from "./cli/watch_request.ts";

/** The command `watch`. */
export const command: Command<WatchRequest> = {
  name: "watch",
  purpose:
    "Makes the forecast of every run as soon as its steps are there, day after day, and those of the\n" +
    "last days that are missing. Writes status.json and metrics.prom beside the outputs. SIGTERM ends\n" +
    "it, with exit code 0; whatever ends it, it goes on from there when it is started again.",
  options: WATCH_OPTIONS,
  examples: [
    "deno task watch --runs 00,12",
    "deno task watch --runs 00,12 --plot --view --keep-days 14 --listen 127.0.0.1:8080",
    "deno task watch --publish /srv/forecasts --quiet",
    "deno task watch --once --quiet",
    "deno task watch:mirrors --source aws,gcs",
    "deno task watch:s3 --publish s3://bucket/forecasts --publish-region eu-west-1",
    "deno task watch:gcs --publish gs://bucket/forecasts",
  ],
  parse: parseWatchRequest,
  async run(request, reporter) {
    using interruption = listenForSignals("start it again to go on");
    const { signal } = interruption;
    const { server, gcs, publishServer, listen, notify, ...options } = request;
    if (notify !== undefined) requireHost(notify);
    // Loaded when the command line is known to be right.
    const { runWatch } = await import("../lib/watch/run_watch.ts");
    const { reportStream } = await import("./cli/stream_report.ts");
    const environment: WatchEnvironment = {
      clock: machineClock,
      files: openStorage(),
      reporter,
      openContext(signal) {
        const onStatus = (line: string) => reporter.info(line);
        // A storage of its own: ECMWF's servers never see the key.
        const copies = publishServer && openStorage({ ...publishServer, signal, onStatus });
        return { ...openContext(server, reporter, gcs, signal), ...(copies && { copies }) };
      },
      freeSpace: measureFreeSpace,
      post: postMessage,
      contender: { host: Deno.hostname(), pid: Deno.pid },
      signal,
      report: ({ options, result, context, startedMs }) =>
        reportStream(options, result, context, startedMs),
    };
    const { outputDir } = options.forecast;
    if (listen) {
      const { serveFolder } = await import("../lib/watch/watch_server.ts");
      const served = { folder: outputDir, files: environment.files, now: Date.now };
      serveFolder(listen, served, signal, (url) => reporter.info(`listening on ${url}`));
    }
    const { outcomes } = await runWatch({ ...options, ...(notify && { notify }) }, environment);
    return concludeRange(outcomes);
  },
};

/**
 * A message that could not be sent would show only when it is needed.
 *
 * @throws {Deno.errors.NotCapable} when the host of an address may not be reached.
 */
function requireHost(url: string): void {
  const { protocol, hostname, port } = new URL(url);
  const host = `${hostname}:${port || (protocol === "http:" ? 80 : 443)}`;
  if (Deno.permissions.querySync({ name: "net", host }).state === "granted") return;
  throw new Deno.errors.NotCapable(
    `Cannot use --notify: Deno refuses net access to "${host}", add --allow-net=${host}`,
  );
}

if (import.meta.main) await exitWith(command);
