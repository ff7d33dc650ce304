/**
 * A model → the dataset that ECMWF publishes of its ensemble: the hours and steps of its runs, the files
 * of a step and the labels of their index lines. A new dataset is a new row here, and rows in
 * `eras.ts`: folders, first run and parameters.
 *
 * @module
 */
import type { Stream } from "./files.ts";
import type { RunHour } from "./run.ts";

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
}

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
