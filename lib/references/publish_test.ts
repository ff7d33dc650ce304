import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { MissingDataError, UserError } from "../errors.ts";
import { type Reporter, silentReporter } from "../util/reporter.ts";
import { parseRun } from "../ecmwf/run.ts";
import { encodeManifest, parseManifest } from "./manifest.ts";
import { openPublished, publishFolder, type SourceFile } from "./publish.ts";
import { findStores } from "./stage_folders.ts";
import { crc32c } from "../storage/protocol/checksum.ts";
import { openStorage, type Storage, StorageError } from "../storage/mod.ts";

const RUN = parseRun("20260207", "00");
const TARGET = "gs://bucket/run_par_ecmwf/20260207_00z";
const MANIFEST_URL = `${TARGET}/manifest.json`;

/** A bucket in memory, with what a test needs to look at it and to disturb it. */
class Bucket {
  readonly objects = new Map<string, Uint8Array>();
  /** Addresses of objects in the order in which they were written. */
  readonly puts: string[] = [];
  lists = 0;
  gets = 0;
  /** Called before an object is written; may change its bytes or throw. */
  onPut: (url: string, bytes: Uint8Array) => Uint8Array = (_, bytes) => bytes;
  /** Called when an object has been read. */
  onGet: (url: string) => void = () => {};

  readonly storage: Storage = {
    counters: { requests: 0, retries: 0, requestsByHost: {}, bytesReceived: 0 },
    get: (url, range) => {
      if (!url.startsWith("gs:")) return this.#disk.get(url, range);
      this.gets++;
      const bytes = this.objects.get(url);
      if (!bytes) {
        return Promise.reject(new StorageError({ kind: "missing", url, state: "not there" }));
      }
      this.onGet(url);
      return Promise.resolve(bytes.slice());
    },
    head: (url) => this.#disk.head(url),
    forget: () => {},
    describeWaits: () => undefined,
    requestCost: () => ({ bytes: undefined, isThrottled: false }),
    list: (prefix) => this.#list(prefix),
    put: async (url, pieces) => {
      const bytes = this.onPut(url, await new Response(new Blob(await collect(pieces))).bytes());
      this.objects.set(url, bytes);
      this.puts.push(url.slice(TARGET.length + 1));
    },
    versionOf: () => undefined,
    remove: (url) => Promise.resolve(void this.objects.delete(url)),
  };
  readonly #disk = openStorage();

  async *#list(prefix: string) {
    await Promise.resolve();
    this.lists++;
    for (const [url, bytes] of [...this.objects].sort()) {
      if (url.startsWith(prefix)) yield { url, size: bytes.length, crc32c: crc32c(bytes) };
    }
  }

  get isComplete(): boolean {
    return parseManifest(this.objects.get(MANIFEST_URL)!, MANIFEST_URL).complete;
  }
}

async function collect(pieces: Parameters<Storage["put"]>[1]) {
  return await Array.fromAsync(pieces as AsyncIterable<Uint8Array<ArrayBuffer>>);
}

interface Setup {
  bucket: Bucket;
  files: SourceFile[];
  warnings: string[];
  publish(files?: SourceFile[], parallelUploads?: number): ReturnType<typeof publishFolder>;
  open(): Promise<Map<string, number>>;
}

/** Four local files of 100, 101 … bytes and a bucket to publish them in. */
async function withBucket(test: (setup: Setup) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const files = [0, 1, 2, 3].map((member) => {
    const name = `stage3_${member}.parquet`;
    return { name, member: String(member), path: `${folder}/${name}` };
  });
  for (const [i, { path }] of files.entries()) {
    await Deno.writeFile(path, new Uint8Array(100 + i).fill(i));
  }
  const bucket = new Bucket();
  const warnings: string[] = [];
  const reporter: Reporter = { ...silentReporter, warn: (line) => void warnings.push(line) };
  await test({
    bucket,
    files,
    warnings,
    publish: (sources = files, parallelUploads = 2) =>
      publishFolder(bucket.storage, sources, TARGET, { run: RUN, reporter, parallelUploads }),
    open: () => openPublished(bucket.storage, TARGET, reporter),
  }).finally(() => Deno.remove(folder, { recursive: true }));
}

Deno.test("publishFolder() announces the upload, sends every file, and then says that all are there", () =>
  withBucket(async ({ bucket, files, publish, open }) => {
    const states: boolean[] = [];
    bucket.onPut = (url, bytes) => {
      if (url === MANIFEST_URL) states.push(parseManifest(bytes, url).complete);
      else assert(!bucket.isComplete);
      return bytes;
    };
    const result = await publish();
    assertEquals(result, { target: TARGET, uploaded: 4, bytesUploaded: 406, skipped: 0 });
    assertEquals(states, [false, true]);
    assertEquals(bucket.puts.at(0), "manifest.json");
    assertEquals(bucket.puts.at(-1), "manifest.json");
    assertEquals(bucket.puts.slice(1, -1).sort(), files.map(({ name }) => name));
    assertEquals(await open(), new Map(files.map(({ name }, i) => [name, 100 + i])));
  }));

Deno.test("publishFolder() sends nothing when all files are there, for one listing", () =>
  withBucket(async ({ bucket, publish }) => {
    await publish();
    bucket.puts.length = bucket.lists = 0;
    const result = await publish();
    assertEquals(result, { target: TARGET, uploaded: 0, bytesUploaded: 0, skipped: 4 });
    assertEquals(bucket.puts, []);
    assertEquals(bucket.lists, 1);
  }));

Deno.test("publishFolder() sends what is missing after an interruption; until then the folder is incomplete", () =>
  withBucket(async ({ bucket, files, publish, open }) => {
    bucket.onPut = (url, bytes) => {
      if (url.endsWith(files[2]!.name)) {
        throw new StorageError({ kind: "unreachable", url, state: "gone" });
      }
      return bytes;
    };
    await assertRejects(() => publish(files, 1), StorageError, "gone");
    await assertRejects(open, MissingDataError, "it is being uploaded, or that was interrupted");

    bucket.onPut = (_, bytes) => bytes;
    bucket.puts.length = 0;
    const result = await publish();
    assertEquals([result.uploaded, result.skipped], [2, 2]);
    assertEquals(bucket.puts.length, 4);
    assertEquals((await open()).size, 4);
  }));

Deno.test("publishFolder() replaces a file that differs in bytes only, and withdraws the manifest before", () =>
  withBucket(async ({ bucket, files, publish }) => {
    await publish();
    await Deno.writeFile(files[1]!.path, new Uint8Array(101).fill(9));
    bucket.puts.length = 0;
    bucket.onPut = (url, bytes) => {
      if (url !== MANIFEST_URL) assert(!bucket.isComplete);
      return bytes;
    };
    assertEquals((await publish()).uploaded, 1);
    assertEquals(bucket.puts, ["manifest.json", files[1]!.name, "manifest.json"]);
    assert(bucket.isComplete);
  }));

Deno.test("publishFolder() writes a manifest alone when only that is missing or of other files", () =>
  withBucket(async ({ bucket, files, publish, open }) => {
    await publish();
    for (const members of [4, 3]) {
      bucket.puts.length = 0;
      bucket.objects.delete(MANIFEST_URL);
      await publish(files.slice(0, members));
      assertEquals(bucket.puts, ["manifest.json"]);
      assertEquals((await open()).size, members);
    }
  }));

Deno.test("publishFolder() warns of files that were there and are not of this upload", () =>
  withBucket(async ({ files, publish, warnings }) => {
    await publish();
    assertEquals(warnings, []);
    await publish(files.slice(2));
    assertEquals(warnings.length, 1);
    assertStringIncludes(warnings[0]!, `${files[0]!.name} and 1 more`);
  }));

Deno.test("publishFolder() never says complete when the server has other bytes than were sent", () =>
  withBucket(async ({ bucket, files, publish }) => {
    bucket.onPut = (url, bytes) => url.endsWith(files[3]!.name) ? bytes.fill(7) : bytes;
    const error = await assertRejects(() => publish(), StorageError, "its CRC32C is");
    assertStringIncludes(error.message, `"${TARGET}/${files[3]!.name}"`);
    assert(!bucket.isComplete);
  }));

Deno.test("publishFolder() writes the same bytes for the same files", () =>
  withBucket(async ({ bucket, publish }) => {
    await publish();
    const first = bucket.objects.get(MANIFEST_URL);
    bucket.objects.clear();
    await publish(undefined, 4);
    assertEquals(bucket.objects.get(MANIFEST_URL), first);
  }));

Deno.test("openPublished() costs the manifest and one listing", () =>
  withBucket(async ({ bucket, publish, open }) => {
    await publish();
    bucket.lists = bucket.gets = 0;
    await open();
    assertEquals([bucket.gets, bucket.lists], [1, 1]);
  }));

const DAMAGES: { what: string; damage(objects: Map<string, Uint8Array>, url: string): void }[] = [
  { what: "it is not there", damage: (objects, url) => objects.delete(url) },
  {
    what: "it has 9 bytes instead of 101",
    damage: (objects, url) => objects.set(url, new Uint8Array(9)),
  },
  { what: "its CRC32C is", damage: (objects, url) => objects.set(url, new Uint8Array(101)) },
];

for (const { what, damage } of DAMAGES) {
  Deno.test(`openPublished() refuses a folder in which a file is not as published: ${what}`, () =>
    withBucket(async ({ bucket, files, publish, open }) => {
      await publish();
      damage(bucket.objects, `${TARGET}/${files[1]!.name}`);
      const error = await assertRejects(open, MissingDataError, what);
      assertStringIncludes(error.message, files[1]!.name);
      assertStringIncludes(error.message, "run the upload again");
    }));
}

Deno.test("openPublished() sees an upload that begins after it has read the manifest", () =>
  withBucket(async ({ bucket, publish, open }) => {
    await publish();
    bucket.onGet = (url) => {
      const manifest = parseManifest(bucket.objects.get(url)!, url);
      bucket.objects.set(url, encodeManifest({ ...manifest, complete: false }));
    };
    await assertRejects(open, MissingDataError, "it is being uploaded");
  }));

Deno.test("openPublished() takes a folder of the Python tools as it is, with a warning", () =>
  withBucket(async ({ bucket, open, warnings }) => {
    bucket.objects.set(`${TARGET}/stage3_control_final.parquet`, new Uint8Array(7));
    bucket.objects.set(`${TARGET}2/stage3_control_final.parquet`, new Uint8Array(8));
    assertEquals(await open(), new Map([["stage3_control_final.parquet", 7]]));
    assertEquals(warnings.length, 1);
    assertStringIncludes(warnings[0]!, "has no manifest.json");
  }));

Deno.test("openPublished() finds nothing in an empty folder, without a warning", () =>
  withBucket(async ({ open, warnings }) => {
    assertEquals((await open()).size, 0);
    assertEquals(warnings, []);
  }));

Deno.test("openPublished() refuses a manifest that it cannot read", () =>
  withBucket(async ({ bucket, publish, open }) => {
    await publish();
    bucket.objects.set(MANIFEST_URL, new TextEncoder().encode('{"format": 9}'));
    await assertRejects(open, UserError, "its format is 9");
  }));

Deno.test("findStores() takes the run's folder here when it has final stores, else the published one", async () => {
  const reported: string[] = [];
  const reporter = { ...silentReporter, info: (line: string) => void reported.push(line) };
  const context = { storage: openStorage(), reporter };
  const run = parseRun("20260207", "12");
  const local = "ecmwf_three_stage_20260207_12z";
  const published = "gs://mine/runs/20260207_12z";
  const home = Deno.cwd();
  const folder = await Deno.makeTempDir();
  try {
    Deno.chdir(folder);
    assertEquals(await findStores(run, undefined, context), local);
    assertEquals(await findStores(run, "gs://mine/runs", context), published);
    await Deno.mkdir(local);
    await Deno.writeTextFile(`${local}/stage2_control_merged.parquet`, "");
    assertEquals(await findStores(run, "gs://mine/runs", context), published);
    await Deno.writeTextFile(`${local}/stage3_control_final.parquet`, "");
    assertEquals(await findStores(run, "gs://mine/runs", context), local);
    assertEquals(reported, [
      `final stores: ${local}`,
      `final stores: ${published} (there are none in ${local})`,
      `final stores: ${published} (there are none in ${local})`,
      `final stores: ${local}`,
    ]);
  } finally {
    Deno.chdir(home);
    await Deno.remove(folder, { recursive: true });
  }
});
