import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { FakeClock } from "../../../fixtures/fake_clock.ts";
import { type Fault, type S3Server, startS3Server } from "../../../fixtures/s3_server.ts";
import { openStorage } from "../mod.ts";
import { RequestTimes } from "./request_times.ts";

const MB = 1_000_000;

/** Notes `count` equal requests of 1 MB. */
function noteAlike(times: RequestTimes, count: number, waitMs: number, bodyMs: number): void {
  for (let i = 0; i < count; i++) times.note({ waitMs, bodyMs, bytes: MB });
}

Deno.test("RequestTimes estimates what a stream would bring in the time until an answer begins", () => {
  const times = new RequestTimes();
  noteAlike(times, 7, 30, 100);
  assertEquals(times.costBytes, undefined);
  noteAlike(times, 1, 30, 100);
  assertEquals(times.costBytes, 300_000);
});

Deno.test("RequestTimes is not misled by a few requests that stalled", () => {
  const times = new RequestTimes();
  for (let i = 0; i < 10; i++) {
    noteAlike(times, 2, 20, 50);
    noteAlike(times, 1, 5000, 50);
    noteAlike(times, 1, 20, 9000);
  }
  assertEquals(times.costBytes, 400_000);
});

Deno.test("RequestTimes forgets how the connection was long ago", () => {
  const times = new RequestTimes();
  noteAlike(times, 200, 30, 10);
  noteAlike(times, 64, 10, 100);
  assertEquals(times.costBytes, 100_000);
});

Deno.test("RequestTimes ignores bodies that arrive with the head, and never divides by zero", () => {
  const times = new RequestTimes();
  for (let i = 0; i < 50; i++) times.note({ waitMs: 30, bodyMs: 0, bytes: 5000 });
  assertEquals(times.costBytes, undefined);
  noteAlike(times, 8, 1, 0);
  assert(Number.isFinite(times.costBytes));
});

/** A bucket with one object, on its own server. */
function startLine(line: { bytesPerSecond?: number; fault?: Fault }): S3Server {
  const { fault, ...bandwidth } = line;
  const bucket = new Map([["key", new Uint8Array(256 * 1024)]]);
  return startS3Server({ buckets: { bucket }, faults: () => fault, ...bandwidth });
}

Deno.test("requestCost() is large on a long connection, small on a narrow one, unknown for other servers", async () => {
  const url = "s3://bucket/key";
  const measure = async (server: S3Server) => {
    using clock = new FakeClock(server);
    const storage = openStorage({ endpoint: server.url });
    assertEquals(storage.requestCost(url), { bytes: undefined, isThrottled: false });
    const ranges = Array.from({ length: 12 }, (_, i) => ({ offset: i, length: 128 * 1024 }));
    await clock.run(Promise.all(ranges.map((range) => storage.get(url, range))));
    await clock.run(storage.head(url));
    assertEquals(storage.requestCost("gs://bucket/key").bytes, undefined);
    return storage.requestCost("s3://bucket/another").bytes!;
  };
  await using long = startLine({ fault: { kind: "delay", ms: 60 } });
  await using narrow = startLine({
    bytesPerSecond: 4 * MB,
    fault: { kind: "delay", ms: 1 },
  });
  const [much, little] = [await measure(long), await measure(narrow)];
  assert(little > 0 && much > 4 * little, `${much} and ${little} bytes`);
});
