/**
 * Winds: pairs of components of a forecast, as the speed of the mean wind and the arrows over it.
 *
 * @module
 */
import { findField, type ForecastVariable } from "../output/forecast_fields.ts";
import type { ForecastFile } from "../output/forecast_file.ts";

/** A wind of a file, with the variables that hold its components. */
export interface WindPair {
  /** Of the variable with its speed: `wind700`. */
  name: string;
  /** Eastward. */
  u: ForecastVariable;
  /** Northward. */
  v: ForecastVariable;
}

/** The winds whose components have means: `u700` and `v700`, `10u` and `10v`. */
export function pairWinds(variables: readonly ForecastVariable[]): WindPair[] {
  return variables.flatMap((u) => {
    const [, level, height] = /^(?:u(\d+m?)|(\d+)u)$/.exec(u.name) ?? [];
    const name = level ? `v${level}` : `${height}v`;
    const v = variables.find((variable) => variable.name === name);
    const isPair = v && u.units === v.units && [u, v].every((it) => findField(it, "mean"));
    const isHeight = height !== undefined || /\bmet(?:re|er)\b/.test(u.longName);
    const unit = isHeight && !level?.endsWith("m") ? "m" : "";
    return isPair ? [{ name: `wind${level ?? height}${unit}`, u, v }] : [];
  });
}

/** The file with the speed of the mean wind for each pair whose speed it does not hold itself. */
export function addWinds(file: ForecastFile): ForecastFile {
  const lacking = pairWinds(file.variables).filter(({ name }) =>
    file.variables.every((variable) => variable.name !== name)
  );
  return { ...file, variables: [...file.variables, ...lacking.map(deriveSpeed)] };
}

function deriveSpeed({ name, u, v }: WindPair): ForecastVariable {
  const level = u.longName.replace(/^eastward |\bu[- ](?:component of )?| component$/gi, "");
  const values = (stepIndex: number) => {
    const [east, north] = [u, v].map((it) => findField(it, "mean")!.values(stepIndex));
    return east!.map((value, i) => Math.hypot(value, north![i]!));
  };
  return {
    ...u,
    name,
    longName: `speed of the mean ${level}`,
    fields: [{ key: "mean", statistic: { kind: "mean" }, values }],
    members: undefined,
  };
}
