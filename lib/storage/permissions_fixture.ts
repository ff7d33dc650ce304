import { assertEquals } from "jsr:@std/assert@^1.0.0";

/** The folder of the project. */
export const ROOT = new URL("../../", import.meta.url);

/**
 * Runs `uses` in a Deno process of its own, where `storage` is open; gives the result of each. Loading
 * the modules themselves needs no permission.
 */
export async function runWith(
  flags: string[],
  options: Record<string, unknown>,
  uses: string[],
  env: Record<string, string> = {},
): Promise<string[]> {
  const script = `
    import { openStorage } from "${new URL("./mod.ts", import.meta.url)}";
    const storage = openStorage(${JSON.stringify({ maxAttempts: 1, ...options })});
    for (const use of [${uses.map((use) => `() => ${use}`)}]) {
      const result = await (async () => await use())().then(
        (it) => it?.length ?? it?.size ?? it,
        ({ name, kind, message }) => [name, kind, message].join(" "),
      );
      console.log(JSON.stringify(result));
    }`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--no-prompt", ...flags, "-"],
    cwd: ROOT,
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await new Blob([script]).stream().pipeTo(child.stdin);
  const { stdout, stderr } = await child.output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
}
