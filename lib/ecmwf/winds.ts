/**
 * The name of a wind speed → the two components that it is derived from.
 *
 * @module
 */
import { findVariable, type Variable } from "./variables.ts";

/** Code table 4.5: height above the ground. */
const ABOVE_GROUND = 103;

/** Pressure levels of the IFS and AIFS ensembles, in hPa. */
const LEVELS: readonly number[] = [
  ...[10, 50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000],
];

/** Names of wind speeds, for messages. */
export const WIND_NAMES = "wind10m, and wind at a pressure level, as wind700";

/** The eastward and the northward wind that a speed comes from; `undefined` for another name. */
export function findWind(name: string): readonly [Variable, Variable] | undefined {
  if (name === "wind10m") return [atTenMetres("u"), atTenMetres("v")];
  const level = Number(/^wind(\d+)$/.exec(name)?.[1]);
  return LEVELS.includes(level) ? [atLevel("u", level), atLevel("v", level)] : undefined;
}

/** A component at a pressure level: that at 700 hPa, but for the level. */
function atLevel(component: "u" | "v", level: number): Variable {
  const known = findVariable(`${component}700`)!;
  if (level === known.level) return known;
  return {
    ...known,
    name: `${component}${level}`,
    level,
    surface: { ...known.surface!, value: 100 * level },
    longName: known.longName.replace("700", `${level}`),
  };
}

function atTenMetres(component: "u" | "v"): Variable {
  const { level: _, ...known } = findVariable(`${component}700`)!;
  return {
    ...known,
    name: `${component}10`,
    param: `10${component}`,
    levtype: "sfc",
    surface: { type: ABOVE_GROUND, value: 10 },
    noise: 3,
    longName: known.longName.replace("700 hPa", "10 metres"),
  };
}
