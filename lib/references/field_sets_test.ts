import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { DATASETS, type Era } from "../ecmwf/datasets.ts";
import { asPublished, findPublicationAt } from "../ecmwf/eras.ts";
import { holdsMember, stepFiles, type Stream } from "../ecmwf/files.ts";
import { type Member } from "../ecmwf/members.ts";
import { parseRun, type Run } from "../ecmwf/run.ts";
import { findVariables, VARIABLES } from "../ecmwf/variables.ts";
import { type FileFields, findFieldGaps, formatField } from "./field_sets.ts";

/** Steps on both sides of every change of labels. */
const STEPS = [0, 3, 90, 93, 144, 150, 360];
const MEMBERS = [0, 1, 2, 3];

/** A file's fields before they are frozen into an index. */
type Draft = Map<string, Member[]>;

/** The inventory of an era at some steps, changed. */
function makeFiles(
  era: Era,
  change: (fields: Draft, stepHours: number, stream: Stream) => void = () => {},
  { steps = STEPS, run = era.firstRun }: { steps?: readonly number[]; run?: Run } = {},
): FileFields[] {
  return steps.flatMap((stepHours) =>
    stepFiles(run, stepHours).map((file) => {
      const isOper = file.stream === "oper";
      const members = isOper ? [0] : MEMBERS.filter((it) => it > 0 || era.control === "enfo");
      const draft: Draft = new Map();
      for (const { levtype, param, operOnly } of era.parameters) {
        const levels = levtype === "sfc" ? [undefined] : era.levels[levtype];
        for (const level of levels) {
          const field = { param, levtype, ...(level !== undefined && { level }) };
          const publication = operOnly ? "yes" : findPublicationAt(run, field, stepHours);
          if (publication === "no" || operOnly && !isOper) continue;
          draft.set(formatField(field), [...members]);
        }
      }
      change(draft, stepHours, file.stream);
      return { file, members: draft };
    })
  );
}

function findGaps(era: Era, files: FileFields[], run = era.firstRun) {
  const required = VARIABLES.map((variable) => asPublished(variable, run));
  return findFieldGaps(files, { run, members: MEMBERS, required });
}

/** Runs of eras in which parameters began later. */
const LATER_RUNS: Record<string, Run> = {
  "9 levels": parseRun("20250101", "12"),
  "13 levels": parseRun("20260101", "12"),
};

const NOTHING = { missing: [], unnamed: [] };

const ERAS = DATASETS.ifs.eras;

for (const era of ERAS) {
  Deno.test(`the inventory of the era "${era.name}" lacks nothing, with accumulations at step 0 or constants at one step`, () => {
    for (const run of [era.firstRun, LATER_RUNS[era.name] ?? era.firstRun]) {
      assertEquals(findGaps(era, makeFiles(era, undefined, { run }), run), NOTHING);
      for (const step of STEPS) {
        assertEquals(
          findGaps(era, makeFiles(era, undefined, { run, steps: [step] }), run),
          NOTHING,
        );
      }
      const withStep0 = makeFiles(era, (fields, step, stream) => {
        if (step === 0) fields.set("tp sfc", stream === "oper" ? [0] : fields.get("2t sfc")!);
        if (step > 0) { for (const name of ["lsm sfc", "z sfc", "zos sfc"]) fields.delete(name); }
      }, { run });
      assertEquals(findGaps(era, withStep0, run), NOTHING);
    }
  });

  Deno.test(`in the era "${era.name}" a field that one member, one step or the whole run lacks is named`, () => {
    const missing = (change: Parameters<typeof makeFiles>[1], steps = STEPS) =>
      findGaps(era, makeFiles(era, change, { steps })).missing;
    const ofOneMember = missing((fields, step, stream) => {
      if (step !== 93 || stream === "oper") return;
      fields.set("msl sfc", fields.get("msl sfc")!.filter((it) => it !== 2));
    });
    assertEquals(ofOneMember, ["step 93, members 2: msl"]);
    // Other steps have it.
    const ofOneStep = missing((fields, step) => {
      if (step === 93) fields.delete("msl sfc");
    });
    assertEquals(ofOneStep, ["step 93, all members: msl"]);
    // Other parameters have the level.
    const levelOfOne = missing((fields) => void fields.delete("t pl 500"), [36, 39]);
    assertEquals(levelOfOne, ["steps 36, 39, all members: t (500)"]);
    // The era has the level.
    const levelOfAll = missing((fields) => {
      for (const name of [...fields.keys()]) if (name.endsWith("pl 500")) fields.delete(name);
    }, [36]);
    const params = era.parameters.filter((it) => it.levtype === "pl");
    const list = (own: typeof params) => own.map(({ param }) => `${param} (500)`).join(", ");
    assertEquals(levelOfAll.sort(), [
      `step 36, all members: ${list(params.filter(({ operOnly }) => !operOnly))}`,
      ...params.filter(({ operOnly }) => operOnly).map((it) =>
        `step 36, members control: ${list([it])}`
      ),
    ]);
    // The output needs it.
    const required = missing((fields) => void fields.delete("tp sfc"), [36]);
    assertEquals(required, ["step 36, all members: tp"]);
  });
}

const [, , , , THIRTEEN, LATEST] = ERAS as [Era, Era, Era, Era, Era, Era];

Deno.test("an index that is cut alike for all members is found beside the other steps", () => {
  const files = makeFiles(THIRTEEN, (fields, step) => {
    if (step === 90) { for (const name of [...fields.keys()].slice(100)) fields.delete(name); }
  });
  assertEquals(findGaps(THIRTEEN, files).missing, [
    "step 90, all members: t (600, 700, 850, 925, 1000), u (all levels), v (all levels), " +
    "vo (all levels), w (all levels)",
  ]);
});

Deno.test("a field that the index calls unknown is missing under its name, and both are named", () => {
  const files = makeFiles(THIRTEEN, (fields, step) => {
    if (step !== 3) return;
    fields.set("tp sfc", [0, 1, 3]);
    fields.set("unknown sfc", [2]);
  });
  assertEquals(findGaps(THIRTEEN, files), {
    missing: ["step 3, members 2: tp"],
    unnamed: ["step 3, members 2"],
  });
  const onlyUnnamed = makeFiles(THIRTEEN, (fields) => void fields.set("unknown sfc", MEMBERS), {
    steps: [36, 39],
  });
  assertEquals(findGaps(THIRTEEN, onlyUnnamed), {
    missing: [],
    unnamed: ["steps 36, 39, all members"],
  });
});

Deno.test("a member of which a file has nothing lacks all fields, the others none", () => {
  const files = makeFiles(LATEST, (fields, step, stream) => {
    if (step !== 3 || stream !== "enfo") return;
    for (const [name, own] of fields) fields.set(name, own.filter((it) => it !== 2));
  });
  assertEquals(findGaps(LATEST, files).missing, ["step 3, members 2: all fields"]);
  const empty = makeFiles(LATEST, (fields, step, stream) => {
    if (step >= 150 && stream === "oper") fields.clear();
  });
  assertEquals(findGaps(LATEST, empty).missing, ["steps 150, 360, members control: all fields"]);
});

Deno.test("a gust is there under either of its labels, and missing under none", () => {
  const files = makeFiles(LATEST, (fields, step) => {
    if (step === 93) fields.delete("10fg3 sfc");
    if (step === 150) {
      fields.set("mx2t3 sfc", fields.get("mx2t6 sfc")!);
      fields.delete("mx2t6 sfc");
    }
  });
  assertEquals(findGaps(LATEST, files).missing, ["step 93, all members: 10fg"]);
});

Deno.test("a small part of an inventory is compared with itself, and with what the output needs", () => {
  const kept = [
    "tp sfc",
    "2t sfc",
    "u pl 700",
    "v pl 700",
    "t pl 500",
    "u pl 500",
    "v pl 500",
    "t pl 700",
  ];
  const run = parseRun("20260101", "00");
  const files = makeFiles(THIRTEEN, (fields, step) => {
    for (const name of [...fields.keys()]) if (!kept.includes(name)) fields.delete(name);
    if (step === 93) fields.delete("t pl 700");
  }, { run });
  const gaps = (names: string[]) =>
    findFieldGaps(files, { run, members: MEMBERS, required: findVariables(names) }).missing;
  assertEquals(gaps(["tp", "t2m", "u700"]), ["step 93, all members: t (700)"]);
  assertEquals(gaps(["tp", "tcc"]), [
    "steps 0, 3, 90, 144, 150, 360, all members: tcc",
    "step 93, all members: t (700), tcc",
  ]);
});

Deno.test("a parameter that the era does not know is compared among members alone", () => {
  const files = makeFiles(THIRTEEN, (fields, step) => {
    if (step === 3) fields.set("new sfc", [0, 1, 3]);
  });
  assertEquals(findGaps(THIRTEEN, files).missing, ["step 3, members 2: new"]);
});

for (const era of DATASETS["aifs-ens"].eras) {
  const run = era.firstRun;
  /** The inventory of the era, each file with its own members. */
  const makeRun = (change: (fields: Draft, stepHours: number, isControl: boolean) => void) =>
    [0, 6, 360].flatMap((stepHours) => stepFiles(run, stepHours)).map((file): FileFields => {
      const members = MEMBERS.filter((member) => holdsMember(file, run, member));
      const fields: Draft = new Map();
      for (const { levtype, param } of era.parameters) {
        for (const level of levtype === "sfc" ? [undefined] : era.levels[levtype]) {
          const field = { param, levtype, ...(level !== undefined && { level }) };
          const isThere = findPublicationAt(run, field, file.stepHours) !== "no";
          if (isThere) fields.set(formatField(field), [...members]);
        }
      }
      change(fields, file.stepHours, file.type === "cf");
      return { file, members: fields };
    });
  const missing = (change: Parameters<typeof makeRun>[0]) =>
    findGaps(era, makeRun(change), run).missing;

  Deno.test(`the two files of a step of ${era.name} lack nothing, and what one of them lacks is named`, () => {
    assertEquals(missing(() => {}), []);
    const ofControl = missing((fields, step, isControl) => {
      if (step === 6 && isControl) fields.delete("tp sfc");
    });
    assertEquals(ofControl, ["step 6, members control: tp"]);
    const ofBoth = missing((fields, step) => void (step === 360 && fields.delete("2t sfc")));
    assertEquals(ofBoth, ["step 360, all members: 2t"]);
    const ofMember = missing((fields, _, isControl) => {
      if (!isControl) fields.set("q pl 700", [1, 3]);
    });
    assertEquals(ofMember, ["steps 0, 6, 360, members 2: q (700)"]);
  });
}
