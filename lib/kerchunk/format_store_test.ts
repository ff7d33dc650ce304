import { assertEquals, assertLess } from "jsr:@std/assert@^1.0.0";
import { keysOfSteps, makeRunStore } from "../../fixtures/run_store.ts";
import { parseRun } from "../ecmwf/run.ts";
import { decodeStore } from "../references/store_parquet.ts";
import { encodeStore } from "../references/encode_store.ts";
import type { Reference, Store } from "../references/store.ts";
import { sortUnique } from "../util/numbers.ts";
import { makeGroup } from "./message_groups_fixture.ts";
import { formatMemberStore, splitStore } from "./format_store.ts";
import { distinctFields, GroupCatalog, groupFields } from "./group_catalog.ts";

const run = parseRun("20260206", "00");
const text = (value: string) => new TextEncoder().encode(value);
const own = "s3://ecmwf-forecasts/20260206/00z/ifs/0p25/enfo/20260206000000-36h-enfo-ef";
const KEY = "step_036/tp/sfc/control/0.0.0";

Deno.test("splitStore() leaves out references to the template's own date", () => {
  const stale = { url: own.replaceAll("20260206", "20240529") + ".grib2", offset: 0, length: 5 };
  const merged: Store = new Map([["tp/accum/surface/tp/0.0", stale]]);
  merged.set(KEY, { url: `${own}.grib2`, offset: 7, length: 5 });
  const { fresh, foreignReferences } = splitStore(merged, undefined, run);
  assertEquals([...fresh.keys()], [KEY]);
  assertEquals(foreignReferences, 1);
});

Deno.test("splitStore() leaves out references to other servers, buckets and paths", () => {
  const name = own.slice(own.lastIndexOf("/"));
  const roots = ["https://evil.example", "s3://other", "/etc", "s3://ecmwf-forecasts/.."];
  const merged: Store = new Map(roots.map((root, step) => [
    `step_00${step}/tp/sfc/control/0.0.0`,
    { url: `${root}${name}.grib2`, offset: 0, length: 5 },
  ]));
  const { fresh, foreignReferences } = splitStore(merged, undefined, run);
  assertEquals([fresh.size, foreignReferences], [0, 4]);
});

Deno.test("splitStore() completes URLs that the Python tools wrote without .grib2", () => {
  const merged: Store = new Map([[KEY, { url: own, offset: 7, length: 5 }]]);
  const { fresh } = splitStore(merged, undefined, run);
  assertEquals(fresh.get(KEY), { url: `${own}.grib2`, offset: 7, length: 5 });
});

Deno.test("splitStore() prefers the skeleton of stage 1 to the metadata in the merged store", () => {
  const merged: Store = new Map([["time/0", text("old")]]);
  merged.set(KEY, { url: `${own}.grib2`, offset: 7, length: 5 });
  const axes = { run, steps: [36], members: 0 };
  for (
    const [skeleton, time] of [[undefined, "old"], [new Map([["time/0", text("new")]]), "new"]]
  ) {
    const parts = splitStore(merged, skeleton as Store | undefined, run);
    const store = new Map(formatMemberStore(parts, [], axes));
    assertEquals([...store.keys()], ["time/0", KEY]);
    assertEquals(store.get("time/0"), text(time as string));
  }
});

Deno.test("a reader of some steps of a whole run's store reads none of its groups", async () => {
  const references = [...makeRunStore()].filter(([key]) => key.startsWith("step_"));
  const fresh = new Map(references as [string, Reference][]);
  const fields = distinctFields(fresh);
  const groups = ["asn", "ssr", "str", "zos"].map((name) =>
    makeGroup({ path: `${name}/instant/isobaricInhPa`, param: "u" })
  );
  const filled = groups.flatMap((group) => groupFields(new GroupCatalog([group]), fields).groups);
  const axes = { run, steps: sortUnique(fields.map(({ field }) => field.stepHours)), members: 7 };
  const store = new Map(
    formatMemberStore({ skeleton: new Map(), fresh, foreignReferences: 0 }, filled, axes),
  );
  assertLess(5 * fresh.size, store.size);

  const file = encodeStore(store);
  const reads: number[] = [];
  const watched = {
    byteLength: file.length,
    slice(start: number, end = file.length) {
      reads.push(end - start);
      return file.slice(start, end).buffer;
    },
  };
  const keys = keysOfSteps([36, 39, 42]);
  const read = await decodeStore(watched, { source: "a.parquet", keys });
  assertEquals([...read], [...store].filter(([key]) => keys.has(key)));
  // The footer and the steps: 3 of 85 are in a row group or two of 28, which are a fifth of all.
  assertEquals(reads.length, 3);
  assertLess(Math.max(...reads), file.length / 50);
});
