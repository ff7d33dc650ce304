/**
 * Stores as the JSON file of fsspec's reference specification, version 1.
 *
 * @module
 */
import { formatReference, isReference, type StoreValue } from "../references/store.ts";

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Entries that go into one piece. */
const ENTRIES_A_PIECE = 2000;

/** The file of a store in pieces: `{"version": 1, "refs": {key: text or [url, offset, length]}}`. */
export function* encodeReferenceFile(
  store: Iterable<readonly [string, StoreValue]>,
): Generator<Uint8Array<ArrayBuffer>> {
  let lines: string[] = [];
  let separator = '{"version": 1, "refs": {\n';
  for (const [key, value] of store) {
    const text = isReference(value) ? formatReference(value) : JSON.stringify(textOf(value));
    lines.push(`${separator}${JSON.stringify(key)}: ${text}`);
    separator = ",\n";
    if (lines.length < ENTRIES_A_PIECE) continue;
    yield encoder.encode(lines.join(""));
    lines = [];
  }
  const opening = separator.startsWith("{") ? separator : "";
  yield encoder.encode(`${lines.join("")}${opening}\n}}\n`);
}

/** The text of a value; bytes that are none become base64. */
function textOf(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return `base64:${bytes.toBase64()}`;
  }
}
