import { assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import {
  type CatalogLayout,
  encodeCatalogList,
  SET_V1,
  SET_V2,
  writeCatalog,
} from "../../fixtures/catalog_folder.ts";
import { type S3Server, startS3Server } from "../../fixtures/s3_server.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { firstMembers, type Member, memberKeyName } from "../ecmwf/members.ts";
import { parseRun, type Run } from "../ecmwf/run.ts";
import { MissingDataError } from "../errors.ts";
import { openStorage } from "../storage/mod.ts";
import { silentReporter } from "../util/reporter.ts";
import { type Catalog, parseCatalog } from "./catalog_layout.ts";
import { readCatalog } from "./read_catalog.ts";
import { formatFieldKey, type Store } from "./store.ts";

const RUN = parseRun("20240715", "00");
const MEMBERS = firstMembers(8);
const { url: GRIB } = stepFiles(RUN, 36)[0]!;

/** The keys of a member that are needed; the last one no catalogue has. */
const keysOf = (member: Member) =>
  new Set([
    `step_036/2t/sfc/${memberKeyName(member)}/0.0.0`,
    `step_036/u/pl/700/${memberKeyName(member)}/0.0.0`,
    `step_036/u/pl/${memberKeyName(member)}/0.0.0`,
    `step_039/2t/sfc/${memberKeyName(member)}/0.0.0`,
  ]);

/** References of a member: its number is the offset. */
function makeStore(member: Member): Store {
  const field = { stepHours: 36, member };
  const reference = { url: GRIB, offset: member, length: 9 };
  return new Map([
    [formatFieldKey({ ...field, param: "2t", levtype: "sfc" }), reference],
    [formatFieldKey({ ...field, param: "u", levtype: "pl", level: 700 }), reference],
    [formatFieldKey({ ...field, param: "u", levtype: "pl" }), reference],
  ]);
}

interface Setup extends AsyncDisposable {
  server: S3Server;
  folder: string;
  warnings: string[];
  /** Reads it. @default over HTTP */
  read(text?: string, run?: Run, more?: Partial<Catalog>): Promise<Map<Member, Store>>;
}

/** A catalogue of members on a web server. */
async function openSetup(layout: CatalogLayout, members = MEMBERS): Promise<Setup> {
  const folder = await Deno.makeTempDir();
  const stores = new Map(members.map((member) => [member, makeStore(member)]));
  await writeCatalog(`${folder}/par`, RUN, stores, layout);
  const server = startS3Server({ root: folder, buckets: { catalogs: folder } });
  const warnings: string[] = [];
  const reporter = { ...silentReporter, warn: (line: string) => void warnings.push(line) };
  return {
    server,
    folder,
    warnings,
    read(text = `${server.url}/par`, run = RUN, more = {}) {
      const storage = openStorage({ endpoint: server.url, maxAttempts: 1 });
      const catalog = { ...parseCatalog(text), ...more };
      const options = { run, members: MEMBERS, keysOf, parallelReads: 3 };
      return readCatalog(catalog, options, { storage, reporter });
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** The offsets of the references that are found, by key. */
const offsetsOf = (stores: ReadonlyMap<Member, Store>, member: Member) =>
  Object.fromEntries(
    Array.from(stores.get(member)!, ([key, value]) => [key, (value as { offset: number }).offset]),
  );

const LAYOUTS: [name: string, layout: CatalogLayout][] = [
  ["levels, files ens_01, keys ens01", SET_V2],
  ["levels, files ens01, keys ens_01", { ...SET_V2, files: "key", keys: "file" }],
  ["no levels, files ens01, keys ens01", SET_V1],
  ["no levels, files ens_01, keys ens_01", { ...SET_V1, files: "file", keys: "file" }],
];

for (const [name, layout] of LAYOUTS) {
  Deno.test(`readCatalog() reads ${name} from a web server, an S3 server and a folder`, async () => {
    await using setup = await openSetup(layout);
    const texts = [`${setup.server.url}/par`, "s3://catalogs/par", `${setup.folder}/par`];
    for (const text of texts) {
      const stores = await setup.read(text);
      assertEquals([...stores.keys()].toSorted((a, b) => a - b), MEMBERS);
      for (const member of MEMBERS) {
        const name = memberKeyName(member);
        const wind = layout.levels ? `u/pl/700/${name}` : `u/pl/${name}`;
        assertEquals(offsetsOf(stores, member), {
          [`step_036/2t/sfc/${name}/0.0.0`]: member,
          [`step_036/${wind}/0.0.0`]: member,
        });
      }
    }
    assertEquals(setup.warnings, []);
  });
}

/** Requests for files of members, and those that found none. */
function countProbes({ requests }: S3Server) {
  const probes = requests.filter(({ method, key }) => method === "HEAD" && /z-\w+\./.test(key));
  return [probes.length, probes.filter(({ status }) => status === 404).length];
}

Deno.test("readCatalog() asks a web server once for each member, with the names that it finds", async () => {
  await using v2 = await openSetup(SET_V2);
  await v2.read();
  assertEquals(countProbes(v2.server), [8, 0]);
  await using v1 = await openSetup(SET_V1);
  await v1.read();
  assertEquals(countProbes(v1.server), [11, 3]);
  const before = v1.server.requests.length;
  await v1.read(undefined, RUN, { style: "key" });
  assertEquals(v1.server.requests.slice(before).filter(({ status }) => status === 404).length, 1);
});

Deno.test("readCatalog() leaves out members without a file", async () => {
  const there = MEMBERS.filter((member) => member !== 0 && member !== 5);
  await using setup = await openSetup(SET_V2, there);
  for (const text of [undefined, `${setup.folder}/par`]) {
    const stores = await setup.read(text);
    assertEquals([...stores.keys()].toSorted((a, b) => a - b), there);
  }
});

Deno.test("readCatalog() says that a run is not in the catalogue, after a few requests", async () => {
  await using setup = await openSetup(SET_V2);
  const absent = parseRun("20240716", "00");
  for (const text of [undefined, "s3://catalogs/par", `${setup.folder}/par`]) {
    const error = await assertRejects(() => setup.read(text, absent), MissingDataError);
    assertStringIncludes(error.message, "Cannot find references of 20240716 00 UTC in ");
    assertStringIncludes(error.message, "/par/2024/07/20240716/00z");
  }
  assertEquals(countProbes(setup.server), [7, 7]);
  const hours = { hours: ["00"] as const };
  await assertRejects(
    () => setup.read(undefined, parseRun("20240715", "12"), hours),
    MissingDataError,
    "it has the runs of 00 UTC alone",
  );
});

/** Writes `catalog.parquet` with the files of these members. */
async function writeList(
  { folder }: Setup,
  members: readonly Member[],
  path: (member: Member) => string,
): Promise<void> {
  const files = members.map((member) => {
    const name = `2024071500z-${memberKeyName(member)}.parquet`;
    const { size } = Deno.statSync(`${folder}/par/2024/07/20240715/00z/${name}`);
    return { run: RUN, member, path: path(member), sizeBytes: size };
  });
  const others = files.map((file) => ({ ...file, run: parseRun("20240714", "00"), path: "no" }));
  await Deno.writeFile(`${folder}/catalog.parquet`, encodeCatalogList([...others, ...files]));
}

const pathOf = (member: Member) =>
  `par/2024/07/20240715/00z/2024071500z-${memberKeyName(member)}.parquet`;

Deno.test("readCatalog() finds the files of a run in catalog.parquet, without asking for each", async () => {
  await using setup = await openSetup(SET_V1);
  await writeList(setup, MEMBERS, pathOf);
  const stores = await setup.read(setup.server.url);
  assertEquals(stores.size, MEMBERS.length);
  assertEquals([setup.server.counters.byMethod.HEAD ?? 0, setup.warnings], [0, []]);
  assertEquals((await setup.read(`${setup.folder}`)).size, MEMBERS.length);
  await writeList(setup, MEMBERS, (member) => `datasets/E4DRR/set/resolve/main/${pathOf(member)}`);
  assertEquals((await setup.read(setup.server.url)).size, MEMBERS.length);
});

Deno.test("readCatalog() uses no path of catalog.parquet that leaves the catalogue", async () => {
  await using setup = await openSetup(SET_V1);
  const strange = ["https://evil.example/", "/etc/", "../", "par/../../", "//evil.example/"];
  await writeList(setup, MEMBERS.slice(0, 5), (member) => strange[member]! + pathOf(member));
  await assertRejects(() => setup.read(setup.server.url), MissingDataError);
  await writeList(setup, MEMBERS, (member) => (member === 3 ? "../" : "") + pathOf(member));
  const stores = await setup.read(setup.server.url);
  assertEquals([...stores.keys()].toSorted((a, b) => a - b), [0, 1, 2, 4, 5, 6, 7]);
});

Deno.test("readCatalog() warns of a damaged catalog.parquet, and looks for the files", async () => {
  await using setup = await openSetup(SET_V2);
  await Deno.writeTextFile(`${setup.folder}/par/catalog.parquet`, "<html>");
  assertEquals((await setup.read()).size, MEMBERS.length);
  assertEquals(setup.warnings.length, 1);
  assertStringIncludes(setup.warnings[0]!, "/par/catalog.parquet: ");
});
