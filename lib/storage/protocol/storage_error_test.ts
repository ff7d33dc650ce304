import { assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { FakeTime } from "jsr:@std/testing@^1.0.0/time";
import {
  FetchFailure,
  permissionError,
  readError,
  statusError,
  StorageError,
} from "./storage_error.ts";

Deno.test("StorageError renders its fields into one message", () => {
  const fields = { kind: "corrupt", url: "s3://bucket/key", state: "wrong bytes" } as const;
  const messages = [
    {},
    { action: "write", mirror: "gcs" },
    { attempts: 1 },
    { action: "list", mirror: "gcs", attempts: 3 },
    { action: "use", subject: "the credentials", mirror: "gcs" },
    { action: "get a token for me to use" },
  ].map((changes) => new StorageError({ ...fields, ...changes as Partial<typeof fields> }).message);
  assertEquals(messages, [
    'Cannot read "s3://bucket/key": wrong bytes',
    'Cannot write "s3://bucket/key" from gcs: wrong bytes',
    'Cannot read "s3://bucket/key": wrong bytes (gave up after 1 attempt)',
    'Cannot list "s3://bucket/key" from gcs: wrong bytes (gave up after 3 attempts)',
    "Cannot use the credentials: wrong bytes",
    'Cannot get a token for me to use "s3://bucket/key": wrong bytes',
  ]);
});

Deno.test("with() changes fields and message of a copy, and leaves the original", () => {
  const cause = new TypeError("reset");
  const error = statusError("https://mirror/key", 503, "SlowDown", "7");
  const copy = error.with({ url: "s3://bucket/key", mirror: "gcs", attempts: 4, cause });
  const { kind, action, url, mirror, status, answer, retryAfterMs, attempts } = copy;
  assertEquals([kind, action, url, mirror], ["unreachable", "read", "s3://bucket/key", "gcs"]);
  assertEquals([status, answer, retryAfterMs, attempts], [503, "503 SlowDown", 7000, 4]);
  assertEquals([copy.cause, copy.category], [cause, "unreachable"]);
  assertEquals(
    copy.message,
    'Cannot read "s3://bucket/key" from gcs: the server is busy or failing (503 SlowDown), ' +
      "try again later (gave up after 4 attempts)",
  );
  assertEquals([error.url, error.mirror, error.attempts], ["https://mirror/key", undefined, 1]);
});

Deno.test("statusError() separates what may succeed later from what will not", () => {
  const kinds = [408, 429, 500, 502, 503, 504, 401, 403, 404, 400, 301, 416].map((status) => {
    const { kind, isRetriable } = statusError("s3://bucket/key", status, "");
    return [status, kind, isRetriable];
  });
  assertEquals(kinds, [
    [408, "unreachable", true],
    [429, "unreachable", true],
    [500, "unreachable", true],
    [502, "unreachable", true],
    [503, "unreachable", true],
    [504, "unreachable", true],
    [401, "denied", false],
    [403, "denied", false],
    [404, "missing", false],
    [400, "denied", false],
    [301, "denied", false],
    [416, "range", false],
  ]);
});

Deno.test("statusError() doubts what servers answer at random to requests without credentials", () => {
  const isDoubtful = (status: number, code = "") =>
    statusError("https://host/key", status, code).isDoubtful;
  assertEquals([401, 403].map((status) => isDoubtful(status)), [true, true]);
  const codes = ["RequestTimeout", "Bad Request", ""];
  assertEquals(codes.map((code) => isDoubtful(400, code)), [true, true, true]);
  assertEquals(isDoubtful(400, "InvalidRequest"), false);
  assertEquals([404, 416, 500, 503].filter((status) => isDoubtful(status)), []);
});

Deno.test("StorageError separates failures of a server from those of an object", () => {
  const url = "s3://bucket/key";
  const errors = [
    ...[408, 429, 502, 503, 504, 500, 501, 404].map((status) => statusError(url, status, "")),
    new FetchFailure(new TypeError("refused")).describe(url),
    new FetchFailure(new TypeError("reset"), "a broken body").describe(url),
    readError("unreachable", url, "the server sent nothing for 60 s"),
    readError("corrupt", url, "another range", { status: 206 }),
    readError("unreachable", url, "the upload is forgotten", { status: 404 }),
  ];
  const flags = (test: (error: typeof errors[0]) => boolean) =>
    errors.map((it) => Number(test(it)));
  assertEquals(flags((it) => it.isHostFailure).join(""), "1111100011100");
  assertEquals(flags((it) => it.isObjectFailure).join(""), "0000011001011");
});

Deno.test("StorageError spares other objects where it is of this one alone, as far as is known", () => {
  const url = "s3://bucket/key";
  const failing = statusError(url, 500, "");
  const denied = statusError(url, 403, "");
  const spares = [
    ...[404, 416].map((status) => statusError(url, status, "")),
    readError("corrupt", url, "another range"),
    readError("changed", url, "another version"),
    failing.with({ isOfObject: true }),
    denied.with({ hasServed: true }),
  ];
  const others = [failing, denied, readError("permission", url, "Deno refuses")];
  assertEquals(spares.map(({ sparesOthers }) => sparesOthers), spares.map(() => true));
  assertEquals(others.map(({ sparesOthers }) => sparesOthers), others.map(() => false));
});

Deno.test("statusError() warns that S3 also answers 403 for missing objects", () => {
  assertStringIncludes(
    statusError("s3://bucket/key", 403, "AccessDenied").message,
    'Cannot read "s3://bucket/key": the server denies access (403 AccessDenied); ' +
      "S3 says this of a missing object too",
  );
});

Deno.test("statusError() reads Retry-After as seconds and as a date", () => {
  const retryAfterMs = (header: string | null) =>
    statusError("https://host/key", 503, "", header).retryAfterMs;
  assertEquals(retryAfterMs("7"), 7000);
  using time = new FakeTime("1994-11-06T08:48:37Z");
  assertEquals(retryAfterMs("Sun, 06 Nov 1994 08:49:37 GMT"), 60_000);
  time.tick(59_400);
  assertEquals(retryAfterMs("Sun, 06 Nov 1994 08:49:37 GMT"), 600);
  time.tick(601);
  assertEquals(retryAfterMs("Sun, 06 Nov 1994 08:49:37 GMT"), 0);
  assertEquals(retryAfterMs("soon"), undefined);
  assertEquals(retryAfterMs(null), undefined);
});

Deno.test("permissionError() names the flag that lifts the refusal", () => {
  const refuse = (text: string) =>
    permissionError("s3://bucket/key", new Deno.errors.NotCapable(text))?.message ?? "";
  assertStringIncludes(
    refuse('Requires net access to "host:443", run again'),
    "--allow-net=host:443",
  );
  assertStringIncludes(refuse('Requires env access to "AWS_X", run again'), "--ignore-env=AWS_X");
  assertStringIncludes(refuse("Something else"), "Something else");
  assertEquals(permissionError("s3://bucket/key", new TypeError("x")), undefined);
});

Deno.test("FetchFailure drops Deno's nesting from the reason, and knows mistakes in the address", () => {
  const describe = (reason: string) => {
    const prefix =
      "error sending request from 127.0.0.1:5 for http://host/x (127.0.0.1:7): client error";
    const { state, mistake } = new FetchFailure(new TypeError(`${prefix} (Connect): ${reason}`))
      .describe("http://host/x");
    return [state, mistake?.text.split(";")[0]];
  };
  assertEquals(describe("invalid peer certificate: UnknownIssuer"), [
    "the connection to host failed (invalid peer certificate: UnknownIssuer)",
    "its certificate does not fit",
  ]);
  assertEquals(describe("invalid HTTP version parsed")[1], "it does not speak http there");
  assertEquals(describe("tls handshake eof"), [
    "the connection to host failed (tls handshake eof)",
    undefined,
  ]);
});
