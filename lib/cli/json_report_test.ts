import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { FakeTime } from "jsr:@std/testing@^1.0.0/time";
import { formatEvent, jsonReporter } from "./json_report.ts";
import type { Reporter } from "../util/reporter.ts";

/** The events of some work, without their time, under a clock that the work moves. */
function report(
  work: (reporter: Reporter, wait: (ms: number) => void) => void,
  quiet = false,
): Record<string, unknown>[] {
  let text = "";
  using time = new FakeTime();
  work(jsonReporter((piece) => void (text += piece), quiet), (ms) => time.tick(ms));
  return text.split("\n").filter((line) => line !== "").map((line) => {
    const { time, ...event } = JSON.parse(line);
    assertEquals(new Date(time).toISOString(), time);
    return event;
  });
}

const SUMMARY = { title: "done", lines: [["members", "1"]], facts: { members: 1 } } as const;

Deno.test("events are one JSON object a line, whatever their text", () => {
  const text = formatEvent({ type: "info", text: 'two\nlines "quoted"' });
  assertEquals(text.indexOf("\n"), text.length - 1);
  assertEquals(JSON.parse(text).text, 'two\nlines "quoted"');
});

Deno.test("lines, warnings and results are events", () => {
  const events = report((reporter) => {
    reporter.info("one");
    reporter.warn("two");
    reporter.result(SUMMARY);
  });
  assertEquals(events, [
    { type: "info", text: "one" },
    { type: "warning", text: "two" },
    { type: "result", members: 1 },
  ]);
});

Deno.test("progress is an event a second, and one at the end", () => {
  const events = report((reporter, wait) => {
    let bytes = 0;
    const bar = reporter.progress("messages", 4, () => ({ bytes, retries: 0 }));
    for (let i = 0; i < 4; i++) {
      bytes += 1000;
      wait(500);
      bar.advance(1, `${i}`);
    }
    bar.finish();
  });
  const same = { type: "progress", label: "messages", total: 4, bytesPerSecond: 2000, retries: 0 };
  assertEquals(events, [
    { ...same, done: 2, seconds: 1, secondsLeft: 1, bytes: 2000, note: "1" },
    { ...same, done: 4, seconds: 2, secondsLeft: 0, bytes: 4000, note: "3" },
    { ...same, done: 4, seconds: 2, secondsLeft: 0, bytes: 4000, note: "3" },
  ]);
});

Deno.test("a quiet reporter leaves lines and progress out, and keeps warnings and results", () => {
  const events = report((reporter, wait) => {
    reporter.info("one");
    const bar = reporter.progress("messages", 4);
    wait(5000);
    bar.advance(1);
    bar.finish();
    reporter.warn("two");
    reporter.result(SUMMARY);
  }, true);
  assertEquals(events.map(({ type }) => type), ["warning", "result"]);
});
