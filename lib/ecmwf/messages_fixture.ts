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
