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
  const grid = (...args: string[]) => parse("--date", "20260206", ...args).grid;
  assertEquals([grid(), grid("--grid", "0.25")], [undefined, { spacing: 0.25 }]);
  for (const text of ["0", "-1", "x", "0.25,0.5", "Infinity"]) {
    assertThrows(() => grid(`--grid=${text}`), UsageError, `Cannot use --grid "${text}"`);
  }
  const small = "--region=0.9,30.1,0.1,30.9";
  assertThrows(() => grid(small, "--grid", "1"), UsageError, "has no point of it");
  assertEquals(grid(small, "--grid", "0.5"), { spacing: 0.5 });
});

Deno.test("--grid with corners is the region, too, and takes none beside it", () => {
  const text = "0.1@-13.65,19.15,24.65,54.25";
  const { grid, region, shapingOptions } = parse("--date", "20260206", "--grid", text);
  assertEquals(region, { north: 24.65, west: 19.15, south: -13.65, east: 54.25 });
  assertEquals(grid, { spacing: 0.1, corners: region });
  assertEquals([shapingOptions.grid, shapingOptions.region], [text, "24.65,19.15,-13.65,54.25"]);
  assertThrows(
    () => parse("--date", "20260206", "--grid", text, "--region", "kenya"),
    UsageError,
    'Cannot use --region "kenya" with a grid that has corners: leave it out, or give --grid 0.1',
  );
});
