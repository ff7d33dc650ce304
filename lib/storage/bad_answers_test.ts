/** What servers, gateways and caches answer instead of an object, whatever is read and from where. */
import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { startAzureServer } from "../../fixtures/azure_server.ts";
import { type BadAnswer, type FaultyFront, startFaultyFront } from "../../fixtures/faulty_front.ts";
import { startGcsServer } from "../../fixtures/gcs_server.ts";
import { startS3Server } from "../../fixtures/s3_server.ts";
import { openStorage, type Storage, StorageError, type StorageErrorKind } from "./mod.ts";

const INDEX = '{"_offset": 0, "_length": 100}\n'.repeat(30);
const SIZE = INDEX.length;
const RANGE = { offset: 10, length: 500 };
/** Attempts at what may pass, and at what is doubtful. */
const [MAX_ATTEMPTS, DOUBTS] = [4, 3];

const PAGE = "<html><head><title>502 Bad Gateway</title></head><body><center>" +
  "<h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>";
const xml = (code: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>Wait</Message></Error>`;
const HTML = { "content-type": "text/html" };
const XML = { "content-type": "application/xml" };
const part = (range: string) => ({ "content-range": range });

/** An answer, the kind of the error, and how often it is asked for before it is believed. */
interface Row extends BadAnswer {
  name: string;
  kind: StorageErrorKind;
  /** By default as often as anything that may pass. */
  attempts?: number;
}

const ANSWERS: Row[] = [
  { name: "502 with a page", status: 502, headers: HTML, body: PAGE, kind: "unreachable" },
  { name: "500 with text", status: 500, body: "Internal Server Error", kind: "unreachable" },
  { name: "503 with text", status: 503, body: "upstream connect error", kind: "unreachable" },
  { name: "503 with XML", status: 503, headers: XML, body: xml("SlowDown"), kind: "unreachable" },
  {
    name: "503 with XML cut in the middle",
    status: 503,
    headers: XML,
    body: xml("SlowDown").slice(0, 70),
    kind: "unreachable",
  },
  {
    name: "503 whose body breaks off",
    status: 503,
    headers: { ...XML, "content-length": "500" },
    body: "<?xml",
    kind: "unreachable",
  },
  { name: "504 with nothing", status: 504, kind: "unreachable" },
  { name: "429 with JSON", status: 429, body: '{"message": "wait"}', kind: "unreachable" },
  { name: "404 with a page", status: 404, headers: HTML, body: PAGE, kind: "missing", attempts: 1 },
  { name: "401 with nothing", status: 401, kind: "denied", attempts: DOUBTS },
  { name: "403 with a page", status: 403, body: PAGE, kind: "denied", attempts: DOUBTS },
  { name: "403 with XML", status: 403, body: xml("Denied"), kind: "denied", attempts: DOUBTS },
  { name: "400 with a page", status: 400, body: PAGE, kind: "denied", attempts: DOUBTS },
  {
    name: "400 InvalidRequest",
    status: 400,
    headers: XML,
    body: xml("InvalidRequest"),
    kind: "denied",
    attempts: 1,
  },
  {
    name: "400 RequestTimeout",
    status: 400,
    headers: XML,
    body: xml("RequestTimeout"),
    kind: "denied",
    attempts: DOUBTS,
  },
  { name: "200 with XML", status: 200, headers: XML, body: xml("SlowDown"), kind: "corrupt" },
  { name: "200 with a page", status: 200, headers: HTML, body: PAGE, kind: "corrupt" },
  { name: "200 with nothing", status: 200, kind: "corrupt" },
  { name: "204", status: 204, kind: "corrupt" },
  { name: "206 of another range", ...wrongPart("bytes 11-510/930", 500) },
  { name: "206 that is short", ...wrongPart("bytes 10-509/930", 499) },
  { name: "206 that is long", ...wrongPart("bytes 10-509/930", 501) },
  {
    name: "206 announced as 99 GB",
    ...wrongPart("bytes 10-509/930", 500),
    headers: { ...part("bytes 10-509/930"), "content-length": "99000000000" },
  },
];

function wrongPart(range: string, bytes: number): Omit<Row, "name"> {
  return { status: 206, headers: part(range), body: "x".repeat(bytes), kind: "corrupt" };
}

/** Ways to read an object, each with a check of what it gives. */
const OBJECTS: [name: string, read: (storage: Storage, url: string) => Promise<unknown>][] = [
  ["index", (storage, url) =>
    storage.get(url, {
      check: (bytes) => bytes.length === SIZE ? undefined : "it is no index",
    })],
  ["range", (storage, url) => storage.get(url, RANGE)],
  [
    "HEAD",
    (storage, url) =>
      storage.head(url, { check: ({ size }) => size === SIZE ? undefined : "it has another size" }),
  ],
  ["listing", (storage, url) => Array.fromAsync(storage.list(url))],
];

/** A kind of server behind a front. */
interface Source extends AsyncDisposable {
  front: FaultyFront;
  url: string;
  /** A storage that knows nothing yet. */
  open(): Storage;
}

const POLICY = { maxAttempts: MAX_ATTEMPTS, giveUpAfterMs: 0, minDelayMs: 1, maxDelayMs: 2 };

async function startSources(): Promise<Record<string, Source>> {
  const objects = () => new Map([["run/key.index", new TextEncoder().encode(INDEX)]]);
  const put = (
    server: AsyncDisposable,
    origin: string,
    url: (front: string) => string,
    options: (front: string) => Parameters<typeof openStorage>[0],
  ): Source => {
    const front = startFaultyFront(origin);
    return {
      front,
      url: url(front.url),
      open: () => openStorage({ ...POLICY, ...options(front.url) }),
      async [Symbol.asyncDispose]() {
        await front[Symbol.asyncDispose]();
        await server[Symbol.asyncDispose]();
      },
    };
  };
  const s3 = startS3Server({ buckets: { bucket: objects() } });
  const web = startS3Server({ root: objects() });
  const gcs = await startGcsServer({ buckets: { bucket: objects() }, publicBuckets: ["bucket"] });
  const azure = startAzureServer({ account: "account", container: "run", blobs: objects() });
  const { tokenEndpoint, port } = azure;
  return {
    s3: put(s3, s3.url, () => "s3://bucket/run/key.index", (endpoint) => ({ endpoint })),
    gs: put(
      gcs,
      gcs.url,
      () => "gs://bucket/run/key.index",
      (endpoint) => ({ gcs: { endpoint, anonymous: true } }),
    ),
    https: put(web, web.url, (front) => `${front}/run/key.index`, () => ({})),
    az: put(
      azure,
      `http://127.0.0.1:${port}`,
      () => "az://account/run/run/key.index",
      (front) => ({ azure: { tokenEndpoint, blobEndpoint: `${front}/blob` } }),
    ),
  };
}

/** How often an answer is asked for before it is believed. */
function countAttempts(row: Row, object: string, source: string): number {
  // With credentials, a refusal is believed at once.
  if (source === "gs" && row.kind === "denied") return 1;
  // HEAD has no body to name the reason.
  if (row.name === "400 InvalidRequest" && object === "HEAD") return DOUBTS;
  if (row.attempts) return row.attempts;
  const isText = object === "listing" || object === "HEAD" && source === "gs";
  // What is right in form is checked by the caller, whose words are believed sooner.
  const isByCheck = row.status === 200 && (object === "index" || object === "HEAD") &&
    !isText;
  const isTooLong = row.name.endsWith("99 GB") && isText;
  return isByCheck || isTooLong ? DOUBTS : MAX_ATTEMPTS;
}

async function readKind(reading: Promise<unknown>): Promise<string> {
  try {
    await reading;
    return "read";
  } catch (error) {
    return error instanceof StorageError ? error.kind : `${error}`;
  }
}

Deno.test("a bad answer is an error of its status, whatever its body, the object and the source", async () => {
  const sources = await startSources();
  await using stack = new AsyncDisposableStack();
  for (const source of Object.values(sources)) stack.use(source);
  const wrong: string[] = [];
  for (const [sourceName, { front, url, open }] of Object.entries(sources)) {
    for (const [objectName, read] of OBJECTS) {
      const isListed = sourceName === "s3" || sourceName === "gs";
      if (objectName === "listing" && !isListed) continue;
      for (const row of ANSWERS) {
        const expected = countAttempts(row, objectName, sourceName);
        const ask = async (times: number) => {
          const before = front.requests;
          front.setAnswers(() => times-- > 0 ? row : undefined);
          const kind = await readKind(read(open(), url));
          return `${kind} after ${front.requests - before}`;
        };
        const always = await ask(Infinity);
        const once = await ask(1);
        const outcome = `${always}, once: ${once}`;
        const right = `${row.kind} after ${expected}, once: ` +
          (expected === 1 ? `${row.kind} after 1` : "read after 2");
        const cell = `${sourceName}, ${objectName}, ${row.name}`;
        if (outcome !== right) wrong.push(`${cell}: ${outcome}, not ${right}`);
      }
    }
  }
  assertEquals(wrong, []);
});
