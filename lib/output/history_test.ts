import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { formatHistory, joinWords, VERSION } from "./history.ts";
import { GIK } from "./profile.ts";

const now = new Date("2026-02-06T08:15:00Z");
const ONE_AXIS = { layout: { ...GIK.layout, timeAxis: "valid_time" } } as const;

Deno.test("VERSION is that of the tag that the README names", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const tags = readme.matchAll(/<repository>\/v([\d.]+)\//g);
  assertEquals([...new Set(Array.from(tags, ([, version]) => version))], [VERSION]);
});

Deno.test("the history of the file whose bytes are fixed names neither version nor command", () => {
  assertEquals(
    formatHistory({ profile: GIK, now, commandLine: "stream --date 20260206" }),
    "2026-02-06T08:15:00.000Z written by gik-deno stream from byte references",
  );
});

Deno.test("the history of other files names both", () => {
  assertEquals(
    formatHistory({ profile: ONE_AXIS, now, commandLine: "stream --date 20260206" }),
    `2026-02-06T08:15:00.000Z gik-deno ${VERSION}: stream --date 20260206`,
  );
  assertEquals(
    formatHistory({ profile: ONE_AXIS, now }),
    `2026-02-06T08:15:00.000Z gik-deno ${VERSION}: stream`,
  );
});

Deno.test("joinWords() quotes words as a shell takes them", () => {
  assertEquals(
    joinWords(["stream", "--exceed", "tp>20mm", "--output-dir", "it's", "--region=5,33"]),
    `stream --exceed 'tp>20mm' --output-dir 'it'\\''s' --region=5,33`,
  );
});
