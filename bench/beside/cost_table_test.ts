import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { type ClientCost, formatCosts, formatHead } from "./cost_table.ts";
import { findLargestDifference } from "./results.ts";

const OURS: ClientCost = {
  name: "ours",
  requests: 1200,
  receivedBytes: 50e6,
  wallSeconds: 2,
  processorSeconds: 3,
  peakBytes: 200e6,
  largestDifference: 0,
};

Deno.test("formatCosts() gives shares of each cost, and names those in which another client is better", () => {
  const slow = {
    ...{ name: "slow", requests: 2400, receivedBytes: 100e6, wallSeconds: 20 },
    ...{ processorSeconds: 30, peakBytes: 400e6, largestDifference: 6.1e-8 },
  };
  const frugal = { ...slow, name: "frugal", requests: 600, peakBytes: 50e6 };
  assertEquals(formatCosts("a job", OURS, [slow, frugal], 100), [
    "| a job | ours | 1,200 | 50.0 MB | 2.00 s | 3.00 s | 200 MB | 30.0 ms |  |  |",
    "|  | slow | 2,400 (0.50) | 100 MB (0.50) | 20.0 s (0.10) | 30.0 s (0.10) | 400 MB (0.50) | 300.0 ms | 6e-8 | nothing |",
    "|  | frugal | 600 (2.00) | 100 MB (0.50) | 20.0 s (0.10) | 30.0 s (0.10) | 50.0 MB (4.00) | 300.0 ms | 6e-8 | requests, peak memory |",
  ]);
  const [head, line] = formatHead();
  assertEquals([head!.split("|").length, line!.split("|").length], [12, 12]);
});

Deno.test("findLargestDifference() is relative to the value, or to a share of the largest mean", () => {
  const pair = (mean: number[], deviation: number[]) => ({
    mean: Float64Array.from(mean),
    deviation: Float64Array.from(deviation),
  });
  const expected = [pair([100, 1], [0, 0])];
  assertEquals(findLargestDifference([pair([100, 1.5], [0, 0])], expected), 0.5);
  assertEquals(findLargestDifference([pair([100, 1.5], [0, 0])], expected, 1), 0.005);
  assertEquals(findLargestDifference([pair([100, 1], [0, 1])], expected, 0.01), 1);
  assertEquals(findLargestDifference([pair([100, NaN], [0, 0])], expected), Infinity);
  assertEquals(findLargestDifference([pair([100], [0, 0])], expected), Infinity);
});
