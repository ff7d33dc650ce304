/**
 * The dataset of an output → the same in another layout: one axis in time, rows from the south, fewer or
 * more auxiliary variables. The default layout changes nothing.
 *
 * @module
 */
import type { Variable } from "../ecmwf/variables.ts";
import type { FieldProduct } from "../ensemble/field_product.ts";
import type {
  FileVariable,
  NetcdfAttribute,
  NetcdfDataset,
  NetcdfVariable,
} from "../netcdf/encode_netcdf.ts";

/** What the start of the run and the time of validity are, and which of both fields lie on. */
export const TIME_AXES = ["both", "valid_time", "separate"] as const;

/**
 * - `both`: two axes, and every field lies on both
 * - `valid_time`: one axis, and the start of the run is a scalar
 * - `separate`: two axes, and fields lie on `valid_time` alone
 */
export type TimeAxisKind = typeof TIME_AXES[number];

/** How a file is laid out. */
export interface OutputLayout {
  timeAxis: TimeAxisKind;
  /** Order of the rows. */
  latitudes: "descending" | "ascending";
  /** Type of the latitudes and longitudes. */
  coordinates: "float64" | "float32";
  /** Whether there are counts of the members used, and the bounds of periods. */
  auxiliaries: boolean;
  /** Whether the deviation of a sample has the name of that of a population. */
  plainDeviation: boolean;
}

/** That of the file which the GIK tools write: none of its bytes may change. */
export const DEFAULT_LAYOUT: OutputLayout = {
  timeAxis: "both",
  latitudes: "descending",
  coordinates: "float64",
  auxiliaries: true,
  plainDeviation: false,
};

/** ECMWF's terms for its open data: https://apps.ecmwf.int/datasets/licences/general/. */
const LICENSE = "CC-BY-4.0, © European Centre for Medium-Range Weather Forecasts (ECMWF); " +
  "ECMWF accepts no liability for errors or for their use";

/**
 * Names of CF's table that the default file, whose bytes are fixed, does not have. The table has none for
 * runoff in metres: `runoff_amount` is in kg m-2.
 */
const STANDARD_NAMES: Readonly<Record<string, string>> = {
  tcw: "atmosphere_mass_content_of_water",
};

/** Type of a surface at a height above ground (GRIB2 code table 4.5). */
const ABOVE_GROUND = 103;

/**
 * A dataset in a layout. Rows are turned around where they are: the arrays of fields are those of the
 * dataset given.
 *
 * @param dataset as `buildDataset` gives it: rows from the north, fields on both axes in time.
 * @param products whose statistics it has.
 */
export function layOutDataset<Variable extends FileVariable>(
  dataset: NetcdfDataset<Variable>,
  layout: OutputLayout,
  products: readonly FieldProduct[],
): NetcdfDataset<Variable | NetcdfVariable> {
  const rows = dataset.dimensions.latitude!;
  const columns = dataset.dimensions.longitude!;
  const arrange = <Kind extends FileVariable>(variable: Kind): Kind => {
    const product = findProduct(variable.name, products);
    const arranged = { ...variable, ...describeInLayout(variable, layout, product) };
    const turns = layout.latitudes === "ascending" && variable.dimensions.includes("latitude");
    return turns ? turnRows(arranged, rows, columns) : arranged;
  };
  const isKept = ({ name }: FileVariable) =>
    layout.auxiliaries || !(name.endsWith("_members_used") || name.endsWith("_bnds"));
  const isOneAxis = layout.timeAxis === "valid_time";
  return {
    dimensions: Object.fromEntries(
      Object.entries(dataset.dimensions).filter(([name]) =>
        !(name === "time" && isOneAxis) && !(name === "bnds" && !layout.auxiliaries)
      ),
    ),
    attributes: {
      ...dataset.attributes,
      ...(layout.timeAxis !== "both" && { license: LICENSE }),
    },
    variables: [
      ...dataset.variables.filter(isKept).map((variable) => setType(arrange(variable), layout)),
      ...(isOneAxis ? listVerticals(products) : []),
    ],
    ...(dataset.streamed && { streamed: dataset.streamed.map(arrange) }),
  };
}

/** Name, dimensions and attributes of a variable. */
function describeInLayout(
  { name, dimensions, attributes }: FileVariable,
  layout: OutputLayout,
  product: FieldProduct | undefined,
): Omit<NetcdfVariable, "data"> {
  const { timeAxis, auxiliaries, plainDeviation } = layout;
  const isField = dimensions.includes("latitude") && dimensions.includes("longitude");
  const vertical = product && findVertical(product.inputs[0]!);
  const described: Record<string, NetcdfAttribute> = {
    ...(auxiliaries ? attributes : withoutAuxiliaries(attributes)),
    ...(isField && timeAxis !== "both" && nameStandard(product, attributes)),
    ...(isField && timeAxis === "valid_time" && {
      coordinates: vertical ? `time ${vertical.name}` : "time",
    }),
  };
  return {
    name: plainDeviation ? name.replace(/(?<=_standard_deviation)_sample$/, "") : name,
    dimensions: layOutDimensions(name, dimensions, timeAxis),
    attributes: described,
  };
}

/** Attributes without the names of variables that are left out. */
function withoutAuxiliaries(
  { ancillary_variables: _, bounds: __, ...others }: Record<string, NetcdfAttribute>,
): Record<string, NetcdfAttribute> {
  return others;
}

function layOutDimensions(
  name: string,
  dimensions: readonly string[],
  timeAxis: TimeAxisKind,
): string[] {
  const keepsTime = timeAxis === "both" || timeAxis === "separate" && name === "time";
  return dimensions.filter((dimension) => dimension !== "time" || keepsTime);
}

function nameStandard(
  product: FieldProduct | undefined,
  { units }: Record<string, NetcdfAttribute>,
): Record<string, string> {
  const [input] = product?.inputs ?? [];
  const name = product?.derive === undefined && input ? STANDARD_NAMES[input.name] : undefined;
  // A probability is not the quantity.
  return name !== undefined && units === input!.units ? { standard_name: name } : {};
}

/** The product of a variable, known by the name that the variable begins with. */
function findProduct(
  name: string,
  products: readonly FieldProduct[],
): FieldProduct | undefined {
  return products.filter((product) => name.startsWith(`${product.name}_`))
    .toSorted((a, b) => b.name.length - a.name.length)[0];
}

/** The scalars that say at which levels and heights the fields of products are, each once. */
function listVerticals(products: readonly FieldProduct[]): NetcdfVariable[] {
  const verticals = products.flatMap(({ inputs }) => findVertical(inputs[0]!) ?? []);
  return [...new Map(verticals.map((vertical) => [vertical.name, vertical])).values()];
}

/** The coordinate of a pressure level, or of a height above ground. */
function findVertical({ levtype, level, surface }: Variable): NetcdfVariable | undefined {
  if (levtype === "pl" && level !== undefined) {
    return scalar(`pressure_${level}`, level, "air_pressure", "hPa", "down");
  }
  if (surface?.type !== ABOVE_GROUND || surface.value === undefined) return undefined;
  return scalar(`height_${surface.value}m`, surface.value, "height", "m", "up");
}

function scalar(
  name: string,
  value: number,
  standardName: string,
  units: string,
  positive: "up" | "down",
): NetcdfVariable {
  return {
    name,
    dimensions: [],
    attributes: { standard_name: standardName, units, positive, axis: "Z" },
    data: Float64Array.of(value),
  };
}

/** Latitudes and longitudes in the type of the layout. */
function setType<Kind extends FileVariable>(
  variable: Kind,
  { coordinates }: OutputLayout,
): Kind {
  const isCoordinate = variable.name === "latitude" || variable.name === "longitude";
  if (!isCoordinate || coordinates === "float64" || "pieces" in variable) return variable;
  return { ...variable, data: Float32Array.from(variable.data) };
}

/** A variable with its rows in the other order, also where they are read later. */
function turnRows<Kind extends FileVariable>(variable: Kind, rows: number, columns: number): Kind {
  const width = variable.dimensions.includes("longitude") ? columns : 1;
  if (!("pieces" in variable)) {
    reverseRows(variable.data, rows, width);
    return variable;
  }
  const { pieces } = variable;
  return {
    ...variable,
    async *pieces() {
      for await (const piece of pieces()) {
        reverseRows(piece, rows, width);
        yield piece;
      }
    },
  };
}

/** Reverses the rows of each field in an array of whole fields, in place. */
function reverseRows(
  values: NetcdfVariable["data"],
  rows: number,
  width: number,
): void {
  const row = values.slice(0, width);
  for (let field = 0; field < values.length; field += rows * width) {
    for (let [top, bottom] = [0, rows - 1]; top < bottom; top++, bottom--) {
      const [from, to] = [field + top * width, field + bottom * width];
      row.set(values.subarray(from, from + width));
      values.copyWithin(from, to, to + width);
      values.set(row, to);
    }
  }
}
