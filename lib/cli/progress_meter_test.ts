import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { FakeTime } from "jsr:@std/testing@^1.0.0/time";
import { formatProgress, ProgressMeter, type ProgressState } from "./progress_meter.ts";

const STATE: ProgressState = {
  label: "indexes",
  done: 34,
  total: 85,
  seconds: 3,
  secondsLeft: 4.5,
  bytes: 9_120_000,
  bytesPerSecond: 3_040_000,
  retries: 2,
  note: "step 99",
};
const WORDS = "40 %  34 of 85  9.1 MB  3.0 MB/s  2 retries  5 s left  step 99";

Deno.test("formatProgress() gives share, count, bytes, rate, retries, time left and the note", () => {
  assertEquals(formatProgress(STATE), `indexes ${WORDS}`);
  assertEquals(
    formatProgress({ ...STATE, retries: 1 }),
    `indexes ${WORDS.replace("2 retries", "1 retry")}`,
  );
  const bare: ProgressState = { label: "stores", done: 0, total: 4, seconds: 0 };
  assertEquals(formatProgress(bare), "stores 0 %  0 of 4");
  const megabytes = { ...bare, done: 8.388608, total: 16.5 };
  assertEquals(formatProgress(megabytes), "stores 50 %  8.4 of 16.5");
});

Deno.test("formatProgress() draws a bar where there is room, and never takes more columns", () => {
  const bar = "█".repeat(10) + "░".repeat(14);
  const whole = `indexes ${bar} ${WORDS}`;
  assertEquals(formatProgress(STATE, 200), whole);
  assertEquals(formatProgress(STATE, whole.length), whole);
  assertEquals(formatProgress(STATE, whole.length - 1), `indexes ${WORDS}`);
  assertEquals(formatProgress(STATE, 24), "indexes 40 %  34 of 85 …");
  for (let columns = 1; columns < 120; columns++) {
    assertEquals(formatProgress(STATE, columns).length <= columns, true, `${columns} columns`);
  }
});

Deno.test("formatProgress() shows less than 100 % until all is done, and never more", () => {
  const at = (done: number, total: number) =>
    formatProgress({ label: "x", done, total, seconds: 1 });
  assertEquals(at(999, 1000), "x 99 %  999 of 1000");
  assertEquals(at(7, 5), "x 100 %  7 of 5");
  assertEquals(at(0, 0), "x 100 %  0 of 0");
});

Deno.test("ProgressMeter counts work and traffic from the moment it is made", () => {
  using time = new FakeTime();
  let traffic = { bytes: 500, retries: 3 };
  const meter = new ProgressMeter("indexes", 10, () => traffic);
  const start = { label: "indexes", total: 10, bytes: 0, retries: 0, bytesPerSecond: 0 };
  assertEquals(meter.measure(), { ...start, done: 0, seconds: 0 });
  time.tick(2500);
  meter.add(2, "first");
  meter.add(2, "second");
  traffic = { bytes: 10_500, retries: 4 };
  assertEquals(meter.measure(), {
    ...start,
    done: 4,
    seconds: 2.5,
    secondsLeft: 3.75,
    bytes: 10_000,
    bytesPerSecond: 4000,
    retries: 1,
    note: "second",
  });
  assertEquals(new ProgressMeter("stores", 1).measure(), {
    label: "stores",
    done: 0,
    total: 1,
    seconds: 0,
  });
});
