/// <reference lib="dom" />
/**
 * What is saved of the page: tables as CSV, maps as a picture.
 *
 * @module
 */
import { formatTick, placeValue } from "../../maps/color_scale.ts";
import { describeField, describeTime, isInCelsius } from "./describe_view.ts";
import { find } from "./elements.ts";
import { endId, findShown, findStep, listPanes, type Pane, type View } from "./view_state.ts";

/** Gives a file to the browser, which puts it where its user wants. */
export function saveFile(name: string, blob: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The start of a file's name: variable, statistic, run and hours. */
export function nameFile(view: View): string {
  const { data, statistic } = view;
  const { name, steps } = findShown(view);
  const hours = data.stepHours[steps[findStep(view)]!]!;
  const run = data.runLabel.replace(/\W/g, "");
  return `${name}_${statistic}_${run}_${String(hours).padStart(3, "0")}h`;
}

/** The cells of a table as CSV (RFC 4180), numbers as programs read them, missing ones empty. */
export function formatCsv(rows: readonly (readonly string[])[]): string {
  const lines = rows.map((cells) =>
    cells.map((cell) => {
      const text = cell === "missing" ? "" : cell.replaceAll("−", "-").replaceAll("\u00a0", " ");
      return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    }).join(",")
  );
  return `${lines.join("\r\n")}\r\n`;
}

/** Saves a table of the page. */
export function saveTable(view: View, id: string): void {
  const rows = [...find<HTMLTableElement>(id).rows].map((row) =>
    [...row.cells].map(({ textContent }) => textContent ?? "")
  );
  const name = `${nameFile(view)}_${id.replace("-table", "")}.csv`;
  // The mark at the start tells spreadsheets that the text is UTF-8.
  saveFile(name, new Blob(["\ufeff", formatCsv(rows)], { type: "text/csv" }));
}

/** Saves the maps with their captions, colour bars and source as a PNG. */
export async function savePicture(view: View): Promise<void> {
  const canvas = composePicture(view);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("the browser made no picture");
  saveFile(`${nameFile(view)}.png`, blob);
}

/** The maps side by side, each under its caption and over its colour bar. */
export function composePicture(view: View): HTMLCanvasElement {
  const panes = listPanes(view);
  const maps = panes.map(({ index }) => find<HTMLCanvasElement>(`cells${endId(index)}`));
  const density = maps[0]!.width / maps[0]!.clientWidth;
  const widths = maps.map(({ clientWidth }) => clientWidth + 12);
  const mapHeight = Math.max(...maps.map(({ clientHeight }) => clientHeight));
  const [width, height] = [Math.max(360, widths.reduce((a, b) => a + b, 12)), mapHeight + 174];
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const context = canvas.getContext("2d")!;
  context.setTransform(density, 0, 0, density, 0, 0);
  const style = getComputedStyle(document.body);
  context.fillStyle = style.backgroundColor;
  context.fillRect(0, 0, width, height);
  context.fillStyle = style.color;
  const write = (text: string, x: number, y: number, font: string, room: number) => {
    context.font = `${font} system-ui, sans-serif`;
    context.fillText(text, x, y, room);
  };
  write(describeTime(view), 12, 24, "bold 16px", width - 24);
  write(`ECMWF ensemble, run of ${view.data.runLabel}`, 12, 44, "13px", width - 24);
  let x = 12;
  panes.forEach((pane, i) => {
    write(describeField(view, pane), x, 72, "bold 13px", widths[i]! - 12);
    context.drawImage(maps[i]!, x, 80, maps[i]!.clientWidth, maps[i]!.clientHeight);
    composeLegend(context, view, pane, x, 88 + mapHeight);
    x += widths[i]!;
  });
  write(view.data.title, 12, height - 26, "11px", width - 24);
  write("Data © ECMWF, CC-BY-4.0. Lines: Natural Earth.", 12, height - 10, "11px", width - 24);
  return canvas;
}

/** The colour bar of a map with its numbers. */
export function composeLegend(
  context: CanvasRenderingContext2D,
  view: View,
  { field, index }: Pane,
  x: number,
  y: number,
): void {
  const { scale } = field;
  if (!scale) return;
  const bar = find<HTMLCanvasElement>(`bar${endId(index)}`);
  context.drawImage(bar, x + 42, y, bar.clientWidth, bar.clientHeight);
  const isCelsius = isInCelsius(view, field);
  context.save();
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  for (const value of isCelsius ? scale.celsius! : scale.ticks) {
    const share = placeValue(scale, isCelsius ? value + 273.15 : value);
    context.fillText(formatTick(value), x + 42 + share * bar.clientWidth, y + 32);
  }
  context.restore();
}
