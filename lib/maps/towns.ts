/**
 * Towns by name: those of Natural Earth, in the public domain; of East Africa also small ones.
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

/** The town of a name, in any case; `undefined` where there is none. */
export function findTown(towns: readonly Town[], name: string): Town | undefined {
  const wanted = name.trim().toLowerCase();
  return towns.find(([own, country]) =>
    own.toLowerCase() === wanted || `${own}, ${country}`.toLowerCase() === wanted
  );
}
