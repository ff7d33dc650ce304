/**
 * Bytes of GRIB2 messages on regular latitude–longitude grids → grid, product, and the values of a
 * window; nothing outside the window is decoded that it does not need.
 *
 * Every failure is a {@link GribError}.
 *
 * ```ts
 * import { decodeField, parseFields, selectWindow } from "./mod.ts";
 *
 * const bytes = await Deno.readFile("fixtures/grib/messages.grib2");
 * const field = parseFields(bytes)[0]!;
 * const window = selectWindow(field.grid, { north: 25, west: 19, south: -14, east: 55 });
 * const values = decodeField(field, window);
 * for (let row = 0; row < window.rowCount; row++) {
 *   console.log(window.latitudes[row], values[row * window.columnCount]); // west end of the row
 * }
 * ```
 *
 * @module
 */
export { decodeField, type DecodeMemory, decodePacked, decodePrefix } from "./decode.ts";
export { ShortPrefixError } from "./grib_error.ts";
export {
  checkMessage,
  equalGrids,
  fullWindow,
  GribError,
  type GribHeader,
  type GridWindow,
  measureMessage,
  parseHeader,
  type Region,
  selectWindow,
} from "./headers.ts";
export { type GribField, parseFields, parsePrefix } from "./parse_fields.ts";
