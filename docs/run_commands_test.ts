/**
 * Runs the commands of README.md and of docs/, as they stand there and in reading order, in a copy of the
 * project. Its servers are local ones; nothing else of a command is changed.
 */
import { cp, mkdir } from "node:fs/promises";
import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { applyPatch, parsePatch } from "npm:diff@9.0.0";
import config from "../deno.json" with { type: "json" };
import { BEFORE_50R1, EMBEDDED_FOLDER } from "../fixtures/embedded_run.ts";
import { readBase, writeMessages } from "../fixtures/full_run.ts";
import { ALL_PERMISSIONS, startGcsServer } from "../fixtures/gcs_server.ts";
import { flagsForCode } from "../fixtures/remote_code.ts";
import { startS3Server } from "../fixtures/s3_server.ts";
import { findObstacle, startSlurmCluster } from "../fixtures/slurm_cluster.ts";
import { BUCKET, stepFiles } from "../lib/ecmwf/files.ts";
import { formatDate, parseRun, type Run, runSteps } from "../lib/ecmwf/run.ts";
import { findVariables, GIK_VARIABLES } from "../lib/ecmwf/variables.ts";
import { GIK } from "../lib/output/profile.ts";
import { findSection, readPages, readTableRows, ROOT } from "./pages_fixture.ts";

/** Programs whose names begin a line that is a command, in a block that names no language. */
const PROGRAMS =
  /^(?:deno|npx|npm|git|gcloud|gsutil|docker|kubectl|coiled|sbatch|squeue|curl|python3?) /;

/** What a reader does: runs a command, or changes files as a diff says. */
interface Action {
  kind: "command" | "diff";
  text: string;
}

/**
 * The commands in the shell blocks of a text, lines joined that go on, comments removed, and its diffs,
 * in their order.
 */
function findActions(text: string): Action[] {
  const blocks = text.matchAll(/^ *```(\w*)\n([^]*?)^ *```$/gm);
  return [...blocks].flatMap(([, language = "", body = ""]): Action[] => {
    if (language === "diff") return [{ kind: "diff", text: body }];
    const isShell = ["sh", "bash", "console"].includes(language);
    return body.replaceAll(/\\\n\s*/g, "").split("\n")
      .map((line) => line.trim().replace(/(^|\s+)#.*$/, ""))
      .filter((line) => isShell ? line !== "" : language === "" && PROGRAMS.test(line))
      .map((line) => ({ kind: "command", text: line }));
  });
}

/** A place of the project that executes a command, and the text there that does. */
interface Executor {
  file: string;
  texts: string[];
}

/** Commands that are not run here but elsewhere. */
const ELSEWHERE: readonly { command: RegExp; executor(match: RegExpExecArray): Executor }[] = [
  {
    // It runs the whole block, with a copy in the place of the clone.
    command: /^(?:git clone|deno install --global) /,
    executor: ([start]) => ({ file: "stages/install_test.ts", texts: [start!.trim()] }),
  },
  {
    command: /^(npx --yes deno@[\d.]+) (task \w+)$/,
    executor: ([, program, task]) => ({
      file: ".ci/run",
      texts: [`deno=(${program})`, `\n"\${deno[@]}" ${task}\n`],
    }),
  },
  {
    command: /^deno task ok$/,
    executor: () => ({
      file: ".ci/run",
      texts: config.tasks.ok.command.split(" && ").map((it) => it.replace("deno", '"${deno[@]}"')),
    }),
  },
  {
    command: /^deno test -A lib\/viewer\/.+$/,
    executor: () => ({ file: ".ci/run", texts: [`"\${deno[@]}" task test\n`] }),
  },
  {
    command: /^deno (?:task bench|run -A bench\/\w+\.ts|bench -A bench)$/,
    executor: ([command]) => ({
      file: "deno.json",
      texts: [command === "deno task bench" ? '"bench": {' : command],
    }),
  },
  {
    command:
      /^deno (task (?:test|check|pictures|docs|fuzz --minutes \d+)|(?:run|test) -A fixtures\/.+)$/,
    executor: ([, work]) => ({ file: ".ci/run", texts: [`"\${deno[@]}" ${work}\n`] }),
  },
];

function findExecutor(command: string): Executor | undefined {
  for (const { command: pattern, executor } of ELSEWHERE) {
    const match = pattern.exec(command);
    if (match) return executor(match);
  }
  return undefined;
}

const PAGES = await readPages();
const ACTIONS = PAGES.map(({ file, text }) => ({ file, actions: findActions(text) }));
const COMMANDS = ACTIONS.flatMap(({ actions }) => actions)
  .filter(({ kind }) => kind === "command").map(({ text }) => text);

/** The commands in the table for those who contribute. */
const CONTRIBUTORS = readTableRows(findSection(PAGES.at(-1)!, "Commands"))
  .map(([command]) => command!.replaceAll("`", ""));

Deno.test("findActions() finds commands in shell blocks, those of known programs in others, and diffs", () => {
  const fence = "```";
  const text = `Text.\n${fence}\ndeno task a --b   # c\nstep_036/tp\n${fence}\n\n` +
    `${fence}sh\nmake it \\\n  so\n# a comment\n${fence}\n${fence}python\nimport deno\n${fence}\n` +
    `${fence}diff\n-a\n+b\n${fence}\n`;
  assertEquals(findActions(text), [
    { kind: "command", text: "deno task a --b" },
    { kind: "command", text: "make it so" },
    { kind: "diff", text: "-a\n+b\n" },
  ]);
  assert(COMMANDS.length >= MIN_COMMANDS, COMMANDS.join("\n"));
});

Deno.test("a command of the pages that is executed elsewhere, is executed there", async () => {
  assert(CONTRIBUTORS.length >= 17, CONTRIBUTORS.join("\n"));
  for (const command of [...COMMANDS, ...CONTRIBUTORS]) {
    const executor = findExecutor(command);
    assert(executor || COMMANDS.includes(command), `${command}: nothing executes this`);
    if (!executor) continue;
    const text = await Deno.readTextFile(new URL(executor.file, ROOT));
    for (const part of executor.texts) assertStringIncludes(text, part, command);
  }
});

const STORE_BUCKET = "gik-ecmwf-aws-tf";
const ACCOUNT = "pipeline@gik.iam.gserviceaccount.com";
/** What the pages had when their commands were first counted: none may be lost. */
const MIN_COMMANDS = 28;

const REPOSITORY = "https://raw.githubusercontent.com/<owner>/<repository>/v0.1.0/";
const MIRROR = "mirror.example:9000";
const OTHER_S3 = "s3.example.org";
const GOOGLE_MIRROR = "ecmwf-open-data";

/** The runs that the pages name, and one of yesterday, which is the latest. */
const RUNS = ["20260206", "20260207", formatDate(new Date(Date.now() - 86_400_000))]
  .map((date) => parseRun(date, "00"));

/** Commands of other days that the reader has run before. */
const BEFORE = [
  "deno task pipeline --date 20260206",
  "deno task pipeline:gcs --date 20260207 --upload-gcs",
];

/** The variable that docs/architecture.md shows how to add. */
const ADDED = { param: "10u", levtype: "sfc" } as const;

/** A run whose messages are there at the steps that streaming reads, and else stand for others. */
async function writeRun(bucket: string, run: Run): Promise<void> {
  const variables = [...findVariables(GIK_VARIABLES), ADDED];
  const base = await readBase(EMBEDDED_FOLDER, BEFORE_50R1.run, 36, variables);
  const real = [0, ...GIK.steps];
  await writeMessages(bucket, run, real, base);
  const path = (url: string) => bucket + new URL(url).pathname;
  for (const step of runSteps(run).filter((step) => !real.includes(step))) {
    for (const [i, { url, indexUrl }] of stepFiles(run, step).entries()) {
      const model = stepFiles(run, 36)[i]!;
      await Deno.link(path(model.url), path(url));
      const index = await Deno.readTextFile(path(model.indexUrl));
      await Deno.writeTextFile(
        path(indexUrl),
        index.replaceAll('"step": "36"', `"step": "${step}"`),
      );
    }
  }
}

const SLURM_OBSTACLE = await findObstacle();

/** Why a command cannot be run on this machine. */
function findMissing(command: string): string | undefined {
  const needsSlurm = command.includes("slurm") && !command.includes("--dry-run");
  return needsSlurm ? SLURM_OBSTACLE : undefined;
}

/** A copy of the project in which commands run, with local servers in `.env` and a Slurm cluster. */
async function openCopy() {
  const folder = await Deno.makeTempDir();
  const bucket = `${folder}/bucket`;
  for (const run of RUNS) await writeRun(bucket, run);
  const project = `${folder}/gik-deno`;
  const elsewhere = `${folder}/elsewhere`;
  await mkdir(`${project}/keys`, { recursive: true });
  await mkdir(elsewhere);
  for (const name of ["deno.json", "deno.lock", "lib", "stages"]) {
    await cp(new URL(name, ROOT), `${project}/${name}`, { recursive: true });
  }
  const key = { AWS_ACCESS_KEY_ID: "AKX", AWS_SECRET_ACCESS_KEY: "secret" };
  const s3 = startS3Server({
    buckets: { [BUCKET]: bucket, bucket: new Map() },
    accounts: { [key.AWS_ACCESS_KEY_ID]: key.AWS_SECRET_ACCESS_KEY },
    root: project,
  });
  const gcs = await startGcsServer({
    buckets: { [STORE_BUCKET]: new Map(), [GOOGLE_MIRROR]: bucket },
    publicBuckets: [GOOGLE_MIRROR],
    accounts: { [ACCOUNT]: { [STORE_BUCKET]: ALL_PERMISSIONS } },
  });
  await Deno.writeTextFile(`${project}/keys/key.json`, await gcs.formatKeyFile(ACCOUNT));
  const variables = {
    AWS_ENDPOINT_URL_S3: s3.url,
    STORAGE_EMULATOR_HOST: gcs.url,
    GCS_BUCKET: STORE_BUCKET,
    GCS_SERVICE_ACCOUNT_FILE: "keys/key.json",
    ...key,
  };
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  await Deno.writeTextFile(`${project}/.env`, lines.join(""));
  const cluster = SLURM_OBSTACLE === undefined ? await startSlurmCluster() : undefined;
  return {
    project,
    /** An empty folder, for commands from a URL. */
    elsewhere,
    s3,
    gcs,
    environment: { NO_COLOR: "1", ...cluster?.environment },
    async [Symbol.asyncDispose]() {
      await cluster?.[Symbol.asyncDispose]();
      await s3[Symbol.asyncDispose]();
      await gcs[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

type Copy = Awaited<ReturnType<typeof openCopy>>;

/** The words of `deno`'s command line, with local servers in the place of the real ones. */
function planCommand(command: string, { s3, gcs }: Copy): { args: string[]; isRemote: boolean } {
  const [, task, rest = ""] = /^deno task ([\w:]+)(.*)$/.exec(command) ?? [];
  const tasks: Record<string, { command: string }> = config.tasks;
  const line = task === undefined ? command : `${tasks[task]!.command}${rest}`;
  const hosts = [s3, gcs].map(({ url }) => new URL(url).host);
  const isRemote = /^deno run( -\S+)* https:/.test(line);
  const local = line
    .replaceAll(REPOSITORY, `${s3.url}/`)
    .replaceAll(MIRROR, hosts[0]!)
    .replaceAll(`https://${OTHER_S3}`, s3.url)
    .replaceAll(`${OTHER_S3}:443`, hosts[0]!)
    .replace(/(?<=--source \S*)\bgcs\b/, `${gcs.url}/${GOOGLE_MIRROR}`)
    .replaceAll("$HOME", Deno.env.get("HOME") ?? "/")
    // A flag beside a set takes the place of its list.
    .replace(/ -P=\S+(?!.* --allow-net)/, `$& --allow-net=${hosts.join(",")}`)
    .replace(/(?<=^deno run --allow-net=)\S+/, (host) => [host, ...hosts].join(","))
    // On the open internet raw URLs need no permission.
    .replace(
      " run ",
      isRemote ? ` run ${flagsForCode(s3.url).join(" ")} --allow-import=${hosts[0]} ` : " run ",
    );
  const [program, ...args] = local.split(/\s+/);
  assertEquals(program, "deno", `${command}: no test executes this`);
  return { args, isRemote };
}

/** Changes files of the copy as a diff says. */
async function applyDiff(diff: string, { project }: Copy): Promise<void> {
  for (const patch of parsePatch(diff)) {
    const path = `${project}/${patch.newFileName!.replace(/^b\//, "")}`;
    const text = applyPatch(await Deno.readTextFile(path), patch);
    assert(text !== false, `${path} is not as the diff has it:\n${diff}`);
    await Deno.writeTextFile(path, text);
  }
}

/** Array jobs, and their day: for an output that a command before has made they would submit nothing. */
const JOB = /\bdistribute\b.* --date (\d+)(?!.* --dry-run)/;

async function execute(command: string, copy: Copy): Promise<void> {
  const [, date] = JOB.exec(command) ?? [];
  const made = `${copy.project}/cgan_output/IFS_${date}_00Z_cgan.nc`;
  if (date !== undefined) await Deno.remove(made).catch(() => {});
  const { args, isRemote } = planCommand(command, copy);
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: isRemote ? copy.elsewhere : copy.project,
    env: { ...copy.environment, ...(isRemote && { AWS_ENDPOINT_URL_S3: copy.s3.url }) },
  }).output();
  assertEquals(code, 0, `${command}\n${new TextDecoder().decode(stderr)}`);
}

Deno.test("the commands of the pages do what they say, with local servers in the place of the real ones", async (t) => {
  await using copy = await openCopy();
  for (const command of BEFORE) await execute(command, copy);
  for (const { file, actions } of ACTIONS) {
    await t.step(file, async (t) => {
      for (const { kind, text } of actions) {
        if (kind === "diff") await applyDiff(text, copy);
        else if (!findExecutor(text)) {
          const missing = findMissing(text);
          const name = missing === undefined ? text : `${text} (ignored: ${missing})`;
          await t.step({ name, ignore: missing !== undefined, fn: () => execute(text, copy) });
        }
      }
    });
  }
});
