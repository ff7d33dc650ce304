/**
 * The fields of every index of a run → those that are missing: beside other members, other steps and
 * levels, and beside what ECMWF published in the run's era.
 *
 * An era's inventory is not required as a whole: mirrors may hold a part of it, and the first runs of
 * some parameters are not known to the day. Missing is what other indexes of the run have, and what the
 * output needs.
 *
 * @module
 */
import type { EraParameter } from "../ecmwf/datasets.ts";
import {
  type EraField,
  findEra,
  findEraParameter,
  findPublicationAt,
  UNNAMED_PARAM,
} from "../ecmwf/eras.ts";
import { holdsMember, type StepFile } from "../ecmwf/files.ts";
import { describeMembers, type Member } from "../ecmwf/members.ts";
import type { Run } from "../ecmwf/run.ts";

/** The fields of a file, each with the members that have it. */
export interface FileFields {
  file: StepFile;
  /** By {@linkcode formatField}. */
  members: ReadonlyMap<string, readonly Member[]>;
}

/** What indexes lack. */
export interface FieldGaps {
  /** Missing fields, one line for the same fields and members. */
  missing: string[];
  /** Fields that ECMWF's index does not name: any of them may be a missing one. */
  unnamed: string[];
}

/** What a run should have. */
export interface ExpectedRun {
  run: Run;
  /** Members that the run has. */
  members: readonly Member[];
  /** Fields that the output needs. */
  required: readonly EraField[];
}

/** `u pl 700`. */
export function formatField({ param, levtype, level }: EraField): string {
  return level === undefined ? `${param} ${levtype}` : `${param} ${levtype} ${level}`;
}

function parseField(text: string): EraField {
  const [param, levtype, level] = text.split(" ") as [string, string, string | undefined];
  return { param, levtype, ...(level !== undefined && { level: Number(level) }) };
}

/** Names the fields that files lack, and those without a name. Asks no server. */
export function findFieldGaps(files: readonly FileFields[], expected: ExpectedRun): FieldGaps {
  const missing: Gap[] = [];
  const unnamed: Gap[] = [];
  for (const own of Map.groupBy(files, ({ file }) => file.stream).values()) {
    const everywhere = findCommonFields(own, expected.run);
    for (const one of own) {
      missing.push(...findMissing(one, everywhere, expected));
      unnamed.push(...findUnnamed(one));
    }
  }
  return {
    missing: describeGaps(missing, expected),
    unnamed: describeGaps(unnamed, expected).map((line) => line.replace(/: [^:]*$/, "")),
  };
}

const ALL = "all fields";

/** A field that members lack in a file. */
interface Gap {
  file: StepFile;
  /** {@linkcode ALL} for members of which the file has nothing. */
  field: string;
  members: readonly Member[];
}

/** The field as steps have it in common: of labels that change with the step, the first. */
function commonField(run: Run, field: EraField): { name: string; row?: EraParameter } {
  const row = findEraParameter(run, field);
  return {
    name: formatField(row?.series ? { ...field, param: row.series } : field),
    ...(row && { row }),
  };
}

/**
 * The fields that each step of a stream should have because others have them: by their name, whether
 * they begin after step 0. Parameters that the era does not know, or not at every step, are not
 * compared.
 */
function findCommonFields(files: readonly FileFields[], run: Run): Map<string, boolean> {
  const common = new Map<string, boolean>();
  const add = (field: EraField) => {
    const { name, row } = commonField(run, field);
    if (row && row.steps !== "some") common.set(name, row.afterStep0 ?? false);
  };
  const fields = [...new Set(files.flatMap(({ members }) => [...members.keys()]))].map(parseField);
  for (const field of fields) add(field);
  for (const levtype of ["pl", "sol"] as const) {
    const own = fields.filter((field) => field.levtype === levtype && field.level !== undefined);
    const levels = findLevels(own, findEra(run).levels[levtype]);
    for (const { param } of own) for (const level of levels) add({ param, levtype, level });
  }
  return common;
}

/**
 * The levels that each parameter should have: those that any has, and all of the era unless the run has
 * less than two thirds of them, and so is a part of what ECMWF published.
 */
function findLevels(fields: readonly EraField[], ofEra: readonly number[]): Set<number> {
  const present = new Set(fields.map(({ level }) => level!));
  const isWhole = 3 * ofEra.filter((level) => present.has(level)).length >= 2 * ofEra.length;
  return new Set([...present, ...(isWhole ? ofEra : [])]);
}

function findMissing(
  { file, members }: FileFields,
  everywhere: ReadonlyMap<string, boolean>,
  { run, members: wanted, required }: ExpectedRun,
): Gap[] {
  const inFile = wanted.filter((member) => holdsMember(file, run, member));
  const present = new Map<string, readonly Member[]>();
  const some = new Set<Member>();
  const expected = new Set<string>();
  for (const [text, own] of members) {
    const field = parseField(text);
    if (field.param === UNNAMED_PARAM) continue;
    const { name } = commonField(run, field);
    // Two labels of a series may be there at once.
    const known = present.get(name);
    present.set(name, known ? [...new Set([...known, ...own])] : own);
    for (const member of own) some.add(member);
    expected.add(name);
  }
  for (const [name, afterStep0] of everywhere) {
    if (!afterStep0 || file.stepHours > 0) expected.add(name);
  }
  for (const field of required) {
    if (findPublicationAt(run, field, file.stepHours) === "yes") {
      expected.add(commonField(run, field).name);
    }
  }
  const none = inFile.filter((member) => !some.has(member));
  const gaps = [...expected].filter((name) => present.get(name)?.length !== some.size).map(
    (name) => {
      const lacking = inFile.filter((it) => some.has(it) && !present.get(name)?.includes(it));
      return { file, field: name, members: lacking };
    },
  );
  return [{ file, field: ALL, members: none }, ...gaps].filter(({ members }) => members.length > 0);
}

function findUnnamed({ file, members }: FileFields): Gap[] {
  return [...members].filter(([field]) => parseField(field).param === UNNAMED_PARAM)
    .map(([field, own]) => ({ file, field, members: own }));
}

/** `steps 36, 39, members 2: tp, u (500, 700)`. */
function describeGaps(gaps: readonly Gap[], expected: ExpectedRun): string[] {
  const stepsByText = new Map<string, number[]>();
  for (const [step, own] of Map.groupBy(gaps, ({ file }) => file.stepHours)) {
    const fieldsByOwners = new Map<string, string[]>();
    for (const [field, lacking] of Map.groupBy(own, (gap) => gap.field)) {
      const owners = describeOwners(lacking.flatMap(({ members }) => members), expected);
      fieldsByOwners.set(owners, [...fieldsByOwners.get(owners) ?? [], field]);
    }
    for (const [owners, fields] of fieldsByOwners) {
      const text = `${owners}: ${describeFields(fields, expected.run)}`;
      stepsByText.set(text, [...stepsByText.get(text) ?? [], step]);
    }
  }
  return Array.from(stepsByText, ([text, steps]) => {
    const sorted = steps.sort((a, b) => a - b);
    return `step${sorted.length > 1 ? "s" : ""} ${sorted.join(", ")}, ${text}`;
  });
}

function describeOwners(lacking: readonly Member[], { members }: ExpectedRun): string {
  const isAll = members.length > 1 && lacking.length === members.length;
  return isAll ? "all members" : `members ${describeMembers(lacking)}`;
}

/** `tp, u (500, 700), v (all levels)`: in alphabetical order. */
function describeFields(fields: readonly string[], run: Run): string {
  if (fields.includes(ALL)) return ALL;
  const byParam = Map.groupBy(fields.map(parseField), (it) => `${it.param} ${it.levtype}`);
  return [...byParam].toSorted(([a], [b]) => a < b ? -1 : 1).map(([, own]) => {
    const { param, levtype } = own[0]!;
    const levels = own.flatMap(({ level }) => level ?? []).sort((a, b) => a - b);
    if (levels.length === 0) return param;
    const { pl, sol } = findEra(run).levels;
    const isAll = levels.length === (levtype === "sol" ? sol : pl).length;
    return `${param} (${isAll ? "all levels" : levels.join(", ")})`;
  }).join(", ");
}
