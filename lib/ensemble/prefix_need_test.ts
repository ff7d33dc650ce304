import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { makeRandom } from "../../fixtures/random.ts";
import { findVariable } from "../ecmwf/variables.ts";
import { type NeededVariable, PrefixNeeds } from "./prefix_need.ts";

const LENGTH = 1_000_000;
const REGION = { north: 25, west: 19, south: -14, east: 55 };
/** The share of the rows down to 14S. */
const ROWS = 0.58;
/** So much that hardly any message may need a second request. */
const DEAR = 1e9;
const [TP, T2M, TCC]: NeededVariable[] = ["tp", "t2m", "tcc"].map((name) => findVariable(name)!);

/** Normally distributed numbers, the same for the same seed. */
function* drawNormal(seed: number): Generator<number, never> {
  const draw = makeRandom(seed);
  for (;;) yield Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}

Deno.test("PrefixNeeds begins with the share of the rows, and more where variables differ more", () => {
  const needs = new PrefixNeeds(REGION);
  const share = (variable: NeededVariable) => needs.predict(variable, LENGTH, DEAR) / LENGTH;
  assert(share(T2M!) > ROWS + 0.03 && share(T2M!) < ROWS + 0.06, `${share(T2M!)}`);
  assert(share(TP!) > ROWS + 0.25 && share(TP!) < 1, `${share(TP!)}`);
  assertEquals(share({ name: "sd", param: "sd" }), 1);
  const globe = new PrefixNeeds({ north: 90, west: -180, south: -90, east: 180 });
  assertEquals(globe.predict(T2M!, LENGTH, DEAR), LENGTH);
});

Deno.test("PrefixNeeds predicts little more than was needed after one message, and less after four", () => {
  const needs = new PrefixNeeds(REGION);
  const excess: number[] = [];
  for (let seen = 0; seen < 4; seen++) {
    assertEquals(needs.countSeen(T2M!), seen);
    needs.note(T2M!, LENGTH, 0.6 * LENGTH);
    excess.push(needs.predict(T2M!, LENGTH, DEAR) / LENGTH - 0.6);
  }
  assert(excess[0]! < 0.02 && excess[3]! < 0.012, `${excess}`);
  assertEquals(excess, excess.toSorted((a, b) => b - a));
  assertEquals(needs.countSeen(TP!), 0);
});

Deno.test("PrefixNeeds predicts too little for at most 3 % of messages, whatever their spread", () => {
  let asked = 0;
  let short = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const needs = new PrefixNeeds(REGION);
    const normal = drawNormal(seed * 7919);
    const spread = 0.001 * (1 + seed % 40);
    for (let i = 0; i < 51; i++) {
      const length = Math.round(LENGTH * (1 + 0.1 * normal.next().value));
      const needed = Math.round((ROWS + spread * normal.next().value) * length);
      asked++;
      if (needs.predict(TP!, length, DEAR) < needed) short++;
      needs.note(TP!, length, needed);
    }
  }
  assert(short > 0 && short <= 0.03 * asked, `${short} of ${asked}`);
});

/** What messages cost whose shares differ by some deviation, where a request costs so many bytes. */
function fetchMessages(spread: number, requestBytes: number) {
  const costs = { wasted: 0, second: 0, third: 0, asked: 0 };
  for (let seed = 1; seed <= 40; seed++) {
    const needs = new PrefixNeeds(REGION);
    const normal = drawNormal(seed * 104729);
    for (let i = 0; i < 51; i++) {
      const needed = Math.round((ROWS + spread * normal.next().value) * LENGTH);
      let given = needs.predict(TP!, LENGTH, requestBytes);
      costs.asked++;
      for (let again = 1; given < needed; again++) {
        costs[again === 1 ? "second" : "third"]++;
        given += again === 1 ? needs.predictRest(TP!, LENGTH, given, requestBytes) : LENGTH - given;
      }
      costs.wasted += given - needed;
      needs.note(TP!, LENGTH, needed);
    }
  }
  return costs;
}

Deno.test("PrefixNeeds asks for less of messages that differ much, where that costs less than requests", () => {
  const price = 128 * 1024;
  const much = fetchMessages(0.05, price);
  const sure = fetchMessages(0.05, DEAR);
  const cost = ({ wasted, second, third }: typeof much) => wasted + price * (second + third);
  assert(cost(much) < 0.9 * cost(sure), `${cost(much)} and ${cost(sure)}`);
  assert(much.wasted < 0.65 * sure.wasted, `${much.wasted} and ${sure.wasted}`);
  assert(much.second > 0.05 * much.asked && much.second < 0.15 * much.asked, `${much.second}`);
  assert(much.third < 0.2 * much.second, `${much.third} of ${much.second}`);
  // Of those that are alike, no more messages than before are asked for twice.
  const alike = fetchMessages(0.004, price);
  assert(alike.second < 0.03 * alike.asked, `${alike.second} of ${alike.asked}`);
});

Deno.test("PrefixNeeds asks for a rest within the message, however short its beginning was", () => {
  const needs = new PrefixNeeds(REGION);
  for (let i = 0; i < 20; i++) needs.note(T2M!, LENGTH, 0.6 * LENGTH);
  for (const given of [0.1 * LENGTH, 0.599 * LENGTH, 0.7 * LENGTH, 0.9999 * LENGTH]) {
    const rest = needs.predictRest(T2M!, LENGTH, given, 128 * 1024);
    assert(rest >= Math.min(1024, LENGTH - given) && given + rest <= LENGTH, `${rest}`);
  }
  const near = needs.predictRest(T2M!, LENGTH, 0.599 * LENGTH, 128 * 1024);
  assert(near < 0.01 * LENGTH, `${near}`);
});

Deno.test("PrefixNeeds finds how the share depends on the length of the message", () => {
  const lengthsSeen = Array.from({ length: 40 }, (_, i) => LENGTH + 10_000 * (i % 20 - 10));
  const share = (length: number) => 0.5 + 0.4 * (length / LENGTH - 1);
  const needs = new PrefixNeeds(REGION);
  for (const length of lengthsSeen) needs.note(T2M!, length, share(length) * length);
  for (const length of [0.85 * LENGTH, 1.15 * LENGTH]) {
    const asked = needs.predict(T2M!, length, DEAR) / length;
    assert(asked > share(length) && asked < share(length) + 0.006, `${asked}`);
  }
});

Deno.test("PrefixNeeds predicts enough where length and share are unrelated, and for equal messages", () => {
  const needs = new PrefixNeeds(REGION);
  const normal = drawNormal(3);
  for (let i = 0; i < 400; i++) {
    const length = Math.round(LENGTH * (1 + 0.1 * normal.next().value));
    needs.note(TP!, length, (0.58 + 0.01 * normal.next().value) * length);
    needs.note(T2M!, LENGTH, 0.58 * LENGTH);
  }
  for (const length of [0.7 * LENGTH, LENGTH, 1.3 * LENGTH]) {
    const asked = needs.predict(TP!, length, DEAR) / length;
    assert(asked > 0.595 && asked < 0.61, `${asked}`);
  }
  assert(needs.predict(T2M!, LENGTH, DEAR) < 0.583 * LENGTH);
});

Deno.test("PrefixNeeds never predicts more than the message, nor less than its headers", () => {
  const needs = new PrefixNeeds(REGION);
  for (const share of [0.2, 0.9, 0.4, 0.99]) needs.note(TP!, LENGTH, share * LENGTH);
  assertEquals(needs.predict(TP!, LENGTH, DEAR), LENGTH);
  for (let i = 0; i < 4; i++) needs.note(TCC!, LENGTH, 0);
  assert(needs.predict(TCC!, 50_000, DEAR) >= 1000);
});
