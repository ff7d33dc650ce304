import { assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import config from "../deno.json" with { type: "json" };
import { flagsForCode } from "../fixtures/remote_code.ts";
import { startS3Server } from "../fixtures/s3_server.ts";
import { MEMORY_FLAG } from "./cli/task_arguments.ts";

const DISTRIBUTE = new URL("./distribute.ts", import.meta.url).href;
const ROOT = decodeURIComponent(new URL("../", import.meta.url).pathname);

const runDistribute = (...args: string[]) => runScript([DISTRIBUTE], args);

/** Runs the command in an empty folder, without any engine on the path. */
async function runScript(
  script: string[],
  args: string[],
  variables: Record<string, string> = {},
) {
  const folder = await Deno.makeTempDir();
  try {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--quiet", "-A", ...script, ...args],
      cwd: folder,
      env: {
        NO_COLOR: "1",
        PATH: folder,
        COILED_WORKSPACE: "icpac",
        COILED_API_TOKEN: "hidden",
        ...variables,
      },
    });
    const { code, stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    const files = [...Deno.readDirSync(folder)].filter((entry) => entry.isDirectory)
      .flatMap(({ name }) =>
        [...Deno.readDirSync(`${folder}/${name}`)].map((file) => `${name}/${file.name}`)
      );
    return {
      code,
      printed: decoder.decode(stdout).replaceAll(folder, "/here"),
      reported: decoder.decode(stderr),
      files,
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The arguments of `stream` for tasks, from the output of `--dry-run`. */
function taskLine(printed: string): string[] {
  const line = printed.split("\n").find((line) => line.endsWith("--task auto/3"))!;
  return line.slice(line.indexOf("stream.ts ")).split(" ").slice(1, -2);
}

const DATE = ["--date", "20260206", "--run", "12"];

Deno.test("distribute --dry-run prints what Slurm would get, and writes nothing", async () => {
  const { code, printed, reported, files } = await runDistribute(
    ...["--engine", "slurm", "--deno", "/opt/deno", "--test", "--dry-run", ...DATE],
    ...["--steps", "36,39", "--region", "-5,33,-14,42", "--whole-messages", "--fresh"],
    ...["--cpus", "4", "--memory", "3", "--endpoint", "http://mirror.example:9000"],
  );
  assertEquals([code, reported, files], [0, "", []]);
  assertEquals(printed.match(/^# .*$/gm), ["# submit.sh", "# array.sh", "# merge.sh"]);
  assertStringIncludes(printed, "--job-name=gik-20260206-12z ");
  assertStringIncludes(printed, "--cpus-per-task=4 --mem=2862M ");
  assertStringIncludes(
    printed,
    "--array=0-2 --output=/here/cgan_output/20260206_12z.logs/%A_%a.log",
  );
  assertStringIncludes(printed, '--dependency=afterany:"$array" merge.sh\n');
  assertEquals(taskLine(printed), [
    "--date=20260206",
    "--run=12",
    "--steps=36,39",
    "--max-members=3",
    "--region=-5,33,-14,42",
    "--whole-messages",
    "--endpoint=http://mirror.example:9000",
    "--fresh",
  ]);
  const merge = printed.slice(printed.indexOf("# merge.sh"));
  assertEquals([merge.includes("--fresh"), merge.includes(" --merge\n")], [false, true]);
});

Deno.test("distribute refuses a variable that ECMWF did not publish of the run, before any task", async () => {
  const run = (...args: string[]) =>
    runDistribute("--engine", "slurm", "--dry-run", "--date", "20250601", ...args);
  const { code, reported } = await run("--variables", "tp,tcc");
  assertEquals(code, 2);
  assertStringIncludes(reported, "Cannot write tcc of 20250601 00 UTC");
  assertStringIncludes(reported, "the first run with tcc is 2025-11-20 12 UTC");
  for (const args of [["--variables", "tp,ssr"], []]) assertEquals((await run(...args)).code, 0);
});

Deno.test("tasks run with the permissions of stream and the hosts of the command", async () => {
  const dryRun = ["--engine", "slurm", "--dry-run", ...DATE];
  const flagOf = (printed: string, flag: string) =>
    new RegExp(`^/.* ${flag}=(\\S+)`, "m").exec(printed)![1]!.split(",");
  const endpoint = await runDistribute(...dryRun, "--endpoint", "http://mirror.example:9000");
  assertEquals(flagOf(endpoint.printed, "--allow-net"), [
    "ecmwf-forecasts.s3.eu-central-1.amazonaws.com:443",
    "mirror.example:9000",
  ]);
  const hosts = "references.example:8080,s3://copies,gs://copies";
  const references = await runDistribute(...dryRun, "--allow-reference-host", hosts);
  assertEquals(flagOf(references.printed, "--allow-net"), [
    "ecmwf-forecasts.s3.eu-central-1.amazonaws.com:443",
    "references.example:8080",
    "copies.s3.eu-central-1.amazonaws.com:443",
    "storage.googleapis.com:443",
  ]);
  assertStringIncludes(references.printed, `--allow-reference-host=${hosts}`);
  const catalog = await runDistribute(...dryRun, "--catalog", "icpac-hf");
  assertStringIncludes(
    catalog.printed,
    "'--allow-net=ecmwf-forecasts.s3.eu-central-1.amazonaws.com:443,huggingface.co:443," +
      "*.huggingface.co:443,*.hf.co:443,*.xethub.hf.co:443'",
  );
  assertStringIncludes(catalog.printed, "--catalog=icpac-hf");
  const v8Flags = MEMORY_FLAG.slice("--v8-flags=".length).split(",");
  assertEquals(flagOf(endpoint.printed, "--v8-flags"), v8Flags);
  const { read, write } = config.permissions.stream;
  assertEquals(flagOf(endpoint.printed, "--deny-read"), read.deny);
  assertEquals(flagOf(endpoint.printed, "--deny-write"), write.deny);
  const mirrors = await runDistribute(
    ...dryRun,
    "--source",
    "aws,ecmwf",
    "--output-dir",
    "/data/out",
  );
  assertEquals(flagOf(mirrors.printed, "--allow-net").includes("data.ecmwf.int:443"), true);
  assertEquals(flagOf(mirrors.printed, "--allow-write"), [".", "/data/out"]);
  const own = await runDistribute(...dryRun, "--permissions=-A --quiet");
  assertStringIncludes(own.printed, " run -A --quiet ");
});

Deno.test("every task of deno.json that fetches messages has the flag that saves memory", () => {
  const commands = Object.values(config.tasks).map(({ command }) => command);
  const fetching = commands.filter((it) =>
    /stages\/(?:stream|forecast|extract|watch|demo)\.ts/.test(it)
  );
  assertEquals(fetching.length, 15);
  for (const command of fetching) assertStringIncludes(command, ` ${MEMORY_FLAG} `);
});

Deno.test("distribute from a URL lets its tasks run stream from the URL beside it", async () => {
  await using server = startS3Server({ root: ROOT });
  const { code, printed, reported } = await runScript(
    [...flagsForCode(server.url), `${server.url}/stages/distribute.ts`],
    ["--engine", "slurm", "--dry-run", ...DATE],
  );
  assertEquals(code, 0, reported);
  assertStringIncludes(printed, ` ${server.url}/stages/stream.ts --date=20260206 `);
});

const ELSEWHERE = [
  ...[
    "--gcs-parquet-path",
    "gs://icpac/run_par_ecmwf/20260206_12z",
    "--output-dir",
    "gs://icpac/out",
  ],
  ...["--script", "https://example.org/stages/stream.ts", "--n-workers", "3"],
];

Deno.test("tasks on other machines get addresses, and a work folder beside the output", async () => {
  const { code, printed } = await runDistribute(
    ...[
      "--engine",
      "coiled",
      "--dry-run",
      "--engine-region",
      "europe-west1",
      ...DATE,
      ...ELSEWHERE,
    ],
  );
  assertEquals(code, 0);
  assertStringIncludes(printed, '"workspace": "icpac"');
  assertStringIncludes(printed, '"region": "europe-west1"');
  const { script } = JSON.parse(printed.slice(printed.indexOf("{"), printed.indexOf("# merge")));
  assertEquals(taskLine(script), [
    "--gcs-parquet-path=gs://icpac/run_par_ecmwf/20260206_12z",
    "--date=20260206",
    "--run=12",
    "--work=gs://icpac/out/20260206_12z.work",
    "--output-dir=gs://icpac/out",
  ]);
  assertEquals(printed.includes("hidden"), false);
  const { read, write } = config.permissions["stream-gcs"];
  assertStringIncludes(script, ` --deny-read=${read.deny} `);
  assertStringIncludes(script, ` --deny-write=${write.deny} `);
});

Deno.test("containers get the variables that their tasks need, and no others", async () => {
  const variables = {
    AWS_ENDPOINT_URL_S3: "http://mirror.example:9000",
    GCS_BUCKET: "icpac",
    GCS_PARQUET_PREFIX: "stores",
    SOURCE_DATE_EPOCH: "1770365700",
    GCS_SERVICE_ACCOUNT_FILE: "keys/key.json",
  };
  const namesWith = async (...args: string[]) => {
    const job = ["--engine", "kubernetes", "--dry-run", ...DATE, ...args];
    const { printed, reported } = await runScript([DISTRIBUTE], job, variables);
    const names = [...printed.matchAll(/ - name: ([A-Z_]\w+)$/gm)].map(([, name]) => name!);
    assertEquals([names.length > 0, names.length % 2], [true, 0], reported);
    return [...new Set(names)];
  };
  assertEquals(await namesWith(...ELSEWHERE), ["AWS_ENDPOINT_URL_S3", "SOURCE_DATE_EPOCH"]);
  const byRun = [...ELSEWHERE.slice(2), "--endpoint", "http://other.example"];
  assertEquals(await namesWith(...byRun), [
    "GCS_BUCKET",
    "GCS_PARQUET_PREFIX",
    "SOURCE_DATE_EPOCH",
  ]);
});

Deno.test("without kubectl the job is written to a folder with what to run, and the exit code is 5", async () => {
  const { code, reported, files } = await runDistribute(
    "--engine",
    "kubernetes",
    ...DATE,
    ...ELSEWHERE,
  );
  assertEquals(code, 5);
  assertEquals(files.sort(), [
    "gik-20260206-12z.kubernetes/merge.yaml",
    "gik-20260206-12z.kubernetes/tasks.yaml",
  ]);
  assertStringIncludes(
    reported,
    "warning: kubectl is not on the path, so nothing was submitted; the files are in gik-",
  );
  assertStringIncludes(reported, "\n  kubectl create --filename tasks.yaml\n");
});

const RANGE = ["--date", "20260205..20260209/2", "--run", "00,12"];
const LABELS = ["05", "07", "09"].flatMap((day) => [`202602${day}-00z`, `202602${day}-12z`]);

Deno.test("distribute --dry-run prints the job of each run of a range", async () => {
  const dryRun = ["--engine", "slurm", "--test", "--dry-run", ...RANGE];
  const { code, printed, files } = await runDistribute(...dryRun);
  assertEquals([code, files], [0, []]);
  const names = [...printed.matchAll(/^array=.* --job-name=gik-(\S+) /gm)].map(([, name]) => name);
  assertEquals(names, LABELS);
  const tasks = printed.split("\n").filter((line) => line.endsWith("--task auto/3"));
  assertEquals(tasks.map((line) => /--date=(\S+)/.exec(line)?.[1]), [
    ...["20260205", "20260205", "20260207", "20260207", "20260209", "20260209"],
  ]);
  const json = await runDistribute(...dryRun, "--json");
  const { jobs } = JSON.parse(json.printed.split("\n")[0]!);
  assertEquals([jobs.length, jobs[0].tasks], [6, 3]);
});

Deno.test("no job is made for a run of a range that has no such variable, or has not begun", async () => {
  const range = ["--date", "20240226,20240601,20990101", "--variables", "tp,ssr"];
  const names = (text: string) => [...text.matchAll(/gik-(\d{8})-00z/g)].map(([, date]) => date);
  const dryRun = await runDistribute("--engine", "slurm", "--dry-run", ...range);
  const elsewhere = ["--output-dir", "gs://icpac/out", "--script", "https://example.org/stream.ts"];
  const byHand = await runScript([DISTRIBUTE], ["--engine", "kubernetes", ...range, ...elsewhere], {
    GCS_BUCKET: "icpac",
  });
  for (const { code, reported } of [dryRun, byHand]) {
    assertEquals(code, 5, reported);
    assertStringIncludes(reported, "no job for 20240226 00 UTC: Cannot write ssr");
    assertStringIncludes(reported, "no job for 20990101 00 UTC: not published yet");
  }
  assertEquals([...new Set(names(dryRun.printed))], ["20240601"]);
  assertEquals([...new Set(names(byHand.files.join()))], ["20240601"]);
});

Deno.test("without kubectl the job of each run of a range is written to a folder of its own", async () => {
  const elsewhere = ["--output-dir", "gs://icpac/out", "--script", "https://example.org/stream.ts"];
  const variables = { GCS_BUCKET: "icpac" };
  const { code, files, reported } = await runScript(
    [DISTRIBUTE],
    ["--engine", "kubernetes", ...RANGE, ...elsewhere],
    variables,
  );
  assertEquals(code, 5, reported);
  assertEquals(
    files.toSorted(),
    LABELS.flatMap((label) =>
      ["merge.yaml", "tasks.yaml"].map((file) => `gik-${label}.kubernetes/${file}`)
    ),
  );
});

const REFUSALS: { args: string[]; code: number; says: string }[] = [
  { args: DATE, code: 2, says: "Cannot run without --engine" },
  { args: ["--engine", "slum", ...DATE], code: 2, says: "did you mean slurm?" },
  { args: ["--engine", "slurm"], code: 2, says: "Cannot choose the run to stream" },
  {
    args: ["--engine", "slurm", ...RANGE, "--parquet-dir", "x"],
    code: 2,
    says: "Cannot use --parquet-dir with several runs",
  },
  {
    args: ["--engine", "coiled", ...RANGE],
    code: 2,
    says: "from machines elsewhere: give a folder",
  },
  { args: ["--engine", "slurm", ...DATE, "--grid", "100"], code: 2, says: "no point of it" },
  { args: ["--engine", "slurm", ...DATE, "--grid", "1e-9"], code: 2, says: "points of it, more" },
  { args: ["--engine", "slurm", ...DATE, "--grid", "1,2"], code: 2, says: "give degrees" },
  { args: ["--engine", "slurm", "--date", "20260231"], code: 2, says: "Cannot use date" },
  { args: ["--engine", "slurm", "--task", "1/2"], code: 2, says: "Cannot use option --task" },
  { args: ["--engine", "slurm", ...DATE, "--n-workers", "0"], code: 2, says: "at least 1" },
  { args: ["--engine", "cloudrun", ...DATE, ...ELSEWHERE], code: 2, says: "--engine-region" },
  {
    args: ["--engine", "coiled", ...DATE],
    code: 2,
    says: "from machines elsewhere: give a folder",
  },
  {
    args: ["--engine", "coiled", ...DATE, ...ELSEWHERE.slice(0, 4)],
    code: 2,
    says: "give --script https://",
  },
  {
    args: [
      ...["--engine", "coiled", ...DATE, ...ELSEWHERE, "--script"],
      "https://raw.githubusercontent.com/icpac/gik-deno/main/stages/stream.ts",
    ],
    code: 2,
    says: 'Cannot run tasks from "main" of "https://raw.githubusercontent.com/icpac/',
  },
  {
    args: ["--engine", "slurm", ...DATE],
    code: 4,
    says: "Cannot run sbatch: it is not on the path",
  },
];

for (const { args, code, says } of REFUSALS) {
  Deno.test(`distribute ${args.join(" ")} exits ${code} and says why`, async () => {
    const result = await runDistribute(...args);
    assertEquals(result.code, code, result.reported);
    assertStringIncludes(result.reported, says);
  });
}
