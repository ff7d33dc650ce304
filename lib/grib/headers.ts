/**
 * The first bytes of a GRIB2 message → what describes it (sections 0 to 5), without its values.
 *
 * The face of the room for readers of headers: it loads no decoder. Every failure is a
 * {@link GribError}.
 *
 * @module
 */
import { type Identification, readIdentification } from "./identification.ts";
import { readGrid, type RegularLatLonGrid } from "./lat_lon_grid.ts";
import { type Product, readProduct } from "./product.ts";
import { readRepresentation, type Representation } from "./representation.ts";
import { checkOrder, openSection, readHead, type Section } from "./sections.ts";

export { GribError } from "./grib_error.ts";
export { equalGrids, type RegularLatLonGrid } from "./lat_lon_grid.ts";
export type { Product } from "./product.ts";
export { checkMessage, measureMessage } from "./sections.ts";
export { fullWindow, type GridWindow, type Region, selectWindow } from "./window.ts";

/** The content of a message before its bitmap and data: sections 0, 1, 3, 4 and 5. */
export interface GribHeader extends Identification {
  /** Length of the message in bytes. */
  readonly messageLength: number;
  /** Code table 0.0: 0 meteorological, 2 land surface, 10 oceanographic, … */
  readonly discipline: number;
  readonly product: Product;
  readonly grid: RegularLatLonGrid;
  readonly representation: Representation;
}

/** Sections 1 to 5, as far as they have been read. */
export interface Headers {
  identification?: Identification;
  grid?: RegularLatLonGrid;
  product?: Product;
  representation?: Representation;
}

/**
 * Reads the header of a message from its first bytes: the header of its first field, if it has
 * several. `measureMessage()` says how many bytes are needed.
 *
 * @throws {GribError} when the bytes are no message, end before section 5 does, or have a grid,
 *   product or packing that is not supported.
 */
export function parseHeader(bytes: Uint8Array): GribHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { discipline, lengthBytes, sections } = readHead(view);
  const headers: Headers = {};
  let previous = 0;
  for (const section of sections) {
    checkOrder(previous, section.number, section.offset);
    readHeader(view, section, headers);
    previous = section.number;
  }
  return {
    messageLength: lengthBytes,
    discipline,
    ...headers.identification!,
    product: headers.product!,
    grid: headers.grid!,
    representation: headers.representation!,
  };
}

/** Reads one of sections 1 to 5 into `headers`; section 2, for local use, is ignored. */
export function readHeader(view: DataView, section: Section, headers: Headers): void {
  const cursor = openSection(view, section);
  switch (section.number) {
    case 1:
      headers.identification = readIdentification(cursor);
      break;
    case 3:
      headers.grid = readGrid(cursor);
      break;
    case 4:
      headers.product = readProduct(cursor, headers.identification!.referenceTime);
      break;
    case 5:
      headers.representation = readRepresentation(cursor);
  }
}
