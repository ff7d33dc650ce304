/**
 * Coastlines, borders and lakes of the world, and the borders of provinces in East Africa: Natural Earth
 * at 1:50m, provinces at 1:10m, in the public domain. Countries are as `world-atlas` has them; it has
 * no lakes and provinces, which `lakes.json` (`fixtures/make_lakes.ts`) and `provinces.json`
 * (`fixtures/make_places.ts`) have.
 *
 * @module
 */
// @ts-types="npm:@types/d3-geo@3.1.1"
import { geoEquirectangular, geoPath } from "npm:d3-geo@3.1.2";
// @ts-types="npm:@types/topojson-client@3.1.5"
import { mesh } from "npm:topojson-client@3.1.0";
import type { GeometryCollection, Topology } from "npm:@types/topojson-specification@1.0.5";
import atlas from "npm:world-atlas@2.0.2/countries-50m.json" with { type: "json" };
import type { Frame } from "./frame.ts";
import lakes from "./lakes.json" with { type: "json" };
import provinces from "./provinces.json" with { type: "json" };

/** Kinds of lines. */
export type Feature = "coast" | "borders" | "lakes" | "provinces";

/** Lines in degrees, longitude first. */
interface Lines {
  type: "MultiLineString";
  coordinates: number[][][];
}

// TypeScript infers `string` for the names of types in JSON.
const countries = atlas as unknown as Topology<{ countries: GeometryCollection }>;

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
    provinces: path(findProvinces()) ?? "",
  };
}

/** A coast belongs to one country. */
function findCoast(): Lines {
  return mesh(countries, countries.objects.countries, (a, b) => a === b);
}

/** A border belongs to two countries. */
function findBorders(): Lines {
  return mesh(countries, countries.objects.countries, (a, b) => a !== b);
}

/** Every shore of a lake. */
function findLakes(): Lines {
  const coordinates = [...listLines(lakes), ...Object.values(lakes.rings)];
  return { type: "MultiLineString", coordinates };
}

function findProvinces(): Lines {
  return { type: "MultiLineString", coordinates: listLines(provinces) };
}

/** Lines on a grid: stored are their steps, from each point to the next. */
interface StoredLines {
  scale: number[];
  translate: number[];
  lines: string[];
}

/** The points of stored lines in degrees. */
function listLines({ scale: [width, height], translate: [west, south], lines }: StoredLines) {
  return lines.map((steps) => {
    let [column, row] = [0, 0];
    return [...steps.matchAll(/(\S+) (\S+)/g)].map(([, east, north]) => {
      column += Number(east);
      row += Number(north);
      return [column * width! + west!, row * height! + south!];
    });
  });
}
