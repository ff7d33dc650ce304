import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { type Command, OptionValues, parseCommandLine } from "./command.ts";
import { UsageError } from "../errors.ts";

const COMMAND: Command<null> = {
  name: "cook",
  purpose: "Cooks what it is given.",
  options: [
    { name: "run", value: "<hour>", default: "00", help: "hour to start" },
    { name: "run-stage1", help: "stir first" },
    { name: "no-salt", help: "leave the salt out" },
    { name: "steps", value: "<h,h,…>", help: "hours to look" },
    { name: "region", value: "<N,W,S,E>", default: "25,19,-14,55", help: "edges, degrees" },
    { name: "max-members", value: "<n>", default: "51", help: "how many" },
  ],
  examples: ["deno task cook --run 12", "deno task cook --steps 36,39 --no-salt"],
  parse: () => null,
  run: () => Promise.resolve({ complete: true }),
};

const parse = (...args: string[]) => parseCommandLine(COMMAND, args);

function assertUsage(args: string[], message: string): void {
  const error = assertThrows(() => parse(...args), UsageError);
  assertEquals(error.message, message);
}

Deno.test("parseCommandLine() fills in defaults, and leaves the rest out", () => {
  const values = parse();
  assertEquals(values.text("run"), "00");
  assertEquals(values.text("steps"), undefined);
  assertEquals(values.list("steps"), undefined);
  assertEquals(values.counts("steps"), undefined);
  for (const flag of ["run-stage1", "no-salt", "quiet", "help"]) {
    assertEquals(values.flag(flag), false);
  }
});

Deno.test("parseCommandLine() takes a value after a space or an equals sign, the last of several", () => {
  assertEquals(parse("--run", "12").text("run"), "12");
  assertEquals(parse("--run=12").text("run"), "12");
  assertEquals(parse("--run", "06", "--run=18").text("run"), "18");
});

Deno.test("parseCommandLine() keeps the text of numbers as it is", () => {
  assertEquals(parse("--run", "06").text("run"), "06");
  assertEquals(parse("--steps=1e2").text("steps"), "1e2");
});

Deno.test("parseCommandLine() takes flags, -h for --help, and flags named no-…", () => {
  const values = parse("--run-stage1", "--no-salt", "--quiet", "-h");
  for (const flag of ["run-stage1", "no-salt", "quiet", "help"]) {
    assertEquals(values.flag(flag), true);
  }
});

Deno.test("parseCommandLine() takes values that begin with a minus, after a space too", () => {
  const south = [-5, 33.5, -14, 42];
  assertEquals(parse("--region=-5,33.5,-14,42").numbers("region", 4), south);
  assertEquals(parse("--region", "-5,33.5,-14,42").numbers("region", 4), south);
  const values = parse("--region", "-.5,1,-2,3", "--no-salt", "--run", "12");
  assertEquals(values.numbers("region", 4), [-0.5, 1, -2, 3]);
  assertEquals([values.flag("no-salt"), values.text("run")], [true, "12"]);
});

Deno.test("parseCommandLine() refuses a value that begins with a minus after a flag", () => {
  assertUsage(["--no-salt", "-5"], "Cannot use option -5: it is not known; see --help");
});

Deno.test("parseCommandLine() names the nearest option for an unknown one", () => {
  const hint = (given: string, known: string) =>
    assertUsage([given], `Cannot use option ${given}: it is not known; did you mean --${known}?`);
  hint("--regoin=1,2,3,4", "region");
  hint("--step", "steps");
  hint("--max_members", "max-members");
  hint("--run-stage2", "run-stage1");
  hint("--runs", "run");
  hint("--halp", "help");
  hint("-steps", "steps");
});

Deno.test("parseCommandLine() refers to the help when no option is similar", () => {
  for (const given of ["--colour", "--x", "-q", "--no-quiet", "--__proto__=1", "-"]) {
    assertUsage([given], `Cannot use option ${given}: it is not known; see --help`);
  }
});

Deno.test("parseCommandLine() refuses an option that lacks its value", () => {
  const runNeeds = "Cannot read --run: it needs a value, <hour>";
  assertUsage(["--run"], runNeeds);
  assertUsage(["--run="], runNeeds);
  assertUsage(["--run", "--no-salt"], runNeeds);
  assertUsage(["--run", "--run-stage1"], runNeeds);
  assertUsage(["--steps="], "Cannot read --steps: it needs a value, <h,h,…>");
  assertUsage(["--region", "--quiet"], "Cannot read --region: it needs a value, <N,W,S,E>");
});

Deno.test("parseCommandLine() takes an option with a value for its absence, with and without one", () => {
  const rest = { name: "rest", value: "[<minutes>]", bare: "10", help: "wait before serving" };
  const command = { ...COMMAND, options: [...COMMAND.options, rest] };
  const restOf = (...args: string[]) => parseCommandLine(command, args).text("rest");
  assertEquals([restOf(), restOf("--rest"), restOf("--rest", "5")], [undefined, "10", "5"]);
  assertEquals([restOf("--rest", "--no-salt"), restOf("--no-salt", "--rest=7")], ["10", "7"]);
});

Deno.test("parseCommandLine() refuses arguments that belong to no option", () => {
  const stray = (text: string) =>
    `Cannot use "${text}": every argument belongs to an option, see --help`;
  assertUsage(["20260206"], stray("20260206"));
  assertUsage(["--no-salt", "yes"], stray("yes"));
  assertUsage(["--run", "12", "18"], stray("18"));
  assertUsage(["--", "file"], stray("file"));
  assertUsage([""], stray(""));
});

Deno.test("parseCommandLine() gives an argument without a name to the positional option", () => {
  const [run, ...others] = COMMAND.options;
  const command = {
    ...COMMAND,
    options: [{ ...run!, default: undefined, positional: true }, ...others],
  };
  const textOf = (...args: string[]) => parseCommandLine(command, args).text("run");
  assertEquals(textOf("12"), "12");
  assertEquals(textOf("--no-salt", "06"), "06");
  assertEquals(textOf("--steps", "3", "--", "-18"), "-18");
  assertEquals(textOf("--run", "00"), "00");
  assertEquals(textOf(), undefined);
  for (const args of [["12", "18"], ["--run", "12", "18"]]) {
    const message = 'Cannot use "18": every argument belongs to an option, see --help';
    assertThrows(() => textOf(...args), UsageError, message);
  }
});

Deno.test("parseCommandLine() gives arguments without names to positional options in their order", () => {
  const [run, ...others] = COMMAND.options;
  const options = ["first", "second"].map((name) => ({
    ...run!,
    name,
    default: undefined,
    positional: true,
  }));
  const command = { ...COMMAND, options: [...options, ...others] };
  const textsOf = (...args: string[]) => {
    const values = parseCommandLine(command, args);
    return ["first", "second"].map((name) => values.text(name));
  };
  assertEquals(textsOf("a"), ["a", undefined]);
  assertEquals(textsOf("a", "b"), ["a", "b"]);
  assertEquals(textsOf("b", "--first", "a"), ["a", "b"]);
  assertThrows(() => textsOf("a", "b", "c"), UsageError, 'Cannot use "c"');
});

function valuesOf(text: string): OptionValues {
  return new OptionValues(new Map([["x", text]]));
}

Deno.test("list() trims items, drops empty ones, and refuses a list of none", () => {
  assertEquals(valuesOf(" tp, t2m ,,sp,").list("x"), ["tp", "t2m", "sp"]);
  for (const text of [",", " ", " , ,"]) {
    const message = `Cannot read --x "${text}": give at least one value`;
    assertThrows(() => valuesOf(text).list("x"), UsageError, message);
    assertThrows(() => valuesOf(text).counts("x"), UsageError, message);
  }
});

Deno.test("count() takes whole numbers from its minimum on", () => {
  assertEquals(valuesOf("1").count("x"), 1);
  assertEquals(valuesOf("051").count("x"), 51);
  assertEquals(valuesOf("0").count("x", 0), 0);
  for (const text of ["0", "-1", "1.5", "1e3", "0x10", "", " 1", "eight", "NaN"]) {
    const message = `Cannot read --x "${text}": give a whole number of at least 1`;
    assertThrows(() => valuesOf(text).count("x"), UsageError, message);
  }
});

Deno.test("counts() names the number that it cannot read", () => {
  assertEquals(valuesOf("0, 36,39").counts("x"), [0, 36, 39]);
  assertThrows(
    () => valuesOf("36,3h").counts("x"),
    UsageError,
    'Cannot read --x "3h": give a whole number of at least 0',
  );
});

Deno.test("numbers() takes exactly the requested number of values", () => {
  assertEquals(valuesOf("25,19.5,-14,55").numbers("x", 4), [25, 19.5, -14, 55]);
  for (const text of ["25,19,-14", "1,2,3,4,5", "1,2,,4", "1,2,3,x", "1,2,3,Infinity"]) {
    const message = `Cannot read --x "${text}": give 4 numbers separated by commas`;
    assertThrows(() => valuesOf(text).numbers("x", 4), UsageError, message);
  }
});

Deno.test("required() asks for the value of an option without default", () => {
  assertEquals(parse("--steps", "36").required("steps"), "36");
  assertThrows(
    () => parse().required("steps"),
    UsageError,
    "Cannot run without --steps: give it a value",
  );
});

Deno.test("choice() takes one of its names, and gives the nearest for another", () => {
  const choices = ["parquet", "kerchunk-json"] as const;
  assertEquals(valuesOf("parquet").choice("x", choices), "parquet");
  const known = "it is one of parquet, kerchunk-json";
  for (const [given, hint] of [["parket", "; did you mean parquet?"], ["png", ""]] as const) {
    assertThrows(
      () => valuesOf(given).choice("x", choices),
      UsageError,
      `Cannot read --x "${given}": ${known}${hint}`,
    );
  }
});
