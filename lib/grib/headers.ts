/**
 * What describes a GRIB2 message, without its values: sections 0 to 5 and the length.
 *
 * Every failure is a {@link GribError}.
 *
 * @module
 */
export type { Bitmap } from "./bitmap.ts";
export { GribError, type GribErrorDetail } from "./grib_error.ts";
export { equalGrids, type RegularLatLonGrid } from "./lat_lon_grid.ts";
export { type GribHeader, parseHeader } from "./parse_fields.ts";
export type { Level, Product, StepRange } from "./product.ts";
export type {
  CcsdsRepresentation,
  ComplexRepresentation,
  Representation,
  SimpleRepresentation,
} from "./representation.ts";
export type { Scaling } from "./scaling.ts";
export { checkMessage, measureMessage, type MessageSize } from "./sections.ts";
export {
  type ColumnRun,
  fullWindow,
  type GridWindow,
  type Region,
  selectWindow,
} from "./window.ts";
