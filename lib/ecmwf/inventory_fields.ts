/**
 * The name of a field as MARS has it (`2d`, `u@925`, `vsw@1`) → the variable of the output: every
 * parameter and level of the inventories of all eras and models.
 *
 * The name in the output is that of ecCodes with the level behind it: `d2m`, `u925`, `vsw1`. It is a
 * valid name in NetCDF. Where that is the name of another field (wind at 10 m is `u10`), the level has
 * its unit: `u10hPa`. A field of the table of variables is that variable, with its name and checks.
 *
 * @module
 */
import { UsageError } from "../errors.ts";
import { sortUnique } from "../util/numbers.ts";
import { suggestNearest } from "../util/text.ts";
import { DATASETS, type Era } from "./datasets.ts";
import { describeVariable, type MarsField } from "./field_variable.ts";
import { listNames } from "./eras.ts";
import { PARAMETERS } from "./parameters.ts";
import { findVariable, type Variable, VARIABLES } from "./variables.ts";

/** A field in the form of `--fields`: `2d`, `u@925`. */
export function formatMarsName({ param, level }: Pick<MarsField, "param" | "level">): string {
  return level === undefined ? param : `${param}@${level}`;
}

let collected: ReadonlyMap<string, Variable> | undefined;

/** Every field of the inventories, by its MARS name; those of the table of variables first. */
export function listFields(): ReadonlyMap<string, Variable> {
  return collected ??= collectFields();
}

function collectFields(): Map<string, Variable> {
  const fields = new Map(
    VARIABLES.flatMap((variable) =>
      listNames(variable).map((it) => [formatMarsName(it), variable])
    ),
  );
  const eras = Object.values(DATASETS).flatMap((dataset) => dataset.eras);
  const found = new Map(eras.flatMap(listEraFields).map((field) => [formatMarsName(field), field]));
  const surfaceNames = new Set(
    [...found.values()].filter(({ level }) => level === undefined).map(nameAlone),
  );
  for (const [key, field] of found) {
    if (!fields.has(key)) fields.set(key, describeVariable(field, nameField(field, surfaceNames)));
  }
  return fields;
}

/** The fields of an era: each parameter, on each of its levels. */
function listEraFields({ parameters, levels }: Era): MarsField[] {
  return parameters.flatMap(({ param, levtype, notOn = [] }): MarsField[] => {
    if (levtype === "sfc") return [{ param, levtype }];
    return levels[levtype].filter((level) => !notOn.includes(level))
      .map((level) => ({ param, levtype, level }));
  });
}

function nameAlone({ param }: MarsField): string {
  return PARAMETERS.find(({ shortName }) => shortName === param)?.cfVarName ?? param;
}

function nameField(field: MarsField, surfaceNames: ReadonlySet<string>): string {
  const name = nameAlone(field) + (field.level ?? "");
  return field.level !== undefined && surfaceNames.has(name) ? `${name}hPa` : name;
}

/** The variable of a name in the output; `undefined` when there is none. */
export function findNamed(name: string): Variable | undefined {
  return findVariable(name) ?? listFields().values().find((field) => field.name === name);
}

/**
 * The variable of a field: by its MARS name, or by its name in the output.
 *
 * @param text `2t`, `t2m`, `u@925`, `u925`.
 * @throws {UsageError} for a name that no run has, with the nearest one; for a parameter without the
 *   level that it needs, or with one that no run has.
 */
export function parseField(text: string): Variable {
  const fields = listFields();
  const found = fields.get(text) ?? findNamed(text);
  if (found) return found;
  const [param = "", level] = text.split("@");
  const levels = findLevels(param);
  if (level === undefined && levels.length > 0) {
    throw fieldError(
      text,
      `it is on levels; give ${param}@${levels.at(-1)}, or another of ${levels.join(", ")}`,
    );
  }
  if (levels.length > 0) {
    throw fieldError(text, `no run has that level; give one of ${levels.join(", ")}`);
  }
  if (fields.has(param)) throw fieldError(text, `it is on no level; give ${param}`);
  throw fieldError(text, `no run has it${suggestNearest(text, [...fields.keys()])}`);
}

function fieldError(text: string, state: string): UsageError {
  return new UsageError(`Cannot write field "${text}": ${state}`);
}

/** The levels that any run has of a parameter. */
function findLevels(param: string): number[] {
  const levels = [...listFields().keys()].filter((key) => key.startsWith(`${param}@`))
    .map((key) => Number(key.slice(param.length + 1)));
  return sortUnique(levels);
}
