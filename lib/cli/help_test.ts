import { assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import type { Command } from "./command.ts";
import { formatHelp } from "./help.ts";

const COMMAND: Command<null> = {
  name: "cook",
  purpose: "Cooks what it is given.",
  options: [
    { name: "run", value: "<hour>", default: "00", help: "hour to start" },
    { name: "no-salt", help: "leave the salt out" },
    { name: "steps", value: "<h,h,…>", help: "hours to look" },
    { name: "region", value: "<N,W,S,E>", default: "25,19,-14,55", help: "edges, degrees" },
    { name: "recipe", value: "<url>", default: "https://x", defaultName: "ours", help: "how" },
    { name: "guests", value: "<n>", default: "51", help: `${"many words ".repeat(20)}end` },
    { name: "source", value: "<name>", help: "whose:\na  Ann\nb  Ben" },
  ],
  examples: ["deno task cook --run 12", "deno task cook --steps 36,39 --no-salt"],
  parse: () => null,
  run: () => Promise.resolve({ complete: true }),
};

const HOSTS = Array.from({ length: 12 }, (_, i) => `server${i}.example.org:443`);
const PERMISSIONS = [
  {
    task: "cook",
    set: "cook",
    line: "",
    flags: [`--allow-net=${HOSTS.join(",")}`, "--allow-read=."],
  },
  { task: "cook:gcs", set: "cook-gcs", line: "", flags: ["--ignore-env"] },
];

Deno.test("formatHelp() has purpose, every option with its default, examples and exit codes", () => {
  const help = formatHelp(COMMAND, PERMISSIONS);
  assertStringIncludes(help, "Cooks what it is given.\n");
  for (
    const line of [
      /^ {2}--run <hour> +hour to start \(default: 00\)$/m,
      /^ {2}--no-salt +leave the salt out$/m,
      /^ {2}--steps <h,h,…> +hours to look$/m,
      /^ {2}--region <N,W,S,E> +edges, degrees \(default: 25,19,-14,55\)$/m,
      /^ {2}--recipe <url> +how \(default: ours\)$/m,
      /^ {2}--quiet +print warnings and errors only$/m,
      /^ {2}--json +report to programs: one JSON object a line/m,
      /^ {2}--help +print this help$/m,
      /^ {2}deno task cook --run 12$/m,
      /^ {2}deno task cook --steps 36,39 --no-salt$/m,
      /^Exit codes:\n {2}0 +done\n {2}1 +failed\n {2}2 +usage.*\n {2}3 .*\n {2}4 .*\n {2}5 .*\n {2}130 /m,
    ]
  ) assertEquals(line.test(help), true, `${line} in\n${help}`);
  const columns = help.split("\n").filter((line) => line.startsWith("  --") && !/=/.test(line))
    .map((line) => /^ {2}--\S+(?: <\S+)? +/.exec(line)![0].length);
  assertEquals(new Set(columns).size, 1);
});

Deno.test("formatHelp() wraps long lines below their own text, and loses no word", () => {
  const help = formatHelp(COMMAND, PERMISSIONS);
  const start = help.indexOf("--guests");
  const text = help.slice(start, help.indexOf("--source"));
  assertEquals(text.match(/many words/g)?.length, 20);
  assertStringIncludes(text.replaceAll(/\s+/g, " "), "end (default: 51)");
  const indent = help.split("\n").find((line) => line.includes("--guests"))!.indexOf("many");
  for (const line of text.trimEnd().split("\n").slice(1, -1)) {
    assertEquals(line.search(/\S/), indent);
  }
  for (const line of help.split("\n")) assertEquals(line.length <= 100, true, line);
});

Deno.test("formatHelp() lists the first set as flags, long ones as several, and names the others", () => {
  const help = formatHelp(COMMAND, PERMISSIONS);
  assertStringIncludes(help, "`deno task cook` grants -P=cook, which is\n");
  const flags = help.split("\n").filter((line) => line.startsWith("  --allow-net="));
  assertEquals(flags.length > 1, true);
  assertEquals(flags.flatMap((line) => line.trim().slice("--allow-net=".length).split(",")), HOSTS);
  assertStringIncludes(help, "\n  --allow-read=.\n");
  assertStringIncludes(help, "Other tasks that run it: `deno task cook:gcs` with -P=cook-gcs.\n");
  assertStringIncludes(formatHelp(COMMAND, []), "Permissions: it needs none.\n");
});
