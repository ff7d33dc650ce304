import { assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { listNames, withFolder } from "../../../fixtures/folder.ts";
import { openStorage, StorageError } from "../mod.ts";

const BYTES = new Uint8Array(1000).map((_, i) => i % 251);
const storage = openStorage();

function* failAfter(pieces: Uint8Array[]): Generator<Uint8Array> {
  yield* pieces;
  throw new SyntaxError("no more");
}

Deno.test("put() writes the pieces in order and creates the folders", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a/b/file.bin");
    await storage.put(path, [BYTES.subarray(0, 10), new Uint8Array(0), BYTES.subarray(10)]);
    assertEquals(await Deno.readFile(path), BYTES);
    await storage.put(path, ReadableStream.from([BYTES.subarray(0, 3)]));
    assertEquals(await Deno.readFile(path), BYTES.slice(0, 3));
    assertEquals(await listNames(join(folder, "a/b")), ["file.bin"]);
  }));

Deno.test("remove() removes a file; a missing one is no error", () =>
  withFolder(async (folder) => {
    const path = join(folder, "file.bin");
    await storage.put(path, [BYTES]);
    await storage.remove(path);
    assertEquals(await listNames(folder), []);
    await storage.remove(path);
    await Deno.mkdir(join(folder, "folder/below"), { recursive: true });
    await assertRejects(
      () => storage.remove(join(folder, "folder")),
      StorageError,
      `Cannot remove "${folder}/folder": `,
    );
  }));

Deno.test("put() leaves no file when the pieces fail, and keeps an older one", () =>
  withFolder(async (folder) => {
    const path = join(folder, "file.bin");
    await assertRejects(() => storage.put(path, failAfter([BYTES])), SyntaxError, "no more");
    assertEquals(await listNames(folder), []);
    await storage.put(path, [BYTES]);
    await assertRejects(() => storage.put(path, failAfter([BYTES.subarray(1)])), SyntaxError);
    assertEquals(await listNames(folder), ["file.bin"]);
    assertEquals(await Deno.readFile(path), BYTES);
  }));

Deno.test("put() reports what prevents it", () =>
  withFolder(async (folder) => {
    await storage.put(join(folder, "file"), [BYTES]);
    const error = await assertRejects(
      () => storage.put(join(folder, "file/below"), [BYTES]),
      StorageError,
      `Cannot write "${folder}/file/below": `,
    );
    assertEquals(error.kind, "unreachable");
    await Deno.mkdir(join(folder, "taken"));
    await assertRejects(() => storage.put(join(folder, "taken"), [BYTES]), StorageError);
    assertEquals(await listNames(folder), ["file", "taken"]);
  }));

Deno.test("get() and head() read paths and file: addresses", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a file.bin");
    await Deno.writeFile(path, BYTES);
    for (const url of [path, pathToFileURL(path).href]) {
      assertEquals(await storage.get(url), BYTES);
      assertEquals(await storage.get(url, { offset: 990, length: 10 }), BYTES.slice(990));
      assertEquals(await storage.head(url), { size: 1000 });
    }
    assertEquals(storage.counters.requests, 0);
  }));

Deno.test("get() reports that a file is missing, or ends before the range", () =>
  withFolder(async (folder) => {
    const path = join(folder, "file.bin");
    const missing = await assertRejects(() => storage.get(path), StorageError, path);
    assertEquals(missing.kind, "missing");
    assertEquals((await assertRejects(() => storage.head(folder), StorageError)).kind, "missing");
    await Deno.writeFile(path, BYTES);
    const past = await assertRejects(
      () => storage.get(path, { offset: 990, length: 11 }),
      StorageError,
      `Cannot read "${path}": bytes 990-1000 were asked for and it has only 1000`,
    );
    assertEquals(past.kind, "range");
  }));

Deno.test("list() finds the files below a prefix, which may end inside a name", () =>
  withFolder(async (folder) => {
    for (const name of ["run/b.index", "run/a/1.index", "run/c.txt", "runs/d", "other"]) {
      await storage.put(join(folder, name), [BYTES]);
    }
    const list = async (prefix: string) =>
      (await Array.fromAsync(storage.list(join(folder, prefix))))
        .map(({ url, size }) => [url.slice(folder.length + 1), size]);
    assertEquals(await list("run/"), [
      ["run/a/1.index", 1000],
      ["run/b.index", 1000],
      ["run/c.txt", 1000],
    ]);
    assertEquals(await list("run/b"), [["run/b.index", 1000]]);
    assertEquals((await list("ru")).length, 4);
    assertEquals(await list("none/"), []);
  }));
