import { assertEquals, assertInstanceOf, assertStrictEquals } from "jsr:@std/assert@^1.0.0";
import { RunError } from "./ecmwf/run.ts";
import { EngineError } from "./engines/array_engine.ts";
import { JobError } from "./engines/follow_job.ts";
import {
  categoryOf,
  type ErrorCategory,
  EXIT,
  exitCodeOf,
  IncompleteError,
  InterruptedError,
  MissingDataError,
  UsageError,
  UserError,
} from "./errors.ts";
import { GribError } from "./grib/mod.ts";
import { IndexError } from "./index/entries.ts";
import { NetcdfError } from "./netcdf/decode_netcdf.ts";
import { ForecastError } from "./output/forecast_source.ts";
import { ParquetError } from "./references/store_parquet.ts";
import { OutputKeptError } from "./runs/output_record.ts";
import { StoreError } from "./references/store.ts";
import { openStorage } from "./storage/mod.ts";
import { TemplateError } from "./template/template_archive.ts";

const EXIT_CODES: Record<ErrorCategory, number> = {
  usage: 2,
  missing: 3,
  unreachable: 4,
  incomplete: 5,
  interrupted: 130,
  damaged: 1,
  failed: 1,
};

/** An error of every class whose category is fixed. */
const ERRORS: [UserError, ErrorCategory][] = [
  [new UsageError("x"), "usage"],
  [new RunError("x"), "usage"],
  [new OutputKeptError("x"), "usage"],
  [new MissingDataError("x"), "missing"],
  [new IncompleteError("x"), "incomplete"],
  [new InterruptedError("x"), "interrupted"],
  [new EngineError("x"), "unreachable"],
  [new GribError("x"), "damaged"],
  [new IndexError("x.index", { line: 1, state: "x" }), "damaged"],
  [new ForecastError("x"), "damaged"],
  [new NetcdfError("x"), "damaged"],
  [new ParquetError("x", "x.parquet"), "damaged"],
  [new StoreError("x", "key"), "damaged"],
  [new TemplateError("x"), "damaged"],
  [new UserError("failed", "x"), "failed"],
];

/** Classes that choose the category: by the kind of failure, and by the exit code of a task. */
const CHOOSING = ["StorageError", "JobError"];

Deno.test("exitCodeOf() gives every category its exit code", () => {
  const categories = Object.keys(EXIT_CODES) as ErrorCategory[];
  const codes = categories.map((category) => [category, exitCodeOf(category)]);
  assertEquals(Object.fromEntries(codes), EXIT_CODES);
});

Deno.test("categoryOf() gives the category back, and `failed` for any other exit code", () => {
  const { damaged: _, ...distinct } = EXIT_CODES;
  for (const [category, code] of Object.entries(distinct)) assertEquals(categoryOf(code), category);
  assertEquals([EXIT.done, 6, 137, -1].map(categoryOf), Array(4).fill("failed"));
});

Deno.test("every class of errors has its category and its own name, and keeps message and cause", () => {
  for (const [error, category] of ERRORS) {
    assertInstanceOf(error, UserError);
    assertEquals([error.name, error.category], [error.constructor.name, category]);
  }
  for (const code of [2, 3, 4, 130]) {
    assertEquals(new JobError("x", code).category, categoryOf(code));
  }
  const cause = new TypeError("below");
  const error = new UsageError("Cannot x: y", { cause });
  assertEquals(error.message, "Cannot x: y");
  assertStrictEquals(error.cause, cause);
});

Deno.test("no class of errors is forgotten above", async () => {
  const classes: string[] = [];
  for await (const { url } of openStorage().list(new URL(".", import.meta.url).pathname)) {
    if (!url.endsWith(".ts") || url.endsWith("_test.ts")) continue;
    const text = await Deno.readTextFile(url);
    classes.push(
      ...[...text.matchAll(/^export class (\w+) extends UserError/gm)].map((it) => it[1]!),
    );
  }
  const tested = [...ERRORS.map(([error]) => error.name), ...CHOOSING]
    .filter((name) => name !== "UserError");
  assertEquals(classes.toSorted(), tested.toSorted());
});
