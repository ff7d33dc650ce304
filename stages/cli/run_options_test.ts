import { assert, assertEquals, assertStringIncludes, assertThrows } from "jsr:@std/assert@^1.0.0";
import { type Command, OptionValues, parseCommandLine } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/errors.ts";
import { formatHelp } from "../../lib/cli/help.ts";
import { SOURCES } from "../../lib/ecmwf/sources.ts";
import { command as pipeline } from "../pipeline.ts";
import { command as stream } from "../stream.ts";
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
      "catalog",
      "catalog-dir",
      "date",
      "endpoint",
      "fresh",
      "gcs-anonymous",
      "gcs-parquet-path",
    ],
    ...["give-up-after", "members-per-batch", "merge", "model", "output-dir", "parallel-fetches"],
    ...["parallel-workers", "parquet-dir", "run", "skip-grib-scan", "source", "summary", "task"],
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
