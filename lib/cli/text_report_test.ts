import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { FakeTime } from "jsr:@std/testing@^1.0.0/time";
import type { Reporter } from "../util/reporter.ts";
import { formatTable, textReporter } from "./text_report.ts";

const CLEAR = "\r\x1b[K";

/** What a reporter writes during some work, under a clock that the work moves. */
function report(
  columns: number | undefined,
  work: (reporter: Reporter, wait: (ms: number) => void) => void,
  quiet = false,
): string {
  let text = "";
  using time = new FakeTime();
  const sink = { write: (piece: string) => void (text += piece), columns: () => columns };
  work(textReporter(sink, quiet), (ms) => time.tick(ms));
  return text;
}

/** The lines that a terminal shows in the end; the cursor is in the last one. */
function show(text: string, columns: number): string[] {
  const lines = [""];
  let at = 0;
  for (const piece of text.replaceAll("\x1b[K", "\x1b")) {
    const line = lines.at(-1)!;
    if (piece === "\n") [at] = [0, lines.push("")];
    else if (piece === "\r") at = 0;
    else if (piece === "\x1b") lines.splice(-1, 1, line.slice(0, at));
    else if (at === columns) [at] = [1, lines.push(piece)];
    else lines.splice(-1, 1, line.slice(0, at) + piece + line.slice(++at));
  }
  return lines;
}

Deno.test("a reporter writes lines, and marks warnings", () => {
  const work = (reporter: Reporter) => {
    reporter.info("one");
    reporter.warn("two");
  };
  for (const columns of [80, undefined]) {
    assertEquals(report(columns, work), "one\nwarning: two\n");
  }
});

Deno.test("a quiet reporter writes warnings only", () => {
  const text = report(80, (reporter, wait) => {
    reporter.info("one");
    const bar = reporter.progress("work", 2);
    wait(60_000);
    bar.advance(1);
    reporter.warn("two");
    bar.finish();
    reporter.result({ title: "done", lines: [["members", "1"]], facts: {} });
  }, true);
  assertEquals(text, "warning: two\n");
});

Deno.test("a result is a title and lines", () => {
  const text = report(undefined, (reporter) => {
    reporter.result({ title: "done", lines: [["members", "1"]], facts: {} });
  });
  assertEquals(text, "done\n  members  1\n");
});

Deno.test("a bar on a terminal redraws in place, not more often than ten times a second", () => {
  const text = report(80, (reporter, wait) => {
    const bar = reporter.progress("work", 4);
    bar.advance(1, "first");
    wait(99);
    bar.advance(1, "second");
    wait(1);
    bar.advance(1, "third");
    bar.finish();
  });
  const cells = (full: number) => "█".repeat(full) + "░".repeat(24 - full);
  assertEquals(text.split("\r"), [
    "",
    `work ${cells(6)} 25 %  1 of 4  first\x1b[K`,
    `work ${cells(18)} 75 %  3 of 4  1 s left  third\x1b[K`,
    "\x1b[K",
  ]);
});

Deno.test("a line on a terminal replaces the bar, which is drawn again below it", () => {
  const text = report(80, (reporter) => {
    const bar = reporter.progress("work", 4);
    bar.advance(1);
    reporter.info("news");
    bar.finish();
    reporter.info("end");
  });
  const bar = `\rwork ${"█".repeat(6)}${"░".repeat(18)} 25 %  1 of 4\x1b[K`;
  assertEquals(text, `${bar}${CLEAR}news\n${bar}${CLEAR}end\n`);
  assertEquals(show(text, 80), ["news", "end", ""]);
});

Deno.test("a bar stays in its line, however narrow the terminal and long its note", () => {
  for (const columns of [80, 40, 12, 2]) {
    const text = report(columns, (reporter, wait) => {
      const bar = reporter.progress("messages", 4, () => ({ bytes: 1e9, retries: 5 }));
      for (let i = 0; i < 3; i++) {
        wait(1000);
        bar.advance(1, "a note that is much longer than any terminal has columns ".repeat(3));
      }
      reporter.warn("no");
      bar.advance(1);
      bar.finish();
    });
    assertEquals(show(text, columns).join("").trim(), "warning: no");
    const drawn = text.split(/\r/).map((piece) => piece.replace("\x1b[K", ""));
    assertEquals(drawn.every((piece) => piece.includes("\n") || piece.length < columns), true);
  }
});

Deno.test("without a terminal a bar is a line every ten seconds and one at its end, without control characters", () => {
  const text = report(undefined, (reporter, wait) => {
    const bar = reporter.progress("work", 40, () => ({ bytes: 0, retries: 0 }));
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
    "work 50 %  20 of 40  0.0 MB  10 s left",
    "work 75 %  30 of 40  0.0 MB  7 s left",
    "work 87 %  35 of 40  0.0 MB  4 s left",
    "end",
    "",
  ]);
});

Deno.test("without a terminal, work that ends at once writes no progress", () => {
  const text = report(undefined, (reporter) => {
    const bar = reporter.progress("work", 1);
    bar.advance(1);
    bar.finish();
  });
  assertEquals(text, "");
});

const TABLE = {
  columns: [{ head: "name" }, { head: "max", align: "right" }, { head: "state" }] as const,
  rows: [["tp", "0.5", "whole"], ["mucape", "1234.5", ""]],
};

Deno.test("formatTable() aligns the cells of a column, left or right", () => {
  assertEquals(
    formatTable(TABLE),
    [
      "  name       max  state",
      "  tp         0.5  whole",
      "  mucape  1234.5",
    ].join("\n"),
  );
});

Deno.test("a result is the title, the table and the lines, their values aligned", () => {
  const lines = [["members", "51"], ["messages used", "9 of 10"]] as const;
  const write = (table?: typeof TABLE) =>
    report(80, (reporter) => reporter.result({ title: "done", table, lines, facts: {} }));
  assertEquals(
    write(TABLE),
    `done\n${formatTable(TABLE)}\n\n  members        51\n  messages used  9 of 10\n`,
  );
  assertEquals(write(), "done\n  members        51\n  messages used  9 of 10\n");
});
