import { assertEquals, assertMatch } from "jsr:@std/assert@^1.0.0";
import { EMBEDDED_STEPS, openWorkplace, type Workplace } from "../fixtures/embedded_run.ts";
import { openLackingWorkplace, writeFinalStores } from "../lib/stream/final_stores_fixture.ts";

const STREAM = new URL("./stream.ts", import.meta.url).href;

/** Runs `stream` on the stores of a workplace, in an environment. */
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
  return { code, told: new TextDecoder().decode(stderr) };
}

const OUTPUT = "IFS_20260206_00Z_cgan.nc";

Deno.test("stream --task and --merge: exit codes, what is told, and the summary", async () => {
  await using place = await openWorkplace();
  const { folder } = place;
  await writeFinalStores(place);
  const summary = `${folder}/summary.json`;
  const slurm = {
    SLURM_ARRAY_TASK_ID: "1",
    SLURM_ARRAY_TASK_MIN: "1",
    SLURM_ARRAY_TASK_MAX: "2",
    SLURM_ARRAY_TASK_COUNT: "2",
  };
  const first = await stream(place, ["--task", "auto", "--summary", summary], slurm);
  assertEquals(first.code, 0, first.told);
  assertMatch(
    first.told,
    /^20260206 00 UTC, task 0\/2: complete\n[^]*\n {2}fields +2 \(variable/m,
  );
  assertMatch(first.told, /^ {2}saved in +.*\/work$/m);
  const { complete, task, work, output, fields } = JSON.parse(await Deno.readTextFile(summary));
  assertEquals({ complete, task, work, output, fields }, {
    complete: true,
    task: "0/2",
    work: `${folder}/work`,
    output: undefined,
    fields: { wanted: 2, takenOver: 0 },
  });

  const early = await stream(place, ["--merge"]);
  assertEquals(early.code, 5);
  assertMatch(early.told, /^stream: Cannot merge: 2 of 4 .*: run --task 1\/2 again$/m);

  const last = await stream(place, ["--task", "auto/2"], { CLOUD_RUN_TASK_INDEX: "1" });
  assertEquals(last.code, 0, last.told);
  const idle = await stream(place, ["--task", "0/9"]);
  assertEquals(idle.code, 0, idle.told);
  assertMatch(
    idle.told,
    /task 0\/9: complete\n[^]*nothing to do, there are more tasks than fields$/m,
  );

  const merged = await stream(place, ["--merge", "--summary", summary]);
  assertEquals(merged.code, 0, merged.told);
  const told = JSON.parse(await Deno.readTextFile(summary));
  assertEquals([told.output, told.fields, told.fetched.requests], [
    `${folder}/out/${OUTPUT}`,
    { wanted: 4, takenOver: 4 },
    0,
  ]);
  const bytes = await Deno.readFile(`${folder}/out/${OUTPUT}`);
  assertEquals((await stream(place, [])).code, 0);
  assertEquals(await Deno.readFile(`${folder}/out/${OUTPUT}`), bytes);
});

Deno.test("stream --task without all messages exits 5 and names them, and so does --merge, with a file", async () => {
  await using place = await openLackingWorkplace();
  const codes = [];
  for (const args of [["--task", "0/2"], ["--task", "1/2"], ["--merge"]]) {
    const { code, told } = await stream(place, args);
    codes.push(code);
    const named = /^warning: t2m \(36 h\), members 2-3: it is not referenced$/m;
    assertEquals(named.test(told), code === 5, told);
  }
  assertEquals(codes, [5, 0, 5]);
  await Deno.stat(`${place.folder}/out/${OUTPUT}`);
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
