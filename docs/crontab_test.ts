/** The lines of a crontab in the pages: what they print is sent by mail, so a good day prints nothing. */
import { assert, assertEquals, assertMatch } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, EMBEDDED_STEPS, openWorkplace } from "../fixtures/embedded_run.ts";
import { readPages, ROOT } from "./pages_fixture.ts";

/** The commands of all crontabs in the pages, each from `deno` on. */
async function findCommands(): Promise<string[]> {
  const blocks = (await readPages()).flatMap(({ text }) => [
    ...text.matchAll(/^```crontab\n([^]*?)^```$/gm),
  ]);
  return blocks.flatMap(([, body = ""]) => body.split("\n")).filter((line) => /^[\d*]/.test(line))
    .map((line) => line.slice(line.search(/deno (?:run|task) /)));
}

/** Runs a command line in the project, with a local server and the embedded run. */
async function run(line: string, folder: string, url: string) {
  const host = new URL(url).host;
  const { run: { date }, members } = BEFORE_50R1;
  const local = line.replace("published", `${folder}/published`)
    .replace(/ -P=\S+/, `$& --allow-net=${host} --allow-read=. --allow-write=${folder}`);
  const own = ["--date", date, "--max-members", `${members}`, "--steps", EMBEDDED_STEPS.join(",")];
  const args = local.split(" ").slice(1);
  const command = new Deno.Command(Deno.execPath(), {
    args: [...args, ...own, "--endpoint", url, "--output-dir", `${folder}/out`],
    cwd: ROOT,
  });
  const { code, stdout, stderr } = await command.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, printed: decode(stdout) + decode(stderr) };
}

Deno.test("a line of a crontab prints nothing on a good day, nor does it on the next run of that day", async () => {
  const commands = await findCommands();
  assert(commands.length > 0);
  for (const line of commands) {
    assertMatch(line, /^deno run --quiet --no-prompt -P=\S+ stages\/\w+\.ts .*--quiet$/);
    await using place = await openWorkplace();
    const folder = await Deno.makeTempDir({
      dir: decodeURIComponent(ROOT.pathname),
      prefix: "cgan_output_",
    });
    try {
      for (let time = 1; time <= 2; time++) {
        const { code, printed } = await run(line, folder, place.server.url);
        assertEquals([code, printed], [0, ""], `${line}, time ${time}`);
      }
      assert((await Deno.stat(`${folder}/published`)).isDirectory);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
});

Deno.test("a failure of that line is what it prints, in one line", async () => {
  const [line] = await findCommands();
  await using place = await openWorkplace(new Map());
  const folder = await Deno.makeTempDir({
    dir: decodeURIComponent(ROOT.pathname),
    prefix: "cgan_output_",
  });
  try {
    const { code, printed } = await run(line!.replace(/--wait \S+ /, ""), folder, place.server.url);
    assertEquals(code, 3, printed);
    assertMatch(printed, /^forecast: Cannot find anything of 20260206 00 UTC: [^\n]{1,80}\n {2}\S/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
