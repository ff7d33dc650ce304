/**
 * The dataset of a run → the dataset of an archive of runs, in which that run is one along `time`.
 *
 * The valid times of a run are a dimension of its file. Those of many runs differ, so that in an archive
 * the dimension is `step`, the hours from the start of the run, and `valid_time` lies along `time` and
 * `step`. What is said of one run alone (its members, what was not published) is a line of `history`.
 *
 * @module
 */
import { UserError } from "../errors.ts";
import {
  type FileDataset,
  type FileVariable,
  isHeld,
  type NetcdfAttribute,
  type NetcdfVariable,
} from "../netcdf/encode_netcdf.ts";
import { GROWING } from "./zarr_arrays.ts";

/** Global attributes of one run. */
const OF_ONE_RUN: readonly string[] = [
  "model_date",
  "model_run",
  "n_ensemble_members",
  "absent_ensemble_members",
  "variables_not_published",
  "fields_not_published",
  "history",
];

/** A run as an archive has it. */
export interface ArchiveRun {
  dataset: FileDataset;
  /** Its value along `time`. */
  time: number;
  /** Its line in `history`. */
  line: string;
}

/** `valid_time` → `step`, `valid_time_24h` → `step_24h`. */
function renameValidTime(name: string): string {
  return name.replace(/^valid_time/, "step");
}

/** Messages that went into a run, and that were asked for. */
export interface UsedMessages {
  used: number;
  wanted: number;
}

/**
 * Lays a run out for an archive.
 *
 * @param label of the run, with which its line in `history` begins: `20260206_00z`.
 * @param messages for the same line. @default {undefined} (they are not told)
 * @throws {UserError} when the dataset has no dimension `time` with the one start of the run.
 */
export function layOutRun(
  dataset: FileDataset,
  label: string,
  messages?: UsedMessages,
): ArchiveRun {
  const start = dataset.variables.find(({ name }) => name === GROWING);
  const [time] = start && isHeld(start) ? start.data : [];
  if (dataset.dimensions[GROWING] !== 1 || start?.dimensions[0] !== GROWING) {
    throw new UserError(
      "usage",
      `Cannot append a file without the dimension "${GROWING}" of one run: leave --time-axis out`,
    );
  }
  const moving = Object.keys(dataset.dimensions).filter((name) => name.startsWith("valid_time"));
  const sizes = Object.entries(dataset.dimensions)
    .map(([name, length]) => [renameValidTime(name), length] as const);
  return {
    time: time!,
    line: describeRun(dataset.attributes, label, messages),
    dataset: {
      dimensions: Object.fromEntries(sizes),
      attributes: Object.fromEntries(
        Object.entries(dataset.attributes).filter(([name]) => !OF_ONE_RUN.includes(name)),
      ),
      variables: dataset.variables.flatMap((variable) => [
        ...(moving.includes(variable.name) && isHeld(variable) ? [makeSteps(variable, time!)] : []),
        moveVariable(variable, moving),
      ]),
      ...(dataset.streamed &&
        { streamed: dataset.streamed.map((variable) => moveVariable(variable, moving)) }),
    },
  };
}

/** The hours from the start of the run, in place of the valid times. */
function makeSteps({ name, attributes, data }: NetcdfVariable, time: number): NetcdfVariable {
  const step = renameValidTime(name);
  const [unit = "hours"] = String(attributes.units ?? "").split(" ");
  return {
    name: step,
    dimensions: [step],
    attributes: {
      standard_name: "forecast_period",
      long_name: "time from the start of the run",
      units: unit,
    },
    data: Float64Array.from(data, (value) => value - time),
  };
}

/** A variable along `time` and steps, if it was along valid times. */
function moveVariable<Moved extends FileVariable>(
  variable: Moved,
  moving: readonly string[],
): Moved {
  const { name, dimensions, attributes } = variable;
  const own = dimensions.filter((dimension) => moving.includes(dimension));
  if (own.length === 0) return variable;
  const isTime = moving.includes(name);
  const isBounds = dimensions.at(-1) === "bnds";
  const { axis: _, ...rest } = attributes;
  return {
    ...variable,
    dimensions: [
      ...(dimensions.includes(GROWING) ? [] : [GROWING]),
      ...dimensions.map(renameValidTime),
    ],
    attributes: isTime || isBounds ? rest : addCoordinates(attributes, own),
  };
}

/** Names the valid times of a field, which are no axis of it any more. */
function addCoordinates(
  attributes: NetcdfVariable["attributes"],
  own: readonly string[],
): NetcdfVariable["attributes"] {
  const { cell_methods, coordinates } = attributes;
  const names = [coordinates, ...own].filter((name) => name !== undefined).join(" ");
  const changed: Record<string, NetcdfAttribute> = { ...attributes };
  if (typeof cell_methods === "string") {
    changed.cell_methods = cell_methods.replaceAll(/\bvalid_time(?=\w*:)/g, "step");
  }
  // Readers expect the fill value to be the last.
  const { _FillValue, ...rest } = changed;
  return { ...rest, coordinates: names, ...(_FillValue !== undefined && { _FillValue }) };
}

/** `20260206_00z: <history>; n_ensemble_members 51; messages used 510 of 918`. */
function describeRun(
  attributes: FileDataset["attributes"],
  label: string,
  messages?: UsedMessages,
): string {
  const told = OF_ONE_RUN.filter((name) => name !== "history" && attributes[name] !== undefined)
    .map((name) => `${name} ${attributes[name]}`);
  const counts = messages ? [`messages used ${messages.used} of ${messages.wanted}`] : [];
  const parts = [attributes.history, ...told, ...counts].filter((part) => part !== undefined);
  return `${label}: ${parts.join("; ")}`.replaceAll("\n", " ");
}

/** The messages that the line of a run tells; `undefined` when it tells none. */
export function readMessages(line: string): UsedMessages | undefined {
  const [, used, wanted] = /; messages used (\d+) of (\d+)$/.exec(line) ?? [];
  return wanted === undefined ? undefined : { used: Number(used), wanted: Number(wanted) };
}

/** The lines of an archive's `history` with that of a run, in place of its earlier one. */
export function addToHistory(history: string | undefined, line: string): string {
  const label = line.slice(0, line.indexOf(":") + 1);
  const others = (history ?? "").split("\n").filter((it) => it !== "" && !it.startsWith(label));
  return [...others, line].join("\n");
}
