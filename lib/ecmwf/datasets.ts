/**
 * A model → the dataset that ECMWF publishes of its ensemble, as data: hours and steps of its runs, the
 * files of a step, the labels of their index lines, and its eras: folders, grid, control, levels and
 * parameters, one row an era. A new cycle, and a new dataset, are new rows.
 *
 * Sources: inventories of the index files of each era, ECMWF's announcements of its cycles, and the
 * code of public readers of the archive.
 *
 * @module
 */
import type { Stream } from "./files.ts";
import type { Run, RunHour } from "./run.ts";
import type { Variable } from "./variables.ts";

/** The model that makes a run, by the name that ECMWF's files and index lines have for it. */
export type ModelName = "ifs" | "aifs-ens";

/** The model of a run that names none. */
export const DEFAULT_MODEL = "ifs" satisfies ModelName;

/** A GRIB2 file of every step, in the streams that the era has. */
export interface FileKind {
  stream: Stream;
  /** What follows the stream in its name. */
  suffix: string;
  /** MARS type of all its messages. @default {undefined} (several) */
  type?: "cf" | "pf";
}

/** First and last step, in hours, and the hours between two. */
export type StepRange = readonly [from: number, to: number, by: number];

/** A dataset. */
export interface Dataset {
  model: ModelName;
  /** For people. */
  title: string;
  /** For people where there is little room, and in names of outputs. */
  label: string;
  /** In one line of a help text. */
  about: string;
  /** Steps of the runs of some hours, ascending. */
  schedule: readonly { hours: readonly RunHour[]; steps: readonly StepRange[] }[];
  files: readonly FileKind[];
  /** MARS labels of its index lines; of the streams, by that of the file. */
  labels: {
    class: string;
    expver: string;
    streams: Readonly<Record<Stream, readonly string[]>>;
  };
  /** The oldest first. */
  eras: readonly Era[];
}

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
  /** Levels of the era on which it is not published. @default {[]} */
  notOn?: readonly number[];
}

/** A parameter of an era. */
export interface EraParameter extends ParameterFacts {
  /** MARS short name, as the index has it. */
  param: string;
  levtype: LevelType;
}

/** The name under which an era published a quantity that the table of variables has under another. */
export interface EarlierName extends Partial<Variable> {
  /** The name in the table of variables: that of the IFS now. */
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

const from = (date: string, hour: RunHour): FirstRun => ({ run: { date, hour } });
/** Only the day is known, and that not well. */
const about = (date: string): FirstRun => ({ run: { date, hour: "00" }, aboutDays: 14 });

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

/** Every era of the IFS, the oldest first. */
const IFS_ERAS: readonly Era[] = [
  {
    name: "0.4 degrees",
    firstRun: { date: "20230118", hour: "00" },
    folders: [BETA_FOLDER],
    members: MEMBERS,
    control: "enfo",
    levels: { pl: NINE_LEVELS, sol: NO_LAYERS },
    parameters: FIRST_PARAMETERS,
  },
  {
    name: "0.25 degrees beside 0.4",
    firstRun: { date: "20240201", hour: "00" },
    folders: [EARLY_FOLDER, BETA_FOLDER],
    members: MEMBERS,
    control: "enfo",
    levels: { pl: NINE_LEVELS, sol: NO_LAYERS },
    parameters: FIRST_PARAMETERS,
  },
  {
    // Sources disagree about these three runs.
    name: "0.25 degrees, moving to ifs",
    firstRun: { date: "20240228", hour: "06" },
    folders: [EARLY_FOLDER, IFS_FOLDER, BETA_FOLDER],
    members: MEMBERS,
    control: "enfo",
    levels: { pl: NINE_LEVELS, sol: NO_LAYERS },
    parameters: FIRST_PARAMETERS,
  },
  {
    name: "9 levels",
    firstRun: { date: "20240229", hour: "00" },
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
    firstRun: { date: "20250114", hour: "06" },
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
    firstRun: { date: "20260512", hour: "06" },
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

const AIFS_FOLDER: EraFolder = { path: "aifs-ens/0p25", grid: QUARTER_DEGREE };
const TWO_LAYERS = [1, 2];
const RUNOFF: readonly EarlierName[] = [{ now: "ro", param: "rowe" }];

/** The same in all eras of the data-driven ensemble, as far as is known at every step. */
const AIFS_PARAMETERS: readonly EraParameter[] = [
  ...surface("100u 100v 10u 10v 2d 2t hcc lcc mcc msl skt sp tcc tcw"),
  // Step 0 has some of them, as constants.
  ...surface("rowe sf ssrd strd tp", AFTER_STEP_0),
  ...soil("sot"),
  ...pressure("t u v w z"),
];

/** Every era of AIFS-ENS, the oldest first. */
const AIFS_ENS_ERAS: readonly Era[] = [
  {
    name: "AIFS-ENS version 1",
    firstRun: { date: "20250702", hour: "00", model: "aifs-ens" },
    folders: [AIFS_FOLDER],
    members: MEMBERS,
    control: "enfo",
    levels: { pl: THIRTEEN_LEVELS, sol: TWO_LAYERS },
    parameters: [
      ...AIFS_PARAMETERS,
      ...surface("lsm sdor slor z", SOME_STEPS),
      ...pressure("q"),
    ],
    earlierNames: RUNOFF,
  },
  {
    name: "AIFS-ENS version 2",
    firstRun: { date: "20260512", hour: "06", model: "aifs-ens" },
    folders: [AIFS_FOLDER],
    members: MEMBERS,
    control: "enfo",
    levels: { pl: [10, ...THIRTEEN_LEVELS], sol: TWO_LAYERS },
    parameters: [
      ...AIFS_PARAMETERS,
      ...surface("fscov"),
      ...surface("cp", AFTER_STEP_0),
      ...soil("vsw"),
      ...pressure("q", { notOn: [10] }),
    ],
    earlierNames: RUNOFF,
  },
];

const ENFO_LINES = ["enfo"];

/** Every dataset, by its model. */
export const DATASETS: Readonly<Record<ModelName, Dataset>> = {
  "ifs": {
    model: "ifs",
    title: "IFS ensemble",
    label: "IFS",
    about: "ECMWF's physical model, 51 members, since 2023-01-18",
    schedule: [
      { hours: ["00", "12"], steps: [[0, 144, 3], [150, 360, 6]] },
      { hours: ["06", "18"], steps: [[0, 144, 3]] },
    ],
    files: [{ stream: "enfo", suffix: "ef" }, { stream: "oper", suffix: "fc" }],
    labels: {
      class: "od",
      expver: "0001",
      // At 06 and 18 UTC the deterministic stream is `scda`.
      streams: { enfo: ENFO_LINES, oper: ["oper", "scda"] },
    },
    eras: IFS_ERAS,
  },
  "aifs-ens": {
    model: "aifs-ens",
    title: "AIFS ensemble",
    label: "AIFS-ENS",
    about: "ECMWF's data-driven model, 51 members, steps 0–360 by 6, since 2025-07-02",
    schedule: [{ hours: ["00", "06", "12", "18"], steps: [[0, 360, 6]] }],
    files: [
      { stream: "enfo", suffix: "cf", type: "cf" },
      { stream: "enfo", suffix: "pf", type: "pf" },
    ],
    labels: { class: "ai", expver: "0001", streams: { enfo: ENFO_LINES, oper: [] } },
    eras: AIFS_ENS_ERAS,
  },
};

/** Models in the order of the table. */
export const MODEL_NAMES = Object.keys(DATASETS) as ModelName[];

/** The model of a name; `undefined` when there is none. */
export function parseModel(name: string): ModelName | undefined {
  return MODEL_NAMES.find((it) => it === name);
}

/** The dataset of a run. */
export function findDataset({ model = DEFAULT_MODEL }: { model?: ModelName }): Dataset {
  return DATASETS[model];
}

/** Run hours of a dataset, ascending. */
export function listHours({ schedule }: Dataset): RunHour[] {
  return schedule.flatMap(({ hours }) => hours).sort();
}

/** Steps of the runs of an hour, ascending. */
export function findStepRanges({ schedule }: Dataset, hour: RunHour): readonly StepRange[] {
  return schedule.find(({ hours }) => hours.includes(hour))!.steps;
}
