/// <reference lib="dom" />
/**
 * The view in the address of the page, so that it can be sent: variable, statistic, step and point.
 *
 * @module
 */
import { findNearest, isOnMap } from "./page_grid.ts";
import {
  findByName,
  findFirstTime,
  findShown,
  findStep,
  listTimes,
  type View,
} from "./view_state.ts";

/** The view as the end of an address: `variable=tp_24h&statistic=p90&step=48&point=-1.25,36.75`. */
export function formatAddress(view: View): string {
  const { data, name, statistic, beside, celsius, picked, town } = view;
  const hours = data.stepHours[findShown(view).steps[findStep(view)]!]!;
  const point = picked && [data.latitudes[picked.row]!, data.longitudes[picked.column]!]
    .map((degrees) => Number(degrees.toFixed(4))).join(",");
  const parts = [
    `variable=${name}`,
    `statistic=${statistic}`,
    `step=${hours}`,
    ...(beside === "" ? [] : [`beside=${beside}`]),
    ...(celsius ? ["units=C"] : []),
    ...(point ? [`point=${point}`] : []),
    ...(town ? [`town=${encodeURIComponent(town)}`] : []),
  ];
  return parts.join("&");
}

/** Puts the view into the address of the page, without an entry in its history. */
export function writeAddress(view: View): void {
  const text = `#${formatAddress(view)}`;
  if (text !== location.hash) history.replaceState(null, "", text);
}

/** Takes what an address says into the view; what is not in the forecast stays as it is. */
export function readAddress(view: View, text: string): void {
  const parts = new URLSearchParams(text.replace(/^#/, ""));
  const { data } = view;
  const name = parts.get("variable") ?? "";
  const variable = findByName(data, name);
  if (variable) view.name = name;
  const { fields } = findShown(view);
  const known = fields.map(({ key }) => key);
  const statistic = parts.get("statistic") ?? "";
  if (known.includes(statistic)) view.statistic = statistic;
  else if (!known.includes(view.statistic)) view.statistic = known[0]!;
  const beside = parts.get("beside") ?? "";
  const canBeOther = beside === "other" && view.content.forecasts.length > 1;
  if (known.includes(beside) || canBeOther) view.beside = beside;
  if (parts.get("units") === "C") view.celsius = true;
  const step = data.stepHours.indexOf(Number(parts.get("step") ?? NaN));
  const shown = findShown(view);
  const first = findFirstTime(data, shown);
  const isKnown = listTimes(data, shown).includes(view.time) && view.time >= first;
  view.time = data.times[step] ?? (isKnown ? view.time : first);
  readPoint(view, parts);
}

/** Takes the point of an address into the view, where it is on the map. */
export function readPoint(view: View, parts: URLSearchParams): void {
  const [latitude, longitude] = (parts.get("point") ?? "").split(",").map(Number);
  if (longitude === undefined || !isOnMap(view.data, latitude!, longitude)) return;
  view.picked = findNearest(view.data, latitude!, longitude);
  view.town = parts.get("town") ?? undefined;
}
