/// <reference lib="dom" />
/**
 * Actions that change the view.
 *
 * @module
 */
import { findPlace } from "../../maps/places.ts";
import type { Cell, PageData } from "./data.ts";
import { describePlace } from "./describe_view.ts";
import { announce, find } from "./elements.ts";
import { findNearest, isOnMap } from "./page_grid.ts";
import { render, renderCursor, renderSeries } from "./render_page.ts";
import { unpackSteps } from "./unpack.ts";
import { findByName, findShown, findStep, type Layer, listTimes, type View } from "./view_state.ts";
import { writeAddress } from "./view_address.ts";

/** Shows the variable of the view; unpacks it on first use. */
export async function showVariable(view: View): Promise<void> {
  const { name, content: { forecasts } } = view;
  const layers = await Promise.all(
    forecasts.map((data, index) => findByName(data, name) && unpackVariable(view, index, name)),
  );
  // Another one may have been asked for meanwhile.
  if (view.name !== name) return;
  [view.layer, view.other] = layers;
  render(view);
  document.body.dataset.shown = name;
}

/** A variable of a forecast with its values, unpacked once. */
export function unpackVariable(view: View, index: number, name: string): Promise<Layer> {
  const id = `${index} ${name}`;
  const layer = view.unpacked.get(id) ?? unpackLayer(view.content.forecasts[index]!, name);
  view.unpacked.set(id, layer);
  return layer;
}

/** A variable of a forecast with its values, members and wind. */
export async function unpackLayer(data: PageData, name: string): Promise<Layer> {
  const variable = findByName(data, name)!;
  const { members, wind } = variable;
  const layer: Layer = { data, variable, values: await unpackFields(data, name) };
  if (members) {
    const { stride, quantum, packed } = members;
    const [rows, columns] = [data.latitudes, data.longitudes]
      .map(({ length }) => Math.ceil(length / stride));
    layer.members = await unpackSteps(packed, quantum, { rows: rows!, columns: columns! });
  }
  if (wind) {
    const [u, v] = await Promise.all([wind.u, wind.v].map((it) => unpackFields(data, it)));
    layer.wind = { u: u!.mean!, v: v!.mean! };
  }
  return layer;
}

/** The values of all statistics of a variable. */
export async function unpackFields(
  data: PageData,
  name: string,
): Promise<Record<string, Float64Array[]>> {
  const shape = { rows: data.latitudes.length, columns: data.longitudes.length };
  const { fields } = findByName(data, name)!;
  const entries = await Promise.all(
    fields.map(async ({ key, packed, quantum }) =>
      [key, await unpackSteps(packed, quantum, shape)] as const
    ),
  );
  return Object.fromEntries(entries);
}

/** Shows another step; the first follows the last. */
export function showStep(view: View, step: number): void {
  const times = listTimes(view.data, findShown(view));
  view.time = times[(step + times.length) % times.length]!;
  render(view);
}

/** Starts or stops playing the steps. */
export function togglePlaying(view: View): void {
  const button = find("play");
  if (view.timer === undefined) {
    view.timer = setInterval(() => showStep(view, findStep(view) + 1), 800);
  } else {
    clearInterval(view.timer);
    view.timer = undefined;
  }
  button.textContent = view.timer === undefined ? "Play" : "Pause";
}

/** Shows the series of a cell. */
export function pickPoint(view: View, cell: Cell, town?: string): void {
  view.picked = cell;
  view.town = town;
  renderCursor(view);
  renderSeries(view);
  writeAddress(view);
}

/** Shows the series of a town by its name, or of a point by its degrees, and says so. */
export function pickPlace(view: View, text: string): void {
  if (text.trim() === "") return;
  const place = findPlace(view.content.towns, text);
  if (!place) return announce(`No town of the list is called ${text}.`);
  const { town, latitude, longitude } = place;
  if (!isOnMap(view.data, latitude, longitude)) return announce(`${text} is not on the map.`);
  view.cursor = undefined;
  pickPoint(view, findNearest(view.data, latitude, longitude), town);
  const name = town === undefined ? "" : `${town}, `;
  announce(`Shows the series of ${name}${describePlace(view.data, view.picked!)}.`);
}
