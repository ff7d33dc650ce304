import { assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { firstMembers } from "../lib/ecmwf/members.ts";
import { parseRun } from "../lib/ecmwf/run.ts";
import { findVariables } from "../lib/ecmwf/variables.ts";
import { encodeNetcdf } from "../lib/netcdf/encode_netcdf.ts";
import { buildDataset } from "../lib/output/forecast_dataset.ts";
import { GIK } from "../lib/output/profile.ts";
import { describeSets } from "./permissions.ts";
import { formatHistory } from "../lib/stream/write_output.ts";

const README = await Deno.readTextFile(new URL("../README.md", import.meta.url));

/** Runs a program of Debian; `undefined` where it is not installed. */
async function runProgram(name: string, args: string[]): Promise<string | undefined> {
  try {
    const { stdout } = await new Deno.Command(name, { args }).output();
    return new TextDecoder().decode(stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** A file as `stream` writes it with its defaults, without any field. */
function encodeDefaultOutput() {
  const { north, south, west, east } = GIK.region;
  const members = firstMembers(51);
  return encodeNetcdf(buildDataset({
    profile: GIK,
    run: parseRun("20260206", "00"),
    variables: findVariables(GIK.variables),
    steps: GIK.steps,
    axes: {
      latitudes: Float64Array.from({ length: (north - south) * 4 + 1 }, (_, i) => north - i / 4),
      longitudes: Float64Array.from({ length: (east - west) * 4 + 1 }, (_, i) => west + i / 4),
    },
    fields: [],
    membersUsed: members,
    membersAbsent: [],
    history: formatHistory(new Date("2026-02-06T08:15:00Z")),
  }));
}

const hasNcdump = await runProgram("ncdump", []) !== undefined;

Deno.test({
  name: "the ncdump -h of the README is that of a file written with the defaults (needs ncdump)",
  ignore: !hasNcdump,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const path = `${folder}/${GIK.fileName(parseRun("20260206", "00"))}`;
      await Deno.writeFile(path, ReadableStream.from(encodeDefaultOutput()));
      const header = await runProgram("ncdump", ["-h", path]);
      const block = /```\n(netcdf [^`]*)```/.exec(README)?.[1];
      assertEquals(block?.trim(), header!.trim().replaceAll("\t", "    "));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("the README gives the commands that deno.json has", async () => {
  const config = await Deno.readTextFile(new URL("../deno.json", import.meta.url));
  const { tasks } = JSON.parse(config);
  for (const task of Object.keys(tasks)) assertStringIncludes(README, `task ${task}`);
  const named = [...README.matchAll(/deno(?:@[\d.]+)? task ([\w:]+)/g)].map((match) => match[1]!);
  assertEquals(named.filter((name) => !(name in tasks)), []);
});

/** What the words of the table of workflows stand for, as the README itself explains them. */
function explainWord(word: string): string[] {
  const sentence = new RegExp(`\\*\\*${word}\\*\\*([^]*?)\\.\\s`);
  const [, explanation = ""] = sentence.exec(README) ?? [];
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

Deno.test("the README's table of workflows tells what the permission sets allow", () => {
  const rows = README.split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .filter((cells) => /^`deno task [\w:]+`$/.test(cells[2] ?? "") && cells.length === 7);
  const told = rows.map(([, , command, , reaches, sees]) => ({
    command: command!.slice(1, -1),
    reaches: expandCell(reaches!).toSorted(),
    sees: expandCell(sees!).toSorted(),
  }));
  const allowed = describeSets().map(([task, reaches, , , sees]) => ({
    command: task![0],
    reaches: reaches!.toSorted(),
    sees: sees!.toSorted(),
  }));
  const byCommand = ({ command: a = "" }, { command: b = "" }) => a < b ? -1 : 1;
  assertEquals(told.toSorted(byCommand), allowed.toSorted(byCommand));
});
