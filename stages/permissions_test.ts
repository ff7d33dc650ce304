import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, EMBEDDED_STEPS, openWorkplace } from "../fixtures/embedded_run.ts";
import { BUCKET, BUCKET_REGION } from "../lib/ecmwf/files.ts";

const ROOT = decodeURIComponent(new URL("../", import.meta.url).pathname);

interface Finished {
  code: number;
  output: string;
  errors: string;
}

/** Runs Deno in the checkout, where the permission sets are. */
async function runDeno(
  args: string[],
  env: Record<string, string> = {},
  input = "",
): Promise<Finished> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
  await using process = command.spawn();
  await new Blob([input]).stream().pipeTo(process.stdin);
  const { code, stdout, stderr } = await process.output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout), errors: decoder.decode(stderr) };
}

/** Runs code under a permission set and gives what it printed. */
async function runUnder(set: string, code: string): Promise<string> {
  const { output, errors } = await runDeno(
    [`-P=${set}`, "-"],
    { AWS_SECRET_ACCESS_KEY: "x" },
    code,
  );
  return output.trim() || errors;
}

const SETS = ["stage1", "stage2", "stage3", "pipeline", "stream"];

const REFUSED = [
  { what: "a request to another host", code: `await fetch("https://example.org/")` },
  { what: "a request to this machine", code: `await fetch("http://127.0.0.1:4567/")` },
  { what: "a read outside the working folder", code: `Deno.readTextFileSync("/etc/hosts")` },
  { what: "a write outside the working folder", code: `Deno.writeTextFileSync("/tmp/x", "")` },
  { what: "a secret in the environment", code: `Deno.env.get("AWS_SECRET_ACCESS_KEY")` },
  { what: "the home folder's name", code: `Deno.env.get("HOME")` },
  { what: "another program", code: `new Deno.Command("${Deno.execPath()}").outputSync()` },
];

for (const set of SETS) {
  Deno.test(`under -P=${set} Deno refuses what the stage does not need`, async () => {
    const attempts = REFUSED.map(({ code }) =>
      `try { ${code}; console.log("allowed"); } catch (error) { console.log(error.name); }`
    );
    const printed = (await runUnder(set, attempts.join("\n"))).split("\n");
    assertEquals(
      REFUSED.map(({ what }, i) => `${what}: ${printed[i]}`),
      REFUSED.map(({ what }) => `${what}: NotCapable`),
    );
  });
}

const HUGGING_FACE = [
  "huggingface.co:443",
  "cdn-lfs.huggingface.co:443",
  "cas-bridge.xethub.hf.co:443",
];
const BUCKET_HOST = `${BUCKET}.s3.${BUCKET_REGION}.amazonaws.com:443`;

for (const set of SETS) {
  const withTemplate = set === "stage1" || set === "pipeline";
  const hosts = withTemplate ? "the bucket's host and Hugging Face" : "the bucket's host only";
  Deno.test(`under -P=${set} a stage may reach ${hosts}`, async () => {
    const code = [BUCKET_HOST, ...HUGGING_FACE].map((host) =>
      `console.log(Deno.permissions.querySync({ name: "net", host: "${host}" }).state);`
    );
    const states = (await runUnder(set, code.join("\n"))).split("\n");
    const template = withTemplate ? "granted" : "prompt";
    assertEquals(states, ["granted", ...HUGGING_FACE.map(() => template)]);
  });
}

Deno.test("under -P=stage2 the stage does its work with the server's address added, and only with it", async () => {
  await using place = await openWorkplace();
  const { server } = place;
  const folder = await Deno.makeTempDir({ dir: ROOT, prefix: "ecmwf_three_stage_" });
  try {
    const args = ["--date", BEFORE_50R1.run.date, "--steps", EMBEDDED_STEPS.join(",")];
    const stage = ["stages/stage2.ts", ...args, "--max-members", "4", "--output-dir", folder];
    const endpoint = ["--endpoint", server.url];

    const allowed = await runDeno([
      "-P=stage2",
      `--allow-net=127.0.0.1:${server.port}`,
      ...stage,
      ...endpoint,
    ]);
    assertEquals(allowed.code, 0, allowed.errors);
    assert(server.requests.length > 0);

    const refused = await runDeno(["-P=stage2", ...stage, ...endpoint]);
    assertEquals(refused.code, 4);
    assertStringIncludes(refused.errors, `--allow-net=127.0.0.1:${server.port}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a stage reads the server's address from the environment", async () => {
  await using place = await openWorkplace();
  const { server } = place;
  const { code, errors } = await runDeno(
    ["-P=stage2", `--allow-net=127.0.0.1:${server.port}`, "stages/stage2.ts", "--date", "20260207"],
    { AWS_ENDPOINT_URL_S3: server.url },
  );
  assertEquals(code, 3, errors);
  assertStringIncludes(errors, "Cannot find anything of 20260207 00 UTC");
});

const EXIT_CODES = [
  { args: ["--date", "20260231"], code: 2, says: 'Cannot use date "20260231"' },
  { args: ["--date", "20260206", "--run", "03"], code: 2, says: "ECMWF runs at 00, 06, 12 and 18" },
  { args: ["--date", "20260206", "--steps", "147"], code: 2, says: "Cannot use step 147" },
  { args: ["--dates", "20260206"], code: 2, says: "did you mean --date?" },
  { args: ["--max-members", "0"], code: 2, says: "at least 1" },
  { args: ["--endpoint", "nowhere"], code: 2, says: "give a URL" },
];

for (const { args, code, says } of EXIT_CODES) {
  Deno.test(`stage2 ${args.join(" ")} exits ${code} and says why`, async () => {
    const result = await runDeno(["-P=stage2", "stages/stage2.ts", ...args]);
    assertEquals(result.code, code, result.errors);
    assertStringIncludes(result.errors, says);
  });
}
