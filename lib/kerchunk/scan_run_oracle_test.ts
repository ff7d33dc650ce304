import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { parseMember } from "../ecmwf/members.ts";
import { parseRun } from "../ecmwf/run.ts";
import { silentReporter } from "../util/reporter.ts";
import { isReference, type Store, type StoreValue } from "../references/store.ts";
import { decodeInline } from "../references/skeleton.ts";
import { openStorage } from "../storage/mod.ts";
import { encodeTemplate, readTemplate } from "../template/template_archive.ts";
import { startS3Server } from "../../fixtures/s3_server.ts";
import { measureMessage, parseHeader } from "../grib/mod.ts";
import { HEADER_BYTES } from "./message_header.ts";
import { scanRun } from "./scan_run.ts";
import { describeField } from "./scanned_message.ts";

const FOLDER = new URL("../../../shared/data/kerchunk/", import.meta.url);
const RUN = parseRun("20240529", "00");

// Nothing in these files differs. DEVIATIONS in build_store_test.ts has what differs elsewhere.

/** A value of kerchunk's store: text, or a reference. */
type OracleValue = string | [url: string, offset: number, length: number];

async function readOracle(): Promise<Record<string, Record<string, OracleValue>>> {
  const file = await Deno.open(new URL("grib_tree.json.gz", FOLDER));
  return await new Response(file.readable.pipeThrough(new DecompressionStream("gzip"))).json();
}

/** The files under the names that they have in the bucket. */
async function readBucket(withIndex: boolean): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const bucket = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const suffix of withIndex ? ["index", "grib2"] : ["grib2"]) {
    for (const step of [0, 3]) {
      const name = `20240529000000-${step}h-enfo-ef.${suffix}`;
      bucket.set(`20240529/00z/ifs/0p25/enfo/${name}`, await Deno.readFile(new URL(name, FOLDER)));
    }
  }
  return bucket;
}

/** Scans the two files from a local S3 server. */
async function scan(withIndex: boolean, members: number[]) {
  const source = await readBucket(withIndex);
  await using server = startS3Server({ buckets: { "ecmwf-forecasts": source } });
  const storage = openStorage({ endpoint: server.url, maxAttempts: 1 });
  const warnings: string[] = [];
  const reporter = { ...silentReporter, warn: (line: string) => void warnings.push(line) };
  const result = await scanRun({ run: RUN, hours: [0, 3], members }, { storage, reporter });
  return { ...result, warnings, counters: server.counters };
}

/** A value as what it means: JSON, numbers, a reference. */
function meaningOf(key: string, value: StoreValue | OracleValue): unknown {
  if (Array.isArray(value)) return { url: value[0], offset: value[1], length: value[2] };
  if (typeof value !== "string" && isReference(value)) return value;
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  if (/(^|\/)\.z\w+$/.test(key)) return JSON.parse(new TextDecoder().decode(bytes));
  return decodeInline("x", bytes);
}

function meanings(store: Iterable<readonly [string, StoreValue | OracleValue]>) {
  const entries = Array.from(store, ([key, value]) => [key, meaningOf(key, value)] as const);
  entries.sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(entries);
}

const isThere = await Deno.stat(FOLDER).then(() => true, () => false);

for (const withIndex of [true, false]) {
  Deno.test({
    name: `scanRun() builds kerchunk's stores, key by key, ` +
      `${withIndex ? "with" : "without"} an index (needs ../shared)`,
    ignore: !isThere,
    fn: async () => {
      const oracle = await readOracle();
      const { stores, complete, warnings } = await scan(withIndex, [0, 1, 2, 3]);
      assertEquals([complete, warnings.length], [true, withIndex ? 0 : 2]);
      assertEquals(stores.size, Object.keys(oracle).length);
      for (const [name, expected] of Object.entries(oracle)) {
        const store: Store = stores.get(parseMember(name)!)!;
        assertEquals(meanings(store), meanings(Object.entries(expected)), name);
      }
    },
  });
}

const SAMPLE = new URL("../../../shared/data/template-sample.tar.gz", import.meta.url);

Deno.test({
  name: "a saved scan is read as the template in the published layout is (needs ../shared)",
  ignore: !isThere,
  fn: async () => {
    const { stores } = await scan(true, [0, 1, 2, 3]);
    const archive = await encodeTemplate({ run: RUN, stores });
    const saved = await readTemplate(new Blob([archive as BlobPart]).stream(), "saved");
    const published = await readTemplate((await Deno.open(SAMPLE)).readable, "published");
    assertEquals(saved.run, published.run);
    assertEquals(saved.stores.size, published.stores.size);
    for (const [member, store] of published.stores) {
      assertEquals(meanings(saved.stores.get(member)!), meanings(store));
    }
  },
});

const REAL = new URL("../../../shared/data/ecmwf-ifs-oper-surface.grib2", import.meta.url);

Deno.test({
  name: "real messages are described from their first 300 bytes (needs ../shared)",
  ignore: !await Deno.stat(REAL).then(() => true, () => false),
  fn: async () => {
    const file = await Deno.readFile(REAL);
    const found: string[] = [];
    for (let offset = 0; offset < file.length;) {
      const head = file.subarray(offset, offset + HEADER_BYTES);
      const { parameter, stepType, level } = describeField(parseHeader(head));
      found.push(`${parameter.paramId} ${parameter.shortName} ${stepType} ${level.typeOfLevel}`);
      offset += measureMessage(head).messageBytes;
    }
    assertEquals(found, [
      "32 asn instant surface",
      "260015 ptype instant surface",
      "33 rsn instant surface",
      "141 sd instant surface",
      "164 tcc instant entireAtmosphere",
    ]);
  },
});
