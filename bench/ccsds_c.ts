/**
 * The decoder compared with the C libraries, on the real CCSDS fields of ../shared: East Africa with
 * ecCodes, which must decode the whole field, and the whole field with libaec. The C functions are
 * called in this process, in turn with ours, so that both sides of a ratio see the same machine.
 *
 *     taskset -c 1 deno run -A bench/ccsds_c.ts [file.grib2]
 *
 * Needs `libeccodes0` and `libaec0` of Debian 12.
 *
 * @module
 */
import { decodeSamples } from "../fixtures/ccsds/decode_samples.ts";
import type { CcsdsParameters } from "../lib/grib/ccsds/coding.ts";
import { decodeField, type GribField, parseFields, selectWindow } from "../lib/grib/mod.ts";

const FILE = new URL("../../shared/data/ecmwf-ifs-oper-surface.grib2", import.meta.url);
const EAST_AFRICA = { north: 25, west: 19, south: -14, east: 55 };
const ROUNDS = 60;

const eccodes = Deno.dlopen("libeccodes.so.0", {
  codes_handle_new_from_message: { parameters: ["pointer", "buffer", "usize"], result: "pointer" },
  codes_get_double_array: {
    parameters: ["pointer", "buffer", "buffer", "buffer"],
    result: "i32",
  },
  codes_handle_delete: { parameters: ["pointer"], result: "i32" },
}).symbols;
const libaec = Deno.dlopen("libaec.so.0", {
  aec_buffer_decode: { parameters: ["buffer"], result: "i32" },
}).symbols;

const VALUES = new TextEncoder().encode("values\0");

/** Times `codes_get_double_array` alone, without the parsing of the message. */
function timeEccodes(message: Uint8Array<ArrayBuffer>, out: Float64Array<ArrayBuffer>): number {
  const handle = eccodes.codes_handle_new_from_message(null, message, BigInt(message.length));
  const length = BigUint64Array.of(BigInt(out.length));
  const start = performance.now();
  const status = eccodes.codes_get_double_array(handle, VALUES, out, length);
  const elapsed = performance.now() - start;
  eccodes.codes_handle_delete(handle);
  if (status !== 0) throw new Error(`ecCodes: error ${status}`);
  return elapsed;
}

function timeLibaec(
  stream: Uint8Array<ArrayBuffer>,
  parameters: CcsdsParameters,
  out: Uint8Array<ArrayBuffer>,
): number {
  const [nextIn, availableIn, nextOut, availableOut] = [0, 1, 3, 4];
  const state = new ArrayBuffer(72);
  const words = new BigUint64Array(state);
  words[nextIn] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(stream));
  words[availableIn] = BigInt(stream.length);
  words[nextOut] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(out));
  words[availableOut] = BigInt(out.length);
  const { bitsPerSample, blockSize, referenceSampleInterval, flags } = parameters;
  new Uint32Array(state).set([bitsPerSample, blockSize, referenceSampleInterval, flags], 12);
  const start = performance.now();
  const status = libaec.aec_buffer_decode(new Uint8Array(state));
  const elapsed = performance.now() - start;
  if (status !== 0) throw new Error(`libaec: error ${status}`);
  return elapsed;
}

function time(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function sampleBytes(bitsPerSample: number): number {
  return bitsPerSample <= 8 ? 1 : bitsPerSample <= 16 ? 2 : 4;
}

/** The shortest time of each function in milliseconds, the least disturbed one. */
function measure(field: GribField, message: Uint8Array<ArrayBuffer>) {
  const { representation } = field;
  if (representation.template !== 42) throw new Error("not a CCSDS field");
  const { valueCount, bitsPerValue: bitsPerSample } = representation;
  const parameters = { ...representation, bitsPerSample };
  const stream = Uint8Array.from(field.data);
  const samples = new Uint32Array(valueCount);
  const bytes = new Uint8Array(valueCount * sampleBytes(bitsPerSample));
  const window = selectWindow(field.grid, EAST_AFRICA);
  const windowValues = new Float64Array(window.rowCount * window.columnCount);
  const values = new Float64Array(valueCount);
  const best = {
    eccodes: Infinity,
    window: Infinity,
    full: Infinity,
    libaec: Infinity,
    samples: Infinity,
  };
  for (let round = 0; round < ROUNDS; round++) {
    const times: typeof best = {
      eccodes: timeEccodes(message, values),
      window: time(() => decodeField(parseFields(message)[0]!, window, windowValues)),
      full: time(() => decodeField(field, undefined, values)),
      libaec: timeLibaec(stream, parameters, bytes),
      samples: time(() => decodeSamples(stream, parameters, 0, valueCount, samples)),
    };
    for (const name of Object.keys(best) as (keyof typeof best)[]) {
      best[name] = Math.min(best[name], times[name]);
    }
  }
  return best;
}

const file = Deno.readFileSync(Deno.args[0] ?? FILE);
const rows = parseFields(file).flatMap((field, i) => {
  const { template, bitsPerValue } = field.representation;
  if (template !== 42 || bitsPerValue === 0) return [];
  const { messageOffset, messageLength } = field;
  const best = measure(field, file.slice(messageOffset, messageOffset + messageLength));
  return [{
    field: `${i}: ${bitsPerValue} bit, ${Math.round(messageLength / 1000)} kB`,
    "ecCodes ms": best.eccodes.toFixed(2),
    "window ms": best.window.toFixed(2),
    "window/ecCodes": (best.window / best.eccodes).toFixed(3),
    "field/ecCodes": (best.full / best.eccodes).toFixed(3),
    "libaec ms": best.libaec.toFixed(2),
    "samples/libaec": (best.samples / best.libaec).toFixed(3),
  }];
});
console.table(rows);
