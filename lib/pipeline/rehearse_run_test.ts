import { assert, assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { AFTER_50R1, BEFORE_50R1, bucketKey, openWorkplace } from "../../fixtures/embedded_run.ts";
import type { Bucket } from "../../fixtures/file_versions.ts";
import { MOVED_STEPS } from "../../fixtures/moved_run.ts";
import { asIn50r2, type ChangedEntry, changeRun, withCode } from "../../fixtures/tomorrow_run.ts";
import { BUCKET, stepFiles } from "../ecmwf/files.ts";
import { MissingDataError, UsageError } from "../errors.ts";
import { GIK_VARIABLES } from "../ecmwf/variables.ts";
import { type Rehearsal, rehearseRun } from "./rehearse_run.ts";

const ADDRESS = `s3://${BUCKET}/20260520/12z/ifs/0p25`;
const OPTIONS = {
  address: ADDRESS,
  steps: MOVED_STEPS,
  maxMembers: AFTER_50R1.members,
  variables: GIK_VARIABLES,
};

async function rehearse(bucket: Bucket): Promise<Rehearsal> {
  await using place = await openWorkplace(bucket);
  return await rehearseRun(OPTIONS, place.context);
}

function describe({ differences }: Rehearsal): string[] {
  return differences.map(({ kind, what, table, run }) => `${kind}: ${what}: ${table} -> ${run}`)
    .toSorted();
}

function listActions({ variables }: Rehearsal): Record<string, string> {
  return Object.fromEntries(
    variables.filter(({ action }) => action !== "read")
      .map(({ name, action, detail }) => [name, `${action} ${detail}`.trimEnd()]),
  );
}

Deno.test("rehearseRun() finds the run of today as the table has it, with one request a parameter", async () => {
  await using place = await openWorkplace(await changeRun());
  const { server } = place;
  const { complete, obstacles, layout, differences, variables } = await rehearseRun(
    OPTIONS,
    place.context,
  );
  assertEquals([complete, obstacles], [true, []]);
  assertEquals(variables.map(({ name, action }) => `${name} ${action}`), [
    ...GIK_VARIABLES.map((name) => `${name} read`),
  ]);
  assertEquals(differences, []);
  const listings = server.requests.filter(({ key }) => key === "");
  const indexes = server.requests.filter(({ key }) => key.endsWith(".index"));
  const headers = server.requests.filter(({ key }) => key.endsWith(".grib2"));
  assertEquals([listings.length, indexes.length], [1, 6]);
  assertEquals(headers.length, layout.messages.length);
  assertEquals(headers.length + 7, server.requests.length);
  assert(headers.every(({ bytesSent, range }) => range && bytesSent <= 300));
  const parameters = new Set(
    layout.files.flatMap(({ entries }) => entries.map((it) => `${it.param} ${it.levtype}`)),
  );
  assertEquals(headers.length, parameters.size);
});

Deno.test("rehearseRun() shows what cycle 50r2 renames and converts, and that the file stays the same", async () => {
  const rehearsal = await rehearse(await changeRun(asIn50r2));
  assertEquals([rehearsal.complete, rehearsal.obstacles], [true, []]);
  assertEquals(listActions(rehearsal), {
    tp: "converted from kg m-2 to m",
    sf: "converted from kg m-2 to m",
    tcc: "converted from % to 1",
  });
  assertEquals(
    describe(rehearsal),
    [
      "renamed: u hl 10: 10u sfc -> m s**-1 (0.2.2)",
      "renamed: u hl 100: 100u sfc -> m s**-1 (0.2.2)",
      "renamed: v hl 10: 10v sfc -> m s**-1 (0.2.3)",
      "renamed: v hl 100: 100v sfc -> m s**-1 (0.2.3)",
      "other unit: tp sfc: m (0.1.193) -> kg m-2 (0.1.52)",
      "other unit: tcc sfc: (0 - 1) (0.6.192) -> % (0.6.1)",
      "other unit: sf sfc: m of water equivalent (0.1.198) -> kg m-2 (0.1.53)",
    ].toSorted(),
  );
});

/** Changes of a layout: what is reported, what becomes of variables, and why the file changes. */
const CHANGES: {
  what: string;
  change: (entry: ChangedEntry) => ChangedEntry[];
  news: string[];
  actions?: Record<string, string>;
  obstacles: string[];
}[] = [
  {
    what: "a parameter that is new",
    change: ({ line, message }) => {
      if (line.param !== "msl") return [{ line, message }];
      return [
        { line, message },
        { line: { ...line, param: "lcc" }, message: withCode(message, [0, 6, 193]) },
        { line: { ...line, param: "new1" }, message: withCode(message, [0, 1, 250]) },
      ];
    },
    news: [
      "new: lcc sfc:  -> Low cloud cover, (0 - 1) (0.6.193)",
      "new: new1 sfc:  -> unknown unit (0.1.250)",
    ],
    obstacles: [],
  },
  {
    what: "a default variable under another name",
    change: ({ line, message }) => [{
      line: line.param === "2t" ? { ...line, param: "t2m" } : line,
      message,
    }],
    news: ["renamed: t2m sfc: 2t sfc -> K (0.0.0)"],
    actions: { t2m: "not found no line of 2t sfc" },
    obstacles: ["t2m not found"],
  },
  {
    what: "a parameter that the index does not name",
    change: ({ line, message }) => [{
      line: line.param === "tp" || line.param === "sf" ? { ...line, param: "unknown" } : line,
      message,
    }],
    news: [
      "renamed: unknown sfc: tp sfc -> m (0.1.193)",
      "renamed: unknown sfc: sf sfc -> m of water equivalent (0.1.198)",
    ],
    actions: { tp: "not found no line of tp sfc", sf: "not found no line of sf sfc" },
    obstacles: ["tp not found", "sf not found"],
  },
  {
    what: "a default variable with an unknown code",
    change: ({ line, message }) => [{
      line,
      message: line.param === "tp" ? withCode(message, [0, 1, 250]) : message,
    }],
    news: ["other code: tp sfc: m (0.1.193) -> unknown (0.1.250)"],
    actions: { tp: "refused its parameter is 0.1.250, expected tp in m" },
    obstacles: ["tp refused"],
  },
  {
    what: "levels that are new, gone, and lacking for one parameter",
    change: ({ line, message }) => {
      if (line.levtype !== "pl") return [{ line, message }];
      if (line.levelist === "700" || line.param === "v" && line.levelist === "1000") return [];
      const isNew = line.param === "t" && line.levelist === "500";
      return isNew
        ? [{ line, message }, { line: { ...line, levelist: "5" }, message }]
        : [{ line, message }];
    },
    news: [
      "new: levels of pl:  -> 5 of t",
      "gone: levels of pl: 700 -> ",
      "gone: levels of v pl: 1000 -> others have them",
    ],
    actions: { u700: "not found no line of u pl 700", v700: "not found no line of v pl 700" },
    obstacles: ["u700 not found", "v700 not found"],
  },
  {
    what: "a message of a member that is missing at one step",
    change: (entry) => {
      const { param, number, step } = entry.line;
      return param === "sp" && number === "2" && step === "39" ? [] : [entry];
    },
    news: [],
    actions: { sp: "incomplete step 39 lacks it for members 2" },
    obstacles: ["sp incomplete"],
  },
  {
    what: "members that are more, and lines that cannot be read",
    change: ({ line, message }) => {
      if (line.number !== "2" || line.param !== "sp") return [{ line, message }];
      return [
        { line, message },
        { line: { ...line, number: "77" }, message },
        { line: { ...line, step: "36.5" }, message },
      ];
    },
    news: [
      "other members: members: 1-2 -> 1-2, 77",
      'unreadable: lines:  -> 20260520120000-0h-enfo-ef.index line ?: "step" is "36.5", ' +
      "expected a step in hours; and 2 more",
    ],
    obstacles: ["unreadable lines"],
  },
  {
    what: "data of a test",
    change: ({ line, message }) => [{ line: { ...line, ...{ expver: "0080" } }, message }],
    news: ["other data: class: od 0001 -> od 0080"],
    obstacles: [],
  },
];

for (const { what, change, news, actions = {}, obstacles } of CHANGES) {
  Deno.test(`rehearseRun() shows ${what}`, async () => {
    const bucket = await changeRun(change);
    const rehearsal = await rehearse(bucket);
    assertEquals(listActions(rehearsal), actions);
    assertEquals(rehearsal.obstacles, obstacles);
    assertEquals(rehearsal.complete, obstacles.length === 0);
    const found = describe(rehearsal).map((line) => line.replace(/line \d+/, "line ?"));
    assertEquals(found, news.toSorted());
  });
}

Deno.test("rehearseRun() shows another grid, another control, other members and other steps", async () => {
  const { run } = BEFORE_50R1;
  await using place = await openWorkplace();
  const address = `s3://${BUCKET}/${run.date}/${run.hour}z/ifs/0p25/enfo/`;
  const options = { address, maxMembers: 51, variables: GIK_VARIABLES };
  const rehearsal = await rehearseRun(options, place.context);
  assertEquals(rehearsal.obstacles, [
    "other control",
    "other members",
    "steps gone",
    "other grid",
  ]);
  assertEquals(describe(rehearsal), [
    "gone: levels of pl: 10 -> ",
    "gone: rsn sfc: kg m**-3 (0.1.61) -> ",
    "gone: steps: 82 of them: 3, 6, 9, 12, 15, 18, 21, …, 360 -> ",
    "other control: control: in oper, type fc -> in enfo, type cf",
    "other grid: all fields: 721 × 1440, 0.25° from 90N 180W -> 61 × 120, 3° from 90N 180W",
    "other members: members: 1-50 -> 1-3",
  ]);
  assertEquals(rehearsal.layout.sampledSteps, [0, 36, 39]);
});

Deno.test("rehearseRun() finds files where the server lists none, by the run in the address", async () => {
  await using place = await openWorkplace(await changeRun());
  const { server, context } = place;
  const address = `${server.url}/${BUCKET}/20260520/12z/ifs/0p25`;
  const { maxMembers, variables } = OPTIONS;
  const rehearsal = await rehearseRun({ address, maxMembers, variables }, context);
  assertEquals(rehearsal.layout.sampledSteps, [0, 36]);
  assertEquals(rehearsal.layout.steps, undefined);
  assertEquals(rehearsal.obstacles, []);
  const { HEAD, GET } = server.counters.byMethod;
  assertEquals([HEAD, GET], [12, 4 + rehearsal.layout.messages.length]);

  const other = { ...OPTIONS, address: `${server.url}/${BUCKET}/20260521/12z/ifs/0p25` };
  const missing = await assertRejects(() => rehearseRun(other, context), MissingDataError);
  assertEquals(missing.category, "missing");
  const nameless = { ...OPTIONS, address: `${server.url}/${BUCKET}/test` };
  await assertRejects(() => rehearseRun(nameless, context), UsageError, "<YYYYMMDD>/<HH>z");
});

Deno.test("rehearseRun() refuses a folder with several runs, or with two files of a step", async () => {
  const bucket = await changeRun();
  const [file] = stepFiles(AFTER_50R1.run, 36);
  const copy = bucketKey(file!.indexUrl).replace("0p25/enfo", "0p25/enfo-old");
  bucket.set(copy, bucket.get(bucketKey(file!.indexUrl))!);
  await using place = await openWorkplace(bucket);
  const twice = () => rehearseRun(OPTIONS, place.context);
  await assertRejects(twice, UsageError, "are of the same step");
  const several = () => rehearseRun({ ...OPTIONS, address: `s3://${BUCKET}` }, place.context);
  await assertRejects(several, UsageError, "20260206 00 UTC and 20260520 12 UTC");
});
