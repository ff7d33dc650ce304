import { assertEquals, assertInstanceOf, assertThrows } from "jsr:@std/assert@^1.0.0";
import {
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
      const entries = parseIndex(Deno.readTextFileSync(url), path);
      assertEquals(entries.length, lines);
      const end = entries.at(-1)!._offset + entries.at(-1)!._length;
      assertEquals(end, last);
      assertEquals(findIndexFaults(entries, end), []);
    },
  });
}

Deno.test("parseIndex() gives each line's fields as the file has them", () => {
  const control = { levtype: "sfc", type: "cf", number: undefined, levelist: undefined };
  const [member, cf] = parseIndex(
    `${makeLine({})}\n${makeLine({ ...control, _offset: 100 })}\n`,
    "a.index",
  );
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
  assertEquals(parseIndex(text, "a.index").map(({ number }) => number), ["7", "8"]);
  assertEquals(parseIndex("", "a.index"), []);
});

Deno.test("parseIndex() names file and line of what is not JSON, such as a file cut short", () => {
  const text = `${makeLine({})}\n\n${makeLine({}).slice(0, 90)}`;
  const error = assertThrows(
    () => parseIndex(text, "s3://b/x.index"),
    IndexError,
    "Cannot read line 3 of s3://b/x.index: it is not JSON",
  );
  assertEquals([error.source, error.line], ["s3://b/x.index", 3]);
  assertInstanceOf(error.cause, SyntaxError);
});

Deno.test("parseIndex() names file, line and field of what is missing or of another type", () => {
  const faults: [line: string, fault: string][] = [
    ["[]", '"date" is missing, expected text'],
    ["null", "it is null, expected an object"],
    ["7", "it is 7, expected an object"],
    [makeLine({ date: 20260206 }), '"date" is 20260206, expected text'],
    [makeLine({ time: undefined }), '"time" is missing, expected text'],
    [makeLine({ type: undefined }), '"type" is missing, expected text'],
    [makeLine({ stream: undefined }), '"stream" is missing, expected text'],
    [makeLine({ step: 36 }), '"step" is 36, expected text'],
    [makeLine({ levtype: null }), '"levtype" is null, expected text'],
    [
      makeLine({ param: Array(100).fill(0) }),
      `"param" is [${"0,".repeat(19)}0…, expected text`,
    ],
    [makeLine({ param: undefined }), '"param" is missing, expected text'],
    [makeLine({ levelist: null }), '"levelist" is null, expected text or nothing'],
    [makeLine({ number: 7 }), '"number" is 7, expected text or nothing'],
    [makeLine({ _offset: undefined }), '"_offset" is missing, expected a byte offset'],
    [makeLine({ _offset: "0" }), '"_offset" is "0", expected a byte offset'],
    [makeLine({ _offset: -1 }), '"_offset" is -1, expected a byte offset'],
    [makeLine({ _offset: 2 ** 53 }), '"_offset" is 9007199254740992, expected a byte offset'],
    [makeLine({ _length: 0 }), '"_length" is 0, expected a byte length of 1 or more'],
    [makeLine({ _length: 0.5 }), '"_length" is 0.5, expected a byte length of 1 or more'],
  ];
  for (const [line, fault] of faults) {
    const parse = () => parseIndex(`${makeLine({})}\n${line}`, "a.index");
    const error = assertThrows(parse, IndexError);
    assertEquals(
      error.message,
      `Cannot use line 2 of a.index: ${fault}; download the index again`,
    );
    assertEquals(error.line, 2);
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
