import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { parseCommandLine } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/errors.ts";
import { GIK } from "../../lib/output/profile.ts";
import { command as stream } from "../stream.ts";

const parse = (...args: string[]) => stream.parse(parseCommandLine(stream, args));

Deno.test("--region is the region of the output, and by default that of the profile", () => {
  const region = { north: 10.5, west: 30, south: -5, east: 40 };
  assertEquals(parse("--date", "20260206", "--region=10.5,30,-5,40").region, region);
  assertEquals(parse("--date", "20260206").region, GIK.region);
  for (const text of ["-5,30,10,40", "91,30,10,40", "10,30,-91,40"]) {
    const message = `Cannot use --region "${text}": `;
    assertThrows(() => parse("--date", "20260206", `--region=${text}`), UsageError, message);
  }
});

Deno.test("--grid is a spacing of which the region has points", () => {
  const grid = (...args: string[]) => parse("--date", "20260206", ...args).gridSpacing;
  assertEquals([grid(), grid("--grid", "0.25")], [undefined, 0.25]);
  for (const text of ["0", "-1", "x", "0.25,0.5", "Infinity"]) {
    assertThrows(() => grid(`--grid=${text}`), UsageError, `Cannot use --grid "${text}"`);
  }
  const small = "--region=0.9,30.1,0.1,30.9";
  assertThrows(() => grid(small, "--grid", "1"), UsageError, "has no point of it");
  assertEquals(grid(small, "--grid", "0.5"), 0.5);
});
