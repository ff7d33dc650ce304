import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { type CatalogLayout, SET_V1, SET_V2, writeCatalog } from "../../fixtures/catalog_folder.ts";
import {
  AFTER_50R1,
  BEFORE_50R1,
  bucketKey,
  EMBEDDED_STEPS,
  openWorkplace,
  readEmbeddedBucket,
} from "../../fixtures/embedded_run.ts";
import type { Bucket } from "../../fixtures/file_versions.ts";
import { startS3Server } from "../../fixtures/s3_server.ts";
import { MissingDataError } from "../errors.ts";
import { firstMembers, type Member, memberKeyName } from "../ecmwf/members.ts";
import { findSection } from "../ecmwf/messages_fixture.ts";
import { parseRun } from "../ecmwf/run.ts";
import { countRejections, describeRejections } from "../ensemble/field_result.ts";
import { parseCatalog } from "../references/catalog_layout.ts";
import { readStageStore } from "../references/stage_files.ts";
import type { Reference, Store } from "../references/store.ts";
import { streamOptions, writeFinalStores } from "./final_stores_fixture.ts";
import { makeRuns } from "../runs/make_runs.ts";
import { runStream } from "./run_stream.ts";
import { streamWork } from "./stream_runs.ts";

const { run, members } = BEFORE_50R1;
const NAMES = ["tp", "t2m", "u700", "v700"];

/** A workplace with final stores, and a catalogue of them on a web server. */
async function openCatalogPlace(
  layout: CatalogLayout,
  change: (stores: Map<Member, Store>, bucket: Bucket) => void = () => {},
) {
  const bucket: Bucket = await readEmbeddedBucket();
  const workplace = await openWorkplace(bucket);
  const { folder, context } = workplace;
  await writeFinalStores(workplace);
  const stores = new Map<Member, Store>();
  for (const member of firstMembers(members)) {
    stores.set(member, (await readStageStore(context.storage, folder, 3, member))!);
  }
  change(stores, bucket);
  await writeCatalog(`${folder}/web/par`, run, stores, layout);
  const web = startS3Server({ root: `${folder}/web` });
  const options = streamOptions(folder, NAMES);
  const catalog = parseCatalog(`${web.url}/par`);
  return {
    ...workplace,
    web,
    options,
    fromCatalog: {
      ...options,
      parquetDir: undefined,
      catalog,
      run,
      outputDir: `${folder}/catalog`,
    },
    async [Symbol.asyncDispose]() {
      await web[Symbol.asyncDispose]();
      await workplace[Symbol.asyncDispose]();
    },
  };
}

const LAYOUTS: [name: string, layout: CatalogLayout][] = [
  ["with levels in keys", SET_V2],
  ["without levels in keys", SET_V1],
  ["with levels, members as ens_01 in keys and ens01 in files", {
    ...{ levels: true, files: "key", keys: "file" },
    suffix: true,
  }],
  ["without levels, members as ens_01 in keys and files", {
    ...{ levels: false, files: "file", keys: "file" },
    suffix: false,
  }],
] as const;

for (const [name, layout] of LAYOUTS) {
  Deno.test(`a catalogue ${name} gives the NetCDF of stages 1 to 3, byte for byte`, async () => {
    await using place = await openCatalogPlace(layout);
    const own = await runStream(place.options, place.context);
    const result = await runStream(place.fromCatalog, place.context);
    assert(own.complete && result.complete);
    assertEquals(place.warnings, []);
    assertEquals(await Deno.readFile(result.path), await Deno.readFile(own.path));
  });
}

/** The key without level of u of a member at 36 h. */
const windKey = (member: Member) => `step_036/u/pl/${memberKeyName(member)}/0.0.0`;

Deno.test("a key without level whose message is at another level costs its message, and is named", async () => {
  await using place = await openCatalogPlace(SET_V1, (stores, bucket) => {
    const { url, offset } = stores.get(2)!.get(windKey(2)) as Reference;
    const bytes = bucket.get(bucketKey(url))!.slice();
    // GRIB2 template 4.1, octets 25–28: the level, here in Pa.
    const at = offset + findSection(bytes.subarray(offset), 4) + 24;
    const view = new DataView(bytes.buffer);
    assertEquals(view.getUint32(at), 70_000);
    view.setUint32(at, 85_000);
    bucket.set(bucketKey(url), bytes);
  });
  const { complete, fields, messagesUsed } = await runStream(place.fromCatalog, place.context);
  const all = members * EMBEDDED_STEPS.length * NAMES.length;
  assertEquals([complete, messagesUsed, countRejections(fields).mismatched], [false, all - 1, 1]);
  assertStringIncludes(
    describeRejections(fields).join("\n"),
    "u700 (36 h), members 2: its level is 85000",
  );
});

Deno.test("members and steps that a catalogue lacks are missing messages, and are named", async () => {
  await using place = await openCatalogPlace(SET_V2, (stores) => {
    stores.delete(3);
    for (const key of [...stores.get(1)!.keys()]) {
      if (key.startsWith("step_039/")) stores.get(1)!.delete(key);
    }
  });
  const { complete, fields } = await runStream(place.fromCatalog, place.context);
  assertEquals([complete, countRejections(fields).missing], [false, 3 * NAMES.length]);
  const said = describeRejections(fields);
  assertEquals(said.filter((line) => line === "all fields, members 3: no store").length, 1);
  assertStringIncludes(said.join("\n"), "(39 h), members 1: it is not referenced");
  assertStringIncludes(place.warnings.join("\n"), `no store of 3 in ${place.web.url}/par`);
});

Deno.test("a catalogue whose references are of another run is refused", async () => {
  await using place = await openCatalogPlace(SET_V2);
  const other = parseRun("20260207", "00");
  const from = `${place.folder}/web/par/2026/02`;
  await Deno.rename(`${from}/20260206`, `${from}/20260207`);
  for await (const { name } of Deno.readDir(`${from}/20260207/00z`)) {
    const renamed = name.replace("20260206", "20260207");
    await Deno.rename(`${from}/20260207/00z/${name}`, `${from}/20260207/00z/${renamed}`);
  }
  const wrong = { ...place.fromCatalog, run: other };
  await assertRejects(
    () => runStream(wrong, place.context),
    MissingDataError,
    "the references are of 20260206 00 UTC",
  );
});

Deno.test("of several runs those that the catalogue has are streamed, and the others are named", async () => {
  await using place = await openCatalogPlace(SET_V2);
  const { run: _, parquetDir: __, ...given } = place.fromCatalog;
  const work = streamWork(given, {
    findStores: () => Promise.resolve(undefined),
    report: () => {},
  });
  const options = { command: "stream", folder: given.outputDir, options: {} };
  const runs = [run, AFTER_50R1.run];
  const outcomes = await makeRuns(runs, work, options, place.context);
  assertEquals(outcomes.map(({ state }) => state), ["complete", "failed"]);
  assertStringIncludes(
    outcomes[1]!.reason!,
    "Cannot find references of 20260520 12 UTC in http://",
  );
});
