/**
 * A run → what ECMWF published then: the era's folders, grid, control, levels and parameters, one row
 * an era. A new cycle is a new row.
 *
 * Sources: inventories of the index files of each era, ECMWF's announcements of its cycles, and the
 * code of public readers of the archive.
 *
 * @module
 */
import { parseRun, referenceTime, type Run } from "./run.ts";
import type { Variable } from "./variables.ts";

/** A regular grid of the whole globe. */
export interface GlobalGrid {
  /** Degrees between neighbours. */
  spacing: number;
  rows: number;
  columns: number;
}

/** A folder of a run, between `<date>/<HH>z/` and the stream, and the grid of its files. */
export interface EraFolder {
  path: string;
  grid: GlobalGrid;
}

/** MARS `levtype` of a field. */
export type LevelType = "sfc" | "sol" | "pl";

/** A first run. */
export interface FirstRun {
  run: Run;
  /** Days by which it may have been earlier or later. @default {0} */
  aboutDays?: number;
}

/** What is particular about a parameter in an era. */
interface ParameterFacts {
  /** Inside the era. @default {undefined} (that of the era) */
  since?: FirstRun;
  /** An accumulation, a rate or an extreme: of most runs not published at step 0. */
  afterStep0?: true;
  /**
   * First and last steps, in hours, of the periods in which it is published; `some` where that is not
   * at every step, or not known. @default {undefined} (every step)
   */
  steps?: readonly (readonly [from: number, to: number])[] | "some";
  /** Shared by parameters of which each step has one. */
  series?: string;
  /** In the `oper` file alone. */
  operOnly?: true;
}

/** A parameter of an era. */
export interface EraParameter extends ParameterFacts {
  /** MARS short name, as the index has it. */
  param: string;
  levtype: LevelType;
}

/** The name under which an era published a quantity that has another one now. */
export interface EarlierName extends Partial<Variable> {
  /** The name now. */
  now: string;
  param: string;
}

/** A period in which all runs are published alike. */
export interface Era {
  name: string;
  firstRun: Run;
  /** In the order in which they are tried; a run is read from one of them. */
  folders: readonly EraFolder[];
  /** Members, the control included. */
  members: number;
  /** The stream whose files have the control: `enfo` with type `cf`, or `oper` with type `fc`. */
  control: "enfo" | "oper";
  /** Pressure levels in hPa, and layers of the soil. */
  levels: Readonly<Record<"pl" | "sol", readonly number[]>>;
  parameters: readonly EraParameter[];
  earlierNames?: readonly EarlierName[];
}

const DAY_MS = 86_400_000;

const MEMBERS = 51;
const QUARTER_DEGREE: GlobalGrid = { spacing: 0.25, rows: 721, columns: 1440 };
const TWO_FIFTHS: GlobalGrid = { spacing: 0.4, rows: 451, columns: 900 };
const BETA_FOLDER: EraFolder = { path: "0p4-beta", grid: TWO_FIFTHS };
const EARLY_FOLDER: EraFolder = { path: "0p25", grid: QUARTER_DEGREE };
/** Of every run from 2024-02-29 on. */
export const IFS_FOLDER: EraFolder = { path: "ifs/0p25", grid: QUARTER_DEGREE };

const NINE_LEVELS = [50, 200, 250, 300, 500, 700, 850, 925, 1000];
const THIRTEEN_LEVELS = [50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000];
const NO_LAYERS: readonly number[] = [];
const FOUR_LAYERS = [1, 2, 3, 4];

const rows = (levtype: LevelType) => (names: string, facts: ParameterFacts = {}): EraParameter[] =>
  names.split(" ").map((param) => ({ param, levtype, ...facts }));
const surface = rows("sfc");
const pressure = rows("pl");
const soil = rows("sol");

const from = (date: string, hour: string): FirstRun => ({ run: parseRun(date, hour) });
/** Only the day is known, and that not well. */
const about = (date: string): FirstRun => ({ run: parseRun(date, "00"), aboutDays: 14 });

const AFTER_STEP_0 = { afterStep0: true } as const;
const SOME_STEPS = { steps: "some" } as const;

/** Labels of gusts and extremes change with the step. */
const gusts = (facts: ParameterFacts = {}): EraParameter[] => [
  ...surface("10fg", { ...facts, ...AFTER_STEP_0, series: "10fg", steps: [[3, 90], [150, 360]] }),
  ...surface("10fg3", { ...facts, ...AFTER_STEP_0, series: "10fg", steps: [[93, 144]] }),
];
const EXTREMES = [
  ...surface("mn2t3", { ...AFTER_STEP_0, series: "mn2t3", steps: [[3, 144]] }),
  ...surface("mn2t6", { ...AFTER_STEP_0, series: "mn2t3", steps: [[150, 360]] }),
  ...surface("mx2t3", { ...AFTER_STEP_0, series: "mx2t3", steps: [[3, 144]] }),
  ...surface("mx2t6", { ...AFTER_STEP_0, series: "mx2t3", steps: [[150, 360]] }),
];

const FIRST_PARAMETERS: readonly EraParameter[] = [
  ...surface("10u 10v 2t msl skt sp st tcwv"),
  ...surface("lsm", SOME_STEPS),
  ...surface("ro tp", AFTER_STEP_0),
  ...pressure("d gh q r t u v vo"),
];

/** Of the runs from 2025-01-14 06 UTC on. */
const THIRTEEN_LEVEL_PARAMETERS: readonly EraParameter[] = [
  ...surface("100u 100v 10u 10v 2d 2t asn msl mucape ptype skt sp tcw tcwv"),
  ...surface("lsm sithick sve svn zos", SOME_STEPS),
  ...surface("ewss nsss ro ssr ssrd str strd tp tprate ttr", AFTER_STEP_0),
  ...gusts(),
  ...EXTREMES,
  ...soil("sot vsw"),
  ...pressure("d gh q r t u v vo w"),
];

/** Every era, the oldest first. */
export const ERAS: readonly Era[] = [
  {
    name: "0.4 degrees",
    firstRun: parseRun("20230118", "00"),
    folders: [BETA_FOLDER],
    members: MEMBERS,
    control: "enfo",
    levels: { pl: NINE_LEVELS, sol: NO_LAYERS },
    parameters: FIRST_PARAMETERS,
  },
  {
    name: "0.25 degrees beside 0.4",
    firstRun: parseRun("20240201", "00"),
    folders: [EARLY_FOLDER, BETA_FOLDER],
    members: MEMBERS,
    control: "enfo",
    levels: { pl: NINE_LEVELS, sol: NO_LAYERS },
    parameters: FIRST_PARAMETERS,
  },
  {
    // Sources disagree about these three runs.
    name: "0.25 degrees, moving to ifs",
    firstRun: parseRun("20240228", "06"),
    folders: [EARLY_FOLDER, IFS_FOLDER, BETA_FOLDER],
    members: MEMBERS,
    control: "enfo",
    levels: { pl: NINE_LEVELS, sol: NO_LAYERS },
    parameters: FIRST_PARAMETERS,
  },
  {
    name: "9 levels",
    firstRun: parseRun("20240229", "00"),
    folders: [IFS_FOLDER],
    members: MEMBERS,
    control: "enfo",
    levels: { pl: NINE_LEVELS, sol: FOUR_LAYERS },
    parameters: [
      ...surface("100u 100v 10u 10v 2d 2t asn cape msl skt sp st tcwv"),
      ...surface("stl2 stl3 stl4 swvl1 swvl2 swvl3 swvl4"),
      ...surface("lsm", SOME_STEPS),
      ...surface("ro tp", AFTER_STEP_0),
      ...surface("ssr ssrd str strd ttr", { ...AFTER_STEP_0, since: about("20240305") }),
      ...surface("ptype", { since: about("20241113") }),
      ...gusts({ since: about("20241113") }),
      ...soil("sot vsw", { since: about("20241112") }),
      ...pressure("d gh q r t u v vo w"),
    ],
    earlierNames: [{
      now: "mucape",
      param: "cape",
      surface: { type: 1 },
      longName: "convective available potential energy",
    }],
  },
  {
    name: "13 levels",
    firstRun: parseRun("20250114", "06"),
    folders: [IFS_FOLDER],
    members: MEMBERS,
    control: "enfo",
    levels: { pl: THIRTEEN_LEVELS, sol: FOUR_LAYERS },
    parameters: [
      ...THIRTEEN_LEVEL_PARAMETERS,
      ...surface("sd tcc", { since: from("20251120", "12") }),
      ...surface("sf", { ...AFTER_STEP_0, since: from("20251120", "12") }),
    ],
  },
  {
    name: "IFS cycle 50r1",
    firstRun: parseRun("20260512", "06"),
    folders: [IFS_FOLDER],
    members: MEMBERS,
    control: "oper",
    levels: { pl: [10, ...THIRTEEN_LEVELS], sol: FOUR_LAYERS },
    parameters: [
      ...THIRTEEN_LEVEL_PARAMETERS,
      ...surface("rsn sd tcc"),
      ...surface("sf", AFTER_STEP_0),
      ...surface("sdor slor z", { ...SOME_STEPS, operOnly: true }),
      ...pressure("z", { operOnly: true }),
    ],
  },
];

/** The era of a run; of a run before all eras the first one. */
export function findEra(run: Run): Era {
  return ERAS.findLast(({ firstRun }) => !isBefore(run, firstRun)) ?? ERAS[0]!;
}

/** Whether a run starts before another one. */
export function isBefore(run: Run, other: Run): boolean {
  // Both are of fixed width, and this is asked for every field of a run.
  return run.date + run.hour < other.date + other.hour;
}

/** Name that ECMWF's indexer gives to each parameter that it does not know. */
export const UNNAMED_PARAM = "unknown";

/** A field, as far as its era knows it. */
export interface EraField {
  param: string;
  levtype: string;
  /** hPa, or the layer of the soil. */
  level?: number;
}

/**
 * Whether ECMWF published a field of the ensemble; `perhaps` where its first run, or whether it is at
 * this step, is not known.
 */
export type Publication = "yes" | "perhaps" | "no";

/** The row of a field in the era of a run; `undefined` when the era never had it. */
export function findEraParameter(
  run: Run,
  { param, levtype, level }: EraField,
): EraParameter | undefined {
  const { parameters, levels } = findEra(run);
  const row = parameters.find((it) => it.param === param && it.levtype === levtype);
  if (row?.levtype === "sfc" || level === undefined) return row;
  return row && levels[row.levtype].includes(level) ? row : undefined;
}

/** Whether ECMWF published a field of a run, at any step. */
export function findPublication(run: Run, field: EraField): Publication {
  const row = isBefore(run, ERAS[0]!.firstRun) ? undefined : findEraParameter(run, field);
  if (!row || row.operOnly) return "no";
  if (!row.since) return "yes";
  const { run: first, aboutDays = 0 } = row.since;
  const daysAfter = (referenceTime(run).getTime() - referenceTime(first).getTime()) / DAY_MS;
  if (daysAfter >= aboutDays) return "yes";
  return daysAfter < -aboutDays ? "no" : "perhaps";
}

/** Those of some variables that ECMWF surely did not publish of a run. */
export function findUnpublished(run: Run, variables: readonly Variable[]): Variable[] {
  return variables.filter((it) => findPublication(run, asPublished(it, run)) === "no");
}

/** Whether ECMWF published a field of a run at a step. */
export function findPublicationAt(run: Run, field: EraField, stepHours: number): Publication {
  const publication = findPublication(run, field);
  if (publication === "no") return "no";
  const { afterStep0, steps } = findEraParameter(run, field)!;
  if (afterStep0 && stepHours === 0) return "no";
  if (steps === "some") return "perhaps";
  const isThen = steps?.some(([first, last]) => first <= stepHours && stepHours <= last) ?? true;
  return isThen ? publication : "no";
}

/** The first run that has a variable, whatever its name then; `undefined` when none has. */
export function findFirstRun(variable: Variable): FirstRun | undefined {
  for (const { firstRun } of ERAS) {
    const row = findEraParameter(firstRun, asPublished(variable, firstRun));
    if (row && !row.operOnly) return row.since ?? { run: firstRun };
  }
  return undefined;
}

/** A first run for people: `2025-11-20 12 UTC`, or `about 2024-03-05`. */
export function describeFirstRun({ run: { date, hour }, aboutDays }: FirstRun): string {
  const day = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`;
  return aboutDays ? `about ${day}` : `${day} ${hour} UTC`;
}

/**
 * When ECMWF published no such variables, one text for those of the same first run: `tcc, sf for the
 * ensemble before 2025-11-20 12 UTC`.
 */
export function describeUnpublished(variables: readonly Variable[]): string[] {
  const byFirst = Map.groupBy(variables, (variable) => {
    const first = findFirstRun(variable);
    return first ? ` before ${describeFirstRun(first)}` : "";
  });
  return [...byFirst].map(([before, own]) =>
    `${own.map(({ name }) => name).join(", ")} for the ensemble${before}`
  );
}

/** A variable under the name that its parameter had in the era of a run. */
export function asPublished(variable: Variable, run: Run): Variable {
  const earlier = findEra(run).earlierNames?.find(({ now }) => now === variable.param);
  if (!earlier) return variable;
  const { now: _, ...facts } = earlier;
  return { ...variable, ...facts };
}

/** A variable under every name that its parameter has had, the present one first. */
export function listNames(variable: Variable): Variable[] {
  const earlier = ERAS.map(({ firstRun }) => asPublished(variable, firstRun));
  return [variable, ...earlier.filter(({ param }) => param !== variable.param)];
}
