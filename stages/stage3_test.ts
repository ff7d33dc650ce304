import { assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, EMBEDDED_STEPS, openWorkplace } from "../fixtures/embedded_run.ts";
import { useFolder } from "../lib/storage/mod.ts";
import { execute } from "./commands_fixture.ts";
import { command as stage1 } from "./stage1.ts";
import { command as stage2 } from "./stage2.ts";
import { command as stage3 } from "./stage3.ts";

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

Deno.test("each single stage warns where another command works in its folder, and does its work", async () => {
  await using place = await openWorkplace();
  const { run, members } = BEFORE_50R1;
  const folder = `${place.folder}/stores`;
  const common = ["--date", run.date, "--max-members", `${members}`, "--output-dir", folder];
  const server = ["--endpoint", place.server.url];
  const single = [
    () => execute(stage1, [...common, ...server, "--no-template"]),
    () => execute(stage2, [...common, ...server, "--steps", EMBEDDED_STEPS.join(",")]),
    () => execute(stage3, [...common, ...server]),
  ];
  for (const start of single) {
    const alone = await start();
    assertEquals([alone.code, alone.reported.includes("warning")], [0, false], alone.reported);
    using _other = await useFolder(folder);
    const shared = await start();
    assertEquals(shared.code, 0, shared.reported);
    assertStringIncludes(shared.reported, `warning: another command is making ${folder}, too`);
  }
});
