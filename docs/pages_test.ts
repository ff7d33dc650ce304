import { assertEquals } from "jsr:@std/assert@^1.0.0";
import config from "../deno.json" with { type: "json" };
import { findPermissions } from "../lib/cli/task_permissions.ts";
import { type Page, readPages, ROOT } from "./pages_fixture.ts";

const PAGES = await readPages();

/** The anchors that GitHub gives the headings of a page. */
function findAnchors({ text }: Page): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  );
}

/** A page without its code blocks. */
function removeBlocks(text: string): string {
  return text.replaceAll(/^ *```[^]*?^ *```$/gm, "");
}

Deno.test("README.md links to every page of docs/, in the order in which the tests read them", () => {
  const files = [...Deno.readDirSync(new URL("docs/", ROOT))].map(({ name }) => name);
  assertEquals(
    PAGES.map(({ file }) => file).filter((file) => file.startsWith("docs/")).toSorted(),
    files.filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`).toSorted(),
  );
});

Deno.test("every link from a page to a file or a heading of the project leads somewhere", async () => {
  const anchors = new Map(PAGES.map((page) => [page.file, findAnchors(page)]));
  const broken: string[] = [];
  for (const { file, text } of PAGES) {
    const links = removeBlocks(text).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g);
    for (const [link, path, anchor] of links) {
      const url = path ? new URL(path, new URL(file, ROOT)) : new URL(file, ROOT);
      const target = url.href.slice(ROOT.href.length);
      const exists = await Deno.stat(url).then(() => true, () => false);
      const hasAnchor = anchor === undefined || anchors.get(target)?.includes(anchor);
      if (!exists || !hasAnchor) broken.push(`${file}: ${link}`);
    }
  }
  assertEquals(broken, []);
});

Deno.test("every file and folder of the project that a page names is there", async () => {
  const missing: string[] = [];
  for (const { file, text } of PAGES) {
    const paths = removeBlocks(text).matchAll(/`((?:lib|stages|fixtures|bench|docs)\/[\w./-]*)`/g);
    for (const [, path] of paths) {
      const exists = await Deno.stat(new URL(path!, ROOT)).then(() => true, () => false);
      if (!exists) missing.push(`${file}: ${path}`);
    }
  }
  assertEquals(missing, []);
});

Deno.test("the tree of docs/architecture.md has every folder of lib/, at its depth, and no other", async () => {
  const { text } = PAGES.find(({ file }) => file === "docs/architecture.md")!;
  const [, tree = ""] = /^lib\/ [^]*?\n([^]*?)^docs\/ /m.exec(text) ?? [];
  const drawn = [...tree.matchAll(/^([├└│─ ]+)([\w.]+\/?) /gm)]
    .map(([, lines, name]) => `${lines!.length > 4 ? "storage/" : ""}${name}`);
  const found: string[] = [];
  for (const folder of ["", "storage/"]) {
    for await (const { name, isDirectory } of Deno.readDir(new URL(`lib/${folder}`, ROOT))) {
      if (isDirectory) found.push(`${folder}${name}/`);
      else if (folder === "" && !name.endsWith("_test.ts")) found.push(name);
    }
  }
  assertEquals(drawn.toSorted(), found.toSorted());
});

Deno.test("no sentence and no row of a table stands in two pages, or twice in one", () => {
  const first = new Map<string, string>();
  const repeated: string[] = [];
  for (const { file, text } of PAGES) {
    const prose = removeBlocks(text);
    const rows = prose.match(/^\|.*$/gm) ?? [];
    const paragraphs = prose.replaceAll(/^\|.*$/gm, "").split(/\n\s*\n|^ *(?:-|\d+\.) /m);
    const sentences = paragraphs
      .flatMap((paragraph) => paragraph.replaceAll(/\s+/g, " ").split(/(?<=[.:]) /));
    for (const part of [...rows, ...sentences].map((part) => part.trim())) {
      // Shorter ones are rules and heads of tables.
      if (part.length < 40 || /^\| -/.test(part)) continue;
      if (first.has(part)) repeated.push(`${first.get(part)} and ${file}: ${part}`);
      first.set(part, file);
    }
  }
  assertEquals(repeated, []);
});

Deno.test("the pages give the tasks that deno.json has, all of them and no others", () => {
  const text = PAGES.map((page) => page.text).join("\n");
  const named = [...text.matchAll(/deno(?:@[\d.]+)? task ([\w:]+)/g)].map((match) => match[1]!);
  const tasks = Object.keys(config.tasks);
  assertEquals(tasks.filter((task) => !named.includes(task)), []);
  assertEquals(named.filter((task) => !tasks.includes(task)), []);
});

/** What flags allow: kinds of permission with their items. */
function readAllowed(flags: readonly string[]): string[] {
  return flags.flatMap((flag) => {
    const [, kind, items] = /^--allow-(\w+)=(.*)$/.exec(flag) ?? [];
    return kind === undefined ? [] : items!.split(",").map((item) => `${kind} ${item}`);
  });
}

Deno.test("a command from a raw URL is of a tag, and has no flag that the help of the command has not", () => {
  const text = PAGES.map((page) => page.text).join("\n").replaceAll(/\\\n\s*/g, "");
  const commands = [...text.matchAll(/^deno run (.*)(https:\S+\/stages\/(\w+)\.ts)/gm)];
  assertEquals(commands.length >= 3, true, `${commands.length} commands`);
  for (const [command, flags, url, stage] of commands) {
    assertEquals(/\/v\d+\.\d+\.\d+\/stages\//.test(url!), true, command);
    const given = flags!.trim().split(/\s+/);
    const others = given.filter((flag) => !/^--(?:(?:allow|deny)-\w+=|ignore-env$)/.test(flag));
    assertEquals(others, [], command);
    const allowed = readAllowed(findPermissions(stage!)[0]!.flags);
    assertEquals(readAllowed(given).filter((item) => !allowed.includes(item)), [], command);
  }
});

Deno.test("every raw URL is of the newest version of CHANGELOG.md", async () => {
  const changelog = await Deno.readTextFile(new URL("CHANGELOG.md", ROOT));
  const version = /^## (\d+\.\d+\.\d+)/m.exec(changelog)?.[1];
  const tags = PAGES.flatMap((
    { text },
  ) => [...text.matchAll(/raw\.githubusercontent\.com\/<owner>\/<repository>\/([^/]+)/g)]).map((
    [, tag],
  ) => tag);
  assertEquals([...new Set(tags)], [`v${version}`]);
});
