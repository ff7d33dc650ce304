import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import config from "../deno.json" with { type: "json" };
import { type Command, COMMON_OPTIONS, parseCommandLine } from "../lib/cli/command.ts";
import { execute, findCommandModules } from "./commands_fixture.ts";
import { findPermissions } from "../lib/cli/task_permissions.ts";

const COMMANDS = await findCommandModules();

/** The output and the exit code of a command line, with the permissions of its tasks. */
const executeAsTask = (command: Command<unknown>, args: string[]) =>
  execute(command, args, findPermissions(command.name));

Deno.test("every task that runs a stage runs one of these commands", () => {
  const tasks = Object.values(config.tasks).map(({ command }) =>
    / stages\/(\S+)/.exec(command)?.[1]
  );
  const files = COMMANDS.map(({ file }) => file);
  assertEquals(tasks.filter((file) => file !== undefined && !files.includes(file)), []);
});

/** The arguments of an example for its stage, with those of the task. */
function findArguments(example: string, file: string): string[] {
  const [, task, rest = ""] = /^(?:\w+=\S+ )*deno task ([\w:]+)(.*)$/.exec(example) ?? [];
  const tasks: Record<string, { command: string }> = config.tasks;
  const line = task === undefined ? example : `${tasks[task]?.command}${rest}`;
  const [program, args] = line.split(` stages/${file}`);
  assertMatch(program!, /^deno run( -\S+)*$/, example);
  return (args ?? "").split(" ").filter((arg) => arg !== "");
}

/** Sets a variable of the environment for a while. */
function stubVariable(name: string): Disposable {
  const before = Deno.env.get(name);
  Deno.env.set(name, "x");
  return {
    [Symbol.dispose]() {
      if (before === undefined) Deno.env.delete(name);
      else Deno.env.set(name, before);
    },
  };
}

for (const { file, command } of COMMANDS) {
  Deno.test(`stages/${file} --help has purpose, options, examples, exit codes and permissions`, async () => {
    const { code, reported, printed } = await executeAsTask(command, ["--help"]);
    assertEquals([code, reported], [0, ""]);
    assertEquals(file, `${command.name}.ts`);
    const parts = printed.split(/^(Options|Examples|Exit codes|Permissions):/m);
    assertEquals(parts.filter((_, i) => i % 2 === 1), [
      "Options",
      "Examples",
      "Exit codes",
      "Permissions",
    ]);
    assertEquals(parts[0], `${command.purpose}\n\n`);
    for (const { name, value = "" } of [...command.options, ...COMMON_OPTIONS]) {
      assertStringIncludes(parts[2]!, `\n  ${`--${name} ${value}`.trim()} `);
    }
    assert(parts[4]!.trim().split("\n").length >= 3, "three examples");
    for (const line of printed.split("\n")) assert(line.length <= 100, line);
  });

  Deno.test(`the examples of stages/${file} --help are command lines that it takes`, () => {
    using _id = stubVariable("AWS_ACCESS_KEY_ID");
    using _secret = stubVariable("AWS_SECRET_ACCESS_KEY");
    for (const example of command.examples) {
      command.parse(parseCommandLine(command, findArguments(example, file)));
    }
  });

  Deno.test(`stages/${file} refuses a misspelt option and names the nearest`, async () => {
    for (const { name } of [...command.options, ...COMMON_OPTIONS]) {
      const misspelt = `${name.slice(0, -1)}_`;
      const { code, reported } = await executeAsTask(command, [`--${misspelt}=1`]);
      const known =
        `${command.name}: Cannot use option --${misspelt}=1: it is not known; did you mean`;
      assertEquals([code, reported.startsWith(known)], [2, true], reported);
    }
  });
}

const stageOf = (name: string) => COMMANDS.find(({ command }) => command.name === name)!.command;

const MISSPELT = [
  { stage: "stage3", args: ["--format", "parket"], hint: "did you mean parquet?" },
  { stage: "pipeline", args: ["--format", "kerchunk-jsn"], hint: "did you mean kerchunk-json?" },
  { stage: "stage1", args: ["--source", "asw"], hint: "did you mean aws?" },
  { stage: "stream", args: ["--variables", "tpp"], hint: "did you mean tp?" },
  { stage: "stage2", args: ["--run", "13"], hint: "did you mean 12?" },
  { stage: "pipeline", args: ["--date", "lastest"], hint: "did you mean latest?" },
];

for (const { stage, args, hint } of MISSPELT) {
  Deno.test(`${stage} ${args.join(" ")} is refused: ${hint}`, async () => {
    const { code, reported } = await executeAsTask(stageOf(stage), args);
    assertEquals(code, 2);
    assertStringIncludes(reported, hint);
  });
}
