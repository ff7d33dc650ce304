import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { formatProgress, type Reporter, textReporter } from "./report.ts";

const CLEAR = "\r\x1b[K";

/** Text written by a reporter under a clock that the test moves. */
function report(
  isTerminal: boolean,
  tell: (reporter: Reporter, wait: (ms: number) => void) => void,
  quiet = false,
): string {
  let text = "";
  let now = 1_000_000;
  const realNow = Date.now;
  Date.now = () => now;
  try {
    const reporter = textReporter({ write: (piece) => text += piece, isTerminal }, quiet);
    tell(reporter, (ms) => now += ms);
  } finally {
    Date.now = realNow;
  }
  return text;
}

Deno.test("formatProgress() shows share, cells and the time left at the pace so far", () => {
  assertEquals(formatProgress("index", 0, 4, 0), `index ${"░".repeat(24)} 0 %`);
  assertEquals(
    formatProgress("index", 1, 4, 1000),
    `index ${"█".repeat(6)}${"░".repeat(18)} 25 %  3 s left`,
  );
  assertEquals(formatProgress("index", 4, 4, 1000), `index ${"█".repeat(24)} 100 %`);
});

Deno.test("formatProgress() shows less than 100 % until all is done, and never more", () => {
  assertEquals(formatProgress("x", 999, 1000, 1).includes(" 99 %"), true);
  assertEquals(formatProgress("x", 7, 5, 1), `x ${"█".repeat(24)} 100 %`);
  assertEquals(formatProgress("x", 0, 0, 1), `x ${"█".repeat(24)} 100 %`);
});

Deno.test("a reporter writes lines, and warnings as such", () => {
  const tell = (reporter: Reporter) => {
    reporter.info("one");
    reporter.warn("two");
  };
  for (const isTerminal of [true, false]) {
    assertEquals(report(isTerminal, tell), "one\nwarning: two\n");
  }
});

Deno.test("a quiet reporter writes warnings only", () => {
  const text = report(true, (reporter, wait) => {
    reporter.info("one");
    const bar = reporter.progress("work", 2);
    wait(60_000);
    bar.advance(1);
    reporter.warn("two");
    bar.finish();
  }, true);
  assertEquals(text, "warning: two\n");
});

Deno.test("a bar on a terminal redraws in place, not more often than ten times a second", () => {
  const text = report(true, (reporter, wait) => {
    const bar = reporter.progress("work", 4);
    bar.advance(1, "1 MB");
    wait(99);
    bar.advance(1, "2 MB");
    wait(1);
    bar.advance(1, "3 MB");
    bar.finish();
  });
  const [start, first, second, end] = text.split(CLEAR);
  assertEquals([start, end], ["", ""]);
  assertEquals(first, `${formatProgress("work", 1, 4, 0)}  1 MB`);
  assertEquals(second, `${formatProgress("work", 3, 4, 100)}  3 MB`);
});

Deno.test("a line told on a terminal takes the bar's place, and the bar comes back below it", () => {
  const text = report(true, (reporter) => {
    const bar = reporter.progress("work", 4);
    bar.advance(1);
    reporter.info("news");
    bar.finish();
    reporter.info("end");
  });
  const bar = formatProgress("work", 1, 4, 0);
  assertEquals(text, `${CLEAR}${bar}${CLEAR}news\n${CLEAR}${bar}${CLEAR}end\n`);
});

Deno.test("a bar elsewhere is a line every ten seconds, without control characters", () => {
  const text = report(false, (reporter, wait) => {
    const bar = reporter.progress("work", 100);
    bar.advance(10);
    reporter.warn("slow");
    for (let second = 1; second <= 25; second++) {
      wait(1000);
      bar.advance(1);
    }
    bar.finish();
    reporter.info("end");
  });
  assertEquals(text.split("\n"), [
    "warning: slow",
    formatProgress("work", 20, 100, 10_000),
    formatProgress("work", 30, 100, 20_000),
    "end",
    "",
  ]);
});

Deno.test("work that ends at once writes nothing of a bar where there is no terminal", () => {
  const text = report(false, (reporter) => {
    const bar = reporter.progress("work", 1);
    bar.advance(1);
    bar.finish();
  });
  assertEquals(text, "");
});
