import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { stub } from "jsr:@std/testing@^1.0.0/mock";
import { drawDelay, PhaseTimer } from "./timing.ts";

Deno.test("drawDelay() draws from nothing to the back-off, which doubles up to its bound", () => {
  const bounds = { minDelayMs: 500, maxDelayMs: 3000 };
  assertEquals([0, 1, 2, 3, 50].map((before) => drawDelay(bounds, before, 1)), [
    500,
    1000,
    2000,
    3000,
    3000,
  ]);
  assertEquals([drawDelay(bounds, 3, 0), drawDelay(bounds, 3, 0.5)], [0, 1500]);
  const drawn = Array.from({ length: 100 }, () => drawDelay(bounds, 1));
  assert(drawn.every((ms) => ms >= 0 && ms < 1000) && new Set(drawn).size > 90);
});

Deno.test("PhaseTimer gives how long every phase took, in the order of first starts", () => {
  let nowMs = 0;
  using _ = stub(performance, "now", () => nowMs);
  const timer = new PhaseTimer();
  for (const [phase, ms] of [["read", 30], ["write", 20.4], ["read", 5]] as const) {
    timer.start(phase);
    nowMs += ms;
  }
  assertEquals(Object.entries(timer.end()), [["read", 35], ["write", 20]]);
});

Deno.test("PhaseTimer counts nothing between the end of a phase and the next", () => {
  const timer = new PhaseTimer();
  assertEquals(timer.end(), {});
  timer.start("read");
  assertEquals(timer.end(), timer.end());
});
