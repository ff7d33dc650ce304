/**
 * What was read of a run → parameters and levels that are new, gone, renamed, or in another unit than
 * those of the newest era.
 *
 * @module
 */
import { findEncoding } from "../ecmwf/check_message.ts";
import type { Era, EraParameter } from "../ecmwf/datasets.ts";
import { findPublicationAt, isBefore, UNNAMED_PARAM } from "../ecmwf/eras.ts";
import { findParameter, isNamedByCode, PARAMETERS } from "../ecmwf/parameters.ts";
import type { Run } from "../ecmwf/run.ts";
import { VARIABLES } from "../ecmwf/variables.ts";
import { GribError, type GribHeader } from "../grib/headers.ts";
import type { IndexEntry } from "../index/entries.ts";
import { formatParameter, type RunLayout, type SampledMessage } from "./read_layout.ts";

/** How a field, or the run, differs from the table. */
export type DifferenceKind =
  | "new"
  | "gone"
  | "renamed"
  | "other unit"
  | "other code"
  | "other grid"
  | "other members"
  | "other control"
  | "other data"
  | "unreadable";

/** One difference. */
export interface Difference {
  kind: DifferenceKind;
  /** `u pl 700`, or what of the run differs. */
  what: string;
  /** What the newest era has; empty for what it lacks. */
  table: string;
  /** What the run has; empty for what it lacks. */
  run: string;
}

/** A parameter as the indexes have it. */
interface Group {
  param: string;
  levtype: string;
  levels: ReadonlySet<number>;
  message: SampledMessage | undefined;
}

/** The run as a run of the newest era: that of tests may be older than the era. */
export function runOfEra(run: Run, era: Era): Run {
  return isBefore(run, era.firstRun) ? era.firstRun : run;
}

/** Compares parameters, each by its name and by the code of one message. */
export function compareParameters(layout: RunLayout, era: Era): Difference[] {
  const groups = collectGroups(layout);
  const known = (row: EraParameter) => groups.find((it) => isSame(it, row));
  const expected = era.parameters.filter((row) =>
    !known(row) && findRow(layout, era, row) !== "no"
  );
  const strange = groups.filter((it) => !era.parameters.some((row) => isSame(it, row)));
  const renamed = new Set<EraParameter>();
  const found = strange.map((group) => {
    const old = expected.find((row) => row.param === identify(group)?.shortName);
    if (old) renamed.add(old);
    return describeStrange(group, old);
  });
  const gone = expected.filter((row) => !renamed.has(row)).map((row): Difference => {
    const isSure = findRow(layout, era, row) === "yes";
    const run = isSure ? "" : "not at these steps; it is at some";
    return { kind: "gone", what: formatRow(row), table: describeUsual(row), run };
  });
  const others = groups.filter((it) => !strange.includes(it)).flatMap(compareCode);
  return [...found, ...gone, ...others, ...compareLevels(groups, era)];
}

function isSame(a: { param: string; levtype: string }, b: typeof a): boolean {
  return a.param === b.param && a.levtype === b.levtype;
}

function formatRow({ param, levtype }: { param: string; levtype: string }): string {
  return `${param} ${levtype}`;
}

/** Whether a row of the era should be at the steps that were read, in the files that are there. */
function findRow({ run, files }: RunLayout, era: Era, row: EraParameter): "yes" | "perhaps" | "no" {
  const asOfEra = runOfEra(run, era);
  const answers = files.map(({ file: { stream, stepHours } }) => {
    const isOper = stream === "oper";
    if ((row.operOnly ?? false) !== isOper) return "no";
    if (!isOper) return findPublicationAt(asOfEra, row, stepHours);
    return row.steps === "some" ? "perhaps" : "yes";
  });
  return answers.find((it) => it === "yes") ?? answers.find((it) => it === "perhaps") ?? "no";
}

function collectGroups({ files, messages }: RunLayout): Group[] {
  const entries = files.flatMap((it) => it.entries);
  return [...Map.groupBy(entries, formatParameter)].flatMap(([key, own]): Group[] => {
    const [{ param, levtype }] = own as [IndexEntry];
    const read = messages.filter(({ entry }) => formatParameter(entry) === key);
    // Messages without a name are parameters of their own.
    const isNamed = read.length <= 1 || param !== UNNAMED_PARAM;
    if (isNamed) return [{ param, levtype, levels: levelsOf(own), message: read[0] }];
    return read.map((message) => ({ param, levtype, levels: levelsOf([message.entry]), message }));
  });
}

function levelsOf(entries: readonly IndexEntry[]): Set<number> {
  return new Set(entries.flatMap(({ levelist }) => levelist ? Number(levelist) : []));
}

/** The parameter that the code of a message names; `undefined` for one that the table lacks. */
function identify({ message }: Group) {
  if (!message || message.header instanceof GribError) return undefined;
  const parameter = findParameter(message.header);
  return isNamedByCode(parameter.shortName) ? undefined : parameter;
}

/** A parameter that the era does not have under this name. */
function describeStrange(group: Group, old: EraParameter | undefined): Difference {
  const levels = group.levels.size > 0 ? ` ${sortNumbers(group.levels)}` : "";
  const what = `${formatRow(group)}${levels}`;
  const named = identify(group);
  const run = describeMessage(group.message, named?.units);
  if (old) return { kind: "renamed", what, table: formatRow(old), run };
  if (named && named.shortName !== group.param) {
    return { kind: "renamed", what, table: `${named.shortName} of the table of parameters`, run };
  }
  return { kind: "new", what, table: "", run: named ? `${named.name}, ${run}` : run };
}

function sortNumbers(numbers: Iterable<number>): string {
  return [...numbers].sort((a, b) => a - b).join(", ");
}

/** `kg m**-2 (0.1.52)`. */
function describeMessage(message: SampledMessage | undefined, units = "unknown unit"): string {
  if (!message) return "";
  const { header } = message;
  return header instanceof GribError ? header.message : `${units} (${formatHeaderCode(header)})`;
}

function formatHeaderCode({ discipline, product }: GribHeader): string {
  return `${discipline}.${product.parameterCategory}.${product.parameterNumber}`;
}

/** The first row of a name is the one in use. */
function findUsual({ param }: { param: string }) {
  return PARAMETERS.find(({ shortName }) => shortName === param);
}

function describeUsual(row: { param: string }): string {
  const usual = findUsual(row);
  if (!usual) return "";
  const { discipline, category, number } = usual.code;
  return `${usual.units} (${discipline}.${category}.${number})`;
}

/** Whether a parameter that is known by its name has the code, and so the unit, that it has today. */
function compareCode(group: Group): Difference[] {
  const { message, param } = group;
  if (!message) return [];
  const what = formatRow(group);
  const table = describeUsual(group);
  const { header } = message;
  if (header instanceof GribError) {
    return [{ kind: "unreadable", what, table, run: header.message }];
  }
  const encoding = VARIABLES.filter((it) => isSame(it, group))
    .map((variable) => findEncoding(header, variable)).find((it) => it !== undefined);
  if (encoding) {
    if (!encoding.conversion) return [];
    const run = describeMessage(message, encoding.conversion.units);
    return [{ kind: "other unit", what, table, run }];
  }
  const found = findParameter(header);
  const run = describeMessage(message, found.units);
  if (found.shortName === param) {
    const isUsual = found.units === findUsual(group)?.units;
    return isUsual ? [] : [{ kind: "other unit", what, table, run }];
  }
  const sameCode = PARAMETERS.some(({ shortName, code }) =>
    shortName === param && code.discipline === header.discipline &&
    code.category === header.product.parameterCategory &&
    code.number === header.product.parameterNumber
  );
  return sameCode ? [] : [{ kind: "other code", what, table, run }];
}

/** Levels that all parameters of a type have or lack, then those of single parameters. */
function compareLevels(groups: readonly Group[], era: Era): Difference[] {
  const differences: Difference[] = [];
  for (const levtype of ["pl", "sol"] as const) {
    const own = groups.filter((it) => it.levtype === levtype && it.levels.size > 0);
    if (own.length === 0) continue;
    const present = new Set(own.flatMap(({ levels }) => [...levels]));
    const added = [...present].filter((level) => !era.levels[levtype].includes(level));
    const gone = era.levels[levtype].filter((level) => !present.has(level));
    const what = `levels of ${levtype}`;
    if (added.length > 0) {
      const having = own.filter(({ levels }) => added.some((level) => levels.has(level)));
      const some = having.length < own.length
        ? ` of ${having.map(({ param }) => param).join(", ")}`
        : "";
      differences.push({ kind: "new", what, table: "", run: `${sortNumbers(added)}${some}` });
    }
    if (gone.length > 0) {
      differences.push({ kind: "gone", what, table: sortNumbers(gone), run: "" });
    }
    for (const { param, levels } of own) {
      const lacking = era.levels[levtype].filter((level) =>
        present.has(level) && !levels.has(level)
      );
      if (lacking.length === 0) continue;
      const own = `levels of ${param} ${levtype}`;
      const run = "others have them";
      differences.push({ kind: "gone", what: own, table: sortNumbers(lacking), run });
    }
  }
  return differences;
}
