import { assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { cp } from "node:fs/promises";
import { BEFORE_50R1, EMBEDDED_STEPS, openWorkplace } from "../fixtures/embedded_run.ts";
import { withFolder } from "../fixtures/folder.ts";
import { GIK } from "../lib/output/profile.ts";
import { execute } from "./commands_fixture.ts";
import { command } from "./permissions.ts";

const ROOT = new URL("../", import.meta.url);
const { run, members } = BEFORE_50R1;

/** Folder of the packages, which stay where they are when `HOME` moves. */
async function findCache(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

/** The block of README.md that has a line which begins so. */
async function readBlock(start: string): Promise<string> {
  const readme = await Deno.readTextFile(new URL("README.md", ROOT));
  return [...readme.matchAll(/^```\n([^]*?)^```$/gm)].map(([, body]) => body!)
    .find((body) => body.split("\n").some((line) => line.startsWith(start)))!;
}

/** Runs lines of a shell in a folder, with a home of their own. */
async function runShell(lines: string, folder: string, home: string) {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-e", "-c", lines],
    cwd: folder,
    env: {
      NO_COLOR: "1",
      HOME: home,
      DENO_DIR: await findCache(),
      // Nothing may be loaded: every package is there, in the version of deno.lock.
      npm_config_registry: "http://127.0.0.1:9/",
    },
  }).output();
  const decoder = new TextDecoder();
  return { code, printed: decoder.decode(stdout), reported: decoder.decode(stderr) };
}

Deno.test("the lines of README.md install a command that does its work in another folder", () =>
  withFolder(async (folder) => {
    await using place = await openWorkplace();
    // What README.md gets with `git clone`.
    const clone = `${folder}/gik-deno`;
    for (const name of ["deno.json", "deno.lock", "lib", "stages"]) {
      await cp(new URL(name, ROOT), `${clone}/${name}`, { recursive: true });
    }
    assertMatch(
      await readBlock("git clone "),
      /^git clone \S+ gik-deno\ncd gik-deno\ndeno install /,
    );
    const installed = await runShell(await readBlock("deno install --global "), clone, folder);
    assertEquals(installed.code, 0, installed.reported);
    const work = `${folder}/work`;
    await Deno.mkdir(work);
    const program = `${folder}/.deno/bin/gik-forecast`;
    const help = await runShell(`${program} --help`, work, folder);
    assertStringIncludes(help.printed, "--keep-references");
    const { host } = new URL(place.server.url);
    const args = [
      ...["--date", run.date, "--max-members", `${members}`, "--endpoint", place.server.url],
      ...["--steps", EMBEDDED_STEPS.join(","), "--output-dir", "."],
    ].join(" ");
    const refused = await runShell(`${program} ${args}`, work, folder);
    assertEquals(refused.code, 4, "it may reach no other server");
    // The test has a server of its own; nothing else of the command is changed.
    const text = await Deno.readTextFile(program);
    await Deno.writeTextFile(program, text.replace("--allow-net=", `--allow-net=${host},`));
    const made = await runShell(`${program} ${args}`, work, folder);
    assertEquals(made.code, 0, made.reported);
    assertEquals((await Deno.stat(`${work}/${GIK.fileName(run)}`)).isFile, true);
  }));

Deno.test("permissions --flags prints those of a task in one line, and names the nearest task", async () => {
  const { code, printed } = await execute(command, ["--flags", "plot"]);
  assertEquals(code, 0);
  assertMatch(
    printed,
    /^--allow-read=\.,\/\S+\/lib --deny-read=\.git,keys --allow-write=\. --deny-write=\S+\n$/,
  );
  const wrong = await execute(command, ["--flags", "plott"]);
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.reported, "; did you mean plot?");
});
