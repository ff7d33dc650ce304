/**
 * The pages of this project's documentation, for tests on them.
 *
 * @module
 */

export const ROOT = new URL("../", import.meta.url);

/** A Markdown file of the documentation. */
export interface Page {
  /** Path from the project's root. */
  file: string;
  text: string;
}

async function readPage(file: string): Promise<Page> {
  return { file, text: await Deno.readTextFile(new URL(file, ROOT)) };
}

/** `README.md`, the pages of `docs/` in the order of their first links there, and `CONTRIBUTING.md`. */
export async function readPages(): Promise<Page[]> {
  const readme = await readPage("README.md");
  const links = readme.text.matchAll(/\]\((docs\/\w[\w-]*\.md)[#)]/g);
  const files = new Set([...links].map(([, file]) => file!));
  return [readme, ...await Promise.all([...files, "CONTRIBUTING.md"].map(readPage))];
}

/** The part of a page under a heading, up to the next heading. */
export function findSection({ file, text }: Page, heading: string): string {
  const section = text.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`Cannot find "${heading}" in ${file}`);
  return section;
}

/** Cells of the rows of the tables in Markdown, without heads and rules. */
export function readTableRows(markdown: string): string[][] {
  return [...markdown.matchAll(/^\|.*\n\| -.*\n((?:\|.*\n?)+)/gm)]
    .flatMap(([, rows]) => rows!.trim().split("\n"))
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()));
}
