/** Which references `stream` follows, and which exit code those cost that it does not. */
import { assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, EMBEDDED_STEPS, openWorkplace } from "../fixtures/embedded_run.ts";
import { BUCKET } from "../lib/ecmwf/files.ts";
import { changeStore, writeFinalStores } from "../lib/stream/final_stores_fixture.ts";
import type { Reference } from "../lib/references/store.ts";

const { run, members } = BEFORE_50R1;
const KEY = "step_036/2t/sfc/ens02/0.0.0";

/** Runs `stream` on stores of which one reference points to the test's own server over HTTP. */
async function streamForeign(args: (host: string) => string[]) {
  await using place = await openWorkplace();
  await writeFinalStores(place);
  const host = new URL(place.server.url).host;
  await changeStore(place, 2, (store) => {
    const { url, ...range } = store.get(KEY) as Reference;
    const foreign = url.replace("s3://", `http://${host}/`);
    return store.set(KEY, { url: foreign, ...range });
  });
  const script = new URL("./stream.ts", import.meta.url).href;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-prompt", "--quiet", script, "--endpoint", place.server.url],
      ...["--parquet-dir", place.folder, "--output-dir", `${place.folder}/out`],
      ...["--date", run.date, "--max-members", `${members}`],
      ...["--steps", EMBEDDED_STEPS.join(","), "--variables", "t2m", ...args(host)],
    ],
    env: { NO_COLOR: "1" },
  }).output();
  return { code, host, reported: new TextDecoder().decode(stderr) };
}

Deno.test("stream exits 5 for a reference to another host, and names it and the option", async () => {
  const { code, host, reported } = await streamForeign(() => []);
  assertEquals(code, 5, reported);
  assertStringIncludes(reported, `members 2: its reference points to http://${host}/${BUCKET}/`);
  assertStringIncludes(reported, `unless --allow-reference-host names ${host}`);
});

const ALLOWED: [what: string, args: (host: string) => string[]][] = [
  ["a host that --allow-reference-host names", (host) => ["--allow-reference-host", host]],
  ["a source in use", (host) => ["--source", `aws,http://${host}/${BUCKET}`]],
];

for (const [what, args] of ALLOWED) {
  Deno.test(`stream follows a reference to ${what}`, async () => {
    const { code, reported } = await streamForeign(args);
    assertEquals(code, 0, reported);
  });
}

for (const text of ["https://mirror.example/path", "user@host", "a/b", "ftp://host"]) {
  Deno.test(`stream exits 2 for --allow-reference-host ${text}`, async () => {
    const { code, reported } = await streamForeign(() => ["--allow-reference-host", text]);
    assertEquals(code, 2, reported);
    assertStringIncludes(reported, "give a host such as mirror.example or a bucket");
  });
}
