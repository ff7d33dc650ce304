/// <reference lib="dom" />
/**
 * Fills the controls of the page with what the forecasts hold.
 *
 * @module
 */
import { capitalize, describeMembers } from "./describe_view.ts";
import { find } from "./elements.ts";
import { formatUtc } from "./format.ts";
import { findShown, type View } from "./view_state.ts";

/** Fills all controls. */
export function fillControls(view: View): void {
  const { content: { forecasts, towns }, data } = view;
  const runs = forecasts.map(({ runTime }) => formatUtc(runTime)).join(" beside ");
  find("run").textContent = `Run of ${runs}. ${describeMembers(data)}`;
  fillVariables(view);
  find("town-names").replaceChildren(...towns.map(([name, country]) => {
    const option = document.createElement("option");
    option.value = name;
    option.label = `${name}, ${country}`;
    return option;
  }));
  find<HTMLInputElement>("provinces").checked = view.provinces;
  find("provinces-label").hidden = data.outlines.paths.provinces === "";
}

/** Fills the list of variables, and what depends on it. */
export function fillVariables(view: View): void {
  const { data } = view;
  find("variable").replaceChildren(...data.variables.map(({ name, longName, period }) => {
    const label = `${capitalize(longName)}${period ? `, ${period}` : ""} (${name})`;
    return new Option(label, name, false, name === view.name);
  }));
  find<HTMLInputElement>("celsius").checked = view.celsius;
  const hasTemperature = data.variables.some(({ fields }) =>
    fields.some(({ scale }) => scale?.celsius)
  );
  find("celsius-label").hidden = !hasTemperature;
  fillStatistics(view);
}

/** Fills the list of statistics of the variable; keeps the chosen one where the variable has it. */
export function fillStatistics(view: View): void {
  const { fields } = findShown(view);
  if (fields.every(({ key }) => key !== view.statistic)) view.statistic = fields[0]!.key;
  find("statistic").replaceChildren(
    ...fields.map(({ key, label }) =>
      new Option(capitalize(label), key, false, key === view.statistic)
    ),
  );
  fillBeside(view);
}

/** Fills the list of what can be beside the map. */
export function fillBeside(view: View): void {
  const { content: { forecasts }, beside } = view;
  const [, other] = forecasts;
  const fields = findShown(view).fields.filter(({ key }) => key !== view.statistic);
  const choices = [
    ["", "Nothing"],
    ...(other ? [["other", `Run of ${other.runLabel}`]] : []),
    ...fields.map(({ key, label }) => [key, capitalize(label)]),
  ] as const;
  if (choices.every(([key]) => key !== beside)) view.beside = other ? "other" : "";
  find("beside").replaceChildren(
    ...choices.map(([key, label]) => new Option(label, key, false, key === view.beside)),
  );
}
