/**
 * The synthetic messages of `fixtures/grib` and what ecCodes says of them, for tests.
 *
 * @module
 */

/** Where numbers begin in `messages.f64.gz`; lengths follow from the counts of rows and columns. */
interface Numbers {
  readonly latitudes: number;
  readonly longitudes: number;
  readonly values: number;
}

/** A region and the window that ecCodes and numpy find in it. */
export interface ExpectedWindow extends Numbers {
  readonly name: string;
  /** North, west, south, east. */
  readonly region: readonly [number, number, number, number];
  /** 0: the region must be refused. */
  readonly rowCount: number;
  readonly columnCount: number;
}

/** One field; header keys are those of ecCodes, absent where ecCodes calls them missing. */
export interface ExpectedField extends Numbers {
  readonly header: Readonly<Record<string, number>>;
  readonly rowCount: number;
  readonly columnCount: number;
  readonly windows?: readonly ExpectedWindow[];
}

/** One message. */
export interface ExpectedMessage {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
  readonly fields: readonly ExpectedField[];
}

const FOLDER = new URL("../../fixtures/grib/", import.meta.url);

/** All messages end to end. */
export const allBytes: Uint8Array = Deno.readFileSync(new URL("messages.grib2", FOLDER));

/** What is expected of each message, in file order. */
export const expectedMessages: readonly ExpectedMessage[] = JSON.parse(
  Deno.readTextFileSync(new URL("messages.json", FOLDER)),
);

const numbers = await readNumbers();

/** A copy of one message's bytes, which a test may damage. */
export function copyMessage(message: ExpectedMessage): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(allBytes.subarray(message.offset, message.offset + message.length));
}

/** A copy of the message of that name. */
export function copyNamedMessage(name: string): Uint8Array<ArrayBuffer> {
  const message = expectedMessages.find((message) => message.name === name);
  if (message === undefined) throw new Error(`No message "${name}" in fixtures/grib`);
  return copyMessage(message);
}

/** Expected numbers, from where a manifest entry says they begin. */
export function expectedNumbers(start: number, count: number): Float64Array {
  return numbers.subarray(start, start + count);
}

async function readNumbers(): Promise<Float64Array> {
  const file = await Deno.open(new URL("messages.f64.gz", FOLDER));
  const plain = file.readable.pipeThrough(new DecompressionStream("gzip"));
  return new Float64Array(await new Response(plain).arrayBuffer());
}
