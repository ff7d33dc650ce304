import { assertEquals, assertMatch, assertThrows } from "jsr:@std/assert@^1.0.0";
import {
  AFTER_50R1,
  bucketKey,
  EMBEDDED_STEPS,
  openWorkplace,
  readEmbeddedBucket,
} from "../../fixtures/embedded_run.ts";
import type { Bucket } from "../../fixtures/file_versions.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { MissingDataError } from "../errors.ts";
import { StepReader } from "./step_reader.ts";

const { run, members } = AFTER_50R1;
const NEEDED = { stepsOf: () => EMBEDDED_STEPS, maxMembers: members, parallelFetches: 2 };
const [ENFO, OPER] = stepFiles(run, 36);

Deno.test("StepReader takes a step when both of its files are there, for one HEAD a look", async () => {
  const whole = await readEmbeddedBucket();
  const bucket: Bucket = new Map();
  await using place = await openWorkplace(bucket);
  const { server, context } = place;
  const reader = await StepReader.open(run, NEEDED, context);
  const look = async (...urls: string[]) => {
    for (const url of urls) bucket.set(bucketKey(url), whole.get(bucketKey(url))!);
    const before = server.requests.length;
    const landed = await reader.poll(36);
    const asked = server.requests.slice(before).map(({ method, key }) => {
      return `${method} ${key.split("-").slice(1).join("-")}`;
    });
    return [landed, asked.toSorted()];
  };
  assertEquals(await look(), [false, ["HEAD 36h-enfo-ef.index"]]);
  assertEquals(await look(ENFO!.indexUrl), [false, [
    "GET 36h-enfo-ef.index",
    "HEAD 36h-enfo-ef.grib2",
    "HEAD 36h-enfo-ef.index",
  ]]);
  // The index was seen: from now on its file is asked for.
  assertEquals(await look(), [false, ["HEAD 36h-enfo-ef.grib2"]]);
  assertEquals(await look(ENFO!.url), [false, [
    "GET 36h-enfo-ef.index",
    "HEAD 36h-enfo-ef.grib2",
    "HEAD 36h-enfo-ef.grib2",
    "HEAD 36h-oper-fc.index",
  ]]);
  assertEquals(await look(), [false, ["HEAD 36h-oper-fc.index"]]);
  assertEquals(reader.waiting, EMBEDDED_STEPS);
  assertEquals(await look(OPER!.url, OPER!.indexUrl), [true, [
    "GET 36h-oper-fc.index",
    "HEAD 36h-oper-fc.grib2",
    "HEAD 36h-oper-fc.index",
  ]]);
  assertEquals([await look(), reader.waiting], [[true, []], [39]]);
  const stores = reader.collectStores({ onlyLanded: true });
  assertEquals([...stores.keys()], [0, 1, 2]);
});

Deno.test("StepReader reads a file that its index does not fit again only when one of them has changed", async () => {
  const bucket = await readEmbeddedBucket();
  const key = bucketKey(ENFO!.url);
  const whole = bucket.get(key)!;
  bucket.set(key, whole.slice(0, 100_000));
  await using place = await openWorkplace(bucket);
  const { server, context } = place;
  const reader = await StepReader.open(run, { ...NEEDED, stepsOf: () => [36] }, context);
  await reader.read();
  assertEquals([reader.waiting, reader.absent, reader.unread], [[36], [36], []]);
  assertMatch(reader.explain(36), /it has 100000 bytes and its index lists \d+$/);
  await reader.poll(36);
  const methods: string[][] = [];
  const look = async () => {
    const before = server.requests.length;
    const landed = await reader.poll(36);
    methods.push(server.requests.slice(before).map(({ method }) => method).toSorted());
    return landed;
  };
  assertEquals([await look(), await look()], [false, false]);
  assertEquals(methods, [["HEAD", "HEAD"], ["HEAD", "HEAD"]]);
  bucket.set(key, whole);
  assertEquals([await look(), methods.at(-1)], [true, ["GET", "HEAD", "HEAD", "HEAD"]]);
});

Deno.test("StepReader gives no reference of a step of which the control has not landed", async () => {
  const bucket = await readEmbeddedBucket();
  bucket.delete(bucketKey(OPER!.url));
  await using place = await openWorkplace(bucket);
  const reader = await StepReader.open(run, NEEDED, place.context);
  await reader.read();
  assertEquals([reader.waiting, reader.absent, reader.unread], [[36], [36], [36]]);
  const keys = (onlyLanded: boolean) =>
    [...reader.collectStores({ onlyLanded }).get(1)!.keys()]
      .filter((key) => key.startsWith("step_036/")).length;
  assertEquals([keys(true), keys(false) > 0], [0, true]);
  reader.report();
  assertEquals(place.warnings.length, 1);
});

Deno.test("StepReader warns of members that the run does not have", async () => {
  await using place = await openWorkplace();
  const reader = await StepReader.open(run, { ...NEEDED, maxMembers: 5 }, place.context);
  await reader.read();
  reader.report();
  assertEquals(place.warnings, ["20260520 12 UTC lacks members 3-4"]);
});

Deno.test("StepReader.report() fails where nothing of the run could be read", async () => {
  await using place = await openWorkplace(new Map());
  const reader = await StepReader.open(run, NEEDED, place.context);
  await reader.read();
  assertThrows(() => reader.report(), MissingDataError, "find anything of");
});
