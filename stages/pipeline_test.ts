import { assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import {
  BEFORE_50R1,
  EMBEDDED_STEPS,
  openWorkplace,
  type Workplace,
} from "../fixtures/embedded_run.ts";
import { HOURS, writeStale } from "../lib/pipeline/stale_template_fixture.ts";

/** Runs the pipeline in a process of its own. */
async function runPipeline({ server, folder }: Workplace, args: string[]) {
  const { run, members } = BEFORE_50R1;
  const request = ["--date", run.date, "--run", run.hour, "--max-members", String(members)];
  const module = new URL("./pipeline.ts", import.meta.url).href;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-prompt", "--quiet", module, ...request, "--endpoint", server.url],
      ...["--steps", EMBEDDED_STEPS.join(","), "--output-dir", `${folder}/stores`, ...args],
    ],
    env: { NO_COLOR: "1" },
  }).output();
  return { code, reported: new TextDecoder().decode(stderr) };
}

Deno.test("the pipeline exits 3 at a stale template, and scans when --run-stage1 is given", async () => {
  await using workplace = await openWorkplace();
  const template = ["--template", await writeStale(workplace)];
  const refused = await runPipeline(workplace, template);
  assertEquals(refused.code, 3, refused.reported);
  assertStringIncludes(refused.reported, "the template does not describe");
  const scanning = [...template, "--run-stage1", "--hours", HOURS.join(",")];
  const scanned = await runPipeline(workplace, scanning);
  assertEquals(scanned.code, 0, scanned.reported);
  assertStringIncludes(scanned.reported, "scanning the GRIB files");
});

const CONTRADICTIONS = [
  { args: ["--scan", "--skip-grib-scan"], says: "choose one" },
  { args: ["--save-template", "t.tar.gz"], says: "add --scan or --run-stage1" },
  { args: ["--run-stage1", "--hours", "x"], says: "--hours" },
  {
    args: ["--scan", "--save-template", "t.tar.gz", "--date", "20260206,20260207"],
    says: "give one --date",
  },
];

for (const { args, says } of CONTRADICTIONS) {
  Deno.test(`the pipeline exits 2 for ${args.join(" ")}`, async () => {
    await using workplace = await openWorkplace();
    const { code, reported } = await runPipeline(workplace, args);
    assertEquals(code, 2, reported);
    assertStringIncludes(reported, says);
  });
}
