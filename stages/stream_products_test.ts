import { assert, assertEquals, assertMatch, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { NetCDFReader } from "npm:netcdfjs@4.0.0";
import { EMBEDDED_FOLDER, openWorkplace, type Workplace } from "../fixtures/embedded_run.ts";
import type { Command } from "../lib/cli/command.ts";
import {
  changeStore,
  openImplausibleWorkplace,
  openLackingWorkplace,
  writeFinalStores,
} from "../lib/stream/final_stores_fixture.ts";
import { execute } from "./commands_fixture.ts";
import { command as forecast } from "./forecast.ts";
import { command as stream } from "./stream.ts";

const OUTPUT = "IFS_20260206_00Z_cgan.nc";
const ALL_STATISTICS = "mean,standard_deviation,standard_deviation_sample,minimum,maximum," +
  "p0,p10,p50,p90,p97.5,p100,members";
/** All kinds of products at steps 36 and 39; what 33 h or earlier would bound is not in the run. */
const PRODUCTS = [
  ...["--variables", "tp,t2m,wind700,wind10m,t2m_6h,wind700_6h,ssr_36h"],
  ...["--periods", "3h,36h", "--statistics", ALL_STATISTICS],
  ...["--exceed", "tp_3h>0.5mm,tp>5mm,t2m<-10C,wind700>=5m/s,tp_36h<=3mm,sp>1000hPa"],
];

/** Runs a command on the embedded run, and gives its exit code, report and file. */
async function run<Options>(
  command: Command<Options>,
  { server, folder }: Workplace,
  args: readonly string[],
) {
  Deno.env.set("SOURCE_DATE_EPOCH", "1770365700");
  const stores = command.name === "stream" ? ["--parquet-dir", folder] : ["--date", "20260206"];
  const { code, reported } = await execute(command as Command<unknown>, [
    ...[...stores, "--output-dir", `${folder}/out`, "--endpoint", server.url],
    ...["--steps", "36,39", "--max-members", "4", "--overwrite", ...args],
  ]);
  return { code, reported, read: () => Deno.readFile(`${folder}/out/${OUTPUT}`) };
}

async function readValues(bytes: Promise<Uint8Array>, name: string): Promise<number[]> {
  return (new NetCDFReader(await bytes).getDataVariable(name) as number[]).flat();
}

/** Whether Debian's Python has what the oracle needs. */
function hasOracle(): boolean {
  try {
    const args = ["-c", "import eccodes, netCDF4, numpy"];
    return new Deno.Command("/usr/bin/python3", { args, stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test({
  name:
    "every statistic, probability, period, wind and the members equal ecCodes and numpy (needs both)",
  ignore: !hasOracle(),
  fn: async () => {
    await using workplace = await openWorkplace();
    await writeFinalStores(workplace);
    const { code, reported } = await run(stream, workplace, PRODUCTS);
    assertEquals(code, 5); // fields at 3, 30 and 33 h are not in the stores
    assertStringIncludes(reported, "t2m (33 h), u700 (33 h), v700 (33 h)");
    const { success, stdout, stderr } = await new Deno.Command("/usr/bin/python3", {
      args: [
        "fixtures/compare_products.py",
        `${workplace.folder}/out/${OUTPUT}`,
        ...["--run-dir", EMBEDDED_FOLDER, "--date", "20260206", "--run", "00"],
      ],
      cwd: new URL("../", import.meta.url),
    }).output();
    const printed = new TextDecoder().decode(stdout);
    assert(success, printed + new TextDecoder().decode(stderr));
    for (const name of ["tp_3h_members", "t2m_6h_ensemble_p97p5", "wind10m_ensemble_maximum"]) {
      assertMatch(printed, new RegExp(`^${name}: largest error \\d`, "m"));
    }
    assertEquals(printed.match(/largest error/g)!.length, 9 * 12 + 6);
  },
});

Deno.test("tasks and a merge write the bytes of one process, and so does forecast, with members, probabilities and periods", async () => {
  await using workplace = await openWorkplace();
  await writeFinalStores(workplace);
  const whole = await run(stream, workplace, PRODUCTS);
  const bytes = await whole.read();
  const work = ["--work", `${workplace.folder}/work`];
  for (const task of ["0/3", "1/3", "2/3"]) {
    const { code } = await run(stream, workplace, [...PRODUCTS, ...work, "--task", task]);
    assert(code === 0 || code === 5);
  }
  await Deno.remove(`${workplace.folder}/out/${OUTPUT}`);
  const requests = workplace.server.requests.length;
  const merged = await run(stream, workplace, [...PRODUCTS, ...work, "--merge"]);
  assertEquals(await merged.read(), bytes);
  assertEquals(workplace.server.requests.length, requests);
  const direct = await run(forecast, workplace, PRODUCTS);
  assertEquals(direct.code, 5, direct.reported);
  assertEquals(await direct.read(), bytes);
});

Deno.test("fields that are saved without what is asked for now are fetched again, others are not", async () => {
  await using workplace = await openWorkplace();
  await writeFinalStores(workplace);
  const count = async (...args: string[]) => {
    const before = workplace.server.requests.length;
    const work = ["--work", `${workplace.folder}/work`, "--task", "0/1"];
    const { code, reported } = await run(stream, workplace, [...args, ...work]);
    assertEquals(code, 0, reported);
    return workplace.server.requests.length - before;
  };
  assert(await count("--variables", "t2m,u700,v700") > 0);
  assertEquals(await count("--variables", "t2m,u700,v700"), 0);
  assert(await count("--variables", "t2m,u700,v700", "--exceed", "t2m>300K") > 0);
  assert(await count("--variables", "wind700,v700") > 0);
  assertEquals(await count("--variables", "wind700"), 0);
});

Deno.test("a member that lacks one end of a period is left out of it and counted", async () => {
  await using workplace = await openLackingWorkplace();
  const args = ["--variables", "t2m,t2m_6h", "--statistics", "mean,members"];
  const { code, read } = await run(stream, workplace, args);
  assertEquals(code, 5);
  assertEquals(await readValues(read(), "t2m_members_used"), [2, 4]);
  assertEquals(await readValues(read(), "t2m_6h_members_used"), [0, 2]);
  const members = await readValues(read(), "t2m_6h_members");
  const points = members.length / 8;
  const isThere = Array.from({ length: 8 }, (_, i) => !Number.isNaN(members[i * points]));
  assertEquals(isThere, [false, false, false, false, true, true, false, false]);
});

Deno.test("where too few members have both fields of a product, it is named, and none of them is written", async () => {
  await using workplace = await openWorkplace();
  await writeFinalStores(workplace);
  for (const [member, field] of [[1, "u"], [2, "v"]] as const) {
    await changeStore(workplace, member, (store) => {
      for (const key of store.keys()) if (key.startsWith(`step_036/${field}/`)) store.delete(key);
      return store;
    });
  }
  const args = ["--variables", "wind700", "--statistics", "mean,members", "--min-members", "3"];
  const { code, reported, read } = await run(stream, workplace, args);
  assertEquals(code, 5, reported);
  const line = "wind700 (36 h) is empty: 2 members have all of its fields and 3 are required";
  assertStringIncludes(reported, line);
  assertEquals(await readValues(read(), "wind700_members_used"), [0, 4]);
  const members = await readValues(read(), "wind700_members");
  const atFirstStep = members.slice(0, members.length / 2);
  assert(atFirstStep.every(Number.isNaN));
});

Deno.test("a message left out as implausible is in no member and no period", async () => {
  await using workplace = await openImplausibleWorkplace();
  const args = ["--variables", "tp,t2m,tp_3h", "--statistics", "mean,maximum,members"];
  const used = await run(stream, workplace, args);
  assertEquals(used.code, 5);
  assert(Math.max(...await readValues(used.read(), "t2m_ensemble_maximum")) > 1e5);
  const work = ["--work", `${workplace.folder}/work`];
  const drop = [...args, "--drop-implausible", "--overwrite"];
  const left = await run(stream, workplace, drop);
  assertStringIncludes(left.reported, "tp (36, 39 h), members 3: it and another step contradict");
  const bytes = await left.read();
  assert(Math.max(...await readValues(left.read(), "t2m_ensemble_maximum")) < 350);
  const warm = await readValues(left.read(), "t2m_members");
  assert(Number.isNaN(warm[warm.length / 8])); // of member 1 at 36 h
  assertEquals(await readValues(left.read(), "tp_3h_members_used"), [0, 2]);
  for (const task of ["0/2", "1/2", "0/2"]) {
    await run(stream, workplace, [...drop, ...work, "--task", task]);
  }
  const merged = await run(stream, workplace, [...drop, ...work, "--merge"]);
  assertEquals(await merged.read(), bytes);
});
