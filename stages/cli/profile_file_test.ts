import { assert, assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { parseRun } from "../../lib/ecmwf/run.ts";
import { UsageError } from "../../lib/errors.ts";
import { readProfileFile } from "./profile_file.ts";
import { PROFILES } from "./profile_options.ts";

const FOLDER = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(FOLDER, { recursive: true }));

/** Reads a profile from a file with a text, or with fields. */
function read(content: string | Record<string, unknown>) {
  const path = `${FOLDER}/mine.json`;
  Deno.writeTextFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return readProfileFile(path, PROFILES);
}

Deno.test("a profile of one's own has its fields, and all others of the profile that it extends", () => {
  const { profile } = read({
    ...{ name: "mine", extends: "sewaa-6h", title: "Rain", steps: [36], format: "netcdf4" },
    ...{ statistics: ["mean", "p90"], region: "kenya", fileName: "{model}-{date}{hour}.nc" },
    variables: ["tp", "t2m_24h", { name: "rain", variable: "tp", period: 6 }],
    layout: { timeAxis: "valid_time" },
  });
  const run = parseRun("20260206", "12");
  assertEquals([profile.name, profile.title(run), profile.fileName(run)], [
    ...["mine", "Rain", "IFS-2026020612.nc"],
  ]);
  assertEquals(profile.statistics, [{ kind: "mean" }, { kind: "percentile", percent: 90 }]);
  assertEquals(profile.products.map(({ name, period }) => [name, period]), [
    ...[["tp", "next"], ["t2m_24h", 24], ["rain", 6]],
  ]);
  assertEquals([profile.members, profile.layout.latitudes, profile.layout.timeAxis], [
    ...["perturbed", "ascending", "valid_time"],
  ]);
  assertEquals([profile.region.north, profile.grid], [6, undefined]);
});

Deno.test("files with other texts have other digests, whatever their name", () => {
  const [one, other] = ["a", "b"].map((title) => read({ name: "mine", title }).digest);
  assert(one !== other);
});

const FAULTS: [content: string | Record<string, unknown>, state: string][] = [
  ["{", "it is no JSON"],
  ["3", 'field "the whole file" is 3'],
  [{}, 'field "name" is missing'],
  [{ name: 3 }, 'field "name" is 3, expected string'],
  [{ name: "a b" }, 'field "name" is "a b", expected'],
  [{ name: "a", stepz: [3] }, 'field "stepz" is not known'],
  [{ name: "a", steps: [36, -3] }, 'field "steps.1" is -3, expected'],
  [{ name: "a", layout: { timeAxis: "x" } }, 'field "layout.timeAxis" is "x", expected ("both"'],
  [{ name: "a", variables: [4] }, 'field "variables.0" is 4, expected'],
  [{ name: "a", variables: ["rain"] }, 'field "variables": Cannot write variable "rain"'],
  [{ name: "a", statistics: ["average"] }, 'field "statistics": Cannot use --statistics "average"'],
  [{ name: "a", grid: "x" }, 'field "grid": Cannot use --grid "x"'],
  [{ name: "a", region: "atlantis" }, 'field "region": Cannot use --region "atlantis"'],
  [{ name: "a", extends: "b" }, 'field "extends" is "b", expected one of gik, sewaa-6h'],
  [{ name: "a", fileName: "out.nc" }, 'field "fileName" is "out.nc", expected'],
  [{ name: "a", fileName: "../{date}{hour}" }, 'field "fileName" is "../{date}{hour}"'],
];

for (const [content, state] of FAULTS) {
  Deno.test(`a profile is refused by its field: ${state}`, () => {
    const { message } = assertThrows(() => read(content), UsageError, state);
    assert(/^Cannot (?:use|read) --profile ".*mine\.json": /.test(message), message);
  });
}

Deno.test("a file that is not there is refused by name", () => {
  assertThrows(
    () => readProfileFile(`${FOLDER}/other.json`, PROFILES),
    UsageError,
    `Cannot read --profile "${FOLDER}/other.json": there is no such file`,
  );
});
