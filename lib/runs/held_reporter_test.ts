import { assertEquals } from "jsr:@std/assert@^1.0.0";
import type { Reporter } from "../util/reporter.ts";
import { holdReports } from "./held_reporter.ts";

/** A reporter that logs each report. */
function logReports(): { log: string[]; reporter: Reporter } {
  const log: string[] = [];
  return {
    log,
    reporter: {
      info: (line) => void log.push(`info ${line}`),
      warn: (line) => void log.push(`warn ${line}`),
      progress(label, total) {
        log.push(`start ${label} ${total}`);
        return {
          advance: (amount, note = "") => void log.push(`${label} +${amount} ${note}`.trim()),
          finish: () => void log.push(`end ${label}`),
        };
      },
      result: ({ title }) => void log.push(`result ${title}`),
    },
  };
}

Deno.test("holdReports() reports in the same order when it is released, and at once from then on", () => {
  const { log, reporter: target } = logReports();
  const { reporter, warnings, release } = holdReports(target);
  reporter.info("a");
  reporter.warn("b");
  reporter.result({ title: "c", lines: [], facts: {} });
  assertEquals([log, warnings], [[], ["b"]]);
  release();
  reporter.warn("d");
  release();
  assertEquals(log, ["info a", "warn b", "result c", "warn d"]);
  assertEquals(warnings, ["b", "d"]);
});

Deno.test("holdReports() shows the progress of work under way from where it is, and none that is over", () => {
  const { log, reporter: target } = logReports();
  const { reporter, release } = holdReports(target);
  reporter.info("before");
  const over = reporter.progress("over", 2);
  over.advance(2);
  over.finish();
  const underWay = reporter.progress("indexes", 85);
  underWay.advance(30);
  underWay.advance(10);
  release();
  underWay.advance(45, "done");
  underWay.finish();
  reporter.progress("stores", 51).finish();
  assertEquals(log, [
    ...["info before", "start indexes 85", "indexes +40", "indexes +45 done", "end indexes"],
    ...["start stores 51", "end stores"],
  ]);
});
