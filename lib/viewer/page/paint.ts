/// <reference lib="dom" />
/**
 * The map: coloured cells, coast, borders and lakes, a graticule, and a mark on a cell.
 *
 * @module
 */
import { placeValue } from "../../maps/color_scale.ts";
import type { Cell, Outlines, PageScale } from "./data.ts";
import { formatLatitude, formatLongitude } from "./format.ts";
import { type Frame, type Grid, projectLatitude, projectLongitude } from "./grid.ts";

/** Makes a canvas as large as its place, sharp on any screen; drawing is in CSS pixels. */
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

/** A picture with a pixel a cell; missing ones are transparent. */
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

/** Fills the frame with the cells; what is missing stays hatched. */
export function paintCells(
  context: CanvasRenderingContext2D,
  { left, top, width, height }: Frame,
  image: ImageData | undefined,
): void {
  context.fillStyle = hatch(context);
  context.fillRect(left, top, width, height);
  if (!image) return;
  const raster = document.createElement("canvas");
  raster.width = image.width;
  raster.height = image.height;
  raster.getContext("2d")!.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(raster, left, top, width, height);
}

/** Strokes coast, lakes and borders, each dark on a light rim so that they show on any colour. */
export function paintOutlines(
  context: CanvasRenderingContext2D,
  frame: Frame,
  { coastlines, borders, lakes }: Outlines,
): void {
  context.save();
  context.beginPath();
  context.rect(frame.left, frame.top, frame.width, frame.height);
  context.clip();
  context.lineJoin = "round";
  for (
    const [lines, width, dash] of [[borders, 0.7, [4, 2]], [lakes, 0.9, []], [
      coastlines,
      1.2,
      [],
    ]] as const
  ) {
    const path = traceLines(frame, lines);
    context.setLineDash([]);
    context.strokeStyle = "rgb(255 255 255 / 0.55)";
    context.lineWidth = width + 1.4;
    context.stroke(path);
    context.setLineDash([...dash]);
    context.strokeStyle = "#1c1c1c";
    context.lineWidth = width;
    context.stroke(path);
  }
  context.restore();
}

/** A path along lines of longitude and latitude in hundredths of a degree. */
export function traceLines(frame: Frame, lines: readonly number[][]): Path2D {
  const path = new Path2D();
  for (const line of lines) {
    for (let i = 0; i < line.length; i += 2) {
      const x = projectLongitude(frame, line[i]! / 100);
      const y = projectLatitude(frame, line[i + 1]! / 100);
      if (i === 0) path.moveTo(x, y);
      else path.lineTo(x, y);
    }
  }
  return path;
}

/** Degrees between the lines of the graticule: labels are at least 44 pixels apart. */
export function chooseSpacing({ width, west, east }: Frame): number {
  const spacings = [0.5, 1, 2, 5, 10, 15, 30, 45, 90];
  return spacings.find((degrees) => degrees / (east - west) * width >= 44) ?? 90;
}

/** The graticule with its labels on the left and below, and the frame around the map. */
export function paintGraticule(
  context: CanvasRenderingContext2D,
  frame: Frame,
  ink: string,
): void {
  const { left, top, width, height, north, south, west, east } = frame;
  const spacing = chooseSpacing(frame);
  context.strokeStyle = "rgb(0 0 0 / 0.22)";
  context.fillStyle = ink;
  context.lineWidth = 0.6;
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "top";
  for (let degrees = Math.ceil(west / spacing) * spacing; degrees <= east; degrees += spacing) {
    const x = projectLongitude(frame, degrees);
    context.strokeRect(x, top, 0, height);
    context.fillText(formatLongitude(degrees), x, top + height + 6);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (let degrees = Math.ceil(south / spacing) * spacing; degrees <= north; degrees += spacing) {
    const y = projectLatitude(frame, degrees);
    context.strokeRect(left, y, width, 0);
    context.fillText(formatLatitude(degrees), left - 6, y);
  }
  context.strokeStyle = ink;
  context.lineWidth = 1;
  context.strokeRect(left, top, width, height);
}

/** Marks a cell with a box in black and white: thin for the cursor, with a dot where it is picked. */
export function paintMark(
  context: CanvasRenderingContext2D,
  frame: Frame,
  { latitudes, longitudes }: Grid,
  { row, column }: Cell,
  isPicked: boolean,
): void {
  const x = projectLongitude(frame, longitudes[column]!);
  const y = projectLatitude(frame, latitudes[row]!);
  const half = Math.max(frame.width / longitudes.length / 2, 4) + (isPicked ? 2 : 0);
  for (const [color, width] of [["#fff", 4], ["#000", 1.8]] as const) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.beginPath();
    if (isPicked) context.arc(x, y, half, 0, 2 * Math.PI);
    else context.rect(x - half, y - half, 2 * half, 2 * half);
    context.stroke();
  }
}
