/// <reference lib="dom" />
/**
 * Actions that change the view.
 *
 * @module
 */
import type { Cell, PageVariable } from "./data.ts";
import { find } from "./elements.ts";
import { render, renderCursor, renderSeries } from "./render_page.ts";
import { unpackSteps } from "./unpack.ts";
import type { FieldValues, View } from "./view_state.ts";

/** Shows the variable of the view; unpacks it on first use. */
export async function showVariable(view: View): Promise<void> {
  const { variable } = view;
  const values = await unpackVariable(view, variable);
  // Another one may have been asked for meanwhile.
  if (view.variable !== variable) return;
  view.values = values;
  render(view);
  document.body.dataset.shown = variable.name;
}

/** The values of a variable, unpacked once. */
export function unpackVariable(
  { unpacked, data }: View,
  { name, mean, deviation, quantum }: PageVariable,
): Promise<FieldValues> {
  const shape = { rows: data.latitudes.length, columns: data.longitudes.length };
  const known = unpacked.get(name);
  if (known) return known;
  const values = Promise.all([
    unpackSteps(mean.packed, quantum, shape),
    unpackSteps(deviation.packed, quantum, shape),
  ]).then(([means, deviations]) => ({ mean: means, deviation: deviations }));
  unpacked.set(name, values);
  return values;
}

/** Shows another step; the first follows the last. */
export function showStep(view: View, step: number): void {
  const { length } = view.data.times;
  view.step = (step + length) % length;
  render(view);
}

/** Starts or stops playing the steps. */
export function togglePlaying(view: View): void {
  const button = find("play");
  if (view.timer === undefined) {
    view.timer = setInterval(() => showStep(view, view.step + 1), 800);
  } else {
    clearInterval(view.timer);
    view.timer = undefined;
  }
  button.textContent = view.timer === undefined ? "Play" : "Pause";
}

/** Shows the series of a cell. */
export function pickPoint(view: View, cell: Cell): void {
  view.picked = cell;
  renderCursor(view);
  renderSeries(view);
}
