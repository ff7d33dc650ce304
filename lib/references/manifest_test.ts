import { assertEquals, assertStringIncludes, assertThrows } from "jsr:@std/assert@^1.0.0";
import { UserError } from "../errors.ts";
import { encodeManifest, type Manifest, parseManifest } from "./manifest.ts";

const URL = "gs://b/p/20260207_00z/manifest.json";

const MANIFEST: Manifest = {
  run: "20260207_00z",
  complete: true,
  files: [
    { name: "stage3_control_final.parquet", member: "control", size: 9, crc32c: "4waSgw==" },
    { name: "stage3_ens_01_final.parquet", member: "ens_01", size: 10, crc32c: "yZRlqg==" },
  ],
};

Deno.test("parseManifest() reads what encodeManifest() wrote", () => {
  for (const manifest of [MANIFEST, { ...MANIFEST, complete: false, files: [] }]) {
    assertEquals(parseManifest(encodeManifest(manifest), URL), manifest);
  }
});

Deno.test("encodeManifest() writes JSON that says its format", () => {
  const text = new TextDecoder().decode(encodeManifest(MANIFEST));
  assertEquals(JSON.parse(text), { format: 1, ...MANIFEST });
});

const DAMAGED = [
  { text: "", says: "it is not JSON" },
  { text: '{"format": 1, "run"', says: "it is not JSON" },
  { text: "null", says: "its format is undefined, not 1" },
  { text: '{"format": 2}', says: "its format is 2, not 1" },
  {
    text: '{"format": 1, "run": "20260207_00z", "files": []}',
    says: "`complete` is undefined, expected true or false",
  },
  {
    text: '{"format": 1, "run": "20260207_00z", "complete": "yes", "files": []}',
    says: '`complete` is "yes", expected true or false',
  },
  {
    text: '{"format": 1, "run": 20260207, "complete": true, "files": []}',
    says: "`run` is 20260207, expected a text",
  },
  {
    text: '{"format": 1, "run": "20260207_00z", "complete": true, "files": {}}',
    says: "`files` is {}, expected a list",
  },
  {
    text: '{"format": 1, "run": "20260207_00z", "complete": true, "files": [{"name": "a"}]}',
    says: "`files[0].member` is undefined, expected a text that is not empty",
  },
  {
    text: JSON.stringify({ format: 1, ...MANIFEST, files: [null] }),
    says: "`files[0].name` is undefined, expected a text that is not empty",
  },
  {
    text: JSON.stringify({ format: 1, ...MANIFEST, files: [{ ...MANIFEST.files[0], size: -1 }] }),
    says: "`files[0].size` is -1, expected a number of bytes",
  },
];

for (const { text, says } of DAMAGED) {
  Deno.test(`parseManifest() refuses ${text.slice(0, 70) || "nothing"}: ${says}`, () => {
    const parse = () => parseManifest(new TextEncoder().encode(text), URL);
    const error = assertThrows(parse, UserError, `Cannot read "${URL}" as a manifest`);
    assertStringIncludes(error.message, says);
    assertStringIncludes(error.message, "upload the run again");
  });
}
