/**
 * `--task` and the environment of an engine → which task of an array job this process is.
 *
 * @module
 */
import { UsageError } from "../errors.ts";

/** One of the tasks that share the fields of a command. */
export interface ArrayTask {
  /** From 0. */
  index: number;
  count: number;
}

/** A variable's value, `undefined` when it is not set. */
export type Lookup = (name: EngineVariable) => string | undefined;

/** The variables that engines set for their tasks, by the names in their documentation. */
const ENGINE_VARIABLES = [
  "SLURM_ARRAY_TASK_ID",
  "SLURM_ARRAY_TASK_COUNT",
  "SLURM_ARRAY_TASK_MIN",
  "SLURM_ARRAY_TASK_MAX",
  "SLURM_ARRAY_TASK_STEP",
  "JOB_COMPLETION_INDEX",
  "CLOUD_RUN_TASK_INDEX",
  "CLOUD_RUN_TASK_COUNT",
  "AWS_BATCH_JOB_ARRAY_INDEX",
  "COILED_BATCH_TASK_ID",
] as const;

export type EngineVariable = typeof ENGINE_VARIABLES[number];

/** An engine whose tasks have a number. */
interface ArrayEngine {
  name: string;
  /** The variable with a task's number. */
  index: EngineVariable;
  /**
   * Index and count from the engine alone; `undefined` where it does not set them, or where its
   * numbers are not those of a whole array. Absent for engines that never set the count.
   */
  find?(id: number, lookup: Lookup): ArrayTask | undefined;
}

const ENGINES: readonly ArrayEngine[] = [
  { name: "Slurm", index: "SLURM_ARRAY_TASK_ID", find: findInSlurm },
  { name: "Kubernetes", index: "JOB_COMPLETION_INDEX" },
  {
    name: "Cloud Run",
    index: "CLOUD_RUN_TASK_INDEX",
    find(index, lookup) {
      const count = readNumber("CLOUD_RUN_TASK_COUNT", lookup);
      return count === undefined ? undefined : { index, count };
    },
  },
  { name: "AWS Batch", index: "AWS_BATCH_JOB_ARRAY_INDEX" },
  { name: "Coiled", index: "COILED_BATCH_TASK_ID" },
];

/** `3/9`; `auto` where the engine sets both; `auto/9`. */
const TASK = /^(?:(\d+)\/(\d+)|auto(?:\/(\d+))?)$/;

/** A task in the form that `--task` takes: `3/9`. */
export function formatTask({ index, count }: ArrayTask): string {
  return `${index}/${count}`;
}

/**
 * Reads a task: `<i>/<n>` with i from 0, `auto/<n>` for the index that the engine gives, `auto` for
 * its index and count. With a count given, the engine's number is the index, whatever count the engine
 * sets: an array that repeats some tasks has another count than the first one had.
 *
 * @throws {UsageError} when the text is no task, or when the engine sets too little.
 */
export function parseTask(text: string, lookup: Lookup): ArrayTask {
  const [, index, count, autoCount] = TASK.exec(text) ?? [];
  if (index !== undefined) return checkTask({ index: Number(index), count: Number(count) }, text);
  if (!/^auto(\/|$)/.test(text) || !TASK.test(text)) {
    throw new UsageError(
      `Cannot read --task "${text}": give <i>/<n> with i from 0 to n - 1, auto/<n> or auto`,
    );
  }
  const { engine, id } = findEngine(lookup);
  const source = `${engine.index}=${id}`;
  if (autoCount !== undefined) return checkTask({ index: id, count: Number(autoCount) }, source);
  const found = engine.find?.(id, lookup);
  if (found) return checkTask(found, source);
  const state = engine.find
    ? `${engine.name} does not give index and count of a whole array (${source})`
    : `${engine.name} gives each task only its number (${source})`;
  throw new UsageError(
    `Cannot tell how many tasks there are: ${state}, give --task auto/<n> with their number`,
  );
}

function checkTask(task: ArrayTask, source: string): ArrayTask {
  const { index, count } = task;
  if (count >= 1 && index < count) return task;
  throw new UsageError(
    `Cannot be task ${index} of ${count} (${source}): tasks are counted from 0 to n - 1`,
  );
}

/** The engine that runs this process, and the number that it set. */
function findEngine(lookup: Lookup): { engine: ArrayEngine; id: number } {
  const found = ENGINES.flatMap((engine) => {
    const id = readNumber(engine.index, lookup);
    return id === undefined ? [] : [{ engine, id }];
  });
  const [first] = found;
  if (!first) {
    const names = ENGINES.map(({ index }) => index).join(", ");
    throw new UsageError(
      `Cannot tell which task this is: none of ${names} is set, give --task <i>/<n>`,
    );
  }
  const numbers = found.map(({ engine, id }) => `${engine.index}=${id}`).join(", ");
  if (found.length > 1) {
    throw new UsageError(
      `Cannot tell which task this is: several engines number it (${numbers}), give --task <i>/<n>`,
    );
  }
  return first;
}

/** Slurm's numbers may begin anywhere and have steps; those of a list such as 3,5,9 have gaps. */
function findInSlurm(id: number, lookup: Lookup): ArrayTask | undefined {
  const count = readNumber("SLURM_ARRAY_TASK_COUNT", lookup);
  const min = readNumber("SLURM_ARRAY_TASK_MIN", lookup);
  const max = readNumber("SLURM_ARRAY_TASK_MAX", lookup);
  const step = readNumber("SLURM_ARRAY_TASK_STEP", lookup) ?? 1;
  if (count === undefined || min === undefined || max === undefined || step < 1) return undefined;
  const index = (id - min) / step;
  const isWhole = Number.isInteger(index) && index >= 0 && (max - min) / step + 1 === count;
  return isWhole ? { index, count } : undefined;
}

function readNumber(name: EngineVariable, lookup: Lookup): number | undefined {
  const text = lookup(name);
  if (text === undefined || text === "") return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`Cannot use ${name}="${text}": it is not a number, give --task <i>/<n>`);
}
