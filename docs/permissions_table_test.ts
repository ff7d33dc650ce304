/** The table of docs/permissions.md is what the permission sets of deno.json allow. */
import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { describeGrants } from "../lib/cli/task_permissions.ts";
import { findSection, readPages, readTableRows } from "./pages_fixture.ts";

const PAGE = (await readPages()).find(({ file }) => file === "docs/permissions.md")!;

/** What the words of the table stand for, as the page itself explains them. */
function explainWord(word: string): string[] {
  const sentence = new RegExp(`\\*\\*${word}\\*\\*([^]*?)\\.\\s`);
  const [, explanation = ""] = sentence.exec(PAGE.text) ?? [];
  return [...explanation.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
}

/** The names in a cell of the table, in words or as they are. */
function expandCell(cell: string): string[] {
  return cell.split(", ").flatMap((item) => {
    if (item === "nothing") return [];
    if (item === "this machine") return ["127.0.0.1"];
    return item.startsWith("`") ? [item.slice(1, -1)] : explainWord(item);
  });
}

Deno.test("the table of docs/permissions.md gives what the permission sets allow", () => {
  const rows = readTableRows(findSection(PAGE, "What each command needs"));
  const documented = rows.map(([, command, , reaches, sees]) => ({
    command: command!.slice(1, -1),
    reaches: expandCell(reaches!).toSorted(),
    sees: expandCell(sees!).toSorted(),
  }));
  const allowed = describeGrants().map(({ task, reaches, sees }) => ({
    command: `deno task ${task}`,
    reaches: reaches.toSorted(),
    sees: sees.toSorted(),
  }));
  const byCommand = ({ command: a = "" }, { command: b = "" }) => a < b ? -1 : 1;
  assertEquals(documented.toSorted(byCommand), allowed.toSorted(byCommand));
});
