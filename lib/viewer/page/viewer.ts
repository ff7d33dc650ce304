/// <reference lib="dom" />
/**
 * Starts the page and connects its controls.
 *
 * @module
 */
import { pickPoint, showStep, showVariable, togglePlaying } from "./actions.ts";
import type { PageData, Statistic } from "./data.ts";
import { announce, find, showFailure } from "./elements.ts";
import { formatUtc } from "./format.ts";
import { findCell } from "./page_grid.ts";
import { listenToKeys } from "./keys.ts";
import { render, renderCursor, renderSeries, renderValues } from "./render_page.ts";
import { fillTable } from "./table.ts";
import {
  capitalize,
  describeError,
  describeMembers,
  nameStatistic,
  type View,
} from "./view_state.ts";

/** Starts the page. */
export function startViewer(): void {
  globalThis.addEventListener("error", (event) => showFailure(event.message));
  globalThis.addEventListener("unhandledrejection", (event) => showFailure(String(event.reason)));
  const data: PageData = JSON.parse(find("forecast").textContent!);
  const view: View = {
    data,
    variable: data.variables[0]!,
    statistic: "mean",
    step: 0,
    values: undefined,
    unpacked: new Map(),
    frame: undefined,
    cursor: undefined,
    picked: undefined,
    timer: undefined,
  };
  fillControls(view);
  fillAbout(data);
  listenToControls(view);
  listenToMap(view);
  listenToKeys(view);
  listenToSurroundings(view);
  showVariable(view);
}

/** Fills the controls with the variables and steps of the forecast. */
export function fillControls({ data, variable }: View): void {
  const { runTime, times, variables } = data;
  find("run").textContent = `Run of ${formatUtc(runTime)}. ${describeMembers(data)}`;
  const select = find<HTMLSelectElement>("variable");
  for (const { name, longName } of variables) {
    select.append(
      new Option(`${capitalize(longName)} (${name})`, name, false, name === variable.name),
    );
  }
  find<HTMLInputElement>("step").max = String(times.length - 1);
  for (const id of ["previous", "play", "next"]) {
    find<HTMLButtonElement>(id).disabled = times.length === 1;
  }
}

/** Writes the source, and how far values were rounded. */
export function fillAbout({ title, fileName, variables }: PageData): void {
  find("source").textContent = `${title}. Made from ${fileName}.`;
  const rows = variables.map((variable) => [
    capitalize(variable.longName),
    describeError(variable),
  ]);
  const caption = "Largest difference between a value of this page and the file";
  fillTable(find("errors"), caption, ["variable", "difference"], rows);
}

/** Listens to variable, statistic, steps and tables. */
export function listenToControls(view: View): void {
  const select = find<HTMLSelectElement>("variable");
  select.addEventListener("change", () => {
    view.variable = view.data.variables.find(({ name }) => name === select.value)!;
    showVariable(view);
  });
  for (const statistic of ["mean", "deviation"] as Statistic[]) {
    find(statistic).addEventListener("change", () => {
      view.statistic = statistic;
      render(view);
      announce(`Shows the ${nameStatistic(statistic)}.`);
    });
  }
  const slider = find<HTMLInputElement>("step");
  slider.addEventListener("input", () => showStep(view, Number(slider.value)));
  find("previous").addEventListener("click", () => showStep(view, view.step - 1));
  find("next").addEventListener("click", () => showStep(view, view.step + 1));
  find("play").addEventListener("click", () => togglePlaying(view));
  find("values").addEventListener("toggle", () => renderValues(view));
  find("spacing").addEventListener("change", () => renderValues(view));
  find("series-details").addEventListener("toggle", () => renderSeries(view));
}

/** Listens to the pointer over the map: it reads values, a click or tap picks a point. */
export function listenToMap(view: View): void {
  const map = find("map");
  const locate = (event: MouseEvent) => {
    const { left, top } = map.getBoundingClientRect();
    const { frame, data } = view;
    return frame && findCell(frame, data, event.clientX - left, event.clientY - top);
  };
  map.addEventListener("pointermove", (event) => {
    view.cursor = locate(event);
    renderCursor(view);
  });
  map.addEventListener("pointerleave", () => {
    view.cursor = undefined;
    renderCursor(view);
  });
  map.addEventListener("click", (event) => {
    const cell = locate(event);
    if (cell) pickPoint(view, cell);
  });
}

/** Redraws when the page changes its width, or turns dark or light. */
export function listenToSurroundings(view: View): void {
  globalThis.addEventListener("resize", () => render(view));
  const darkness = matchMedia("(prefers-color-scheme: dark)");
  darkness.addEventListener("change", () => render(view));
}
