/**
 * The permission sets of `deno.json`: what they grant, as flags of `deno run`, and to which tasks.
 *
 * @module
 */
import config from "../../deno.json" with { type: "json" };

/** A permission of a set: what it grants, or that with exceptions. */
export type Grant = readonly string[] | {
  allow?: readonly string[];
  deny?: readonly string[];
  /** Variables that read as unset; `true` for all that are not allowed. */
  ignore?: readonly string[] | boolean;
};

/** A permission set, by kind: `net`, `read`, `write`, `env`, `sys`, `run`. */
export type PermissionSet = Readonly<Record<string, Grant>>;

/** A permission set under which a task runs a command. */
export interface TaskPermissions {
  /** Name of the task, for example `stream:gcs`. */
  task: string;
  /** Name of the set, for example `stream-gcs`. */
  set: string;
  /** The command line of the task. */
  line: string;
  /** The set as flags of `deno run`. */
  flags: readonly string[];
}

/** What a task may use, each a list for people: `not keys` is an exception. */
export interface TaskGrants {
  task: string;
  reaches: string[];
  reads: string[];
  writes: string[];
  /** Variables of the environment, and facts on the machine. */
  sees: string[];
  runs: string[];
}

const SETS: Readonly<Record<string, PermissionSet>> = config.permissions;

/** The flags that grant what a set does: `--allow-net=…`, `--allow-read=.`, `--deny-read=keys`, … */
export function permissionFlags(set: PermissionSet): string[] {
  return Object.entries(set).flatMap(([kind, grant]) => {
    const { allow, deny, ignore = [] } = "length" in grant ? { allow: grant } as const : grant;
    return [
      ...formatFlag(`--allow-${kind}`, allow),
      ...formatFlag(`--deny-${kind}`, deny),
      ...ignore === true ? [`--ignore-${kind}`] : formatFlag(`--ignore-${kind}`, ignore || []),
    ];
  });
}

function formatFlag(flag: string, items: readonly string[] = []): string[] {
  return items.length > 0 ? [`${flag}=${items.join(",")}`] : [];
}

/** A set of `deno.json` that also allows what `added` lists by kind; a kind it lacks stays out. */
export function widenSet(
  name: string,
  added: Readonly<Record<string, readonly string[]>>,
): PermissionSet {
  const widened = Object.entries(SETS[name]!).map(([kind, grant]) => {
    const { allow = [], ...rest } = "length" in grant ? { allow: grant } : grant;
    return [kind, { allow: [...new Set([...allow, ...added[kind] ?? []])], ...rest }] as const;
  });
  return Object.fromEntries(widened);
}

/** The tasks that run a command under a set, in the order of `deno.json`. */
export function findPermissions(commandName: string): TaskPermissions[] {
  return listTasks().filter(({ line }) => `${line} `.includes(` stages/${commandName}.ts `))
    .map(({ task, line, name, set }) => ({ task, line, set: name, flags: permissionFlags(set) }));
}

/**
 * The permission set of a task as flags of `deno run`; `undefined` for a task without a set.
 *
 * @param code folder of the code, which workers read by themselves. In a clone the working folder has it.
 */
export function findTaskFlags(task: string, code: string): string[] | undefined {
  const found = listTasks().find((it) => it.task === task);
  return found && permissionFlags(widenSet(found.name, { read: [code] }));
}

/** What every task that runs under a set may use, in the order of `deno.json`. */
export function describeGrants(): TaskGrants[] {
  return listTasks().map(({ task, line, set: { net, read, write, env, sys, run } }) => {
    const added = [...line.matchAll(/--allow-read=(\S+)/g)].flatMap(([, paths]) =>
      paths!.split(",").filter((path) => path !== ".")
    );
    return {
      task,
      reaches: listGrant(net).map((host) => host.replace(/:443$/, "")),
      reads: [...listGrant(read), ...added],
      writes: listGrant(write),
      sees: [...listGrant(env), ...listGrant(sys)],
      runs: listGrant(run),
    };
  });
}

/** The tasks of `deno.json` that run under a set: the command line, the name of the set, the set. */
function listTasks(): { task: string; line: string; name: string; set: PermissionSet }[] {
  return Object.entries(config.tasks).flatMap(([task, { command: line }]) => {
    const name = / -P=(\S+)/.exec(line)?.[1] ?? "";
    const set = SETS[name];
    return set ? [{ task, line, name, set }] : [];
  });
}

function listGrant(grant: Grant = []): string[] {
  const { allow = [], deny = [] } = "length" in grant ? { allow: grant } : grant;
  const name = (item: string) => item === "." ? "the working folder" : item;
  return [...allow.map(name), ...deny.map((item) => `not ${name(item)}`)];
}
