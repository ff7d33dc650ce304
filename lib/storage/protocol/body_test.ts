import { assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { openStorage, StorageError, type StorageErrorKind } from "../mod.ts";

const RANGE = { offset: 10, length: 100 };

/** What a web server answers, and the error of get() for RANGE, or for the whole object. */
interface WrongAnswer {
  name: string;
  status: number;
  bytes: number;
  headers?: Record<string, string>;
  kind: StorageErrorKind;
  message: string;
}

/** Checks the kind and message of the error that get() ends with. */
async function readFrom(answer: WrongAnswer, range?: typeof RANGE): Promise<void> {
  const { status, bytes, headers, kind, message } = answer;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(bytes > 0 ? new Uint8Array(bytes) : null, { status, headers }),
  );
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const error = await assertRejects(
    () => openStorage({ maxAttempts: 1 }).get(url, range),
    StorageError,
    message,
  );
  assertEquals(error.kind, kind);
}

const right = { "content-range": "bytes 10-109/1000" };

const WRONG_RANGES: WrongAnswer[] = [
  {
    name: "without Content-Range",
    status: 206,
    bytes: 100,
    kind: "corrupt",
    message: 'the server sent ""',
  },
  {
    name: "of several parts",
    status: 206,
    bytes: 100,
    headers: { "content-type": "multipart/byteranges; boundary=x" },
    kind: "corrupt",
    message: 'the server sent ""',
  },
  {
    name: "that contradicts itself on the size",
    status: 206,
    bytes: 100,
    headers: { "content-range": "bytes 10-109/109" },
    kind: "corrupt",
    message: 'the server sent "bytes 10-109/109"',
  },
  {
    name: "of the same length from another offset",
    status: 206,
    bytes: 100,
    headers: { "content-range": "bytes 110-209/1000" },
    kind: "corrupt",
    message: 'the server sent "bytes 110-209/1000"',
  },
  {
    name: "with fewer bytes than its Content-Range",
    status: 206,
    bytes: 99,
    headers: right,
    kind: "corrupt",
    message: "99 bytes",
  },
  {
    name: "that is the whole object, as long as the range",
    status: 200,
    bytes: 100,
    kind: "unsupported",
    message: "the server ignores ranges (status 200)",
  },
  {
    name: "with status 200 and a right Content-Range",
    status: 200,
    bytes: 100,
    headers: right,
    kind: "unsupported",
    message: "the server ignores ranges (status 200)",
  },
  {
    name: "that is compressed",
    status: 206,
    bytes: 100,
    headers: { ...right, "content-encoding": "gzip" },
    kind: "unsupported",
    message: 'Content-Encoding "gzip"',
  },
];

for (const answer of WRONG_RANGES) {
  Deno.test(`get() of a range refuses an answer ${answer.name}`, () => readFrom(answer, RANGE));
}

const WRONG_WHOLES: WrongAnswer[] = [
  {
    name: "with a part of the object",
    status: 206,
    bytes: 100,
    headers: right,
    kind: "corrupt",
    message: "the server answers 206",
  },
  {
    name: "without content",
    status: 204,
    bytes: 0,
    kind: "corrupt",
    message: "the server answers 204",
  },
  {
    name: "that is compressed",
    status: 200,
    bytes: 100,
    headers: { "content-encoding": "br" },
    kind: "unsupported",
    message: 'Content-Encoding "br"',
  },
];

for (const answer of WRONG_WHOLES) {
  Deno.test(`get() of a whole object refuses an answer ${answer.name}`, () => readFrom(answer));
}

Deno.test("get() accepts an answer whose Content-Encoding is identity", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("text", { headers: { "content-encoding": "identity" } }),
  );
  const bytes = await openStorage().get(`http://127.0.0.1:${server.addr.port}/`);
  assertEquals(new TextDecoder().decode(bytes), "text");
});
