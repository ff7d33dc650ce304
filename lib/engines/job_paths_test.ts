import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { UsageError } from "../errors.ts";
import { planJobPaths } from "./job_paths.ts";

const GITHUB = "https://raw.githubusercontent.com/icpac/gik-deno";
const COMMIT = "0123456789abcdef0123456789abcdef01234567";

/** The script as tasks on other machines get it. */
const planScript = (script: string) =>
  planJobPaths({
    stores: "gs://icpac/stores",
    outputDir: "gs://icpac/out",
    script,
    sharesFiles: false,
  }).script;

/** Scripts, and the version of them that may change while a job runs. */
const SCRIPTS: readonly { script: string; moving?: string }[] = [
  { script: `${GITHUB}/v0.1.0/stages/stream.ts` },
  { script: `${GITHUB}/refs/tags/v0.1.0/stages/stream.ts` },
  { script: `${GITHUB}/${COMMIT}/stages/stream.ts` },
  { script: "https://example.org/main/stages/stream.ts" },
  { script: "gs://icpac/code/stages/stream.ts" },
  { script: `${GITHUB}/main/stages/stream.ts`, moving: "main" },
  { script: `${GITHUB}/refs/heads/main/stages/stream.ts`, moving: "main" },
  { script: `${GITHUB}/HEAD/stages/stream.ts`, moving: "HEAD" },
  { script: `${GITHUB}/${COMMIT.slice(0, 7)}/stages/stream.ts`, moving: COMMIT.slice(0, 7) },
];

for (const { script, moving } of SCRIPTS) {
  Deno.test(`planJobPaths() ${moving === undefined ? "takes" : "refuses"} ${script}`, () => {
    if (moving === undefined) return assertEquals(planScript(script), script);
    assertThrows(() => planScript(script), UsageError, `Cannot run tasks from "${moving}" of "`);
  });
}
