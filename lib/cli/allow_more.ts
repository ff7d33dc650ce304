/**
 * A refusal by Deno under a task, and the command line → the whole command that is allowed what this
 * one needs: a task takes no flags, and one refusal names only the first of several.
 *
 * @module
 */
import { isAbsolute, relative } from "node:path";
import { type Command, type OptionSpec, parseCommandLine } from "./command.ts";
import type { TaskPermissions } from "./task_permissions.ts";

/** A command that was refused something. */
export interface RefusedCommand {
  command: Pick<Command<unknown>, "options">;
  args: readonly string[];
  /** The message of the refusal. */
  message: string;
  /** The permission sets that may be in use. */
  permissions: readonly TaskPermissions[];
  /** Whether the command may reach a host, as `host:port`. */
  isGranted(host: string): boolean;
  /** The folder that it runs in. */
  folder: string;
  /** Servers that it uses besides those of its options. */
  servers: readonly string[];
}

/** Options whose files and folders are written. */
const WRITTEN =
  /^(?:output|output-dir|work|summary|save-template|template-cache|catalog-dir|keep-references|publish)$/;
const REFUSAL = /(?:Deno refuses|Requires) (net|read|write) access to "([^"]+)"/;
const ADVICE = /, (?:add --\S+|run again with the --\S+ flag)$/;

/** What is added to a permission set, by kind. */
interface Added {
  net: Set<string>;
  read: Set<string>;
  write: Set<string>;
}

/**
 * The message with the command that works.
 *
 * @returns `undefined` for other messages, for what is closed on purpose, as `keys/` is, and where the
 *   command runs under no set.
 */
export function explainRefusal(refused: RefusedCommand): string | undefined {
  const { message, permissions, isGranted, folder, args } = refused;
  const [, kind, name] = REFUSAL.exec(message) ?? [];
  if (kind === undefined || name === undefined) return undefined;
  if (kind !== "net" && !isOutside(name, folder)) return undefined;
  const inUse =
    permissions.filter(({ flags }) =>
      listFlag(flags, "net").every((host) => isGranted(host.replace(/^\*/, "any")))
    ).toSorted((a, b) => listFlag(b.flags, "net").length - listFlag(a.flags, "net").length)[0];
  if (!inUse) return undefined;
  const added = findNeeds(refused);
  if (kind === "net") added.net.add(name);
  else if ([...added[kind as "read" | "write"]].every((path) => isOutside(name, path))) {
    added.read.add(name);
    if (kind === "write") added.write.add(name);
  }
  const line = [widenLine(inUse, added), ...args.map(quote)].join(" ");
  return `${message.replace(ADVICE, "")}; this command allows it:\n  ${line}`;
}

/** What the options name outside the folder of the command. */
function findNeeds({ command, args, folder, servers }: RefusedCommand): Added {
  const added: Added = { net: new Set(), read: new Set(), write: new Set() };
  const values = parseCommandLine(command as Command<unknown>, args);
  const addServer = (text: string) => {
    if (!/^https?:/.test(text) || !URL.canParse(text)) return;
    const { protocol, hostname, port } = new URL(text);
    added.net.add(`${hostname}:${port || (protocol === "http:" ? 80 : 443)}`);
  };
  for (const option of command.options) {
    for (const text of values.text(option.name)?.split(",") ?? []) {
      addServer(text);
      if (!takesPath(option) || /^[\w.+-]{2,}:/.test(text) || !isOutside(text, folder)) continue;
      // A file is written beside its name first.
      const path = isFile(option) ? text.replace(/(?<=.)[/\\][^/\\]*$/, "") : text;
      added.read.add(path);
      if (WRITTEN.test(option.name)) added.write.add(path);
    }
  }
  servers.forEach(addServer);
  return added;
}

function takesPath({ name, value = "" }: OptionSpec): boolean {
  return /dir|file|path/.test(value) || /^(?:source|catalog|template|publish)$/.test(name);
}

function isFile({ name, value = "" }: OptionSpec): boolean {
  return /file/.test(value) && WRITTEN.test(name);
}

function isOutside(path: string, folder: string): boolean {
  const way = isAbsolute(path) ? relative(folder, path) : path;
  return /^\.\.(?:[/\\]|$)/.test(way) || isAbsolute(way);
}

/** The items of a flag such as `--allow-net=…`. */
function listFlag(flags: readonly string[], kind: string): string[] {
  const start = `--allow-${kind}=`;
  return flags.find((flag) => flag.startsWith(start))?.slice(start.length).split(",") ?? [];
}

/** The line of a task with what is added: a flag takes the place of the list of its set. */
function widenLine({ line, flags }: TaskPermissions, added: Added): string {
  const parts = line.split(" ");
  for (const [kind, items] of Object.entries(added)) {
    if (items.size === 0) continue;
    const own = listFlag(parts, kind);
    const all = [...own.length > 0 ? own : listFlag(flags, kind), ...items];
    const rest = parts.filter((part) => !part.startsWith(`--allow-${kind}=`));
    const flag = `--allow-${kind}=${[...new Set(all)].join(",")}`;
    parts.splice(0, parts.length, ...rest.slice(0, -1), quote(flag), rest.at(-1)!);
  }
  return parts.join(" ");
}

/** For a POSIX shell; variables of the lines of tasks stay variables. */
function quote(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  return text.includes("$HOME")
    ? `"${text.replaceAll(/["`\\]/g, "\\$&")}"`
    : `'${text.replaceAll("'", `'\\''`)}'`;
}
