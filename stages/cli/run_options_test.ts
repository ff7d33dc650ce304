import { assert, assertEquals, assertStringIncludes, assertThrows } from "jsr:@std/assert@^1.0.0";
import { type Command, OptionValues, parseCommandLine } from "../../lib/cli/command.ts";
import { UsageError, UserError } from "../../lib/errors.ts";
import { formatHelp } from "../../lib/cli/help.ts";
import { SOURCES } from "../../lib/ecmwf/sources.ts";
import { command as pipeline } from "../pipeline.ts";
import { command as plot } from "../plot.ts";
import { command as stream } from "../stream.ts";
import { command as view } from "../view.ts";
import {
  listShapingOptions,
  parseStageRequest,
  STAGE_OPTIONS,
  type StageRequest,
} from "./run_options.ts";

const COMMAND: Command<StageRequest> = {
  name: "stage",
  purpose: "Does nothing.",
  options: STAGE_OPTIONS,
  examples: [],
  parse: parseStageRequest,
  run: () => Promise.resolve({ complete: true }),
};

function parseServer(...args: string[]) {
  return COMMAND.parse(parseCommandLine(COMMAND, args)).server;
}

/** The name of each source that is chosen, and its address of an object. */
function locate(...args: string[]) {
  const { mirrors = [] } = parseServer(...args);
  return mirrors.map(({ name, locate }) => [name, locate("s3://ecmwf-forecasts/key")]);
}

Deno.test("a stage reads from Amazon and gives up after ten minutes by default", () => {
  assertEquals(locate(), [["aws", "s3://ecmwf-forecasts/key"]]);
  assertEquals(parseServer().giveUpAfterMs, 600_000);
});

Deno.test("--source names the servers of the files, in the order of their use", () => {
  assertEquals(locate("--source", "gcs,aws,https://mirror.example/ecmwf"), [
    ["gcs", "https://storage.googleapis.com/ecmwf-open-data/key"],
    ["aws", "s3://ecmwf-forecasts/key"],
    ["https://mirror.example/ecmwf", "https://mirror.example/ecmwf/key"],
  ]);
});

Deno.test("--give-up-after is in minutes", () => {
  assertEquals(parseServer("--give-up-after", "3").giveUpAfterMs, 180_000);
});

Deno.test("--endpoint works with any source", () => {
  const server = parseServer("--endpoint", "http://127.0.0.1:9000", "--source=aws,gcs");
  assertEquals([server.endpoint, server.mirrors?.length], ["http://127.0.0.1:9000", 2]);
});

const USAGE_ERRORS = [
  { args: ["--source", "gcp"], says: "did you mean gcs?" },
  { args: ["--source", "aws,,aws"], says: 'Cannot use source "aws" twice' },
  { args: ["--source", ","], says: "name at least one" },
  { args: ["--source="], says: "Cannot read --source: it needs a value, <name,…>" },
  { args: ["--source", "ftp://host/folder"], says: "give an address such as" },
  { args: ["--sources", "aws"], says: "did you mean --source?" },
  { args: ["--give-up-after", "0"], says: "at least 1" },
  { args: ["--give-up-after", "soon"], says: "give a whole number" },
  { args: ["--endpoint", "nowhere"], says: "give a URL" },
];

for (const { args, says } of USAGE_ERRORS) {
  Deno.test(`a stage refuses ${args.join(" ")}`, () => {
    const error = assertThrows(() => parseServer(...args), UsageError);
    assertStringIncludes(error.message, says);
  });
}

Deno.test("the help describes every source, below the text of --source", () => {
  const lines = formatHelp(COMMAND, []).split("\n");
  const start = lines.findIndex((line) => line.startsWith("  --source <name,…>"));
  const column = lines[start]!.indexOf("servers of");
  SOURCES.forEach(({ name, about }, i) => {
    const line = lines[start + 1 + i]!;
    assertEquals(line.slice(0, column).trim(), "", "the names are aligned with the text");
    assert(line.slice(column).startsWith(name) && line.endsWith(about), line);
  });
});

Deno.test("of the options of pipeline and stream only these leave every byte of an output as it is", () => {
  const options = [...pipeline.options, ...stream.options];
  const given = options.map(({ name, value }) => [name, value === undefined ? true : "x"] as const);
  const shaping = listShapingOptions(options, new OptionValues(new Map(given)));
  const others = options.map(({ name }) => name).filter((name) => !(name in shaping));
  assertEquals([...new Set(others)].toSorted(), [
    ...[
      "allow-missing",
      "allow-reference-host",
      "append",
      "catalog",
      "catalog-dir",
      "date",
      "endpoint",
      "fresh",
      "gcs-anonymous",
      "gcs-parquet-path",
    ],
    ...["give-up-after", "members-per-batch", "merge", "model", "output", "output-dir"],
    ...["overwrite", "parallel-fetches"],
    ...["parallel-workers", "parquet-dir", "replace", "run", "skip-grib-scan", "source"],
    ...["summary", "task"],
    ...["template-cache", "whole-messages", "work"],
  ]);
});

Deno.test("listShapingOptions() has the defaults, and flags that are set", () => {
  const values = parseCommandLine(pipeline, ["--zip", "--steps", "36"]);
  const { steps, zip, format, "max-members": maxMembers, ...rest } = listShapingOptions(
    pipeline.options,
    values,
  );
  assertEquals([steps, zip, format, maxMembers], ["36", "yes", "parquet", "51"]);
  assertEquals(["combine" in rest, "save-template" in rest], [false, false]);
});

const parseStream = (...args: string[]) => stream.parse(parseCommandLine(stream, args));
const parsePipeline = (...args: string[]) => pipeline.parse(parseCommandLine(pipeline, args));

Deno.test("--steps and --hours take ranges of steps, with or without their distance", () => {
  assertEquals(parsePipeline("--steps", "36-60/3").steps, [36, 39, 42, 45, 48, 51, 54, 57, 60]);
  assertEquals(parsePipeline("--steps", "0,138-162").steps, [0, 138, 141, 144, 150, 156, 162]);
  assertEquals(parsePipeline("--hours", "0-12/12").hours, [0, 12]);
  assertEquals(parseStream("--steps", "36-48/6,60").steps, [36, 42, 48, 60]);
});

Deno.test("ranges of steps and names of regions shape an output as what they stand for", () => {
  const list = (...args: string[]) => parseStream(...args).shapingOptions;
  assertEquals(list("--steps", "36-60/3", "--region", "icpac"), list());
  assertEquals(list("--region", "kenya").region, "6,33,-5,42");
});

const WRONG_LINES: readonly (readonly [line: string, says: string])[] = [
  ["--steps 36-60/5", "Cannot use step 41: the 00 UTC run has steps"],
  ["--steps 37", "Cannot use step 37"],
  ["--steps 0-99999999999/1", "Cannot use step 1:"],
  ["--steps 0-99999999999/3", "Cannot use step 147:"],
  ["--steps 354-366/6", "Cannot use step 366:"],
  ["--date 20260206 --run 06 --steps 150", "Cannot use step 150: the 06 UTC run has steps"],
  ["--date 20260206 --run 00,06 --steps 36-150/6", "Cannot use step 150: the 06 UTC run"],
  ["--steps 60-36", "the range ends before it begins"],
  ["--steps 36-60/0", "steps 0 hours apart"],
  ["--steps 36-", "they are no range; give <first>-<last>"],
  ["--steps 36..60", "they are no range; give <first>-<last>"],
  ["--steps 37-39", "Cannot use step 37"],
  ["--steps 0-366", "Cannot use step 366"],
  ["--max-members 52", "the ensemble has 51 members with the control"],
];

for (const [line, says] of WRONG_LINES) {
  for (const [name, parse] of [["pipeline", parsePipeline], ["stream", parseStream]] as const) {
    Deno.test(`${name} refuses ${line} before it does anything`, () => {
      assertStringIncludes(assertThrows(() => parse(...line.split(" ")), UserError).message, says);
      assertEquals(assertThrows(() => parse(...line.split(" ")), UserError).category, "usage");
    });
  }
}

Deno.test("stream refuses a box without a point of any grid that its runs may have", () => {
  const between = ["--region", "0.45,33.55,0.35,33.65"];
  assertThrows(() => parseStream("--date", "20260206", ...between), UsageError, "no grid point");
  assertThrows(() => parseStream("--date", "latest", ...between), UsageError, "no grid point");
  parseStream(...between);
  parseStream("--date", "20230301", ...between);
  parseStream("--date", "20260206", "--grid", "0.1", ...between);
});

Deno.test("plot, view and stream take the obvious argument without its option", () => {
  assertEquals(parseStream("stores", "--steps", "36").parquetDir, "stores");
  assertEquals(parseStream("--parquet-dir", "stores").parquetDir, "stores");
  assertThrows(() => parseStream("stores", "more"), UsageError, 'Cannot use "more"');
  const readInput = <Options extends { input: string }>(
    command: Command<Options>,
    args: readonly string[],
  ) => command.parse(parseCommandLine(command, args)).input;
  for (const args of [["a.nc"], ["--input", "a.nc"]]) {
    assertEquals([readInput(plot, args), readInput(view, args)], ["a.nc", "a.nc"]);
  }
  assertThrows(() => readInput(plot, ["a.nc", "b.nc"]), UsageError, 'Cannot use "b.nc"');
  assertEquals(view.parse(parseCommandLine(view, ["a.nc", "b.nc"])).beside, "b.nc");
  assertThrows(() => readInput(view, ["a.nc", "b.nc", "c.nc"]), UsageError, 'Cannot use "c.nc"');
});
