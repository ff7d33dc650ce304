import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { parseRun } from "../ecmwf/run.ts";
import { findVariable } from "../ecmwf/variables.ts";
import {
  type FieldProduct,
  listInputs,
  listInputSteps,
  listWindows,
  type Period,
  plainProduct,
} from "./field_product.ts";

const RUN = parseRun("20260206", "00");
const [TP, T2M, U700, V700] = ["tp", "t2m", "u700", "v700"].map((name) => findVariable(name)!);

/** `start-end` of the windows of a period. */
function describe(period: Period | undefined, steps: number[], run = RUN): string {
  return listWindows({ period }, run, steps)
    .map(({ stepHours, startHours, endHours }) => `${stepHours}: ${startHours}-${endHours}`)
    .join(", ");
}

Deno.test("listWindows() ends a period at each step that is written, if the run has its start", () => {
  assertEquals(describe(24, [12, 24, 27, 36]), "24: 0-24, 27: 3-27, 36: 12-36");
  assertEquals(describe(6, [36, 39]), "36: 30-36, 39: 33-39");
  assertEquals(describe(5, [36, 39]), "");
  // Steps are 6 hours apart after 144.
  assertEquals(describe(3, [141, 144, 150, 156]), "141: 138-141, 144: 141-144");
});

Deno.test("listWindows() ends an East African day at 06 UTC, whatever the hour of the run", () => {
  const steps = Array.from({ length: 30 }, (_, i) => 3 * i);
  const days = { "00": "30: 6-30, 54: 30-54, 78: 54-78", "06": "24: 0-24, 48: 24-48, 72: 48-72" };
  for (const [hour, expected] of Object.entries(days)) {
    assertEquals(describe("day", steps, parseRun("20260206", hour)), expected);
  }
  assertEquals(
    describe("day", steps, parseRun("20260206", "18")),
    "36: 12-36, 60: 36-60, 84: 60-84",
  );
  assertEquals(describe("day", [36, 39]), "");
});

Deno.test("listWindows() goes from each step to the next one, and nowhere from the last", () => {
  assertEquals(describe("next", [30, 36, 48]), "30: 30-36, 36: 36-48, 48: 48-48");
  assertEquals(describe(undefined, [36, 39]), "36: 36-36, 39: 39-39");
});

Deno.test("listInputSteps() names both ends of a sum, without the start of the run, and all steps of a mean", () => {
  const list = (product: FieldProduct, startHours: number, endHours: number) =>
    listInputSteps(product, RUN, { stepHours: endHours, startHours, endHours });
  const sum = { ...plainProduct(TP!), period: 24 };
  assertEquals(list(sum, 12, 36), [12, 36]);
  assertEquals(list(sum, 0, 24), [24]);
  assertEquals(list({ ...sum, period: "next" }, 36, 36), []);
  const mean = { ...plainProduct(T2M!), period: 12 };
  assertEquals(list(mean, 24, 36), [27, 30, 33, 36]);
  assertEquals(list(mean, 138, 150), [141, 144, 150]);
  assertEquals(list(plainProduct(TP!), 36, 36), [36]);
});

Deno.test("listInputs() names each variable once", () => {
  const wind: FieldProduct = { name: "wind700", inputs: [U700!, V700!], derive: "speed" };
  const names = listInputs([plainProduct(V700!), wind, plainProduct(TP!)]).map(({ name }) => name);
  assertEquals(names, ["v700", "u700", "tp"]);
});
