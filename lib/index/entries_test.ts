import { assertEquals } from "jsr:@std/assert@^1.0.0";
import {
  countUnlisted,
  findEnd,
  findIndexFaults,
  type IndexEntry,
  IndexError,
  type IndexFault,
  parseIndex,
} from "./entries.ts";

const ENTRY = {
  date: "20260206",
  time: "0000",
  type: "pf",
  stream: "enfo",
  step: "36",
  levelist: "700",
  levtype: "pl",
  number: "7",
  param: "u",
  _offset: 0,
  _length: 100,
} satisfies IndexEntry;

/** An index line; `undefined` leaves a field out. */
function makeLine(change: Record<string, unknown>): string {
  return JSON.stringify({ ...ENTRY, ...change });
}

/** Entries of different members with the given first bytes and lengths. */
function makeEntries(...ranges: [offset: number, length: number][]): IndexEntry[] {
  return ranges.map(([_offset, _length], i) => ({
    ...ENTRY,
    number: `${i + 1}`,
    _offset,
    _length,
  }));
}

function summarizeFaults(faults: readonly IndexFault[]): [string, number][] {
  return faults.map(({ kind, entry }) => [kind, entry]);
}

const DATA = new URL("../../../shared/data/", import.meta.url);

for (
  const [path, lines, last] of [
    ["aifs-single-20250301-00z-6h.index", 102, 77642846],
    ["kerchunk/20240529000000-0h-enfo-ef.index", 108, 1380962],
    ["kerchunk/20240529000000-3h-enfo-ef.index", 108, 1751087],
  ] as const
) {
  const url = new URL(path, DATA);
  Deno.test({
    name: `parseIndex() reads every line of the real ${path} (needs ../shared)`,
    ignore: !isFile(url),
    fn() {
      const { entries, faults } = parseIndex(Deno.readTextFileSync(url));
      assertEquals([entries.length, faults], [lines, []]);
      const end = entries.at(-1)!._offset + entries.at(-1)!._length;
      assertEquals(end, last);
      assertEquals(findIndexFaults(entries, end), []);
      assertEquals(countUnlisted(entries, end), 0);
    },
  });
}

Deno.test("parseIndex() gives each line's fields as the file has them", () => {
  const control = { levtype: "sfc", type: "cf", number: undefined, levelist: undefined };
  const { entries, faults } = parseIndex(
    `${makeLine({})}\n${makeLine({ ...control, _offset: 100 })}\n`,
  );
  const [member, cf] = entries;
  assertEquals(faults, []);
  assertEquals(member, ENTRY);
  assertEquals("number" in cf!, false);
  const repeated = [member!, cf!, { ...member!, _offset: 200 }, { ...cf!, _offset: 300 }];
  assertEquals(findIndexFaults(repeated).map(({ message }) => message), [
    "pf 7 u pl 700 step 36 is listed more than once",
    "cf u sfc step 36 is listed more than once",
  ]);
});

Deno.test("parseIndex() tolerates trailing commas, blank lines, CRLF and no final newline", () => {
  const text = `\ufeff${makeLine({})},\r\n\r\n  \n,\n${makeLine({ number: "8" })} , `;
  const { entries, faults } = parseIndex(text);
  assertEquals(entries.map(({ number }) => number), ["7", "8"]);
  assertEquals(faults, []);
  assertEquals(parseIndex(""), { entries: [], faults: [] });
});

Deno.test("parseIndex() gives the same field for numbers, leading zeros and ranges of hours", () => {
  const same: Record<string, unknown>[] = [
    { number: 7 },
    { number: "07" },
    { number: "007" },
    { step: 36 },
    { step: "036" },
    { step: "0-36" },
    { step: "33-36" },
    { levelist: 700 },
    { levelist: "0700" },
    { date: 20260206 },
    { time: 0 },
    { time: "00" },
  ];
  for (const change of same) {
    const { entries, faults } = parseIndex(makeLine(change));
    assertEquals(faults, [], JSON.stringify(change));
    assertEquals(entries, [ENTRY], JSON.stringify(change));
  }
  const [sixUtc] = parseIndex(makeLine({ time: 600, expver: 1 })).entries;
  assertEquals([sixUtc!.time, sixUtc!.expver], ["0600", "0001"]);
});

Deno.test("parseIndex() loses only the lines that are not JSON, such as the last of a cut file", () => {
  const [first, third] = [makeLine({}), makeLine({ number: "9" })];
  const cut = makeLine({ number: "10" }).slice(0, 90);
  const { entries, faults } = parseIndex(`${first}\n{"dat\u0000\n\n${third}\n${cut}`);
  assertEquals(entries.map(({ number }) => number), ["7", "9"]);
  assertEquals(faults, [
    { line: 2, state: "it is not JSON" },
    { line: 5, state: "it is not JSON" },
  ]);
});

Deno.test("parseIndex() reads at most 10,000 lines that are wrong, as of a file that is no index", () => {
  const { entries, faults } = parseIndex(`${"x\n".repeat(20_000)}${makeLine({})}`);
  assertEquals([entries.length, faults.length], [0, 10_000]);
});

Deno.test("parseIndex() names line and field of what is missing or of another type", () => {
  const faults: [line: string, fault: string][] = [
    ["[]", '"date" is missing, expected a date as YYYYMMDD'],
    ["null", "it is null, expected an object"],
    ["7", "it is 7, expected an object"],
    [makeLine({ date: "6 Feb" }), '"date" is "6 Feb", expected a date as YYYYMMDD'],
    [makeLine({ time: undefined }), '"time" is missing, expected a time as HHMM'],
    [makeLine({ time: "12:00" }), '"time" is "12:00", expected a time as HHMM'],
    [makeLine({ type: undefined }), '"type" is missing, expected a word'],
    [makeLine({ stream: undefined }), '"stream" is missing, expected a word'],
    [makeLine({ class: null }), '"class" is null, expected a word'],
    [makeLine({ expver: "00011" }), '"expver" is "00011", expected four letters or digits'],
    [makeLine({ step: true }), '"step" is true, expected a step in hours'],
    [makeLine({ step: "36h" }), '"step" is "36h", expected a step in hours'],
    [makeLine({ step: "36-0" }), '"step" is "36-0", expected a step in hours'],
    [makeLine({ step: -36 }), '"step" is -36, expected a step in hours'],
    [makeLine({ levtype: null }), '"levtype" is null, expected a word'],
    [
      makeLine({ param: Array(100).fill(0) }),
      `"param" is [${"0,".repeat(19)}0…, expected a short name`,
    ],
    [makeLine({ param: undefined }), '"param" is missing, expected a short name'],
    [makeLine({ param: "../u" }), '"param" is "../u", expected a short name'],
    [makeLine({ levelist: null }), '"levelist" is null, expected a level or nothing'],
    [makeLine({ levelist: "abc" }), '"levelist" is "abc", expected a level or nothing'],
    [makeLine({ levelist: 0.5 }), '"levelist" is 0.5, expected a level or nothing'],
    [makeLine({ number: "seven" }), '"number" is "seven", expected a member or nothing'],
    [makeLine({ number: [7] }), '"number" is [7], expected a member or nothing'],
    [makeLine({ _offset: undefined }), '"_offset" is missing, expected a byte offset'],
    [makeLine({ _offset: "0" }), '"_offset" is "0", expected a byte offset'],
    [makeLine({ _offset: -1 }), '"_offset" is -1, expected a byte offset'],
    [makeLine({ _offset: 2 ** 53 }), '"_offset" is 9007199254740992, expected a byte offset'],
    [makeLine({ _length: 0 }), '"_length" is 0, expected a byte length of 1 or more'],
    [makeLine({ _length: 0.5 }), '"_length" is 0.5, expected a byte length of 1 or more'],
  ];
  for (const [line, fault] of faults) {
    const index = parseIndex(`${makeLine({})}\n${line}`);
    assertEquals(index, { entries: [ENTRY], faults: [{ line: 2, state: fault }] });
    const error = new IndexError("a.index", index.faults[0]!);
    assertEquals(
      error.message,
      `Cannot read line 2 of a.index: ${fault}; download the index again`,
    );
    assertEquals([error.source, error.line], ["a.index", 2]);
  }
});

Deno.test("findIndexFaults() finds nothing in messages that are end to end", () => {
  const entries = makeEntries([0, 100], [100, 50], [150, 1]);
  assertEquals(findIndexFaults(entries, 151), []);
  assertEquals(findIndexFaults(entries), []);
});

Deno.test("findIndexFaults() finds a field that is listed twice", () => {
  const [first, second] = makeEntries([0, 100], [100, 50]);
  const faults = findIndexFaults([first!, second!, { ...first!, _offset: 150 }]);
  assertEquals(faults, [
    { kind: "duplicate", entry: 2, message: "pf 1 u pl 700 step 36 is listed more than once" },
  ]);
});

Deno.test("findIndexFaults() finds no harm in a line that is there twice", () => {
  const [first, second] = makeEntries([0, 100], [100, 50]);
  assertEquals(summarizeFaults(findIndexFaults([first!, second!, { ...first! }, second!])), [
    ["repeat", 2],
    ["repeat", 3],
  ]);
});

Deno.test("findIndexFaults() compares fields by what they mean, however they are written", () => {
  const forms = [{}, { number: 7, _offset: 100 }, { number: "07", step: "0-36", levelist: 700 }];
  const text = forms.map(makeLine).join("\n");
  assertEquals(summarizeFaults(findIndexFaults(parseIndex(text).entries)), [
    ["duplicate", 1],
    ["repeat", 2],
  ]);
});

Deno.test("findIndexFaults() does not let a line past the end displace one of the same field", () => {
  const [lost, found] = [{ ...ENTRY, _offset: 500 }, ENTRY];
  assertEquals(summarizeFaults(findIndexFaults([lost, found], 100)), [
    ["out-of-order", 1],
    ["past-end", 0],
  ]);
});

Deno.test("countUnlisted() counts bytes between, before and after messages, each once", () => {
  const entries = makeEntries([100, 50], [10, 20], [10, 20], [120, 60]);
  assertEquals(countUnlisted(entries, 200), 10 + 70 + 20);
  assertEquals(countUnlisted(entries, 150), 10 + 70);
  assertEquals(countUnlisted(entries, 50), 10 + 20);
  assertEquals(countUnlisted([], 7), 7);
  assertEquals([findEnd(entries), findEnd([])], [180, 0]);
});

Deno.test("findIndexFaults() distinguishes fields by type, member, parameter, level and step", () => {
  const changes: Partial<IndexEntry>[] = [
    {},
    { type: "cf" },
    { number: "8" },
    { param: "v" },
    { levtype: "sol" },
    { levelist: "70" },
    { step: "39" },
  ];
  const entries = changes.map((change, i) => ({ ...ENTRY, ...change, _offset: i * 100 }));
  assertEquals(findIndexFaults(entries), []);
});

Deno.test("findIndexFaults() finds messages that share bytes, and messages inside another", () => {
  const faults = findIndexFaults(makeEntries([0, 100], [99, 50], [149, 1], [50, 10]));
  assertEquals(summarizeFaults(faults), [["overlap", 3], ["overlap", 1], ["out-of-order", 3]]);
  assertEquals(
    faults[1]!.message,
    "pf 2 u pl 700 step 36 at byte 99 starts inside the message that ends at byte 100",
  );
});

Deno.test("findIndexFaults() finds lines out of order without calling them overlaps", () => {
  const faults = findIndexFaults(makeEntries([100, 50], [0, 100], [150, 10]));
  assertEquals(summarizeFaults(faults), [["out-of-order", 1]]);
});

Deno.test("findIndexFaults() finds messages that reach past the end of the file", () => {
  const entries = makeEntries([0, 100], [100, 50], [150, 50]);
  const faults = findIndexFaults(entries, 149);
  assertEquals(summarizeFaults(faults), [["past-end", 1], ["past-end", 2]]);
  assertEquals(faults[0]!.message, "pf 2 u pl 700 step 36 ends at byte 150, the file at 149");
});

function isFile(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch {
    return false;
  }
}
