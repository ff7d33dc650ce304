import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { PhaseTimer } from "./phase_timer.ts";

Deno.test("PhaseTimer tells of every phase in the order of their first beginning, together no longer than all took", () => {
  const startedMs = performance.now();
  const timer = new PhaseTimer();
  for (const phase of ["read", "write", "read"]) timer.start(phase);
  const phases = timer.end();
  assertEquals(Object.keys(phases), ["read", "write"]);
  const sumMs = Object.values(phases).reduce((sum, ms) => sum + ms, 0);
  assert(sumMs <= performance.now() - startedMs + 2);
});

Deno.test("PhaseTimer counts nothing between the end of a phase and the next", () => {
  const timer = new PhaseTimer();
  assertEquals(timer.end(), {});
  timer.start("read");
  assertEquals(timer.end(), timer.end());
});
