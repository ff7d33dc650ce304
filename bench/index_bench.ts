/**
 * Reading one full index, 8,160 lines: `deno bench -A bench/index_bench.ts`.
 *
 * @module
 */
import { stepFiles } from "../lib/ecmwf/files.ts";
import { parseRun } from "../lib/ecmwf/run.ts";
import { findIndexFaults, parseIndex } from "../lib/index/entries.ts";
import { makeIndex } from "../fixtures/full_run.ts";

const run = parseRun("20260206", "00");
const { text, lengthBytes } = makeIndex(run, 36);
const { indexUrl } = stepFiles(run, 36)[0]!;
const entries = parseIndex(text, indexUrl);

Deno.bench({
  name: `parse ${entries.length} lines, ${(text.length / 1e6).toFixed(2)} MB`,
  fn: () => void parseIndex(text, indexUrl),
});

Deno.bench({
  name: `find faults in ${entries.length} entries`,
  fn: () => void findIndexFaults(entries, lengthBytes),
});
