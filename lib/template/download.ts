/**
 * Downloads large files, and resumes an interrupted download.
 *
 * @module
 */
import { dirname } from "node:path";
import { openStorage, type Storage, StorageError } from "../storage/mod.ts";

/** Bytes of one request, and the most that an interruption loses. */
const PART_BYTES = 8 * 1024 * 1024;

/**
 * Downloads a file once. A partial file stays beside `path` until the download is whole. A later call
 * resumes it, or starts again when the file on the server has another size or ETag.
 *
 * Costs one HEAD, and one ranged GET for each 8 MiB that are missing.
 *
 * @param onPart called with the bytes received so far and the size of the file.
 * @returns whether anything was fetched: `false` when `path` already had the server's size.
 * @throws {StorageError} when the server or the disk fails, or the file is replaced during the download;
 *   the partial file stays.
 */
export async function download(
  storage: Storage,
  url: string,
  path: string,
  onPart: (receivedBytes: number, sizeBytes: number) => void = () => {},
): Promise<boolean> {
  storage.forget(url);
  const { size, etag = "" } = await storage.head(url);
  if (await fileSize(path) === size) return false;
  const partPath = `${path}.${await nameVersion(`${url} ${size} ${etag}`)}.part`;
  await Deno.mkdir(dirname(path), { recursive: true });
  using part = await Deno.open(partPath, { create: true, append: true });
  let received = (await part.stat()).size;
  while (received < size) {
    const length = Math.min(PART_BYTES, size - received);
    await writeAll(part, await storage.get(url, { offset: received, length }));
    received += length;
    onPart(received, size);
  }
  await checkWhole(partPath, size, url);
  await Deno.rename(partPath, path);
  return true;
}

/** Longest wait of a try for a file that is not required: two of them take less than ten seconds. */
export const TRY_MS = 4_000;

/** Tries for each request of a file that is not required. */
const TRIES = 2;

/**
 * A storage for files that are not required: each request is sent at most twice, and each try fails
 * when nothing has arrived for `tryMs`.
 */
export function openBriefly(tryMs: number): Storage {
  const storage = openStorage({ maxAttempts: 1, giveUpAfterMs: 0, timeoutMs: tryMs });
  return {
    ...storage,
    head: (...request) => retry(() => storage.head(...request)),
    get: (...request) => retry(() => storage.get(...request)),
  };
}

async function retry<T>(send: () => Promise<T>): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await send();
    } catch (error) {
      const mayPass = error instanceof StorageError &&
        (error.isRetriable || error.kind === "unreachable");
      if (!mayPass) throw error;
      if (tries === TRIES) throw error.with({ attempts: tries });
    }
  }
}

/** Removes the partial file to which two downloads have appended at once. */
async function checkWhole(partPath: string, size: number, url: string): Promise<void> {
  const found = (await Deno.stat(partPath)).size;
  if (found === size) return;
  await Deno.remove(partPath);
  const state = `${found} bytes were written for ${size}; try again`;
  throw new StorageError({ kind: "corrupt", action: "save", url, state });
}

/** A short name for one version of a file on a server. */
async function nameVersion(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex().slice(0, 12);
}

async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}
