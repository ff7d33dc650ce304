import { assert, assertEquals, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import {
  BEFORE_50R1,
  EMBEDDED_STEPS,
  openWorkplace,
  readEmbeddedBucket,
  type Workplace,
} from "../fixtures/embedded_run.ts";
import { raiseValues, replaceFile } from "../fixtures/file_versions.ts";
import type { Command } from "../lib/cli/command.ts";
import { stepFiles } from "../lib/ecmwf/files.ts";
import { runPipeline } from "../lib/pipeline/run_pipeline.ts";
import { execute } from "./commands_fixture.ts";
import { command as distribute } from "./distribute.ts";
import { command as forecast } from "./forecast.ts";
import { command as stream } from "./stream.ts";

const { run: RUN, members: MEMBERS } = BEFORE_50R1;
const NAME = "IFS_20260206_00Z_cgan.nc";
const VARIABLES = ["--variables", "t2m"];

interface Stores extends Workplace {
  /** Publishes step 36 again, with other values at the same offsets. */
  republish(): void;
}

/** A workplace with the final stores of the run. */
async function openStores(): Promise<Stores> {
  const bucket = await readEmbeddedBucket();
  const place = await openWorkplace(bucket);
  await runPipeline({
    ...{ run: RUN, steps: EMBEDDED_STEPS, maxMembers: MEMBERS, parallelWorkers: 8 },
    ...{ outputDir: `${place.folder}/stores`, requireTemplate: false, templateCache: place.folder },
    ...{ allowMissing: false, zip: false },
  }, place.context);
  const [file] = stepFiles(RUN, 36);
  return { ...place, republish: () => replaceFile(bucket, raiseValues(bucket, file!)) };
}

/** Runs a command on the embedded run, and lists what it asked the server for. */
async function make<Options>(place: Workplace, command: Command<Options>, ...args: string[]) {
  const before = place.server.requests.length;
  const common = ["--date", RUN.date, "--max-members", `${MEMBERS}`];
  const own = command.name === "stream" ? ["--parquet-dir", `${place.folder}/stores`] : [];
  const steps = args.includes("--steps") ? [] : ["--steps", EMBEDDED_STEPS.join(",")];
  const folder = args.includes("--output") ? [] : ["--output-dir", `${place.folder}/out`];
  const result = await execute(command, [
    ...[...common, ...own, ...steps, ...folder, "--endpoint", place.server.url],
    ...args,
  ]);
  const asked = place.server.requests.slice(before);
  return { ...result, asked, messages: asked.filter(({ range }) => range !== undefined) };
}

/** Command lines of both commands. */
const COMMANDS = [
  {
    name: "forecast",
    run: (place: Workplace, ...args: string[]) => make(place, forecast, ...args),
  },
  { name: "stream", run: (place: Workplace, ...args: string[]) => make(place, stream, ...args) },
];
const outputOf = ({ folder }: Workplace) => `${folder}/out/${NAME}`;

for (const { name, run } of COMMANDS) {
  Deno.test(`${name}: the same command again is already done, and asks for versions only`, async () => {
    await using place = await openStores();
    const first = await run(place, ...VARIABLES);
    assertEquals(first.code, 0, first.reported);
    const written = await Deno.readFile(outputOf(place));
    const summary = `${place.folder}/summary.json`;
    const again = await run(place, ...VARIABLES, "--parallel-fetches", "3", "--summary", summary);
    assertEquals([again.code, again.messages], [0, []], again.reported);
    assertStringIncludes(again.reported, `already done: ${outputOf(place)}, made at 20`);
    const files = EMBEDDED_STEPS.length;
    assertEquals(again.asked.length, name === "stream" ? files : 2 * files);
    assertEquals(await Deno.readFile(outputOf(place)), written);
    const facts = JSON.parse(await Deno.readTextFile(summary));
    assertEquals([facts.complete, facts.alreadyDone, facts.output], [true, true, outputOf(place)]);
    assertEquals((await run(place, ...VARIABLES, "--quiet")).reported, "");
  });

  Deno.test(`${name} keeps a file of other options, asks for nothing, and names what differs`, async () => {
    await using place = await openStores();
    await run(place, ...VARIABLES);
    const written = await Deno.readFile(outputOf(place));
    const other = ["--variables", "tp", "--region", "kenya"];
    const kept = await run(place, ...other);
    assertEquals([kept.code, kept.asked], [2, []], kept.reported);
    assertEquals(kept.reported.split("\n").slice(-4), [
      `${name}: Cannot write "${outputOf(place)}": other options made it; ` +
      "give --output-dir or --overwrite",
      "  --variables: t2m there, tp here",
      "  --region: 25,19,-14,55 there, 6,33,-5,42 here",
      "",
    ]);
    assertEquals(await Deno.readFile(outputOf(place)), written);
    const elsewhere = await run(place, ...other, "--output", `${place.folder}/a/rain.nc`);
    assertEquals(elsewhere.code, 0, elsewhere.reported);
    const replaced = await run(place, ...other, "--overwrite");
    assertEquals(replaced.code, 0, replaced.reported);
    assert((await Deno.readFile(outputOf(place))).length < written.length);
    assertEquals((await run(place, ...other)).messages, []);
  });

  Deno.test(`${name} keeps a file without a record, and one that was changed since`, async () => {
    await using place = await openStores();
    await Deno.mkdir(`${place.folder}/out`);
    await Deno.writeTextFile(outputOf(place), "of someone else");
    const unknown = await run(place, ...VARIABLES);
    assertEquals([unknown.code, unknown.asked], [2, []], unknown.reported);
    assertStringIncludes(unknown.reported, "it is not in runs.json; give");
    assertEquals(await Deno.readTextFile(outputOf(place)), "of someone else");
    const made = await run(place, ...VARIABLES, "--overwrite");
    assertEquals(made.code, 0, made.reported);
    await Deno.writeTextFile(outputOf(place), "edited", { append: true });
    const changed = await run(place, ...VARIABLES);
    assertEquals(changed.code, 2, changed.reported);
    assertStringIncludes(changed.reported, "it was changed since; give");
  });

  Deno.test(`${name} makes the file of a run that was published again, and one with --fresh`, async () => {
    await using place = await openStores();
    await run(place, ...VARIABLES);
    const fresh = await run(place, ...VARIABLES, "--fresh");
    assert(fresh.messages.length > 0, fresh.reported);
    place.republish();
    const again = await run(place, ...VARIABLES);
    assertEquals(again.code, 0, again.reported);
    assertStringIncludes(
      again.reported,
      "was made of other versions of the files: making it again",
    );
    assert(again.messages.length > 0);
    assertStringIncludes((await run(place, ...VARIABLES)).reported, "already done");
  });

  Deno.test(`${name} makes an incomplete file, and one whose writing was stopped, again`, async () => {
    await using place = await openStores();
    await run(place, ...VARIABLES);
    const ledger = `${place.folder}/out/runs.json`;
    const text = await Deno.readTextFile(ledger);
    await Deno.writeTextFile(ledger, text.replace('"complete"', '"incomplete"'));
    const lacking = await run(place, ...VARIABLES);
    assert(lacking.messages.length > 0, lacking.reported);
    // As begin() leaves it: the file that is there is the old or the new one.
    const entry = JSON.parse(text).runs[0];
    delete entry.sha256;
    const stopped = { version: 1, runs: [{ ...entry, state: "failed" }] };
    await Deno.writeTextFile(ledger, JSON.stringify(stopped));
    await Deno.writeTextFile(outputOf(place), "an older one");
    const resumed = await run(place, ...VARIABLES);
    assertEquals(resumed.code, 0, resumed.reported);
    assertStringIncludes((await run(place, ...VARIABLES)).reported, "already done");
  });
}

Deno.test("forecast and stream take each other's file for theirs: it has the same bytes", async () => {
  await using place = await openStores();
  await make(place, forecast, ...VARIABLES);
  assertStringIncludes((await make(place, stream, ...VARIABLES)).reported, "already done");
});

Deno.test("forecast draws and publishes a file that is already there", async () => {
  await using place = await openStores();
  await make(place, forecast, ...VARIABLES);
  const publish = ["--view", "--publish", `${place.folder}/copies`];
  const again = await make(place, forecast, ...VARIABLES, ...publish);
  assertEquals([again.code, again.messages], [0, []], again.reported);
  const names = await Array.fromAsync(Deno.readDir(`${place.folder}/copies`), ({ name }) => name);
  const stem = NAME.replace(".nc", "");
  assertEquals(names.toSorted(), [`${stem}.html`, `${stem}.manifest.json`, NAME]);
});

Deno.test("a merge keeps a file of other options, and does not merge again what it has merged", async () => {
  await using place = await openStores();
  const task = [...VARIABLES, "--work", `${place.folder}/work`];
  for (const part of ["0/2", "1/2"]) await make(place, stream, ...task, "--task", part);
  const merged = await make(place, stream, ...task, "--merge");
  assertEquals(merged.code, 0, merged.reported);
  const again = await make(place, stream, ...task, "--merge");
  assertEquals(again.code, 0, again.reported);
  assertStringIncludes(again.reported, "already done");
  const other = ["--variables", "tp", "--work", `${place.folder}/work`];
  for (const part of ["0/2", "1/2"]) await make(place, stream, ...other, "--task", part);
  const kept = await make(place, stream, ...other, "--merge");
  assertEquals(kept.code, 2, kept.reported);
  const allowed = await make(place, stream, ...other, "--merge", "--overwrite");
  assertEquals(allowed.code, 0, allowed.reported);
});

Deno.test("distribute submits nothing for a file that is done, or that it would have to keep", async () => {
  await using place = await openStores();
  await make(place, stream, ...VARIABLES);
  const job = ["--engine", "slurm", "--date", RUN.date, "--steps", EMBEDDED_STEPS.join(",")];
  const size = ["--max-members", `${MEMBERS}`, "--output-dir", `${place.folder}/out`];
  const done = await execute(distribute, [...job, ...size, ...VARIABLES]);
  assertEquals(done.code, 0, done.reported);
  assertStringIncludes(done.reported, `already done: ${outputOf(place)}; --fresh makes it again`);
  const kept = await execute(distribute, [...job, ...size, "--variables", "tp"]);
  assertEquals(kept.code, 2, kept.reported);
  assertStringIncludes(kept.reported, "other options made it");
});
