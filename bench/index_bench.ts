/**
 * Reading one full index, 8,160 lines: `deno bench -A bench/index_bench.ts`.
 *
 * @module
 */
import { parseRun } from "../lib/ecmwf/run.ts";
import { findIndexFaults, parseIndex } from "../lib/index/entries.ts";
import { makeIndex } from "../fixtures/full_run.ts";

const run = parseRun("20260206", "00");
const { text, lengthBytes } = makeIndex(run, 36);
const { entries } = parseIndex(text);

Deno.bench({
  name: `parse ${entries.length} lines, ${(text.length / 1e6).toFixed(2)} MB`,
  fn: () => void parseIndex(text),
});

Deno.bench({
  name: `find faults in ${entries.length} entries`,
  fn: () => void findIndexFaults(entries, lengthBytes),
});
