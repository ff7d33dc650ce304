/**
 * The commands of this folder, for tests on all of them.
 *
 * @module
 */
import type { Command } from "../lib/cli/command.ts";
import { runCommand } from "../lib/cli/run_command.ts";
import type { TaskPermissions } from "../lib/cli/task_permissions.ts";

const FOLDER = new URL("./", import.meta.url);

/** A module that runs as a command, and the command that it exports. */
export interface CommandModule {
  /** Name in this folder. */
  file: string;
  command: Command<unknown>;
}

/**
 * Every module of this folder that runs as a command, by name.
 *
 * @throws {Error} for one that does not export its command.
 */
export async function findCommandModules(): Promise<CommandModule[]> {
  const files = [...Deno.readDirSync(FOLDER)].map(({ name }) => name)
    .filter((name) => name.endsWith(".ts") && !name.endsWith("_test.ts"))
    .filter((name) => /^if \(import\.meta\.main\)/m.test(readModule(name)));
  return await Promise.all(
    files.sort().map(async (file) => {
      const { command } = await import(new URL(file, FOLDER).href);
      if (!command) throw new Error(`Cannot test stages/${file}: it does not export its command`);
      return { file, command };
    }),
  );
}

/** Runs a command line in this process: what it reports and prints, and its exit code. */
export async function execute<Options>(
  command: Command<Options>,
  args: readonly string[],
  permissions?: readonly TaskPermissions[],
) {
  let [reported, printed] = ["", ""];
  const code = await runCommand(command, args, {
    sink: { write: (text) => void (reported += text), columns: () => undefined },
    print: (text) => void (printed += text),
    ...(permissions && { permissions }),
  });
  return { code, reported, printed };
}

function readModule(name: string): string {
  return Deno.readTextFileSync(new URL(name, FOLDER));
}
