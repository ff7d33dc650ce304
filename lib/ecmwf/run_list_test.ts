import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { parseRun, RunError } from "./run.ts";
import { describeImpossible, parseRunList } from "./run_list.ts";

/** The runs as text: `20230301 00`. */
function list(dates: string, hours = "00"): string[] {
  return parseRunList(dates.split(","), hours.split(",")).map((it) => `${it.date} ${it.hour}`);
}

Deno.test("parseRunList() gives both ends of a range, across months and a leap day", () => {
  assertEquals(list("20240227..20240302"), [
    "20240227 00",
    "20240228 00",
    "20240229 00",
    "20240301 00",
    "20240302 00",
  ]);
  assertEquals(list("20230301..20230531").length, 92);
  assertEquals(list("20230301..20230301"), ["20230301 00"]);
});

Deno.test("parseRunList() takes every n-th day, lists, latest and several hours", () => {
  assertEquals(list("20230301..20230320/7"), ["20230301 00", "20230308 00", "20230315 00"]);
  assertEquals(list("20230301..20230302/99"), ["20230301 00"]);
  assertEquals(list("latest", "6"), ["latest 06"]);
  assertEquals(list("20230305,latest,20230301..20230302", "00,12"), [
    "20230305 00",
    "20230305 12",
    "latest 00",
    "latest 12",
    "20230301 00",
    "20230301 12",
    "20230302 00",
    "20230302 12",
  ]);
});

Deno.test("parseRunList() gives a run once, however often it is named", () => {
  assertEquals(list("20230301,20230301..20230302,20230302", "0,00"), [
    "20230301 00",
    "20230302 00",
  ]);
});

const REFUSED: [dates: string, hours: string, message: string][] = [
  [
    "20230531..20230301",
    "00",
    'Cannot use dates "20230531..20230301": the range ends before it begins; swap its ends',
  ],
  [
    "20230230..20230301",
    "00",
    'Cannot use date "20230230": give a day of the calendar as YYYYMMDD',
  ],
  ["20230301..2023", "00", 'Cannot use date "2023": give a day of the calendar as YYYYMMDD'],
  ...["0", "-1", "x", ""].map((step): [string, string, string] => [
    `20230301..20230302/${step}`,
    "00",
    `Cannot use dates "20230301..20230302/${step}": the step is "${step}"; ` +
    "give a whole number of days of at least 1",
  ]),
  ...["20230301..", "..20230301", "20230301/7", "20230301...20230302", "1..2..3"]
    .map((dates): [string, string, string] => [
      dates,
      "00",
      `Cannot use dates "${dates}": they are no range; ` +
      "give <first>..<last>, as 20230301..20230531, or <first>..<last>/<days>",
    ]),
  [
    "20230301..latest",
    "00",
    'Cannot use dates "20230301..latest": an end is latest; give it as YYYYMMDD',
  ],
  [
    "2023/03/01",
    "00",
    'Cannot use date "2023/03/01": give a day of the calendar as YYYYMMDD',
  ],
  ["lastest", "00", 'Cannot use date "lastest": did you mean latest?'],
  [
    "20230301",
    "00,13",
    'Cannot use run hour "13": ECMWF runs at 00, 06, 12 and 18 UTC; did you mean 12?',
  ],
];

for (const [dates, hours, message] of REFUSED) {
  Deno.test(`parseRunList() refuses ${dates} at ${hours}`, () => {
    const error = assertThrows(() => list(dates, hours), RunError);
    assertEquals(error.message, message);
  });
}

Deno.test("describeImpossible() knows runs of the future and those before the open data", () => {
  const now = new Date("2026-05-20T06:00:00Z");
  const describe = (date: string, hour: string) => describeImpossible(parseRun(date, hour), now);
  assertEquals(describe("20230117", "18"), "no run of ECMWF's open data before 2023-01-18");
  assertEquals(describe("20230118", "00"), undefined);
  assertEquals(describe("20260520", "06"), undefined);
  assertEquals(describe("20260520", "12"), "not published yet");
});
