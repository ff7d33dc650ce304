import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { bucketKey, openWorkplace } from "../../fixtures/embedded_run.ts";
import { SLOW_DOWN } from "../../fixtures/s3_server.ts";
import { stepFiles, type Stream } from "../ecmwf/files.ts";
import { parseRun, referenceTime, runSteps } from "../ecmwf/run.ts";
import { describeAbsentSteps } from "./missing_steps.ts";

const BEFORE = parseRun("20260206", "00");
const AFTER = parseRun("20260520", "00");
const STEPS = runSteps(BEFORE);

/** A bucket that has steps of a run. */
function publish(run = BEFORE, steps: readonly number[], streams: Stream[] = ["enfo", "oper"]) {
  const files = steps.flatMap((step) => stepFiles(run, step))
    .filter(({ stream }) => streams.includes(stream));
  const urls = files.flatMap(({ url, indexUrl }) => [url, indexUrl]);
  return new Map(urls.map((url) => [bucketKey(url), new Uint8Array(1)]));
}

interface Case {
  run?: typeof BEFORE;
  published: ReturnType<typeof publish>;
  steps?: readonly number[];
  lacking?: readonly number[];
  hoursLater?: number;
}

/** What is said of a run some hours later, and the requests for it. */
async function describe({ run = BEFORE, published, steps = STEPS, lacking, hoursLater = 8 }: Case) {
  await using workplace = await openWorkplace(published);
  const now = new Date(referenceTime(run).getTime() + hoursLater * 3_600_000);
  const options = { run, steps, ...(lacking && { lacking }), now };
  const text = await describeAbsentSteps(options, workplace.context.storage);
  return { text, requests: workplace.server.counters.byMethod };
}

Deno.test("a run of which the server has nothing is not published yet, or never on it", async () => {
  const published = publish(BEFORE, []);
  const young = await describe({ published, hoursLater: 23 });
  assertEquals(young, { text: "not published yet", requests: { HEAD: 85 } });
  const old = await describe({ published, hoursLater: 24 });
  assertEquals(old.text, "the server has nothing of it");
});

Deno.test("a run of which the server has nothing may be one of the days that ECMWF's archive lacks", async () => {
  const run = parseRun("20230302", "00");
  const { text } = await describe({ run, published: publish(run, []), hoursLater: 500 });
  assertEquals(
    text,
    "the server has nothing of it: six days before 2024-02-29 are absent from ECMWF's archive, " +
      "this may be one of them",
  );
});

Deno.test("a run that is half published names the steps that are not there yet", async () => {
  const published = publish(BEFORE, [0, 3, 36, 39, 360]);
  assertEquals(await describe({ published }), {
    text: "80 of 85 steps are not there yet: 6-33, 42-354",
    requests: { HEAD: 80 + 2 * 5 },
  });
  const old = await describe({ published, hoursLater: 500 });
  assertEquals(old.text, "80 of 85 steps are not there: 6-33, 42-354");
});

Deno.test("only the steps that a command lacked are looked for", async () => {
  const published = publish(BEFORE, STEPS.filter((step) => step !== 123));
  assertEquals(await describe({ published, lacking: [123, 126] }), {
    text: "1 of 85 steps are not there yet: 123",
    requests: { HEAD: 3 },
  });
  assertEquals((await describe({ published, lacking: [126] })).text, undefined);
});

Deno.test("a run without the steps of a command is not one without any", async () => {
  const published = publish(BEFORE, [0, 3]);
  const steps = [36, 39, 42];
  const found = await describe({ published, steps });
  assertEquals(found.text, "3 of 3 steps are not there yet: 36-42");
  assertEquals(
    (await describe({ published, steps: [36] })).text,
    "1 of 1 step is not there yet: 36",
  );
  assertEquals(
    (await describe({ published: publish(BEFORE, []), steps })).text,
    "not published yet",
  );
});

Deno.test("from 50r1 on a step is there when both of its files are", async () => {
  const published = publish(AFTER, STEPS, ["enfo"]);
  const found = await describe({ run: AFTER, published, steps: [36, 39] });
  assertEquals(found.text, "2 of 2 steps are not there yet: 36-39");
});

Deno.test("a server that fails says nothing of the steps", async () => {
  await using workplace = await openWorkplace(publish(BEFORE, []));
  workplace.server.setFaults(() => SLOW_DOWN);
  const options = { run: BEFORE, steps: [36], now: new Date() };
  assertEquals(await describeAbsentSteps(options, workplace.context.storage), undefined);
});
