/**
 * Single messages of the embedded runs, encoded by ecCodes, for tests.
 *
 * @module
 */
import { bucketKey, EMBEDDED_FOLDER } from "../../fixtures/embedded_run.ts";
import type { Member } from "./members.ts";
import { stepFiles, streamOfMember } from "./files.ts";
import type { Run } from "./run.ts";

/** Which message, in the terms of the index. */
export interface WantedMessage {
  run: Run;
  stepHours: number;
  param: string;
  /** Pressure level in hPa. */
  level?: number;
  member: Member;
}

/** A copy of a message's bytes, which a test may damage. */
export function readMessage(wanted: WantedMessage): Uint8Array<ArrayBuffer> {
  const { run, stepHours, member } = wanted;
  const stream = streamOfMember(run, member);
  const file = stepFiles(run, stepHours).find((file) => file.stream === stream)!;
  const path = (url: string) => EMBEDDED_FOLDER + bucketKey(url);
  const line = Deno.readTextFileSync(path(file.indexUrl)).split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
    .find((line) => isWanted(line, wanted));
  if (!line) throw new Error(`No message ${JSON.stringify(wanted)} in fixtures/run`);
  return Deno.readFileSync(path(file.url)).slice(line._offset, line._offset + line._length);
}

function isWanted(line: Record<string, string>, { param, level, member }: WantedMessage): boolean {
  return line.param === param && line.levelist === level?.toString() &&
    Number(line.number ?? 0) === member;
}

/** First byte of a section of a message that holds one field; bytes 0–3 give its length. */
export function findSection(message: Uint8Array, number: number): number {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let offset = 16;
  while (message[offset + 4] !== number) offset += view.getUint32(offset);
  return offset;
}

/** The message with one value everywhere, or at some points, and none at the others. */
export function makeConstant(
  message: Uint8Array<ArrayBuffer>,
  value: number,
  hasValue?: (point: number) => boolean,
): Uint8Array<ArrayBuffer> {
  const sectionEnd = findSection(message, 6);
  const view = new DataView(message.buffer, findSection(message, 5));
  const pointCount = view.getUint32(5);
  const bits = new Uint8Array(hasValue ? Math.ceil(pointCount / 8) : 0);
  let count = hasValue ? 0 : pointCount;
  for (let point = 0; hasValue && point < pointCount; point++) {
    if (!hasValue(point)) continue;
    bits[point >> 3]! |= 0x80 >> (point & 7);
    count++;
  }
  view.setUint32(5, count);
  view.setFloat32(11, value);
  view.setUint32(15, 0); // scale factors
  view.setUint8(19, 0); // bits
  const end = new Uint8Array(6 + bits.length + 5 + 4);
  const endView = new DataView(end.buffer);
  endView.setUint32(0, 6 + bits.length);
  end[4] = 6;
  end[5] = hasValue ? 0 : 255;
  end.set(bits, 6);
  endView.setUint32(6 + bits.length, 5);
  end[10 + bits.length] = 7;
  end.set(message.subarray(-4), 11 + bits.length);
  const made = new Uint8Array(sectionEnd + end.length);
  made.set(message.subarray(0, sectionEnd));
  made.set(end, sectionEnd);
  new DataView(made.buffer).setBigUint64(8, BigInt(made.length));
  return made;
}
