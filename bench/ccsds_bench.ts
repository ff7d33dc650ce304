/**
 * Decoding of CCSDS fields of 721 × 1440 samples: the whole, and the rows from 25N to 14S.
 *
 *     deno bench --allow-read bench/ccsds_bench.ts
 *
 * @module
 */
import { decodeSamples } from "../fixtures/ccsds/decode_samples.ts";
import { readVectors } from "../fixtures/ccsds/vectors.ts";
import type { CcsdsParameters } from "../lib/grib/ccsds/coding.ts";
import { parseFields } from "../lib/grib/parse_fields.ts";

const SAMPLE_COUNT = 721 * 1440;
const TROPICS = { start: 260 * 1440, end: 417 * 1440 };

interface CodedField {
  name: string;
  stream: Uint8Array;
  parameters: CcsdsParameters;
}

/** A field made of the large golden vector, whose whole, padded intervals may be repeated. */
function makeField(): CodedField {
  const [vector] = readVectors();
  const { stream, sampleCount, ...parameters } = vector!;
  const copies = Math.ceil(SAMPLE_COUNT / sampleCount);
  const repeated = new Uint8Array(copies * stream.length);
  for (let i = 0; i < copies; i++) repeated.set(stream, i * stream.length);
  return { name: `synthetic, ${parameters.bitsPerSample} bit`, stream: repeated, parameters };
}

/** The real fields of that size in ../shared; none where it is absent. */
function readRealFields(): CodedField[] {
  const url = new URL("../../shared/data/ecmwf-ifs-oper-surface.grib2", import.meta.url);
  const fields: CodedField[] = [];
  for (
    const { representation, data } of fileExists(url) ? parseFields(Deno.readFileSync(url)) : []
  ) {
    if (representation.template !== 42 || representation.valueCount !== SAMPLE_COUNT) continue;
    const parameters = { ...representation, bitsPerSample: representation.bitsPerValue };
    const name = `real, ${parameters.bitsPerSample} bit, ${Math.round(data.length / 1000)} kB`;
    fields.push({ name, stream: data, parameters });
  }
  return fields;
}

function fileExists(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch {
    return false;
  }
}

const out = new Uint32Array(SAMPLE_COUNT);
for (const { name, stream, parameters } of [makeField(), ...readRealFields()]) {
  Deno.bench(`${name}: whole`, { group: name }, () => {
    decodeSamples(stream, parameters, 0, SAMPLE_COUNT, out);
  });
  Deno.bench(`${name}: 25N-14S`, { group: name }, () => {
    decodeSamples(stream, parameters, TROPICS.start, TROPICS.end, out);
  });
}
