/**
 * Synthetic runs of full size for the benchmarks, written to a folder laid out like the bucket:
 * indexes alone, or indexes with messages.
 *
 * @module
 */
import { stepFiles } from "../lib/ecmwf/files.ts";
import { ENSEMBLE_SIZE } from "../lib/ecmwf/members.ts";
import { findSection } from "../lib/ecmwf/messages_fixture.ts";
import { parseRun, referenceTime, type Run } from "../lib/ecmwf/run.ts";

/** The field of an index line, in MARS terms. */
export interface BenchField {
  param: string;
  levtype: "sfc" | "pl" | "sol";
  level?: number;
}

/** One message and where it lies in its file. */
interface IndexLine extends BenchField {
  member: number;
  offset: number;
  length: number;
}

// deno-fmt-ignore
const SURFACE = [
  "10u", "10v", "100u", "100v", "2d", "2t", "10fg", "asn", "ewss", "lsm", "msl", "mucape", "mx2t3",
  "mn2t3", "nsss", "ptype", "ro", "rsn", "sd", "sf", "sithick", "skt", "sp", "ssr", "ssrd", "str",
  "strd", "sve", "svn", "tcc", "tcw", "tcwv", "tp", "tprate", "zos",
];
const PRESSURE = ["d", "gh", "q", "r", "t", "u", "v", "vo", "w"];
const LEVELS = [1000, 925, 850, 700, 600, 500, 400, 300, 250, 200, 150, 100, 50];
const SOIL = ["sot", "vsw"];
const LAYERS = [1, 2, 3, 4];

/** The 160 fields of one member and step. */
export const ALL_FIELDS: readonly BenchField[] = [
  ...SURFACE.map((param): BenchField => ({ param, levtype: "sfc" })),
  ...PRESSURE.flatMap((param) =>
    LEVELS.map((level): BenchField => ({ param, levtype: "pl", level }))
  ),
  ...SOIL.flatMap((param) => LAYERS.map((level): BenchField => ({ param, levtype: "sol", level }))),
];

/**
 * Writes the indexes of a run with 160 fields of 51 members at every step, 8,160 lines each, and
 * GRIB2 files of the right length that hold nothing (sparse).
 *
 * @returns the number of files.
 */
export async function writeIndexes(
  folder: string,
  run: Run,
  steps: readonly number[],
): Promise<number> {
  for (const stepHours of steps) {
    const { text, lengthBytes } = makeIndex(run, stepHours);
    const stem = await makeStem(folder, run, stepHours);
    await Deno.writeTextFile(`${stem}.index`, text);
    await Deno.create(`${stem}.grib2`).then((file) => file.close());
    await Deno.truncate(`${stem}.grib2`, lengthBytes);
  }
  return steps.length;
}

/** The index of one step: 8,160 lines, 1.9 MB, and the length of the GRIB2 file that it describes. */
export function makeIndex(run: Run, stepHours: number): { text: string; lengthBytes: number } {
  const random = makeRandom(stepHours);
  const lines: string[] = [];
  let offset = 0;
  for (const { member, field } of shuffleNear(ALL_FIELDS, random)) {
    const length = 300_000 + Math.floor(random() * 700_000);
    lines.push(formatIndexLine(run, stepHours, { ...field, member, offset, length }));
    offset += length;
  }
  return { text: lines.join(""), lengthBytes: offset };
}

/** A line as ECMWF writes it, with its line end. */
function formatIndexLine(run: Run, stepHours: number, line: IndexLine): string {
  const { param, levtype, level, member, offset, length } = line;
  const levelist = level === undefined ? "" : `"levelist": "${level}", `;
  const number = member === 0 ? "" : `"number": "${member}", `;
  return `{"domain": "g", "date": "${run.date}", "time": "${run.hour}00", "expver": "0001", ` +
    `"class": "od", "type": "${member === 0 ? "cf" : "pf"}", "stream": "enfo", ` +
    `"step": "${stepHours}", ${levelist}"levtype": "${levtype}", ${number}"param": "${param}", ` +
    `"_offset": ${offset}, "_length": ${length}}\n`;
}

/** Every field of every member: fields in a random order, their messages a few fields out of place. */
function shuffleNear<Field>(fields: readonly Field[], random: () => number) {
  const messages: { member: number; field: Field; rank: number }[] = [];
  const places = new Map(fields.map((field) => [field, random() * fields.length]));
  for (let member = 0; member < ENSEMBLE_SIZE; member++) {
    for (const field of fields) {
      messages.push({ member, field, rank: places.get(field)! + 2 * random() });
    }
  }
  return messages.sort((a, b) => a.rank - b.rank);
}

/** Numbers in [0, 1), the same for the same seed. */
function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

/** Accumulations: constant at the start of a run. */
// deno-fmt-ignore
const CONSTANT_FIELDS = [
  "ewss", "nsss", "ro", "sf", "ssr", "ssrd", "str", "strd", "tp", "tprate",
];

/** The run and step of the messages in `fixtures/scan/parameters.json`. */
export const HEADERS_RUN = parseRun("20240529", "00");
export const HEADERS_STEP = 6;

/**
 * Writes index and GRIB2 file of one step, 51 messages a field on the 0.25° grid: 8,160 of all fields.
 * Of each message only the header is there, at its place in a sparse file of 5 GB; ten fields are
 * constant, and their messages whole.
 *
 * @returns length of the GRIB2 file in bytes.
 */
export async function writeHeaders(
  folder: string,
  fields: readonly BenchField[] = ALL_FIELDS,
): Promise<number> {
  const stem = await makeStem(folder, HEADERS_RUN, HEADERS_STEP);
  using file = Deno.createSync(`${stem}.grib2`);
  const random = makeRandom(HEADERS_STEP);
  const lines: string[] = [];
  let offset = 0;
  for (const { member, field } of shuffleNear(fields, random)) {
    const message = makeHeader(field, member);
    const isConstant = CONSTANT_FIELDS.includes(field.param);
    const length = isConstant ? message.length : 300_000 + Math.floor(random() * 700_000);
    new DataView(message.buffer).setBigUint64(8, BigInt(length));
    file.seekSync(offset, Deno.SeekMode.Start);
    file.writeSync(message);
    lines.push(formatIndexLine(HEADERS_RUN, HEADERS_STEP, { ...field, member, offset, length }));
    offset += length;
  }
  file.truncateSync(offset);
  await Deno.writeTextFile(`${stem}.index`, lines.join(""));
  return offset;
}

const SAMPLES: readonly { param: string; message: string }[] = JSON.parse(
  Deno.readTextFileSync(new URL("../fixtures/scan/parameters.json", import.meta.url)),
);

/** A constant message of a parameter, moved to a level, a member and the 0.25° grid. */
function makeHeader(
  { param, levtype, level }: BenchField,
  member: number,
): Uint8Array<ArrayBuffer> {
  const message = Uint8Array.fromBase64(SAMPLES.find((it) => it.param === param)!.message);
  const view = new DataView(message.buffer);
  const grid = findSection(message, 3) - 1;
  view.setUint32(grid + 7, 1440 * 721);
  view.setUint32(grid + 31, 1440);
  view.setUint32(grid + 35, 721);
  view.setUint32(grid + 60, 179_750_000);
  view.setUint32(grid + 64, 250_000);
  view.setUint32(grid + 68, 250_000);
  const product = findSection(message, 4) - 1;
  if (levtype === "pl") view.setUint32(product + 25, level! * 100);
  if (levtype === "sol") {
    view.setUint32(product + 25, level! - 1);
    view.setUint32(product + 31, level!);
  }
  view.setUint8(product + 36, member);
  // Code table 1.4, octet 21 of section 1: control, or perturbed forecast.
  view.setUint8(findSection(message, 1) - 1 + 21, member === 0 ? 3 : 4);
  view.setUint32(findSection(message, 5) - 1 + 6, 1440 * 721);
  return message;
}

/** Where the two files of a step are, without their endings; the folder is made. */
async function makeStem(folder: string, run: Run, stepHours: number): Promise<string> {
  const path = new URL(stepFiles(run, stepHours)[0]!.url).pathname.replace(/\.grib2$/, "");
  await Deno.mkdir(`${folder}${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
  return folder + path;
}

/** A field and its encoded messages: the control's first, then some of perturbed members. */
export interface BaseMessages {
  field: BenchField;
  messages: Uint8Array[];
}

/**
 * Writes index and GRIB2 file of steps with 51 members. Members beyond the base are copies of its
 * perturbed members in turn, with member and step in their headers set.
 *
 * @returns the number of messages.
 */
export async function writeMessages(
  folder: string,
  run: Run,
  steps: readonly number[],
  base: readonly BaseMessages[],
): Promise<number> {
  for (const stepHours of steps) {
    const stem = await makeStem(folder, run, stepHours);
    using file = await Deno.create(`${stem}.grib2`);
    let index = "";
    let offset = 0;
    for (const { member, field: { field, messages } } of shuffleNear(base, makeRandom(stepHours))) {
      const copy = member === 0 ? 0 : 1 + (member - 1) % (messages.length - 1);
      const message = moveMessage(messages[copy]!, run, stepHours, member);
      const { length } = message;
      for (let at = 0; at < length;) at += await file.write(message.subarray(at));
      index += formatIndexLine(run, stepHours, { ...field, member, offset, length });
      offset += length;
    }
    await Deno.writeTextFile(`${stem}.index`, index);
  }
  return steps.length * base.length * ENSEMBLE_SIZE;
}

/**
 * A copy of a message with another member and step. Product templates 4.1 and 4.11: octets of
 * section 4, from 1, as in the WMO Manual on Codes.
 */
function moveMessage(
  message: Uint8Array,
  run: Run,
  stepHours: number,
  member: number,
): Uint8Array {
  const moved = message.slice();
  const view = new DataView(moved.buffer);
  const beforeSection = findSection(moved, 4) - 1;
  const template = view.getUint16(beforeSection + 8);
  view.setUint8(beforeSection + 36, member);
  view.setUint8(beforeSection + 37, ENSEMBLE_SIZE);
  if (template === 1) {
    view.setUint32(beforeSection + 19, stepHours);
  } else if (template === 11) {
    const end = new Date(referenceTime(run).getTime() + stepHours * 3_600_000);
    view.setUint16(beforeSection + 38, end.getUTCFullYear());
    view.setUint8(beforeSection + 40, end.getUTCMonth() + 1);
    view.setUint8(beforeSection + 41, end.getUTCDate());
    view.setUint8(beforeSection + 42, end.getUTCHours());
    view.setUint32(beforeSection + 53, stepHours);
  } else {
    throw new RangeError(`Cannot move a message of product template 4.${template}`);
  }
  return moved;
}
