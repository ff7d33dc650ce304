/**
 * Words for messages: the nearest known name, the first of many lines, the text of a value.
 *
 * @module
 */

/** The name most like the given one, if few letters differ; else `undefined`. */
export function findNearest(given: string, names: readonly string[]): string | undefined {
  const [nearest] = names
    .map((name) => ({ name, distance: editDistance(given, name) }))
    .sort((a, b) => a.distance - b.distance);
  return nearest && nearest.distance <= Math.max(2, given.length / 3) ? nearest.name : undefined;
}

/** The end of a message on an unknown name: `; did you mean tp?`, or nothing. */
export function suggestNearest(given: string, names: readonly string[]): string {
  const nearest = findNearest(given, names);
  return nearest === undefined ? "" : `; did you mean ${nearest}?`;
}

/** Levenshtein distance: insertions, deletions and replacements from `a` to `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The first of many lines, and how many more there are: `a; b; c; and 2 more`. */
export function summarizeLines(lines: readonly string[], shown = 3): string {
  const rest = lines.length - shown;
  return lines.slice(0, shown).join("; ") + (rest > 0 ? `; and ${rest} more` : "");
}

/** The message of an error; any other thrown value as text. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** A value as JSON, shortened: what is damaged can hold anything. */
export function quoteValue(value: unknown): string {
  const json = JSON.stringify(value) ?? "undefined";
  return json.length > 40 ? `${json.slice(0, 40)}…` : json;
}
