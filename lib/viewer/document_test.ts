import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import type { PageContent, PageData } from "./page/data.ts";
import { formatDocument } from "./document.ts";

const FORECAST: PageData = {
  title: "</script><b>& $& $1",
  fileName: "x.nc",
  runTime: Date.UTC(2026, 1, 6),
  runLabel: "2026-02-06 00 UTC",
  times: [],
  stepHours: [],
  bounds: { north: 1, south: 0, west: 0, east: 1 },
  latitudes: [],
  longitudes: [],
  memberCount: null,
  absentMembers: [],
  variables: [],
  palettes: {},
  outlines: { width: 100, paths: { coast: "", borders: "", lakes: "", provinces: "" } },
};
const DATA: PageContent = {
  forecasts: [FORECAST],
  towns: [["</script>", "Kenya", 0, 36]],
};

const html = await formatDocument(DATA);

/** The text between `start`, which occurs once, and `end`. */
function cut(start: string, end: string): string {
  const parts = html.split(start);
  assertEquals(parts.length, 2, start);
  return parts[1]!.slice(0, parts[1]!.indexOf(end));
}

Deno.test("formatDocument() embeds data that cannot end their element, with any text in them", () => {
  const json = cut('<script type="application/json" id="forecast">', "</script>");
  assertEquals(JSON.parse(json), DATA);
});

Deno.test("formatDocument() allows its own script and style by their hashes, and nothing else", async () => {
  const policy = cut('<meta http-equiv="Content-Security-Policy" content="', '">');
  const hash = async (text: string) => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`;
  };
  assertEquals(policy.split("; "), [
    "default-src 'none'",
    `script-src ${await hash(cut("<script>", "</script>"))}`,
    `style-src ${await hash(cut("<style>", "</style>"))}`,
    "base-uri 'none'",
    "form-action 'none'",
  ]);
});

Deno.test("formatDocument() contains no address to load from, and fills every slot", () => {
  const addresses = html.match(/(https?:)?\/\/[\w.]+/g) ?? [];
  assertEquals([...new Set(addresses)], ["http://www.w3.org"]); // the name of SVG
  assert(!/<!-- \w+ -->/.test(html));
  assertStringIncludes(html, "<title>ECMWF ensemble, run of Fri 6 Feb 2026, 00:00 UTC</title>");
});
