import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { DATASETS } from "./datasets.ts";
import {
  asPublished,
  describeFirstRun,
  describeUnpublished,
  findEra,
  findEraParameter,
  findFirstRun,
  findPublication,
  findPublicationAt,
  listNames,
} from "./eras.ts";
import { ENSEMBLE_SIZE } from "./members.ts";
import { PARAMETERS } from "./parameters.ts";
import { parseRun, runLabel } from "./run.ts";
import { findVariable, findVariables, VARIABLES } from "./variables.ts";

const run = (label: string) => parseRun(label.slice(0, 8), label.slice(9, 11));
const DEFAULTS = VARIABLES.filter(({ name }) => name !== "cape");

const ERAS = Object.values(DATASETS).flatMap(({ eras }) =>
  eras.map((era, i) => ({ era, previous: eras[i - 1] }))
);

for (const { era, previous } of ERAS) {
  Deno.test(`the era "${era.name}" begins after the one before, and its rows are whole`, () => {
    assert(!previous || runLabel(previous.firstRun) < runLabel(era.firstRun));
    const { date, hour, model } = era.firstRun;
    assertEquals(parseRun(date, hour, model), era.firstRun);
    assertEquals(findEra(era.firstRun), era);
    assertEquals(era.members, ENSEMBLE_SIZE);
    for (const { path, grid: { spacing, rows, columns } } of era.folders) {
      assert(/^(?:(?:ifs|aifs-ens)\/)?0p(?:4-beta|25)$/.test(path), path);
      assertEquals([rows, columns], [180 / spacing + 1, 360 / spacing]);
    }
    for (const levels of Object.values(era.levels)) {
      assertEquals(levels, [...new Set(levels)].sort((a, b) => a - b));
    }
  });

  Deno.test(`the parameters of the era "${era.name}" are known, each once, at steps that exist`, () => {
    const names = era.parameters.map(({ param, levtype }) => `${param} ${levtype}`);
    assertEquals(names.length, new Set(names).size);
    const known = new Set(PARAMETERS.map(({ shortName }) => shortName));
    const unknown = era.parameters.map(({ param }) => param).filter((it) => !known.has(it));
    assertEquals(unknown, []);
    for (const { param, levtype, since, steps, series, notOn = [] } of era.parameters) {
      if (since) assertEquals(findEra(since.run), era);
      for (const [first, last] of steps === "some" ? [] : steps ?? []) assert(first < last, param);
      if (series) assert(era.parameters.filter((it) => it.series === series).length > 1, param);
      if (levtype !== "sfc") assert(era.levels[levtype].length > notOn.length, param);
      for (const level of notOn) assert(levtype !== "sfc" && era.levels[levtype].includes(level));
    }
    for (const { now, param } of era.earlierNames ?? []) {
      assert(names.includes(`${param} sfc`) && !names.includes(`${now} sfc`), param);
    }
  });
}

/** What the archive holds, by the first and the last run with it. */
const CASES: [from: string, to: string, absent: string[]][] = [
  ["20230118_00z", "20240228_18z", ["ssr", "ssrd", "tcw", "tcc", "sf"]],
  ["20240320_00z", "20250114_00z", ["tcw", "tcc", "sf"]],
  ["20250114_06z", "20251120_06z", ["tcc", "sf"]],
  ["20251120_12z", "20261015_00z", []],
];

for (const [from, to, absent] of CASES) {
  Deno.test(`runs from ${from} to ${to} have all default variables but ${absent.join(", ") || "none"}`, () => {
    for (const label of [from, to]) {
      const published = DEFAULTS.map((it) => findPublication(run(label), it));
      assertEquals(published, DEFAULTS.map(({ name }) => absent.includes(name) ? "no" : "yes"));
    }
  });
}

Deno.test("findPublication() says perhaps where only about a day is known", () => {
  const [ssr] = findVariables(["ssr"]);
  for (const label of ["20240229_00z", "20240305_00z", "20240318_18z"]) {
    assertEquals(findPublication(run(label), ssr!), "perhaps");
  }
  assertEquals(findPublication(run("20240319_00z"), ssr!), "yes");
});

Deno.test("findPublication() knows no parameter before the archive, none of oper, and levels by era", () => {
  const [tp] = findVariables(["tp"]);
  assertEquals(findPublication(run("20230117_18z"), tp!), "no");
  assertEquals(
    findPublication(run("20261015_00z"), { param: "z", levtype: "pl", level: 500 }),
    "no",
  );
  const t = (level: number) => ({ param: "t", levtype: "pl", level });
  const labels = ["20250114_00z", "20250114_06z", "20260512_00z", "20260512_06z"];
  const all = (level: number) => labels.map((label) => findPublication(run(label), t(level)));
  assertEquals(all(850), ["yes", "yes", "yes", "yes"]);
  assertEquals(all(600), ["no", "yes", "yes", "yes"]);
  assertEquals(all(10), ["no", "no", "no", "yes"]);
});

Deno.test("findPublicationAt() knows the steps of accumulations, gusts, extremes and constants", () => {
  const at = (param: string) =>
    [0, 3, 93, 144, 150].map((step) =>
      findPublicationAt(run("20261015_00z"), { param, levtype: "sfc" }, step)
    );
  assertEquals(at("2t"), ["yes", "yes", "yes", "yes", "yes"]);
  assertEquals(at("tp"), ["no", "yes", "yes", "yes", "yes"]);
  assertEquals(at("10fg"), ["no", "yes", "no", "no", "yes"]);
  assertEquals(at("10fg3"), ["no", "no", "yes", "yes", "no"]);
  assertEquals(at("mx2t3"), ["no", "yes", "yes", "yes", "no"]);
  assertEquals(at("mx2t6"), ["no", "no", "no", "no", "yes"]);
  assertEquals(at("lsm"), Array(5).fill("perhaps"));
  assertEquals(at("cp"), Array(5).fill("no"));
});

Deno.test("findFirstRun() names the first run with a variable", () => {
  const first = (name: string) => describeFirstRun(findFirstRun(findVariable(name)!)!);
  assertEquals(first("tp"), "2023-01-18 00 UTC");
  assertEquals(first("u700"), "2023-01-18 00 UTC");
  assertEquals(first("ssr"), "about 2024-03-05");
  assertEquals(first("cape"), "2024-02-29 00 UTC");
  assertEquals(first("tcw"), "2025-01-14 06 UTC");
  assertEquals(first("tcc"), "2025-11-20 12 UTC");
  assertEquals(first("sf"), "2025-11-20 12 UTC");
  assertEquals(findFirstRun({ ...findVariable("tp")!, param: "cp" }), undefined);
});

Deno.test("asPublished() gives cape the name that it had until 2025-01-14 00 UTC", () => {
  const cape = findVariable("cape")!;
  const names = (label: string) => {
    const { name, param, surface } = asPublished(cape, run(label));
    return [name, param, surface?.type];
  };
  assertEquals(names("20240601_00z"), ["cape", "cape", 1]);
  assertEquals(names("20250114_00z"), ["cape", "cape", 1]);
  assertEquals(names("20250114_06z"), ["cape", "mucape", 17]);
  assertEquals(listNames(cape).map(({ param }) => param), ["mucape", "cape"]);
  const tp = findVariable("tp")!;
  assertEquals(listNames(tp), [tp]);
  const ro = findVariable("ro")!;
  assertEquals(listNames(ro).map(({ param }) => param), ["ro", "rowe", "rowe"]);
  assertEquals(listNames(ro, run("20240601_00z")), [ro]);
  assert(findEraParameter(run("20240601_00z"), asPublished(cape, run("20240601_00z"))));
});

Deno.test("describeUnpublished() puts variables of one first run together", () => {
  const variables = findVariables(["ssr", "tcw", "tcc", "sf"]);
  assertEquals(describeUnpublished([...variables, { ...variables[0]!, name: "cp", param: "cp" }]), [
    "ssr for the ensemble before about 2024-03-05",
    "tcw for the ensemble before 2025-01-14 06 UTC",
    "tcc, sf for the ensemble before 2025-11-20 12 UTC",
    "cp for the ensemble",
  ]);
});

const aifs = (label: string) => parseRun(label.slice(0, 8), label.slice(9, 11), "aifs-ens");

Deno.test("AIFS-ENS has ten of the default variables in all its runs, runoff under its own name", () => {
  for (const label of ["20250702_00z", "20260512_00z", "20260512_06z", "20261015_18z"]) {
    const published = DEFAULTS.filter((it) =>
      findPublication(aifs(label), asPublished(it, aifs(label))) === "yes"
    );
    const lacking = DEFAULTS.filter((it) => !published.includes(it)).map(({ name }) => name);
    assertEquals(lacking, ["ssr", "tcwv"]);
  }
  const { name, param } = asPublished(findVariable("ro")!, aifs("20261015_00z"));
  assertEquals([name, param], ["ro", "rowe"]);
  const [tp] = findVariables(["tp"]);
  assertEquals(findPublication(aifs("20250701_18z"), tp!), "no");
  assertEquals(describeFirstRun(findFirstRun(tp!, aifs("20260101_00z"))!), "2025-07-02 00 UTC");
  assertEquals(describeUnpublished(findVariables(["ssr", "tcwv"]), aifs("20260101_00z")), [
    "ssr, tcwv for the AIFS ensemble",
  ]);
});

Deno.test("AIFS-ENS has humidity on 13 levels and the rest on 14, from 2026-05-12 06 UTC on", () => {
  const at = (param: string, level: number) =>
    ["20260512_00z", "20260512_06z"].map((label) =>
      findPublication(aifs(label), { param, levtype: "pl", level })
    );
  assertEquals(at("t", 10), ["no", "yes"]);
  assertEquals(at("q", 10), ["no", "no"]);
  assertEquals(at("q", 50), ["yes", "yes"]);
});
