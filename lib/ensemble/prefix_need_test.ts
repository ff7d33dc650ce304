import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { makeRandom } from "../../fixtures/random.ts";
import { PrefixNeeds } from "./prefix_need.ts";

const LENGTH = 1_000_000;
/** Messages to learn from before the first prediction. */
const SCOUTS = new PrefixNeeds().lacking("tp");

/** Normally distributed numbers, the same for the same seed. */
function* drawNormal(seed: number): Generator<number, never> {
  const draw = makeRandom(seed);
  for (;;) yield Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}

Deno.test("PrefixNeeds predicts whole messages until it has seen a few of the variable", () => {
  const needs = new PrefixNeeds();
  for (let seen = 0; seen < SCOUTS; seen++) {
    assertEquals(needs.lacking("tp"), SCOUTS - seen);
    assertEquals(needs.predict("tp", LENGTH), LENGTH);
    needs.note("tp", LENGTH, 0.58 * LENGTH);
  }
  assertEquals(needs.lacking("tp"), 0);
  const asked = needs.predict("tp", LENGTH);
  assert(asked > 0.58 * LENGTH && asked < 0.6 * LENGTH, `${asked}`);
  assertEquals(needs.predict("sp", LENGTH), LENGTH);
});

Deno.test("PrefixNeeds predicts too little for at most 3 % of messages, whatever their spread", () => {
  let asked = 0;
  let short = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const needs = new PrefixNeeds();
    const normal = drawNormal(seed * 7919);
    const spread = 0.001 * (1 + seed % 40);
    for (let i = 0; i < SCOUTS + 47; i++) {
      const length = Math.round(LENGTH * (1 + 0.1 * normal.next().value));
      const needed = Math.round((0.58 + spread * normal.next().value) * length);
      if (i >= SCOUTS) {
        asked++;
        if (needs.predict("tp", length) < needed) short++;
      }
      needs.note("tp", length, needed);
    }
  }
  assert(short > 0 && short <= 0.03 * asked, `${short} of ${asked}`);
});

Deno.test("PrefixNeeds finds how the share depends on the length of the message", () => {
  const lengthsSeen = Array.from({ length: 40 }, (_, i) => LENGTH + 10_000 * (i % 20 - 10));
  const share = (length: number) => 0.5 + 0.4 * (length / LENGTH - 1);
  const needs = new PrefixNeeds();
  for (const length of lengthsSeen) needs.note("tp", length, share(length) * length);
  for (const length of [0.85 * LENGTH, 1.15 * LENGTH]) {
    const asked = needs.predict("tp", length) / length;
    assert(asked > share(length) && asked < share(length) + 0.004, `${asked}`);
  }
});

Deno.test("PrefixNeeds predicts enough where length and share are unrelated, and for equal messages", () => {
  const needs = new PrefixNeeds();
  const normal = drawNormal(3);
  for (let i = 0; i < 400; i++) {
    const length = Math.round(LENGTH * (1 + 0.1 * normal.next().value));
    needs.note("tp", length, (0.58 + 0.01 * normal.next().value) * length);
    needs.note("sp", LENGTH, 0.58 * LENGTH);
  }
  for (const length of [0.7 * LENGTH, LENGTH, 1.3 * LENGTH]) {
    const asked = needs.predict("tp", length) / length;
    assert(asked > 0.595 && asked < 0.61, `${asked}`);
  }
  assert(needs.predict("sp", LENGTH) < 0.583 * LENGTH);
});

Deno.test("PrefixNeeds never predicts more than the message, nor less than its headers", () => {
  const needs = new PrefixNeeds();
  for (const share of [0.2, 0.9, 0.4, 0.99]) needs.note("ro", LENGTH, share * LENGTH);
  assertEquals(needs.predict("ro", LENGTH), LENGTH);
  for (let i = 0; i < SCOUTS; i++) needs.note("tcc", LENGTH, 0);
  assert(needs.predict("tcc", 50_000) >= 1000);
});
