/**
 * The input of ICPAC's newer rainfall model, which is trained on what ECMWF's open data have: the values
 * of every member at the points of the messages. Fields lie on the start of the run as well, along which an
 * archive of runs grows.
 *
 * @module
 */
import { findDataset } from "../../ecmwf/datasets.ts";
import { findVariables, type Variable } from "../../ecmwf/variables.ts";
import { type FieldProduct, plainProduct } from "../../ensemble/field_product.ts";
import { GIK, type OutputProfile } from "../profile.ts";

const ISOBARIC = 100;
const MEAN_SEA = 101;

const [TP, TCWV, SP, CAPE, U700, V700] = findVariables(
  ["tp", "tcwv", "sp", "cape", "u700", "v700"],
) as [Variable, Variable, Variable, Variable, Variable, Variable];

/** A variable at another level, named for it. */
function atLevel(variable: Variable, level: number): Variable {
  const ofLevel = (text: string) => text.replace("700", `${level}`);
  return {
    ...variable,
    name: ofLevel(variable.name),
    level,
    surface: { type: ISOBARIC, value: 100 * level },
    longName: ofLevel(variable.longName),
  };
}

/** Codes are those of `PARAMETERS`. */
const MSL: Variable = {
  name: "msl",
  param: "msl",
  levtype: "sfc",
  surface: { type: MEAN_SEA },
  encodings: [{ discipline: 0, category: 3, number: 0 }],
  accumulated: false,
  limits: { least: 8.5e4, most: 1.15e5 },
  noise: 300,
  units: "Pa",
  longName: "mean sea level pressure",
  standardName: "air_pressure_at_mean_sea_level",
};

const W700: Variable = {
  ...U700,
  name: "w700",
  param: "w",
  encodings: [{ discipline: 0, category: 2, number: 8 }],
  limits: { least: -100, most: 100 },
  noise: 1,
  units: "Pa s-1",
  longName: "vertical velocity at 700 hPa",
  standardName: "lagrangian_tendency_of_air_pressure",
};

const GH500: Variable = {
  ...atLevel(U700, 500),
  name: "gh500",
  param: "gh",
  encodings: [{ discipline: 0, category: 3, number: 5 }],
  limits: { least: 4000, most: 6500 },
  noise: 30,
  units: "m",
  longName: "geopotential height at 500 hPa",
  standardName: "geopotential_height",
};

const PRODUCTS: readonly FieldProduct[] = [
  // Increments over the 3 hours before each step.
  { ...plainProduct(TP), name: "tp_3h", period: 3 },
  ...[TCWV, MSL, SP].map(plainProduct),
  // To 2025-01-14 00 UTC it was published as `cape`.
  { ...plainProduct(CAPE), name: "mucape" },
  ...[W700, U700, V700, atLevel(U700, 925), atLevel(V700, 925), GH500].map(plainProduct),
];

/** The members that ICPAC's newer model is trained on and reads. */
export const EP_CGAN: OutputProfile = {
  ...GIK,
  name: "ep-cgan",
  title: (run) =>
    `ECMWF ${run.model ? findDataset(run).title : "ensemble"} members for ICPAC's rainfall model`,
  products: PRODUCTS,
  region: { north: 25, west: 20, south: -15, east: 53 },
  statistics: [{ kind: "members" }],
  format: "zarr",
  folder: "cgan_output/ep-cgan",
  fileName: (run) => `${findDataset(run).label}_${run.date}_${run.hour}Z.nc`,
};
