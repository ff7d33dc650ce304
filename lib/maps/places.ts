/**
 * Places by name or by degrees. Towns are those of Natural Earth, in the public domain; of East Africa
 * also small ones (`fixtures/make_places.ts`).
 *
 * @module
 */
import type { Bounds } from "./frame.ts";
import stored from "./towns.json" with { type: "json" };

/** A town: name, country, degrees north and east. */
export type Town = [name: string, country: string, latitude: number, longitude: number];

/** The towns inside bounds, by name. */
export function listTowns({ west, east, south, north }: Bounds): Town[] {
  return stored.towns
    .map((line): Town => {
      const [name, country, latitude, longitude] = line.split(";");
      return [name!, country!, Number(latitude), placeBetween(Number(longitude), west)];
    })
    .filter(([, , latitude, longitude]) =>
      latitude > south && latitude < north && longitude > west && longitude < east
    )
    .toSorted(([a], [b]) => a.localeCompare(b, "en"));
}

/** The same longitude, from the western edge on: −170° is 190° on a map across the date line. */
function placeBetween(longitude: number, west: number): number {
  return Number((west + ((longitude - west) % 360 + 360) % 360).toFixed(2));
}

/** A place on the map. */
export interface Place {
  /** @default {undefined} (it is given in degrees) */
  town?: string;
  /** Degrees north. */
  latitude: number;
  /** Degrees east. */
  longitude: number;
}

/** The town of a name, in any case, or the point of two numbers, `-1.25, 36.75`. */
export function findPlace(towns: readonly Town[], text: string): Place | undefined {
  const wanted = text.trim().toLowerCase();
  const found = towns.find(([name, country]) =>
    name.toLowerCase() === wanted || `${name}, ${country}`.toLowerCase() === wanted
  );
  if (found) return { town: found[0], latitude: found[2], longitude: found[3] };
  const point = /^(-?\d+(?:\.\d+)?)[ ,;]+(-?\d+(?:\.\d+)?)$/.exec(wanted.replaceAll("−", "-"));
  return point ? { latitude: Number(point[1]), longitude: Number(point[2]) } : undefined;
}
