import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { EMBEDDED_FOLDER } from "../../fixtures/embedded_run.ts";
import {
  canonicalUrl,
  describePart,
  holdsMember,
  parseFileName,
  parseStepFile,
  stepFiles,
  streamOfMember,
} from "./files.ts";
import { parseRun } from "./run.ts";

const LAST_BEFORE_50R1 = parseRun("20260512", "00");
const FIRST_OF_50R1 = parseRun("20260512", "06");

Deno.test("streamOfMember() finds the control in oper from the run of 2026-05-12 06 UTC on", () => {
  assertEquals(streamOfMember(parseRun("20240101", "18"), 0), "enfo");
  assertEquals(streamOfMember(parseRun("20260511", "18"), 0), "enfo");
  assertEquals(streamOfMember(LAST_BEFORE_50R1, 0), "enfo");
  assertEquals(streamOfMember(FIRST_OF_50R1, 0), "oper");
  assertEquals(streamOfMember(parseRun("20260513", "00"), 0), "oper");
});

Deno.test("streamOfMember() finds only the control, and only from 50r1 on, in oper", () => {
  for (const member of [0, 1, 50]) assertEquals(streamOfMember(LAST_BEFORE_50R1, member), "enfo");
  assertEquals(streamOfMember(FIRST_OF_50R1, 0), "oper");
  for (const member of [1, 50]) assertEquals(streamOfMember(FIRST_OF_50R1, member), "enfo");
});

Deno.test("stepFiles() gives one file before 50r1 and two from it on", () => {
  assertEquals(stepFiles(LAST_BEFORE_50R1, 36), [{
    stream: "enfo",
    stepHours: 36,
    url: "s3://ecmwf-forecasts/20260512/00z/ifs/0p25/enfo/20260512000000-36h-enfo-ef.grib2",
    indexUrl: "s3://ecmwf-forecasts/20260512/00z/ifs/0p25/enfo/20260512000000-36h-enfo-ef.index",
  }]);
  assertEquals(stepFiles(FIRST_OF_50R1, 0).map(({ stream, url }) => [stream, url]), [
    ["enfo", "s3://ecmwf-forecasts/20260512/06z/ifs/0p25/enfo/20260512060000-0h-enfo-ef.grib2"],
    ["oper", "s3://ecmwf-forecasts/20260512/06z/ifs/0p25/oper/20260512060000-0h-oper-fc.grib2"],
  ]);
});

Deno.test("stepFiles() names the files of earlier folders", () => {
  const names = (date: string, folder?: string) =>
    stepFiles(parseRun(date, "12"), 36, folder).map(({ url }) => url.split("/").slice(3).join("/"));
  const name = (date: string) => `${date}120000-36h-enfo-ef.grib2`;
  assertEquals(names("20230601"), [`20230601/12z/0p4-beta/enfo/${name("20230601")}`]);
  assertEquals(names("20240131"), [`20240131/12z/0p4-beta/enfo/${name("20240131")}`]);
  assertEquals(names("20240201"), [`20240201/12z/0p25/enfo/${name("20240201")}`]);
  assertEquals(names("20240201", "0p4-beta"), [`20240201/12z/0p4-beta/enfo/${name("20240201")}`]);
  assertEquals(names("20240229"), [`20240229/12z/ifs/0p25/enfo/${name("20240229")}`]);
});

Deno.test("stepFiles() names the files that the embedded runs have", async () => {
  for (const [date, hour, count] of [["20260206", "00", 1], ["20260520", "12", 2]] as const) {
    const files = stepFiles(parseRun(date, hour), 39).flatMap((it) => [it.url, it.indexUrl]);
    assertEquals(files.length, 2 * count);
    for (const url of files) {
      const path = url.replace("s3://ecmwf-forecasts/", EMBEDDED_FOLDER);
      assertEquals((await Deno.stat(path)).isFile, true);
    }
  }
});

const AIFS = parseRun("20260512", "06", "aifs-ens");

Deno.test("stepFiles() gives the control and the other members of AIFS-ENS a file each", () => {
  const stem = "s3://ecmwf-forecasts/20260512/06z/aifs-ens/0p25/enfo/20260512060000-36h-enfo-";
  const files = stepFiles(AIFS, 36);
  assertEquals(
    files,
    (["cf", "pf"] as const).map((type) => ({
      stream: "enfo",
      stepHours: 36,
      type,
      url: `${stem}${type}.grib2`,
      indexUrl: `${stem}${type}.index`,
    })),
  );
  assertEquals(files.map((file) => [0, 1, 50].map((it) => holdsMember(file, AIFS, it))), [
    [true, false, false],
    [false, true, true],
  ]);
  assertEquals(files.map(describePart), ["enfo-cf", "enfo-pf"]);
  for (const file of files) {
    const { url, type } = file;
    assertEquals(parseStepFile(url.slice(0, -".grib2".length)), file);
    assertEquals(parseFileName(url), { run: AIFS, stepHours: 36, stream: "enfo", type });
  }
});

Deno.test("parseFileName() knows a file of another model by its folder, and by its name", () => {
  const name = "20260512060000-36h-enfo";
  assertEquals(
    parseFileName(`s3://ecmwf-forecasts/20260512/06z/aifs-ens/0p25/enfo/${name}-ef`),
    undefined,
  );
  assertEquals(
    parseFileName(`s3://ecmwf-forecasts/20260512/06z/ifs/0p25/enfo/${name}-pf`),
    undefined,
  );
  assertEquals(parseFileName(`s3://mirror/${name}-ef`)?.run, FIRST_OF_50R1);
});

Deno.test("holdsMember() finds the control of cycle 50r1 in oper alone", () => {
  const held = (run: typeof AIFS) =>
    stepFiles(run, 36).map((file) => [0, 1].map((it) => holdsMember(file, run, it)));
  assertEquals(held(LAST_BEFORE_50R1), [[true, true]]);
  assertEquals(held(FIRST_OF_50R1), [[false, true], [true, false]]);
});

Deno.test("parseStepFile() gives the file and its index, whatever bucket holds them", () => {
  for (const file of [...stepFiles(LAST_BEFORE_50R1, 36), ...stepFiles(FIRST_OF_50R1, 0)]) {
    assertEquals(parseStepFile(file.url), file);
    assertEquals(parseStepFile(file.url.slice(0, -".grib2".length)), file);
  }
  assertEquals(
    parseStepFile("gs://mirror/20260520120000-3h-oper-fc.grib2")?.indexUrl,
    "gs://mirror/20260520120000-3h-oper-fc.index",
  );
  assertEquals(parseStepFile("s3://ecmwf-forecasts/readme.txt"), undefined);
});

Deno.test("parseFileName() reads what stepFiles() writes, with .grib2 and without", () => {
  for (const run of [LAST_BEFORE_50R1, FIRST_OF_50R1]) {
    for (const { url, stream, stepHours } of [...stepFiles(run, 3), ...stepFiles(run, 144)]) {
      assertEquals(parseFileName(url), { run, stepHours, stream });
      assertEquals(parseFileName(url.slice(0, -".grib2".length)), { run, stepHours, stream });
    }
  }
});

Deno.test("parseFileName() gives undefined for other files and for runs that do not exist", () => {
  const folder = "s3://ecmwf-forecasts/20260206/00z/ifs/0p25/enfo";
  for (
    const url of [
      `${folder}/20260206000000-36h-enfo-ef.index`,
      `${folder}/20260206000000-36h-enfo-ep.grib2`,
      `${folder}/20260206000000-36h-enfo-ef.grib2.tmp`,
      `${folder}/2026020600-36h-enfo-ef.grib2`,
      `${folder}/20260230000000-36h-enfo-ef.grib2`,
      `${folder}/20260206030000-36h-enfo-ef.grib2`,
      "20260206000000-36h-enfo-ef.grib2",
      "",
    ]
  ) assertEquals(parseFileName(url), undefined, url);
});

Deno.test("canonicalUrl() adds the .grib2 that the Python tools omit", () => {
  const { url } = stepFiles(FIRST_OF_50R1, 36)[0]!;
  assertEquals(canonicalUrl(url), url);
  assertEquals(canonicalUrl(url.slice(0, -".grib2".length)), url);
});
