/// <reference lib="dom" />
/**
 * Starts the page and connects its controls.
 *
 * @module
 */
import { pickPlace, pickPoint, showStep, showVariable, togglePlaying } from "./actions.ts";
import { readAddress } from "./view_address.ts";
import { fillBeside, fillControls, fillStatistics, fillVariables } from "./controls.ts";
import type { PageContent, PageData } from "./data.ts";
import { capitalize, describeError, describeField } from "./describe_view.ts";
import { announce, find, showFailure } from "./elements.ts";
import { formatUtc } from "./format.ts";
import { findCell, findNearest } from "./page_grid.ts";
import { listenToKeys } from "./keys.ts";
import { render, renderCursor, renderSeries, renderValues } from "./render_page.ts";
import { savePicture, saveTable } from "./save_files.ts";
import { fillTable } from "./table.ts";
import { endId, findFirstTime, findStep, listPanes, type View } from "./view_state.ts";

/** Starts the page. */
export function startViewer(): void {
  globalThis.addEventListener("error", (event) => showFailure(event.message));
  globalThis.addEventListener("unhandledrejection", (event) => showFailure(String(event.reason)));
  const content: PageContent = JSON.parse(find("forecast").textContent!);
  const view = openView(content);
  readAddress(view, location.hash);
  fillControls(view);
  fillAbout(content.forecasts);
  listenToControls(view);
  listenToUnits(view);
  for (const index of [0, 1]) listenToMap(view, index);
  listenToKeys(view);
  listenToSurroundings(view);
  showVariable(view);
}

/** The view that the page begins with. */
export function openView(content: PageContent): View {
  const data = content.forecasts[0]!;
  const [variable] = data.variables;
  return {
    content,
    data,
    name: variable!.name,
    statistic: variable!.fields[0]!.key,
    beside: content.forecasts.length > 1 ? "other" : "",
    time: findFirstTime(data, variable!),
    celsius: false,
    // Borders of provinces would crowd the map of a large region.
    provinces: data.bounds.east - data.bounds.west < 16,
    layer: undefined,
    other: undefined,
    unpacked: new Map(),
    frames: [],
    cursor: undefined,
    picked: undefined,
    town: undefined,
    timer: undefined,
  };
}

/** Writes the sources, and how far values were rounded. */
export function fillAbout(forecasts: readonly PageData[]): void {
  find("source").textContent = forecasts
    .map(({ title, fileName, runTime }) =>
      `${title}. Made from ${fileName}, run of ${formatUtc(runTime)}.`
    ).join(" ");
  const rows = forecasts[0]!.variables.map((variable) => [
    `${capitalize(variable.longName)} (${variable.name})`,
    describeError(variable),
  ]);
  const caption = "Largest difference between a value of this page and the file";
  fillTable(find("errors"), caption, ["variable", "difference"], rows);
}

/** Listens to variable, statistic, towns, steps, tables and what is saved. */
export function listenToControls(view: View): void {
  const select = find<HTMLSelectElement>("variable");
  select.addEventListener("change", () => {
    view.name = select.value;
    fillStatistics(view);
    showVariable(view);
  });
  const statistic = find<HTMLSelectElement>("statistic");
  statistic.addEventListener("change", () => {
    view.statistic = statistic.value;
    fillBeside(view);
    render(view);
    announce(`Shows ${describeField(view, listPanes(view)[0]!)}.`);
  });
  const beside = find<HTMLSelectElement>("beside");
  beside.addEventListener("change", () => {
    view.beside = beside.value;
    render(view);
  });
  const town = find<HTMLInputElement>("town");
  town.addEventListener("change", () => pickPlace(view, town.value));
  const slider = find<HTMLInputElement>("step");
  slider.addEventListener("input", () => showStep(view, Number(slider.value)));
  find("previous").addEventListener("click", () => showStep(view, findStep(view) - 1));
  find("next").addEventListener("click", () => showStep(view, findStep(view) + 1));
  find("play").addEventListener("click", () => togglePlaying(view));
  find("values").addEventListener("toggle", () => renderValues(view));
  find("spacing").addEventListener("change", () => renderValues(view));
  find("series-details").addEventListener("toggle", () => renderSeries(view));
  find("save-picture").addEventListener("click", () => savePicture(view));
  find("save-values").addEventListener("click", () => saveTable(view, "values-table"));
  find("save-series").addEventListener("click", () => saveTable(view, "series-table"));
}

/** Listens to what changes the look of all maps. */
export function listenToUnits(view: View): void {
  const celsius = find<HTMLInputElement>("celsius");
  celsius.addEventListener("change", () => {
    view.celsius = celsius.checked;
    render(view);
  });
  const provinces = find<HTMLInputElement>("provinces");
  provinces.addEventListener("change", () => {
    view.provinces = provinces.checked;
    render(view);
  });
}

/** Listens to the pointer over a map: it reads values, a click or tap picks a point. */
export function listenToMap(view: View, index: number): void {
  const map = find(`map${endId(index)}`);
  const locate = (event: MouseEvent) => {
    const { left, top } = map.getBoundingClientRect();
    const frame = view.frames[index];
    const data = listPanes(view)[index]?.layer.data;
    const cell = frame && data && findCell(frame, data, event.clientX - left, event.clientY - top);
    return cell && data !== view.data
      ? findNearest(view.data, data!.latitudes[cell.row]!, data!.longitudes[cell.column]!)
      : cell;
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

/** Redraws when the page changes its width, turns dark or light, or gets another address. */
export function listenToSurroundings(view: View): void {
  globalThis.addEventListener("resize", () => render(view));
  const darkness = matchMedia("(prefers-color-scheme: dark)");
  darkness.addEventListener("change", () => render(view));
  globalThis.addEventListener("hashchange", () => {
    readAddress(view, location.hash);
    fillVariables(view);
    showVariable(view);
  });
}
