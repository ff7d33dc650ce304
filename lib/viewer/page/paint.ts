/// <reference lib="dom" />
/**
 * The map: coloured cells, coast, borders and lakes, a graticule, and a mark on a cell.
 *
 * @module
 */
import { placeValue } from "../../maps/color_scale.ts";
import { type Frame, placePoint } from "../../maps/frame.ts";
import type { Feature } from "../../maps/geography.ts";
import { formatLatitude, formatLongitude, planGraticule } from "../../maps/graticule.ts";
import { planArrows, type WindField } from "../../maps/wind_arrows.ts";
import type { Cell, Outlines, PageScale } from "./data.ts";
import type { Grid } from "./page_grid.ts";

/** Sizes a canvas so that it is sharp on any screen; sizes and drawing are in CSS pixels. */
export function openCanvas(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D {
  const density = globalThis.devicePixelRatio || 1;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d")!;
  context.setTransform(density, 0, 0, density, 0, 0);
  return context;
}

/** Red, green and blue of a value; `colors` has six hexadecimal digits each. */
export function pickColor(scale: PageScale, colors: string, value: number): number {
  const count = colors.length / 6;
  const index = Math.min(Math.max(Math.floor(placeValue(scale, value) * count), 0), count - 1);
  return parseInt(colors.slice(6 * index, 6 * index + 6), 16);
}

/** A picture with one pixel for each cell; missing values are transparent. */
export function rasterize(
  values: Float64Array,
  columns: number,
  scale: PageScale,
  colors: string,
): ImageData {
  const image = new ImageData(columns, values.length / columns);
  values.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    const color = pickColor(scale, colors, value);
    image.data.set([color >> 16, color >> 8 & 255, color & 255, 255], 4 * i);
  });
  return image;
}

/** The pattern of missing values: grey with dark lines across, unlike any colour of a scale. */
export function hatch(context: CanvasRenderingContext2D): CanvasPattern {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = tile.getContext("2d")!;
  pen.fillStyle = "#c8c8c8";
  pen.fillRect(0, 0, 8, 8);
  pen.strokeStyle = "#6e6e6e";
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (const x of [-8, 0, 8]) {
    pen.moveTo(x - 1, 9);
    pen.lineTo(x + 9, -1);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat")!;
}

/** Fills the frame with the cells; missing values stay hatched. */
export function paintCells(
  context: CanvasRenderingContext2D,
  { x, y, width, height }: Frame,
  image: ImageData | undefined,
): void {
  context.fillStyle = hatch(context);
  context.fillRect(x, y, width, height);
  if (!image) return;
  const raster = document.createElement("canvas");
  raster.width = image.width;
  raster.height = image.height;
  raster.getContext("2d")!.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(raster, x, y, width, height);
}

/**
 * Strokes borders, lakes and coast, each dark on a light rim so that they show on any colour, and on
 * request the borders of provinces.
 */
export function paintOutlines(
  context: CanvasRenderingContext2D,
  { x, y, width, height }: Frame,
  outlines: Outlines,
  hasProvinces: boolean,
): void {
  const scale = width / outlines.width;
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.lineJoin = "round";
  const trace = (feature: Feature) => {
    const path = new Path2D();
    path.addPath(new Path2D(outlines.paths[feature]), new DOMMatrix([scale, 0, 0, scale, x, y]));
    return path;
  };
  if (hasProvinces) {
    context.strokeStyle = "rgb(40 40 40 / 0.55)";
    context.lineWidth = 0.6;
    context.stroke(trace("provinces"));
  }
  for (const feature of ["borders", "lakes", "coast"] as const) {
    const path = trace(feature);
    const lineWidth = feature === "coast" ? 1.2 : 0.8;
    context.setLineDash([]);
    context.strokeStyle = "rgb(255 255 255 / 0.55)";
    context.lineWidth = lineWidth + 1.4;
    context.stroke(path);
    context.setLineDash(feature === "borders" ? [4, 2] : []);
    context.strokeStyle = "#1c1c1c";
    context.lineWidth = lineWidth;
    context.stroke(path);
  }
  context.restore();
}

/** Meridians and parallels with their labels below and on the left, and the edge of the map. */
export function paintGraticule(
  context: CanvasRenderingContext2D,
  frame: Frame,
  ink: string,
): void {
  const { x: left, y: top, width, height, bounds } = frame;
  const { meridians, parallels } = planGraticule(frame, 44);
  context.strokeStyle = "rgb(0 0 0 / 0.22)";
  context.fillStyle = ink;
  context.lineWidth = 0.6;
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const longitude of meridians) {
    const [x] = placePoint(frame, longitude, bounds.south);
    context.strokeRect(x, top, 0, height);
    context.fillText(formatLongitude(longitude), x, top + height + 6);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const latitude of parallels) {
    const [, y] = placePoint(frame, bounds.west, latitude);
    context.strokeRect(left, y, width, 0);
    context.fillText(formatLatitude(latitude), left - 6, y);
  }
  context.strokeStyle = ink;
  context.lineWidth = 1;
  context.strokeRect(left, top, width, height);
}

/** Marks a cell in black and white: with a box at the cursor, with a circle where it is picked. */
export function paintMark(
  context: CanvasRenderingContext2D,
  frame: Frame,
  { latitudes, longitudes }: Grid,
  { row, column }: Cell,
  isPicked: boolean,
): void {
  const [x, y] = placePoint(frame, longitudes[column]!, latitudes[row]!);
  const half = Math.min(Math.max(frame.width / longitudes.length / 2, 4), 12) + (isPicked ? 2 : 0);
  for (const [color, width] of [["#fff", 4], ["#000", 1.8]] as const) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.beginPath();
    if (isPicked) context.arc(x, y, half, 0, 2 * Math.PI);
    else context.rect(x - half, y - half, 2 * half, 2 * half);
    context.stroke();
  }
}

/** Draws the arrows of a wind, black on a light rim. */
export function paintArrows(
  context: CanvasRenderingContext2D,
  frame: Frame,
  { latitudes, longitudes }: Grid,
  wind: WindField,
): void {
  const shape = { rows: latitudes.length, columns: longitudes.length };
  const arrows = planArrows(wind, shape, frame, 26);
  context.save();
  context.beginPath();
  context.rect(frame.x, frame.y, frame.width, frame.height);
  context.clip();
  context.lineCap = context.lineJoin = "round";
  for (const [color, width] of [["rgb(255 255 255 / 0.7)", 2.6], ["#000", 1.2]] as const) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.beginPath();
    for (const [first, ...others] of arrows) {
      context.moveTo(...first!);
      for (const point of others) context.lineTo(...point);
    }
    context.stroke();
  }
  context.restore();
}
