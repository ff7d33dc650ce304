import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { formatSummary, formatTable } from "./format_summary.ts";

const TABLE = {
  columns: [{ head: "name" }, { head: "max", align: "right" }, { head: "state" }] as const,
  rows: [["tp", "0.5", "whole"], ["mucape", "1234.5", ""]],
};

Deno.test("formatTable() stands cells below each other, on the side that their column says", () => {
  assertEquals(
    formatTable(TABLE),
    [
      "  name       max  state",
      "  tp         0.5  whole",
      "  mucape  1234.5",
    ].join("\n"),
  );
});

Deno.test("formatSummary() has title, table and lines whose values stand below each other", () => {
  const lines = [["members", "51"], ["messages used", "9 of 10"]] as const;
  assertEquals(
    formatSummary({ title: "done", table: TABLE, lines, facts: {} }),
    `done\n${formatTable(TABLE)}\n\n  members        51\n  messages used  9 of 10`,
  );
  assertEquals(
    formatSummary({ title: "done", lines, facts: {} }),
    "done\n  members        51\n  messages used  9 of 10",
  );
});
