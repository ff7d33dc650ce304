import { assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import {
  BEFORE_50R1,
  EMBEDDED_STEPS,
  ONE_REQUEST_EACH,
  openWorkplace,
  type Workplace,
} from "../../fixtures/embedded_run.ts";
import { parseRun } from "../ecmwf/run.ts";
import { findVariables } from "../ecmwf/variables.ts";
import { MissingDataError } from "../errors.ts";
import { GIK, makeExtractProfile } from "../output/profile.ts";
import { type ExtractOptions, runExtract } from "./run_extract.ts";
import { runForecast } from "./run_forecast.ts";

const RULES = { command: "extract", options: {} };

/** One field of an embedded run. */
function extractOptions(folder: string): ExtractOptions {
  const { run, members } = BEFORE_50R1;
  return {
    ...{ runRequest: run, profile: makeExtractProfile(GIK), steps: EMBEDDED_STEPS.slice(0, 1) },
    ...{ variables: findVariables(["t2m"]), maxMembers: members, parallelFetches: 4 },
    ...{ policy: ONE_REQUEST_EACH, outputDir: folder, now: new Date(0) },
  };
}

/** Records when workers start, in requests that the server had answered, and how many have ended. */
function watchWorkers({ server }: Workplace): Disposable & { starts: number[]; ended: number } {
  const RealWorker = globalThis.Worker;
  const watched = {
    starts: [] as number[],
    ended: 0,
    [Symbol.dispose]() {
      globalThis.Worker = RealWorker;
    },
  };
  globalThis.Worker = class extends RealWorker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      watched.starts.push(server.requests.length);
    }
    override terminate() {
      watched.ended++;
      super.terminate();
    }
  };
  return watched;
}

Deno.test("runExtract() starts one worker for one field, before it reads an index", async () => {
  await using place = await openWorkplace();
  using workers = watchWorkers(place);
  const result = await runExtract(extractOptions(`${place.folder}/a`), RULES, place.context);
  assertEquals([workers.starts, workers.ended], [[0], 1]);
  const forecast = await runForecast(
    {
      ...extractOptions(`${place.folder}/b`),
      ...{ allowMissing: false, plot: false, view: false },
    },
    place.context,
  );
  assertEquals(await Deno.readFile(result.path), await Deno.readFile(forecast.path));
});

Deno.test("runExtract() ends its worker where the run is not there, and where the output is", async () => {
  await using place = await openWorkplace();
  const options = extractOptions(place.folder);
  await runExtract(options, RULES, place.context);
  using workers = watchWorkers(place);
  const again = await runExtract(options, RULES, place.context);
  assertEquals("entry" in again, true);
  const absent = {
    ...options,
    runRequest: parseRun("20250101", "00"),
    outputDir: `${place.folder}/b`,
  };
  await assertRejects(() => runExtract(absent, RULES, place.context), MissingDataError);
  assertEquals([workers.starts.length, workers.ended], [2, 2]);
});
