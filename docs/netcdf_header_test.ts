import { assertEquals, assertMatch } from "jsr:@std/assert@^1.0.0";
import { firstMembers } from "../lib/ecmwf/members.ts";
import { parseRun } from "../lib/ecmwf/run.ts";
import { encodeNetcdf } from "../lib/netcdf/encode_netcdf.ts";
import { buildDataset } from "../lib/output/forecast_dataset.ts";
import { GIK } from "../lib/output/profile.ts";
import { formatHistory } from "../lib/output/history.ts";

const PAGE = await Deno.readTextFile(new URL("output.md", import.meta.url));

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
  return encodeNetcdf(buildDataset<Float32Array>({
    profile: GIK,
    run: parseRun("20260206", "00"),
    products: GIK.products,
    steps: GIK.steps,
    axes: {
      latitudes: Float64Array.from({ length: (north - south) * 4 + 1 }, (_, i) => north - i / 4),
      longitudes: Float64Array.from({ length: (east - west) * 4 + 1 }, (_, i) => west + i / 4),
    },
    fields: [],
    membersUsed: members,
    membersAbsent: [],
    history: formatHistory({ profile: GIK, now: new Date("2026-02-06T08:15:00Z") }),
  }));
}

/** What a program prints of a file as `stream` writes it. */
async function describeOutput(program: string, args: string[]): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/${GIK.fileName(parseRun("20260206", "00"))}`;
    await Deno.writeFile(path, ReadableStream.from(encodeDefaultOutput()));
    return (await runProgram(program, [...args, path]))!;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const hasNcdump = await runProgram("ncdump", []) !== undefined;
const hasCdo = await runProgram("cdo", []) !== undefined;

Deno.test({
  name:
    "the ncdump -h of docs/output.md is that of a file written with the defaults (needs ncdump)",
  ignore: !hasNcdump,
  fn: async () => {
    const header = await describeOutput("ncdump", ["-h"]);
    const block = /```\n(netcdf [^`]*)```/.exec(PAGE)?.[1];
    assertEquals(block?.trim(), header.trim().replaceAll("\t", "    "));
  },
});

Deno.test({
  name: "cdo shows valid_time as a level, with the numbers of docs/output.md (needs cdo)",
  ignore: !hasCdo,
  fn: async () => {
    const description = await describeOutput("cdo", ["-s", "sinfon"]);
    assertMatch(description, /Vertical coordinates :\n.*levels=9\n\s+valid_time : /);
    const [, numbers] = /`valid_time : (\d+ to \d+ by \d+)`/.exec(PAGE) ?? [];
    assertMatch(description, new RegExp(`valid_time : ${numbers} hours`));
  },
});
