import { assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { RunError } from "../ecmwf/run.ts";
import { GribError } from "../grib/mod.ts";
import { IndexError } from "../index/entries.ts";
import { ParquetError } from "../references/store_parquet.ts";
import { StoreError } from "../references/store.ts";
import { StorageError, type StorageErrorKind } from "../storage/mod.ts";
import { TemplateError } from "../template/template_archive.ts";
import type { Command } from "./command.ts";
import { InterruptedError, MissingDataError, UsageError, UserError } from "../errors.ts";
import { formatHelp } from "./help.ts";
import { runCommand } from "./run_command.ts";

const PERMISSIONS = [{ task: "cook", set: "kitchen", line: "", flags: ["--allow-read=."] }];

type Work = Command<number>["run"];

/** A command of one option, whose number the work gets. */
function makeCommand(run: Work): Command<number> {
  return {
    name: "cook",
    purpose: "Cooks.",
    options: [{ name: "minutes", value: "<n>", default: "7", help: "how long" }],
    examples: ["deno task cook"],
    parse: (values) => values.count("minutes"),
    run,
  };
}

/** The exit code of a command line, and the text on standard error and standard output. */
async function execute(run: Work, args: string[] = [], columns?: number, signal?: AbortSignal) {
  let reported = "";
  let printed = "";
  const code = await runCommand(makeCommand(run), args, {
    sink: { write: (text) => void (reported += text), columns: () => columns },
    print: (text) => void (printed += text),
    permissions: PERMISSIONS,
    ...(signal && { signal }),
  });
  return { code, reported, printed };
}

const failWith = (error: unknown) => execute(() => Promise.reject(error));

const done: Work = () => Promise.resolve({ complete: true });

Deno.test("runCommand() hands over the options and ends with 0", async () => {
  let given = 0;
  const work: Work = (minutes, reporter) => {
    given = minutes;
    reporter.info("cooked");
    return Promise.resolve({ complete: true });
  };
  const result = await execute(work, ["--minutes", "12"]);
  assertEquals(result, { code: 0, reported: "cooked\n", printed: "" });
  assertEquals(given, 12);
});

Deno.test("runCommand() ends with 5 when something is missing from the output", async () => {
  assertEquals((await execute(() => Promise.resolve({ complete: false }))).code, 5);
});

Deno.test("runCommand() prints the help, and does nothing else, for --help and -h", async () => {
  const fail: Work = () => Promise.reject(new Error("not to be run"));
  for (const flag of ["--help", "-h"]) {
    const { code, reported, printed } = await execute(fail, [flag, "--minutes", "none"]);
    assertEquals([code, reported, printed], [0, "", formatHelp(makeCommand(done), PERMISSIONS)]);
  }
});

Deno.test("runCommand() reports only warnings for --quiet", async () => {
  const work: Work = (_, reporter) => {
    reporter.info("cooked");
    reporter.warn("salty");
    return Promise.resolve({ complete: true });
  };
  assertEquals((await execute(work, ["--quiet"])).reported, "warning: salty\n");
});

Deno.test("runCommand() ends with 2 for a command line that it cannot read", async () => {
  assertEquals(await execute(done, ["--minuets", "3"]), {
    code: 2,
    reported: "cook: Cannot use option --minuets: it is not known; did you mean --minutes?\n",
    printed: "",
  });
  assertEquals((await execute(done, ["--minutes", "long"])).code, 2);
});

Deno.test("runCommand() ends with 2 for usage, 3 for missing data and 130 when stopped, in one line", async () => {
  for (
    const [error, code] of [
      [new UsageError("give salt"), 2],
      [new RunError("no such hour"), 2],
      [new MissingDataError("no run"), 3],
      [new InterruptedError("stopped"), 130],
    ] as const
  ) {
    assertEquals(await failWith(error), {
      code,
      reported: `cook: ${error.message}\n`,
      printed: "",
    });
  }
});

Deno.test("runCommand() ends with 3 for a missing object and 4 for any other failure of storage", async () => {
  const codes: Record<StorageErrorKind, number> = {
    missing: 3,
    denied: 4,
    permission: 4,
    unreachable: 4,
    corrupt: 4,
    changed: 4,
    range: 4,
    unsupported: 4,
  };
  for (const [kind, code] of Object.entries(codes)) {
    const error = new StorageError({
      kind: kind as StorageErrorKind,
      url: "s3://b/k",
      state: `it is ${kind}`,
    });
    const reported = `cook: Cannot read "s3://b/k": it is ${kind}\n`;
    assertEquals(await failWith(error), { code, reported, printed: "" });
  }
});

Deno.test("runCommand() ends with 4 where Deno refuses a permission", async () => {
  assertEquals((await failWith(new Deno.errors.NotCapable("Requires read access"))).code, 4);
});

Deno.test("runCommand() ends with 1 for damaged files, in one line", async () => {
  for (
    const error of [
      new GribError("a bad message"),
      new IndexError("x.index", { line: 1, state: "it is not JSON" }),
      new UserError("failed", "a bad dataset"),
      new ParquetError("a bad file", "x.parquet"),
      new StoreError("a bad value", "key"),
      new TemplateError("a bad template"),
    ]
  ) {
    assertEquals(await failWith(error), {
      code: 1,
      reported: `cook: ${error.message}\n`,
      printed: "",
    });
  }
});

Deno.test("runCommand() ends with 1 for faults of the program, and shows where", async () => {
  const { code, reported } = await failWith(new TypeError("undefined is no function"));
  assertEquals(code, 1);
  assertStringIncludes(reported, "cook: TypeError: undefined is no function\n");
  assertStringIncludes(reported, "run_command_test.ts:");
  assertEquals((await failWith("text")).reported, "cook: text\n");
});

Deno.test("runCommand() clears the bar when the work fails", async () => {
  const work: Work = (_, reporter) => {
    reporter.progress("cooking", 2).advance(1);
    return Promise.reject(new UsageError("no gas"));
  };
  const { reported } = await execute(work, [], 80);
  assertEquals(reported.split("\r\x1b[K").at(-1), "cook: no gas\n");
});

Deno.test("runCommand() ends with 130 when its signal aborts, whatever the work does", async () => {
  const controller = new AbortController();
  const work: Work = (_, reporter) => {
    reporter.progress("cooking", 2).advance(1);
    controller.abort(new InterruptedError("stopped by SIGINT"));
    return new Promise(() => {});
  };
  const { code, reported } = await execute(work, [], 80, controller.signal);
  assertEquals([code, reported.split("\r\x1b[K").at(-1)], [130, "cook: stopped by SIGINT\n"]);
});

/** What a command prints with `--json`: its events, without their time. */
async function executeJson(run: Work, args: string[] = []) {
  const { code, reported, printed } = await execute(run, ["--json", ...args], 80);
  assertEquals(reported, "");
  const events = printed.trimEnd().split("\n").map((line) => {
    const { time: _, ...event } = JSON.parse(line);
    return event;
  });
  return { code, events };
}

Deno.test("runCommand() with --json prints events alone, the last one with the exit code", async () => {
  const work: Work = (_, reporter) => {
    reporter.info("cooked");
    reporter.result({ title: "done", lines: [], facts: { dishes: 3 } });
    return Promise.resolve({ complete: false });
  };
  assertEquals(await executeJson(work), {
    code: 5,
    events: [
      { type: "info", text: "cooked" },
      { type: "result", dishes: 3 },
      { type: "end", command: "cook", exitCode: 5 },
    ],
  });
});

Deno.test("runCommand() with --json reports errors as events, a wrong command line too", async () => {
  const fail: Work = () => Promise.reject(new MissingDataError("no run"));
  assertEquals(await executeJson(fail), {
    code: 3,
    events: [{ type: "error", text: "no run" }, { type: "end", command: "cook", exitCode: 3 }],
  });
  const { code, events } = await executeJson(done, ["--minuets", "3"]);
  assertEquals([code, events.map(({ type }) => type)], [2, ["error", "end"]]);
});

Deno.test("runCommand() prints the output of a command, as an event with --json", async () => {
  const printed = { text: "a table\n", facts: { rows: 1 } };
  const work: Work = () => Promise.resolve({ complete: true, printed });
  assertEquals(await execute(work, ["--quiet"]), { code: 0, reported: "", printed: "a table\n" });
  assertEquals((await executeJson(work)).events[0], { type: "result", rows: 1 });
});
