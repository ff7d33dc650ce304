import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { formatTask, parseTask } from "./array_task.ts";
import { UsageError } from "../errors.ts";

type Environment = Record<string, string>;

function parseIn(text: string, environment: Environment = {}) {
  return formatTask(parseTask(text, (name) => environment[name]));
}

/** What Slurm sets for the tasks of `--array=<min>-<max>:<step>`. */
function slurm(id: number, min: number, max: number, step: number, count: number): Environment {
  return {
    SLURM_ARRAY_TASK_ID: `${id}`,
    SLURM_ARRAY_TASK_MIN: `${min}`,
    SLURM_ARRAY_TASK_MAX: `${max}`,
    SLURM_ARRAY_TASK_STEP: `${step}`,
    SLURM_ARRAY_TASK_COUNT: `${count}`,
  };
}

const ACCEPTED: [what: string, text: string, environment: Environment, task: string][] = [
  ["what is given, whatever the engine says", "3/9", { JOB_COMPLETION_INDEX: "7" }, "3/9"],
  ["Slurm's number and count", "auto", slurm(8, 0, 8, 1, 9), "8/9"],
  ["Slurm's numbers from 1", "auto", slurm(9, 1, 9, 1, 9), "8/9"],
  ["Slurm's numbers by steps", "auto", slurm(30, 10, 50, 10, 5), "2/5"],
  ["Slurm's number in a repeated array", "auto/9", slurm(5, 3, 5, 1, 2), "5/9"],
  ["Cloud Run's index and count", "auto", {
    CLOUD_RUN_TASK_INDEX: "0",
    CLOUD_RUN_TASK_COUNT: "20",
  }, "0/20"],
  ["Kubernetes' index", "auto/4", { JOB_COMPLETION_INDEX: "3" }, "3/4"],
  ["AWS Batch's index", "auto/10000", { AWS_BATCH_JOB_ARRAY_INDEX: "9999" }, "9999/10000"],
  ["Coiled's number", "auto/3", { COILED_BATCH_TASK_ID: "1" }, "1/3"],
];

for (const [what, text, environment, task] of ACCEPTED) {
  Deno.test(`parseTask() takes ${what}`, () => assertEquals(parseIn(text, environment), task));
}

const REFUSED: [what: string, text: string, environment: Environment, message: string][] = [
  ["an index that is not below the count", "9/9", {}, "counted from 0 to n - 1"],
  ["a count of none", "0/0", {}, "counted from 0 to n - 1"],
  ["an index of the engine that is not below the count", "auto/3", {
    COILED_BATCH_TASK_ID: "3",
  }, "Cannot be task 3 of 3 (COILED_BATCH_TASK_ID=3)"],
  ["something else", "3", {}, 'Cannot read --task "3": give <i>/<n> with i from 0 to n - 1'],
  ["a negative index", "-1/3", {}, 'Cannot read --task "-1/3"'],
  ["a list of Slurm's, which has gaps", "auto", slurm(5, 3, 5, 1, 2), "give --task auto/<n>"],
  ["a number of Slurm's alone", "auto", { SLURM_ARRAY_TASK_ID: "5" }, "give --task auto/<n>"],
  ["an index without a count", "auto", { JOB_COMPLETION_INDEX: "3" }, "give --task auto/<n>"],
  ["no engine", "auto/9", {}, "none of SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX, "],
  ["two engines", "auto/9", {
    SLURM_ARRAY_TASK_ID: "3",
    JOB_COMPLETION_INDEX: "4",
  }, "(SLURM_ARRAY_TASK_ID=3, JOB_COMPLETION_INDEX=4), give --task <i>/<n>"],
  ["what is no number", "auto/9", { JOB_COMPLETION_INDEX: "x" }, 'JOB_COMPLETION_INDEX="x"'],
];

for (const [what, text, environment, message] of REFUSED) {
  Deno.test(`parseTask() refuses ${what}, and says what to do`, () => {
    assertThrows(() => parseIn(text, environment), UsageError, message);
  });
}
