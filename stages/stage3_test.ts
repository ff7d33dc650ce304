import { assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";

for (
  const [text, reason] of [
    ["--format zarr", "one of parquet, kerchunk-json, kerchunk-parquet"],
    ["--format kerchunk-parquet --zip", "Cannot use --zip with --format kerchunk-parquet"],
    ["--format kerchunk-parquet --upload-gcs", "Cannot use --upload-gcs with --format"],
    ["--layout zarr", "one of stages, catalog"],
    ["--layout catalog --zip", "Cannot use --zip with --layout catalog"],
    ["--layout catalog --combine", "Cannot use --combine with --layout catalog"],
    ["--layout catalog --format kerchunk-json", "Cannot use --format with --layout catalog"],
    ["--catalog-dir ./c", "Cannot use --catalog-dir without --layout catalog"],
  ] as const
) {
  Deno.test(`stage 3 exits 2 for ${text}`, async () => {
    const path = new URL("stage3.ts", import.meta.url).pathname;
    const args = ["run", "-A", path, "--date", "20260206", ...text.split(" ")];
    const { code, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    assertEquals(code, 2);
    assertStringIncludes(new TextDecoder().decode(stderr), reason);
  });
}
