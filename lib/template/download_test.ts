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

interface Place extends AsyncDisposable {
  server: S3Server;
  /** Where the download goes, in a folder that is not there yet. */
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
async function openPlace(
  content: Uint8Array = CONTENT,
  wrapStorage = (storage: Storage) => storage,
): Promise<Place> {
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

Deno.test("download() fetches a file once, in parts, and tells how far it is", async () => {
  await using place = await openPlace();
  const told: [number, number][] = [];
  assertEquals(await place.download((...part) => told.push(part)), true);
  assertEquals(await Deno.readFile(place.path), CONTENT);
  assertEquals(place.listFolder(), ["template.tar.gz"]);
  assertEquals(told, [[PART, SIZE], [2 * PART, SIZE], [SIZE, SIZE]]);
  assertEquals(place.server.counters.byMethod, { HEAD: 1, GET: 3 });

  assertEquals(await place.download(), false);
  assertEquals(place.server.counters.byMethod, { HEAD: 2, GET: 3 });
  assertEquals(place.server.counters.bytesSent, SIZE);
});

Deno.test("download() goes on where it failed, and leaves no half a file meanwhile", async () => {
  await using place = await openPlace();
  place.server.setFaults(failSecondPart());
  await assertRejects(() => place.download(), StorageError);
  const [part, ...others] = place.listFolder();
  assertEquals([/^template\.tar\.gz\.[0-9a-f]{12}\.part$/.test(part!), others], [true, []]);

  const told: number[] = [];
  assertEquals(await place.download((received) => told.push(received)), true);
  assertEquals(await Deno.readFile(place.path), CONTENT);
  assertEquals(place.listFolder(), ["template.tar.gz"]);
  assertEquals(told, [2 * PART, SIZE]);
  assertEquals(place.ranges(), [
    `bytes=0-${PART - 1}`,
    `bytes=${PART}-${2 * PART - 1}`,
    `bytes=${PART}-${2 * PART - 1}`,
    `bytes=${2 * PART}-${SIZE - 1}`,
  ]);
  assertEquals(place.server.counters.bytesSent, SIZE + 1_000_000);
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
  Deno.test(`download() starts again when the file has changed ${name} meanwhile`, async () => {
    await using place = await openPlace(CONTENT, wrapStorage);
    place.server.setFaults(failSecondPart());
    await assertRejects(() => place.download(), StorageError);
    await Deno.writeFile(place.origin, content);
    await Deno.utime(place.origin, 1_000_000_000, 1_000_000_000);
    assertEquals(await place.download(), true);
    assertEquals(await Deno.readFile(place.path), content);
    assertEquals(place.ranges()[2], `bytes=0-${PART - 1}`);
  });
}

Deno.test("download() never joins parts of two versions, and fetches the new one when called again", async () => {
  await using place = await openPlace();
  const content = makeContent(97);
  let gets = 0;
  place.server.setFaults(({ method }) => {
    if (method === "GET" && ++gets === 2) {
      Deno.writeFileSync(place.origin, content);
      Deno.utimeSync(place.origin, 1_000_000_000, 1_000_000_000);
    }
    return undefined;
  });
  const error = await assertRejects(() => place.download(), StorageError);
  assertEquals(error.kind, "changed");
  assertEquals(await place.download(), true);
  assertEquals(await Deno.readFile(place.path), content);
});

Deno.test("download() fetches a file anew whose size is not the server's", async () => {
  await using place = await openPlace();
  await place.download();
  await Deno.truncate(place.path, SIZE - 1);
  assertEquals(await place.download(), true);
  assertEquals(await Deno.readFile(place.path), CONTENT);
});

Deno.test("download() throws away parts that are more than the file", async () => {
  await using place = await openPlace();
  place.server.setFaults(failSecondPart());
  await assertRejects(() => place.download(), StorageError);
  const part = `${place.path.slice(0, -"template.tar.gz".length)}${place.listFolder()[0]}`;
  await Deno.writeFile(part, new Uint8Array(SIZE), { append: true });
  const message = `${PART + SIZE} bytes were written for ${SIZE}, try again`;
  const error = await assertRejects(() => place.download(), StorageError, message);
  assertEquals(error.kind, "corrupt");
  assertEquals(place.listFolder(), []);
});

Deno.test("download() writes an empty file", async () => {
  await using place = await openPlace(new Uint8Array());
  assertEquals(await place.download(), true);
  assertEquals((await Deno.stat(place.path)).size, 0);
});

Deno.test("download() creates nothing when there is no such file", async () => {
  await using place = await openPlace();
  await Deno.remove(place.origin);
  const error = await assertRejects(() => place.download(), StorageError);
  assertEquals(error.kind, "missing");
  await assertRejects(() => Deno.stat(place.path), Deno.errors.NotFound);
});
