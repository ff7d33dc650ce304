/**
 * Permission sets of `deno.json` as flags of `deno run`.
 *
 * @module
 */

/** A permission of a set: what is granted, or that with exceptions. */
export type Grant = readonly string[] | {
  allow?: readonly string[];
  deny?: readonly string[];
  /** Variables that read as not set; `true` for all others. */
  ignore?: readonly string[] | boolean;
};

/** A permission set; kinds such as `net`, `read`, `write`, `env`, `run`. */
export type PermissionSet = Readonly<Record<string, Grant>>;

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
