import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { joinParts, type Part } from "./join_ranges.ts";

function part(offset: number, length: number, isRequired = true): Part<string> {
  return { owner: `${offset}`, offset, length, isRequired };
}

const describe = (joined: ReturnType<typeof joinParts<string>>) =>
  joined.map(({ offset, length, parts }) => [offset, length, parts.length]);

Deno.test("joinParts() joins parts that touch or nearly do, in any order", () => {
  const joined = joinParts([part(900, 50), part(0, 200), part(200, 200), part(2000, 10)], 9);
  assertEquals(describe(joined), [[0, 950, 3], [2000, 10, 1]]);
});

Deno.test("joinParts() never reaches over the data of a field", () => {
  assertEquals(describe(joinParts([part(0, 300), part(813, 300)], 9)), [[0, 300, 1], [
    813,
    300,
    1,
  ]]);
});

Deno.test("joinParts() drops the least useful of the parts that are not required", () => {
  const required = [part(0, 300), part(10_000, 300)];
  const pair = [part(20_000, 200, false), part(20_200, 200, false)];
  const parts = [...required, part(30_000, 200, false), ...pair];
  assertEquals(describe(joinParts(parts, 3)), [[0, 300, 1], [10_000, 300, 1], [20_000, 400, 2]]);
  assertEquals(describe(joinParts(parts, 1)), [[0, 300, 1], [10_000, 300, 1]]);
});
