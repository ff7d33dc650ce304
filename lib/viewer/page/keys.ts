/// <reference lib="dom" />
/**
 * The keyboard: on the maps keys move from cell to cell, elsewhere from step to step.
 *
 * @module
 */
import { pickPoint, showStep, togglePlaying } from "./actions.ts";
import { describePlace, describeReadout, describeTime } from "./describe_view.ts";
import { announce, find } from "./elements.ts";
import { moveCell } from "./page_grid.ts";
import { renderCursor } from "./render_page.ts";
import { endId, findShown, findStep, listPanes, type View } from "./view_state.ts";

/** Listens to keys on the maps and on the rest of the page. */
export function listenToKeys(view: View): void {
  for (const index of [0, 1]) {
    find(`map${endId(index)}`).addEventListener("keydown", (event) => {
      if (hasModifier(event) || !pressOnMap(view, index, event.key, event.shiftKey)) return;
      event.preventDefault();
      event.stopPropagation();
    });
  }
  document.addEventListener("keydown", (event) => {
    const place = event.target as Element;
    if (hasModifier(event) || place.closest("input, select, summary, .scroll")) return;
    if (event.key === " " && place.closest("button")) return;
    if (pressOnPage(view, event.key)) event.preventDefault();
  });
}

/** Whether a modifier makes a key one of the browser's own. */
export function hasModifier(event: KeyboardEvent): boolean {
  return event.ctrlKey || event.altKey || event.metaKey;
}

/** Handles a key on a map. Returns whether the key has a meaning there. */
export function pressOnMap(view: View, index: number, key: string, isFast: boolean): boolean {
  const { data, cursor, picked } = view;
  const middle = { row: data.latitudes.length >> 1, column: data.longitudes.length >> 1 };
  const cell = cursor ?? picked ?? middle;
  const stride = isFast ? 10 : 1;
  const moves: Record<string, [number, number]> = {
    ArrowUp: [-stride, 0],
    ArrowDown: [stride, 0],
    ArrowLeft: [0, -stride],
    ArrowRight: [0, stride],
    Home: [0, -data.longitudes.length],
    End: [0, data.longitudes.length],
  };
  const move = moves[key];
  const tell = () => describeReadout(view, listPanes(view)[index]);
  if (move) {
    view.cursor = moveCell(data, cell, ...move);
    renderCursor(view);
    announce(tell());
  } else if (key === "Enter") {
    pickPoint(view, cell);
    announce(`Shows the series at ${describePlace(data, cell)}.`);
  } else if (key === "PageUp" || key === "PageDown") {
    showStep(view, findStep(view) + (key === "PageUp" ? -1 : 1));
    announce(`${describeTime(view)}. ${tell()}`);
  } else {
    return false;
  }
  return true;
}

/** Handles a key on the rest of the page. Returns whether the key has a meaning there. */
export function pressOnPage(view: View, key: string): boolean {
  const last = findShown(view).steps.length - 1;
  const current = findStep(view);
  const steps: Record<string, number> = {
    ArrowLeft: current - 1,
    ArrowRight: current + 1,
    Home: 0,
    End: last,
  };
  const step = steps[key];
  if (step !== undefined) {
    showStep(view, step);
    announce(describeTime(view));
  } else if (key === " ") {
    togglePlaying(view);
  } else {
    return false;
  }
  return true;
}
