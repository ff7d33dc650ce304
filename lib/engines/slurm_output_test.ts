import { assertEquals } from "jsr:@std/assert@^1.0.0";
import {
  parseAccounts,
  parseJobExit,
  parseQueue,
  type QueueEntry,
  readState,
} from "./slurm_output.ts";

// Lines of squeue, scontrol and sacct as Slurm 22.05.8 printed them on the cluster of
// fixtures/slurm_cluster.ts, those of sacct with slurmdbd beside it.

const entry = (
  job: string,
  task: number | undefined,
  state: QueueEntry["state"],
  slurmState: string,
): QueueEntry => ({ job, ...(task !== undefined && { task }), state, slurmState });

Deno.test("parseQueue() reads tasks of arrays and jobs, waiting, running and over", () => {
  const text = "1|0|PENDING|\n1|1|RUNNING|\n2|0|COMPLETING|\n2|1|COMPLETED|\n2|12|FAILED|\n" +
    "3|N/A|PENDING|\n4|N/A|CANCELLED|\n";
  assertEquals(parseQueue(text), [
    entry("1", 0, "queued", "PENDING"),
    entry("1", 1, "running", "RUNNING"),
    entry("2", 0, "running", "COMPLETING"),
    entry("2", 1, "done", "COMPLETED"),
    entry("2", 12, "failed", "FAILED"),
    entry("3", undefined, "queued", "PENDING"),
    entry("4", undefined, "failed", "CANCELLED"),
  ]);
});

Deno.test("parseQueue() finds nothing in an empty text, and skips lines of any other format", () => {
  assertEquals(parseQueue(""), []);
  assertEquals(parseQueue("slurm_load_jobs error: Invalid job id specified\n1|x|RUNNING|\n"), []);
});

Deno.test("readState() counts ends and holds as failures, waits as queued, and the rest as running", () => {
  const lost = ["NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT", "PREEMPTED", "BOOT_FAIL", "REQUEUE_HOLD"];
  for (const state of lost) assertEquals([state, readState(state)], [state, "failed"]);
  for (const state of ["CONFIGURING", "REQUEUED"]) {
    assertEquals([state, readState(state)], [state, "queued"]);
  }
  for (const state of ["SUSPENDED", "STAGE_OUT", "SIGNALING", "STATE_OF_THE_FUTURE"]) {
    assertEquals([state, readState(state)], [state, "running"]);
  }
});

/** A line of `scontrol --oneliner show job`, shortened on the right. */
const shownJob = (exitCode: string) =>
  "JobId=6 ArrayJobId=1 ArrayTaskId=3 JobName=x-1 UserId=root(0) GroupId=root(0) MCS_label=N/A " +
  "Priority=4294901759 Nice=0 Account=(null) QOS=(null) JobState=FAILED Reason=NonZeroExitCode " +
  "Dependency=(null) Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 " +
  `ExitCode=${exitCode} RunTime=00:00:00 TimeLimit=UNLIMITED TimeMin=N/A\n`;

Deno.test("parseJobExit() gives the exit code, or the signal that ended a job", () => {
  assertEquals(parseJobExit(shownJob("5:0")), { exitCode: 5 });
  assertEquals(parseJobExit(shownJob("137:0")), { exitCode: 137 });
  assertEquals(parseJobExit(shownJob("0:9")), { reason: "signal 9" });
  assertEquals(parseJobExit(""), {});
});

Deno.test("parseAccounts() gives the end of a job that has left the queue", () => {
  assertEquals(parseAccounts("2_0|COMPLETED|0:0\n"), { state: "done" });
  assertEquals(parseAccounts("2_2|FAILED|2:0\n"), {
    state: "failed",
    reason: "FAILED",
    exitCode: 2,
  });
  assertEquals(parseAccounts("3|FAILED|0:9\n"), { state: "failed", reason: "signal 9" });
  assertEquals(parseAccounts("1_0|CANCELLED by 0|0:0\n"), { state: "failed", reason: "CANCELLED" });
  assertEquals(parseAccounts("1_1|RUNNING|0:0\n"), { state: "running" });
  assertEquals(parseAccounts(""), undefined);
});
