import { assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { type FaultRule, type S3Server, startS3Server } from "../../fixtures/s3_server.ts";
import { download } from "./download.ts";
import { openStorage, type Storage, StorageError } from "../storage/mod.ts";

/** Three parts of 8 MiB, the last of them short. */
const SIZE = 17_000_003;
const PART = 8 * 1024 * 1024;

function makeContent(seed: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    Uint32Array.from({ length: SIZE / 4 + 1 }, (_, i) => i * seed).buffer,
    0,
    SIZE,
  );
}

const CONTENT = makeContent(2654435761);

interface Setup extends AsyncDisposable {
  server: S3Server;
  /** Path of the download, in a folder that is not there yet. */
  path: string;
  /** The file on the server. */
  origin: string;
  download(onPart?: (receivedBytes: number, sizeBytes: number) => void): Promise<boolean>;
  /** Names in the download's folder. */
  listFolder(): string[];
  /** `Range` headers of the GETs, in order. */
  ranges(): (string | undefined)[];
}

/** A web server with one file, and an empty folder beside it. */
async function openSetup(
  content: Uint8Array = CONTENT,
  wrapStorage = (storage: Storage) => storage,
): Promise<Setup> {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/server`);
  const origin = `${folder}/server/template.tar.gz`;
  await Deno.writeFile(origin, content);
  const server = startS3Server({ root: `${folder}/server` });
  const storage = wrapStorage(openStorage({ maxAttempts: 1 }));
  const path = `${folder}/cache/deep/template.tar.gz`;
  return {
    server,
    path,
    origin,
    download: (onPart) => download(storage, `${server.url}/template.tar.gz`, path, onPart),
    listFolder: () => [...Deno.readDirSync(`${folder}/cache/deep`)].map(({ name }) => name).sort(),
    ranges: () => server.requests.filter(({ method }) => method === "GET").map((it) => it.range),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Strikes the second GET. */
function failSecondPart(): FaultRule {
  let gets = 0;
  return ({ method }) =>
    method === "GET" && ++gets === 2 ? { kind: "cut", bytes: 1_000_000 } : undefined;
}

Deno.test("download() fetches a file once, in parts, and reports its progress", async () => {
  await using setup = await openSetup();
  const reported: [number, number][] = [];
  assertEquals(await setup.download((...part) => reported.push(part)), true);
  assertEquals(await Deno.readFile(setup.path), CONTENT);
  assertEquals(setup.listFolder(), ["template.tar.gz"]);
  assertEquals(reported, [[PART, SIZE], [2 * PART, SIZE], [SIZE, SIZE]]);
  assertEquals(setup.server.counters.byMethod, { HEAD: 1, GET: 3 });

  assertEquals(await setup.download(), false);
  assertEquals(setup.server.counters.byMethod, { HEAD: 2, GET: 3 });
  assertEquals(setup.server.counters.bytesSent, SIZE);
});

Deno.test("download() resumes where it failed, and leaves only a partial file until then", async () => {
  await using setup = await openSetup();
  setup.server.setFaults(failSecondPart());
  await assertRejects(() => setup.download(), StorageError);
  const [part, ...others] = setup.listFolder();
  assertEquals([/^template\.tar\.gz\.[0-9a-f]{12}\.part$/.test(part!), others], [true, []]);

  const reported: number[] = [];
  assertEquals(await setup.download((received) => reported.push(received)), true);
  assertEquals(await Deno.readFile(setup.path), CONTENT);
  assertEquals(setup.listFolder(), ["template.tar.gz"]);
  assertEquals(reported, [2 * PART, SIZE]);
  assertEquals(setup.ranges(), [
    `bytes=0-${PART - 1}`,
    `bytes=${PART}-${2 * PART - 1}`,
    `bytes=${PART}-${2 * PART - 1}`,
    `bytes=${2 * PART}-${SIZE - 1}`,
  ]);
  assertEquals(setup.server.counters.bytesSent, SIZE + 1_000_000);
});

/** A server that tells no ETag. */
const withoutEtag = (storage: Storage): Storage => ({
  ...storage,
  head: async (url) => ({ size: (await storage.head(url)).size }),
});

for (
  const [name, content, wrapStorage] of [
    ["its ETag", makeContent(97), undefined],
    ["its size", CONTENT.slice(0, -5), withoutEtag],
  ] as const
) {
  Deno.test(`download() starts again when the file on the server has changed ${name}`, async () => {
    await using setup = await openSetup(CONTENT, wrapStorage);
    setup.server.setFaults(failSecondPart());
    await assertRejects(() => setup.download(), StorageError);
    await Deno.writeFile(setup.origin, content);
    await Deno.utime(setup.origin, 1_000_000_000, 1_000_000_000);
    assertEquals(await setup.download(), true);
    assertEquals(await Deno.readFile(setup.path), content);
    assertEquals(setup.ranges()[2], `bytes=0-${PART - 1}`);
  });
}

Deno.test("download() never joins parts of two versions, and fetches the new one when called again", async () => {
  await using setup = await openSetup();
  const content = makeContent(97);
  let gets = 0;
  setup.server.setFaults(({ method }) => {
    if (method === "GET" && ++gets === 2) {
      Deno.writeFileSync(setup.origin, content);
      Deno.utimeSync(setup.origin, 1_000_000_000, 1_000_000_000);
    }
    return undefined;
  });
  const error = await assertRejects(() => setup.download(), StorageError);
  assertEquals(error.kind, "changed");
  assertEquals(await setup.download(), true);
  assertEquals(await Deno.readFile(setup.path), content);
});

Deno.test("download() fetches a file anew whose size is not the server's", async () => {
  await using setup = await openSetup();
  await setup.download();
  await Deno.truncate(setup.path, SIZE - 1);
  assertEquals(await setup.download(), true);
  assertEquals(await Deno.readFile(setup.path), CONTENT);
});

Deno.test("download() removes a partial file that is longer than the file", async () => {
  await using setup = await openSetup();
  setup.server.setFaults(failSecondPart());
  await assertRejects(() => setup.download(), StorageError);
  const part = `${setup.path.slice(0, -"template.tar.gz".length)}${setup.listFolder()[0]}`;
  await Deno.writeFile(part, new Uint8Array(SIZE), { append: true });
  const message = `${PART + SIZE} bytes were written for ${SIZE}; try again`;
  const error = await assertRejects(() => setup.download(), StorageError, message);
  assertEquals(error.kind, "corrupt");
  assertEquals(setup.listFolder(), []);
});

Deno.test("download() writes an empty file", async () => {
  await using setup = await openSetup(new Uint8Array());
  assertEquals(await setup.download(), true);
  assertEquals((await Deno.stat(setup.path)).size, 0);
});

Deno.test("download() creates nothing when there is no such file", async () => {
  await using setup = await openSetup();
  await Deno.remove(setup.origin);
  const error = await assertRejects(() => setup.download(), StorageError);
  assertEquals(error.kind, "missing");
  await assertRejects(() => Deno.stat(setup.path), Deno.errors.NotFound);
});
