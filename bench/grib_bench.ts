/**
 * GRIB2 decoding: `deno bench -A bench/grib_bench.ts`.
 *
 * With the real 0.25° messages of ../shared if they exist, else with synthetic ones, which are too
 * small to compare with anything but themselves.
 *
 * @module
 */
import { decodeField, parseFields, selectWindow } from "../lib/grib/mod.ts";

const REAL = new URL("../../shared/data/ecmwf-ifs-oper-surface.grib2", import.meta.url);
const SYNTHETIC = new URL("../fixtures/grib/messages.grib2", import.meta.url);
const EAST_AFRICA = { north: 25, west: 19, south: -14, east: 55 };
/** The first of the synthetic messages, which show the packings. */
const SYNTHETIC_LIMIT = 12;

const isReal = fileExists(REAL);
const bytes = Deno.readFileSync(isReal ? REAL : SYNTHETIC);
const fields = parseFields(bytes).slice(0, isReal ? undefined : SYNTHETIC_LIMIT);

Deno.bench({
  name: `parse the headers of ${fields.length} messages`,
  group: "headers",
  fn: () => void parseFields(bytes.subarray(0, endOf(fields.length - 1))),
});

for (const [i, field] of fields.entries()) {
  const { template, bitsPerValue } = field.representation;
  const message = bytes.subarray(field.messageOffset, endOf(i));
  const window = selectWindow(field.grid, EAST_AFRICA);
  const windowOut = new Float64Array(window.rowCount * window.columnCount);
  const fullOut = new Float64Array(field.grid.rowCount * field.grid.columnCount);
  const group =
    `message ${i}: template 5.${template}, ${bitsPerValue} bits, ${message.length} bytes`;
  Deno.bench({
    name: "parse and decode 25N–14S 19E–55E",
    group,
    fn: () => void decodeField(parseFields(message)[0]!, window, windowOut),
  });
  Deno.bench({
    name: "parse and decode the whole field",
    group,
    fn: () => void decodeField(parseFields(message)[0]!, undefined, fullOut),
  });
}

function endOf(i: number): number {
  return fields[i]!.messageOffset + fields[i]!.messageLength;
}

function fileExists(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch {
    return false;
  }
}
