import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { FakeTime } from "jsr:@std/testing@^1.0.0/time";
import type { Reporter } from "../util/reporter.ts";
import { jsonReporter } from "./json_report.ts";
import { watchSilence } from "./silence_watch.ts";
import { textReporter } from "./text_report.ts";

/** A watched reporter for people, and what it writes. */
function open(columns?: number, quiet = false) {
  const time = new FakeTime();
  const written: string[] = [];
  const watched = watchSilence((onWrite) => {
    const write = (text: string) => (onWrite(), void written.push(text.trim()));
    return textReporter({ write, columns: () => columns }, quiet);
  });
  const { reporter } = watched;
  const stop = () => (watched[Symbol.dispose](), time.restore());
  return { time, written, reporter, [Symbol.dispose]: stop };
}

Deno.test("after ten seconds without a line one says what came last, and then twice as late each time", () => {
  using place = open();
  const { time, written, reporter } = place;
  reporter.info("waiting for step 54 of 20260206 00 UTC");
  time.tick(9_000);
  assertEquals(written, ["waiting for step 54 of 20260206 00 UTC"]);
  time.tick(3_600_000 - 9_000);
  const waits = ["10 s", "20 s", "40 s", "1 min 20 s", "2 min 40 s", "5 min 20 s", "10 min 40 s"];
  assertEquals(written.slice(1), [
    ...[...waits, "20 min 40 s", "30 min 40 s", "40 min 40 s", "50 min 40 s"].map((wait) =>
      `no news for ${wait}: waiting for step 54 of 20260206 00 UTC`
    ),
  ]);
  reporter.info("step 54 is there");
  time.tick(10_000);
  assertEquals(written.at(-1), "no news for 10 s: step 54 is there");
});

Deno.test("a silence is explained by the work under way and by what requests wait for", () => {
  using place = open();
  const { time, written, reporter } = place;
  let wait: string | undefined = "waiting for a.example, 3 requests under way";
  reporter.explainSilence!(() => wait);
  const bar = reporter.progress("references", 51);
  bar.advance(12);
  time.tick(10_000);
  assertEquals(written, [
    "no news for 10 s: references, 12 of 51; waiting for a.example, 3 requests under way",
  ]);
  wait = undefined;
  time.tick(10_000);
  assertEquals(written.at(-1), "no news for 20 s: references, 12 of 51");
  bar.finish();
  time.tick(20_000);
  assertEquals(written.at(-1), "no news for 40 s: the command has begun");
});

Deno.test("progress that is not written ends no silence, and a bar that is drawn does", () => {
  const count = (columns?: number) => {
    using place = open(columns);
    const bar = place.reporter.progress("messages", 100);
    for (let i = 0; i < 30; i++) {
      bar.advance(1);
      place.time.tick(1000);
    }
    return place.written.filter((text) => text.includes("no news")).length;
  };
  assertEquals([count(), count(80)], [0, 0]);
  using place = open();
  const bar = place.reporter.progress("messages", 100);
  place.time.tick(9_000);
  bar.advance(1);
  place.time.tick(2_000);
  assertEquals(place.written, ["no news for 11 s: messages, 1 of 100"]);
});

Deno.test("a quiet command stays quiet, and one that reports to programs sends events", () => {
  using place = open(undefined, true);
  place.time.tick(60_000);
  assertEquals(place.written, []);
  const printed: string[] = [];
  using watched = watchSilence((onWrite) =>
    jsonReporter((text) => (onWrite(), void printed.push(text)))
  );
  place.time.tick(10_000);
  const { type, text } = JSON.parse(printed[0]!);
  assertEquals([type, text], ["info", "no news for 10 s: the command has begun"]);
  const reporter: Reporter = watched.reporter;
  reporter.warn("x");
  assertEquals(printed.length, 2);
});
