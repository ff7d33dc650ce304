/** `pipeline --rehearse` through its command line, without a permission to write. */
import { assert, assertEquals, assertMatch } from "jsr:@std/assert@^1.0.0";
import { AFTER_50R1, openWorkplace } from "../fixtures/embedded_run.ts";
import type { Bucket } from "../fixtures/file_versions.ts";
import { asIn50r2, changeRun } from "../fixtures/tomorrow_run.ts";
import { BUCKET } from "../lib/ecmwf/files.ts";

const ADDRESS = `s3://${BUCKET}/20260520/12z/ifs/0p25`;
const STEPS = ["--steps", "0,36,39", "--max-members", `${AFTER_50R1.members}`];

/** Rehearses the run of a bucket in a process that may not write. */
async function rehearse(bucket: Bucket, args: string[], permissions = ["--allow-net"]) {
  await using place = await openWorkplace(bucket);
  const module = new URL("./pipeline.ts", import.meta.url).href;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--quiet", "--allow-read", "--allow-env", ...permissions, module],
      ...["--rehearse", ...args, "--endpoint", place.server.url],
    ],
    env: { NO_COLOR: "1" },
    cwd: place.folder,
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals([...Deno.readDirSync(place.folder)], []);
  return { code, printed: decode(stdout), reported: decode(stderr) };
}

Deno.test("pipeline --rehearse prints what cycle 50r2 changes, and exits 0 as the file stays the same", async () => {
  const bucket = await changeRun(asIn50r2);
  const { code, printed, reported } = await rehearse(bucket, [ADDRESS, ...STEPS]);
  assertEquals([code, reported], [0, ""]);
  assertMatch(printed, /^20260520 12 UTC at steps 0, 36, 39 beside "IFS cycle 50r1":$/m);
  assertMatch(printed, /^ {2}renamed +u hl 100 +100u sfc +m s\*\*-1 \(0\.2\.2\)$/m);
  assertMatch(printed, /^ {2}other unit +tcc sfc +\(0 - 1\) \(0\.6\.192\) +% \(0\.6\.1\)$/m);
  assertMatch(printed, /^ {2}tp +converted +from kg m-2 to m$/m);
  assertMatch(printed, /^The default file would be as it is today\.\n\d+ requests, 0\.\d MB$/m);
});

Deno.test("pipeline --rehearse --json exits 5 and names the variable that is not found", async () => {
  const bucket = await changeRun(({ line, message }) => [{
    line: line.param === "2t" ? { ...line, param: "t2m" } : line,
    message,
  }]);
  const { code, printed } = await rehearse(bucket, [ADDRESS, ...STEPS, "--json"]);
  assertEquals(code, 5);
  const events = printed.trim().split("\n").map((line) => JSON.parse(line));
  const result = events.find(({ type }) => type === "result");
  assertEquals([result.run, result.era, result.complete, result.obstacles], [
    "20260520_12z",
    "IFS cycle 50r1",
    false,
    ["t2m not found"],
  ]);
  assert(
    result.differences.some((it: { kind: string; what: string }) =>
      it.kind === "renamed" && it.what === "t2m sfc"
    ),
  );
  assertEquals(result.variables.find((it: { name: string }) => it.name === "t2m"), {
    name: "t2m",
    action: "not found",
    detail: "no line of 2t sfc",
  });
  assertEquals(events.at(-1).exitCode, 5);
});

Deno.test("pipeline --rehearse exits 3 without a run, 2 without its name, 4 without the server", async () => {
  const bucket: Bucket = new Map();
  const missing = await rehearse(bucket, [ADDRESS]);
  assertEquals(missing.code, 3);
  assertMatch(missing.reported, /^pipeline: Cannot rehearse ".*": it has no …-enfo-ef\.index; /);
  const nameless = await rehearse(bucket, ["https://127.0.0.1/test"]);
  assertEquals(nameless.code, 2);
  assertMatch(
    nameless.reported,
    /its server lists no files, and the address does not name the run/,
  );
  const refused = await rehearse(bucket, ["https://127.0.0.1/20270601/00z"], []);
  assertEquals(refused.code, 4, refused.reported);
});
