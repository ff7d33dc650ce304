import { assertEquals, assertMatch } from "jsr:@std/assert@^1.0.0";
import { EMBEDDED_STEPS, openWorkplace, type Workplace } from "../fixtures/embedded_run.ts";
import { openLackingWorkplace, writeFinalStores } from "../lib/stream/final_stores_fixture.ts";

const STREAM = new URL("./stream.ts", import.meta.url).href;

/** Runs `stream` on the stores of a workplace, with some variables. */
async function stream(
  { server, folder }: Workplace,
  args: readonly string[],
  env: Record<string, string> = {},
) {
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--quiet", "-A", STREAM, "--endpoint", server.url],
      ...["--parquet-dir", folder, "--output-dir", `${folder}/out`, "--work", `${folder}/work/`],
      ...["--steps", EMBEDDED_STEPS.join(","), "--variables", "t2m,u700", "--max-members", "4"],
      ...args,
    ],
    env: { SOURCE_DATE_EPOCH: "1770365700", NO_COLOR: "1", ...env },
    stdout: "null",
    stderr: "piped",
  });
  const { code, stderr } = await command.output();
  return { code, reported: new TextDecoder().decode(stderr) };
}

const OUTPUT = "IFS_20260206_00Z_cgan.nc";

Deno.test("stream --task and --merge have exit codes, reports and a summary", async () => {
  await using workplace = await openWorkplace();
  const { folder } = workplace;
  await writeFinalStores(workplace);
  const summary = `${folder}/summary.json`;
  const slurm = {
    SLURM_ARRAY_TASK_ID: "1",
    SLURM_ARRAY_TASK_MIN: "1",
    SLURM_ARRAY_TASK_MAX: "2",
    SLURM_ARRAY_TASK_COUNT: "2",
  };
  const first = await stream(workplace, ["--task", "auto", "--summary", summary], slurm);
  assertEquals(first.code, 0, first.reported);
  assertMatch(
    first.reported,
    /^20260206 00 UTC, task 0\/2: complete\n[^]*\n {2}fields +2 \(variable/m,
  );
  assertMatch(first.reported, /^ {2}saved in +.*\/work$/m);
  const { complete, task, work, output, fields } = JSON.parse(await Deno.readTextFile(summary));
  assertEquals({ complete, task, work, output, fields }, {
    complete: true,
    task: "0/2",
    work: `${folder}/work`,
    output: undefined,
    fields: { wanted: 2, takenOver: 0 },
  });

  const early = await stream(workplace, ["--merge"]);
  assertEquals(early.code, 5);
  assertMatch(early.reported, /^stream: Cannot merge: 2 of 4 .*: run --task 1\/2 again$/m);

  const last = await stream(workplace, ["--task", "auto/2"], { CLOUD_RUN_TASK_INDEX: "1" });
  assertEquals(last.code, 0, last.reported);
  const idle = await stream(workplace, ["--task", "0/9"]);
  assertEquals(idle.code, 0, idle.reported);
  assertMatch(
    idle.reported,
    /task 0\/9: complete\n[^]*nothing to do, there are more tasks than fields$/m,
  );

  const merged = await stream(workplace, ["--merge", "--summary", summary]);
  assertEquals(merged.code, 0, merged.reported);
  const facts = JSON.parse(await Deno.readTextFile(summary));
  assertEquals([facts.output, facts.fields, facts.fetched.requests], [
    `${folder}/out/${OUTPUT}`,
    { wanted: 4, takenOver: 4 },
    0,
  ]);
  const bytes = await Deno.readFile(`${folder}/out/${OUTPUT}`);
  assertEquals((await stream(workplace, [])).code, 0);
  assertEquals(await Deno.readFile(`${folder}/out/${OUTPUT}`), bytes);
});

Deno.test("stream --task without all messages exits 5 and names them, and so does --merge, with a file", async () => {
  await using workplace = await openLackingWorkplace();
  const codes = [];
  for (const args of [["--task", "0/2"], ["--task", "1/2"], ["--merge"]]) {
    const { code, reported } = await stream(workplace, args);
    codes.push(code);
    const named = /^warning: t2m \(36 h\), members 2-3: it is not referenced$/m;
    assertEquals(named.test(reported), code === 5, reported);
  }
  assertEquals(codes, [5, 0, 5]);
  await Deno.stat(`${workplace.folder}/out/${OUTPUT}`);
});

for (
  const { args, says } of [
    { args: ["--task", "auto"], says: /Cannot tell which task this is: .*give --task <i>\/<n>$/m },
    { args: ["--task", "9/9"], says: /Cannot be task 9 of 9/ },
    { args: ["--merge", "--task", "1/2"], says: /Cannot use --merge with --task/ },
    { args: ["--merge", "--fresh"], says: /Cannot use --merge with --fresh/ },
    { args: ["--work", "s3://bucket/work"], says: /give a folder or gs:\/\/<bucket>\/<path>/ },
    { args: ["--work", "gs://bucket"], says: /it is not gs:\/\/<bucket>\/<path>/ },
    { args: ["--members-per-batch", "0"], says: /at least 1/ },
  ]
) {
  Deno.test(`stream ${args.join(" ")} exits 2 and says what to do`, async () => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--quiet", "-A", STREAM, ...args],
      stderr: "piped",
    }).output();
    assertEquals(code, 2);
    assertMatch(new TextDecoder().decode(stderr), says);
  });
}
