/**
 * A run of tomorrow's layout → how it differs from the newest era, and what streaming would do with each
 * variable: what a new cycle changes, before it comes.
 *
 * @module
 */
import { findEncoding, findMismatch } from "../ecmwf/check_message.ts";
import type { Era } from "../ecmwf/datasets.ts";
import { findPublicationAt, listEras } from "../ecmwf/eras.ts";
import { describeMembers, firstMembers, type Member, memberOfEntry } from "../ecmwf/members.ts";
import { describeRun, runSteps } from "../ecmwf/run.ts";
import { findVariables, type Variable } from "../ecmwf/variables.ts";
import { GribError, type RegularLatLonGrid } from "../grib/headers.ts";
import type { IndexEntry } from "../index/entries.ts";
import { compareParameters, type Difference, runOfEra } from "./compare_parameters.ts";
import {
  formatParameter,
  isLineOf,
  readLayout,
  type RunLayout,
  type SampledFile,
  type SampledMessage,
} from "./read_layout.ts";
import type { StageContext } from "../storage/mod.ts";

/** What streaming would do with a variable. */
export type VariableAction = "read" | "converted" | "refused" | "incomplete" | "not found";

/** A variable of the output, and what streaming would do with it. */
export interface RehearsedVariable {
  name: string;
  action: VariableAction;
  /** The unit that it is converted from, or why it is not read. */
  detail: string;
}

/** A run of tomorrow, and what the output needs of it. */
export interface RehearsalOptions {
  /** Folder of the run, or of its `enfo` files. */
  address: string;
  /**
   * Steps that are read, and must be there. @default {undefined} (all must be there, where the server
   * lists them; the first, 36 h and the last are read)
   */
  steps?: readonly number[];
  /** Number of members that must be there, the control first. */
  maxMembers: number;
  /** Names of the variables of the output. */
  variables: readonly string[];
}

/** How a run compares with the newest era. */
export interface Rehearsal {
  layout: RunLayout;
  era: Era;
  differences: Difference[];
  variables: RehearsedVariable[];
  /** Why the output would not be as it is today; empty when it would be. */
  obstacles: string[];
  complete: boolean;
}

/** What the output needs. */
interface OutputNeeds {
  variables: readonly Variable[];
  maxMembers: number;
  steps?: readonly number[];
}

/** Differences of a part of the run, those in the way of the output also in words. */
interface Findings {
  differences: Difference[];
  obstacles: string[];
}

/**
 * Compares a run with the newest era of the table. Writes nothing.
 *
 * Costs what {@linkcode readLayout} does.
 *
 * @throws as {@linkcode readLayout} does.
 */
export async function rehearseRun(
  options: RehearsalOptions,
  { storage }: StageContext,
): Promise<Rehearsal> {
  const needs = { ...options, variables: findVariables(options.variables) };
  const layout = await readLayout(storage, needs);
  const era = listEras({}).at(-1)!;
  const variables = needs.variables.map((it) => rehearseVariable(it, layout, era, needs));
  const parts = [
    compareMembers(layout, era, needs),
    compareSteps(layout, era, needs),
    compareLines(layout),
    compareGrids(layout, era, needs),
  ];
  const failed = variables.filter(({ action }) => action !== "read" && action !== "converted");
  const obstacles = [
    ...failed.map(({ name, action }) => `${name} ${action}`),
    ...parts.flatMap((it) => it.obstacles),
  ];
  return {
    layout,
    era,
    differences: [...parts.flatMap((it) => it.differences), ...compareParameters(layout, era)],
    variables,
    obstacles,
    complete: obstacles.length === 0,
  };
}

function join(texts: Iterable<string | number>): string {
  return [...new Set(texts)].join(", ");
}

const CONTROL = { enfo: "in enfo, type cf", oper: "in oper, type fc" } as const;

function compareMembers({ files }: RunLayout, era: Era, { maxMembers }: OutputNeeds): Findings {
  const found: Findings = { differences: [], obstacles: [] };
  const add = (difference: Difference, isObstacle: boolean) => {
    found.differences.push(difference);
    if (isObstacle) found.obstacles.push(difference.kind);
  };
  const lines = files.flatMap(({ file, entries }) =>
    entries.map(({ type, number }) => ({ stream: file.stream, type, number }))
  );
  const controls = (["enfo", "oper"] as const).filter((stream) =>
    lines.some((it) => it.stream === stream && it.type === (stream === "enfo" ? "cf" : "fc"))
  );
  if (controls.join() !== era.control) {
    const run = controls.map((stream) => CONTROL[stream]).join(" and ");
    add({ kind: "other control", what: "control", table: CONTROL[era.control], run }, true);
  }
  const numbers = new Set(lines.filter(({ type }) => type === "pf").map((it) => Number(it.number)));
  const ofTable = firstMembers(Math.min(maxMembers, era.members)).filter((member) => member > 0);
  const lacking = ofTable.filter((member) => !numbers.has(member));
  const more = [...numbers].filter((number) => number >= era.members);
  if (lacking.length + more.length > 0) {
    const table = describeMembers(ofTable);
    const run = describeMembers([...numbers]);
    add({ kind: "other members", what: "members", table, run }, lacking.length > 0);
  }
  const types = lines.map(({ type }) => type).filter((it) => !["pf", "cf", "fc"].includes(it));
  if (types.length > 0) {
    add({ kind: "new", what: "types of lines", table: "", run: join(types) }, false);
  }
  return found;
}

/** Steps that files lack or have more, of the ensemble and, where it is elsewhere, of the control. */
function compareSteps(
  { run, steps, sampledSteps }: RunLayout,
  era: Era,
  needs: OutputNeeds,
): Findings {
  const found: Findings = { differences: [], obstacles: [] };
  const wanted = needs.steps ?? (steps ? runSteps(run) : sampledSteps);
  for (const stream of ["enfo", "oper"] as const) {
    const there = steps?.[stream] ?? sampledSteps;
    if (stream === "oper" && (era.control !== "oper" || there.length === 0)) continue;
    const what = stream === "oper" ? "steps of the control" : "steps";
    const gone = wanted.filter((step) => !there.includes(step));
    const added = needs.steps ? [] : there.filter((step) => !wanted.includes(step));
    if (gone.length > 0) {
      found.differences.push({ kind: "gone", what, table: describeSteps(gone), run: "" });
      found.obstacles.push(`${what} gone`);
    }
    if (added.length > 0) {
      found.differences.push({ kind: "new", what, table: "", run: describeSteps(added) });
    }
  }
  return found;
}

const STEPS_SHOWN = 8;

/** All steps, or the first ones and the last. */
function describeSteps(steps: readonly number[]): string {
  if (steps.length <= STEPS_SHOWN) return join(steps);
  return `${steps.length} of them: ${join(steps.slice(0, STEPS_SHOWN - 1))}, …, ${steps.at(-1)}`;
}

/** Lines that would be left out, and those of test data, which would not be so in operation. */
function compareLines({ run, files }: RunLayout): Findings {
  const found: Findings = { differences: [], obstacles: [] };
  const unreadable = files.flatMap(({ file, faults }) =>
    faults.map(({ line, state }) => `${fileName(file)} line ${line}: ${state}`)
  );
  for (const { file, entries } of files) {
    for (const { date, time, step } of entries) {
      const isOwn = date === run.date && time === `${run.hour}00` && step === `${file.stepHours}`;
      if (isOwn) continue;
      const found = `${date} ${time} step ${step}`;
      unreadable.push(`${fileName(file)}: a line of ${found}, not ${describeRun(run)}`);
    }
  }
  if (unreadable.length > 0) {
    const [first] = unreadable;
    const text = unreadable.length > 1 ? `${first}; and ${unreadable.length - 1} more` : first!;
    found.differences.push({ kind: "unreadable", what: "lines", table: "", run: text });
    found.obstacles.push("unreadable lines");
  }
  const kinds = join(files.flatMap(({ entries }) => entries.map(describeData)));
  if (kinds !== OPERATIONAL) {
    found.differences.push({ kind: "other data", what: "class", table: OPERATIONAL, run: kinds });
  }
  return found;
}

function fileName({ indexUrl }: SampledFile["file"]): string {
  return indexUrl.slice(indexUrl.lastIndexOf("/") + 1);
}

const OPERATIONAL = "od 0001";

/** Class and version of the experiment: data of tests have others, and would be left out. */
function describeData({ class: marsClass = "od", expver = "0001" }: IndexEntry): string {
  return `${marsClass} ${expver}`;
}

function compareGrids({ messages }: RunLayout, era: Era, { variables }: OutputNeeds): Findings {
  const { spacing, rows, columns } = era.folders[0]!.grid;
  const table = `${rows} × ${columns}, ${spacing}° from 90N 180W`;
  const byGrid = new Map<string, SampledMessage[]>();
  for (const message of messages) {
    if (message.header instanceof GribError) continue;
    const text = describeGrid(message.header.grid);
    if (text !== table) byGrid.set(text, [...byGrid.get(text) ?? [], message]);
  }
  const differences = Array.from(byGrid, ([run, own]): Difference => {
    const isAll = own.length === messages.length;
    const what = isAll ? "all fields" : join(own.map(({ entry }) => formatParameter(entry)));
    return { kind: "other grid", what, table, run };
  });
  const isOther = variables.some((variable) => {
    const header = findMessage(messages, variable)?.header;
    if (!header || header instanceof GribError) return false;
    return header.grid.rowCount !== rows || header.grid.columnCount !== columns;
  });
  return { differences, obstacles: isOther ? ["other grid"] : [] };
}

/** `721 × 1440, 0.25° from 90N 180W`. */
function describeGrid(grid: RegularLatLonGrid): string {
  const { rowCount, columnCount, unitsPerDegree, north, west, east } = grid;
  const degrees = (units: number) => `${+Math.abs(units / unitsPerDegree).toFixed(3)}`;
  const spacing = degrees((east - west) / Math.max(1, columnCount - 1));
  // The meridian opposite Greenwich is written as 180 or as -180.
  const isWest = west < 0 || west === 180 * unitsPerDegree;
  const latitude = `${degrees(north)}${north < 0 ? "S" : "N"}`;
  const corner = `${latitude} ${degrees(west)}${isWest ? "W" : "E"}`;
  return `${rowCount} × ${columnCount}, ${spacing}° from ${corner}`;
}

function findMessage(
  messages: readonly SampledMessage[],
  variable: Variable,
): SampledMessage | undefined {
  return messages.find(({ entry }) => isLineOf(entry, variable));
}

/** What streaming would do with a variable: each field is looked up by its name, then checked. */
function rehearseVariable(
  variable: Variable,
  layout: RunLayout,
  era: Era,
  { maxMembers }: OutputNeeds,
): RehearsedVariable {
  const { name } = variable;
  const message = findMessage(layout.messages, variable);
  if (!message) {
    const { param, levtype, level = "" } = variable;
    const detail = `no line of ${param} ${levtype} ${level}`.trimEnd();
    return { name, action: "not found", detail };
  }
  const { header, stepHours, member } = message;
  if (header instanceof GribError) return { name, action: "refused", detail: header.message };
  const expected = { run: layout.run, stepHours, member: member ?? 0, variable };
  const refused = findMismatch(header, expected);
  if (refused !== undefined) return { name, action: "refused", detail: refused };
  const gap = findGap(variable, layout, era, maxMembers);
  if (gap !== undefined) return { name, action: "incomplete", detail: gap };
  const { conversion } = findEncoding(header, variable)!;
  if (!conversion) return { name, action: "read", detail: "" };
  return { name, action: "converted", detail: `from ${conversion.units} to ${variable.units}` };
}

/** The first step at which members lack a variable, of those members that the run has. */
function findGap(
  variable: Variable,
  { run, files, sampledSteps }: RunLayout,
  era: Era,
  maxMembers: number,
): string | undefined {
  const wanted = firstMembers(maxMembers);
  const there = new Set<Member>();
  const byStep = new Map<number, Set<Member>>();
  for (const { file, entries } of files) {
    if (file.stream === "oper" && era.control !== "oper") continue;
    const own = byStep.get(file.stepHours) ?? new Set();
    byStep.set(file.stepHours, own);
    for (const entry of entries) {
      const member = memberOfEntry(entry, file.stream);
      if (member === undefined || !wanted.includes(member)) continue;
      there.add(member);
      if (isLineOf(entry, variable)) own.add(member);
    }
  }
  for (const step of sampledSteps) {
    if (findPublicationAt(runOfEra(run, era), variable, step) !== "yes") continue;
    const lacking = [...there].filter((member) => !byStep.get(step)?.has(member));
    if (lacking.length > 0) return `step ${step} lacks it for members ${describeMembers(lacking)}`;
  }
  return undefined;
}
