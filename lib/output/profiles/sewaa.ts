/**
 * The input of ICPAC's published rainfall models (SEWAA), for rain in 6 and in 24 hours: exactly the
 * names, dimensions, points and steps that their readers expect. Attributes say what is true, which the
 * producer's own do not; the readers look at none.
 *
 * @module
 */
import { findDataset } from "../../ecmwf/datasets.ts";
import type { Run } from "../../ecmwf/run.ts";
import { findVariables } from "../../ecmwf/variables.ts";
import { type FieldProduct, plainProduct } from "../../ensemble/field_product.ts";
import { type AbsentField, GIK, type OutputProfile } from "../profile.ts";

/** First and last points of the models' grid of 384 × 352. */
const CORNERS = { north: 24.65, west: 19.15, south: -13.65, east: 54.25 };

/** The readers know these as well. */
const ABSENT_FIELDS: readonly AbsentField[] = [
  { name: "cp", longName: "convective precipitation", units: "m" },
  { name: "mcc", longName: "medium cloud cover", units: "1" },
  { name: "tciw", longName: "total column cloud ice water", units: "kg m-2" },
  { name: "tclw", longName: "total column cloud liquid water", units: "kg m-2" },
  { name: "tcrw", longName: "total column rain water", units: "kg m-2" },
];

/** Accumulations are increments from each valid time to the next one. */
function listProducts(names: string): FieldProduct[] {
  return findVariables(names.split(" ")).map((variable) =>
    variable.accumulated ? { ...plainProduct(variable), period: "next" } : plainProduct(variable)
  );
}

const SEWAA = {
  ...GIK,
  title: (run: Run) =>
    `ECMWF ${run.model ? findDataset(run).title : "ensemble"} mean and standard deviation ` +
    "for ICPAC's rainfall models",
  region: CORNERS,
  grid: { spacing: 0.1, corners: CORNERS },
  members: "perturbed",
  statistics: [{ kind: "mean" }, { kind: "standard_deviation", ddof: 1 }],
  layout: {
    timeAxis: "separate",
    latitudes: "ascending",
    coordinates: "float32",
    auxiliaries: false,
    plainDeviation: true,
  },
  // The deviation of a sample needs two.
  everyValueOf: 2,
  absentFields: ABSENT_FIELDS,
  fileName: (run: Run) => `${findDataset(run).label}_${run.date}_${run.hour}Z.nc`,
} satisfies Partial<OutputProfile>;

/** The input of the model of rain in 6 hours. */
export const SEWAA_6H: OutputProfile = {
  ...SEWAA,
  name: "sewaa-6h",
  products: listProducts("cape sp ssr t2m tcw tcwv tp u700 v700"),
  steps: [30, 36, 42, 48, 54],
  folder: "cgan_output/sewaa-6h",
};

/** The input of the model of rain in 24 hours, which runs on the forecast of midnight. */
export const SEWAA_24H: OutputProfile = {
  ...SEWAA,
  name: "sewaa-24h",
  products: listProducts("sp ssr t2m tcw tcwv tp u700 v700"),
  steps: Array.from({ length: 30 }, (_, i) => 6 * i),
  runHours: ["00"],
  folder: "cgan_output/sewaa-24h",
};
