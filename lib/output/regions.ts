/**
 * A name, or the edges of a box → a region, and what a grid has in it.
 *
 * @module
 */
import { UsageError } from "../errors.ts";
import type { Region } from "../grib/headers.ts";
import { suggestNearest } from "../util/text.ts";

/** North, west, south and east in degrees. */
type Box = readonly [north: number, west: number, south: number, east: number];

/**
 * Boxes of countries: the bounds of Natural Earth 1:50m (`world-atlas` 2.0.2, Admin 0), out to whole
 * degrees; a test compares them. Somalia holds Somaliland.
 */
const COUNTRIES: Readonly<Record<string, Box>> = {
  burundi: [-2, 29, -5, 31],
  djibouti: [13, 41, 10, 44],
  eritrea: [19, 36, 12, 44],
  ethiopia: [15, 32, 3, 48],
  kenya: [6, 33, -5, 42],
  rwanda: [-1, 28, -3, 31],
  somalia: [12, 40, -2, 52],
  "south-sudan": [13, 24, 3, 36],
  sudan: [23, 21, 8, 39],
  tanzania: [0, 29, -12, 41],
  uganda: [5, 29, -2, 35],
};

/** The region of ICPAC's rainfall model. */
export const ICPAC: Region = { north: 25, west: 19, south: -14, east: 55 };

/**
 * Regions by name: the eleven countries of ICPAC; `icpac`, that of the rainfall model; `africa`,
 * the mainland and Madagascar by the same source.
 */
export const REGIONS: Readonly<Record<string, Region>> = {
  icpac: ICPAC,
  africa: toRegion([38, -18, -35, 52]),
  ...Object.fromEntries(Object.entries(COUNTRIES).map(([name, box]) => [name, toRegion(box)])),
};

const FORM = "give north,west,south,east in degrees, north first";

/** A point this close outside an edge counts as inside, as for the points of messages. */
const EDGE_DEGREES = 1e-5;

function toRegion([north, west, south, east]: Box): Region {
  return { north, west, south, east };
}

/**
 * A region of its name, in any case, or of its edges `N,W,S,E`. `east` below `west` means that the
 * region goes on across the 180th meridian, or Greenwich.
 *
 * @param text of the option `--region`.
 * @throws {UsageError} for an unknown name, edges that make no box, and one wider than the globe.
 */
export function parseRegion(text: string): Region {
  const fail = (state: string): never => {
    throw new UsageError(`Cannot use --region "${text}": ${state}`);
  };
  const known = Object.keys(REGIONS);
  const name = text.trim().toLowerCase().replaceAll(/[\s_]+/g, "-");
  if (/^[a-z]/.test(name)) {
    return REGIONS[name] ?? fail(
      `it is no known name${suggestNearest(name, known)}\n  the known names are ` +
        `${known.join(", ")}; or ${FORM}`,
    );
  }
  const edges = text.split(",").map((edge) => edge.trim() === "" ? NaN : Number(edge));
  if (edges.length !== 4 || !edges.every(Number.isFinite)) {
    fail("give 4 numbers, north,west,south,east in degrees, or a name like kenya");
  }
  const region = toRegion(edges as unknown as Box);
  const { north, west, south, east } = region;
  if (north < south) fail(`its north is south of its south; ${FORM}`);
  if (north > 90 || south < -90) fail("a latitude is beyond a pole; give 90 to -90");
  if (Math.abs(west) > 360 || Math.abs(east) > 360) fail("a longitude is beyond 360");
  const width = widthOf(region);
  if (width < 0 || width > 360) fail(`it spans ${Math.abs(east - west)}°; give at most 360°`);
  return region;
}

/** Degrees from west to east. */
export function widthOf({ west, east }: Pick<Region, "west" | "east">): number {
  return east < west ? east - west + 360 : east - west;
}

/** Points of a global grid in a region: rows and columns; none where one of them is 0. */
function countPoints(region: Region, spacing: number): { rows: number; columns: number } {
  const count = (from: number, to: number) =>
    Math.max(
      0,
      Math.floor((to + EDGE_DEGREES) / spacing) - Math.ceil((from - EDGE_DEGREES) / spacing) + 1,
    );
  const columns = count(region.west, region.west + widthOf(region));
  return {
    rows: count(region.south, region.north),
    columns: Math.min(columns, Math.round(360 / spacing)),
  };
}

/**
 * Checks that a region has points of a grid.
 *
 * @param spacings degrees between the points of the grids that it may be cut from.
 * @throws {UsageError} when it has none of any.
 */
export function requirePoints(region: Region, spacings: readonly number[]): void {
  const hasPoints = (spacing: number) => {
    const { rows, columns } = countPoints(region, spacing);
    return rows > 0 && columns > 0;
  };
  if (spacings.length === 0 || spacings.some(hasPoints)) return;
  throw new UsageError(
    `Cannot use --region ${formatRegion(region)}: no grid point is inside it; the points are ` +
      `${spacings.join("° or ")}° apart, give a larger one`,
  );
}

/** What a region whose west lies east of its east is taken for; `undefined` for every other one. */
export function describeWrap(region: Region, spacing: number): string | undefined {
  const { west, east } = region;
  if (east >= west) return undefined;
  const { rows, columns } = countPoints(region, spacing);
  return `region ${formatRegion(region)}: its west is east of its east, so it goes east from ` +
    `${west}° to ${east + 360}°, ${widthOf(region)}° and ${rows} × ${columns} points`;
}

/** As the option takes it: `6,33,-5,42`. */
export function formatRegion({ north, west, south, east }: Region): string {
  return [north, west, south, east].join(",");
}
