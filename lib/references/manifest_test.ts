import { assertEquals, assertStringIncludes, assertThrows } from "jsr:@std/assert@^1.0.0";
import { formatManifest, type Manifest, ManifestError, parseManifest } from "./manifest.ts";

const URL = "gs://b/p/20260207_00z/manifest.json";

const MANIFEST: Manifest = {
  run: "20260207_00z",
  complete: true,
  files: [
    { name: "stage3_control_final.parquet", member: "control", size: 9, crc32c: "4waSgw==" },
    { name: "stage3_ens_01_final.parquet", member: "ens_01", size: 10, crc32c: "yZRlqg==" },
  ],
};

Deno.test("parseManifest() gives back what formatManifest() was given", () => {
  for (const manifest of [MANIFEST, { ...MANIFEST, complete: false, files: [] }]) {
    assertEquals(parseManifest(formatManifest(manifest), URL), manifest);
  }
});

Deno.test("formatManifest() writes JSON that says its format", () => {
  const text = new TextDecoder().decode(formatManifest(MANIFEST));
  assertEquals(JSON.parse(text), { format: 1, ...MANIFEST });
});

const DAMAGED = [
  { text: "", says: "it is no JSON" },
  { text: '{"format": 1, "run"', says: "it is no JSON" },
  { text: "null", says: "its format is undefined, not 1" },
  { text: '{"format": 2}', says: "its format is 2, not 1" },
  { text: '{"format": 1, "run": "20260207_00z", "files": []}', says: "run, complete or files" },
  {
    text: '{"format": 1, "run": "20260207_00z", "complete": true, "files": [{"name": "a"}]}',
    says: "run, complete or files",
  },
  {
    text: JSON.stringify({ format: 1, ...MANIFEST, files: [{ ...MANIFEST.files[0], size: -1 }] }),
    says: "run, complete or files",
  },
];

for (const { text, says } of DAMAGED) {
  Deno.test(`parseManifest() refuses ${text.slice(0, 40) || "nothing"}: ${says}`, () => {
    const parse = () => parseManifest(new TextEncoder().encode(text), URL);
    const error = assertThrows(parse, ManifestError, `Cannot read "${URL}" as a manifest`);
    assertStringIncludes(error.message, says);
    assertStringIncludes(error.message, "upload the run again");
  });
}
