/**
 * The name of a variable of the output → the message that it comes from, and its CF description.
 *
 * Encodings are those of ecCodes for ECMWF (definitions/grib2, WMO and localConcepts/ecmf): the
 * parameter in the unit given here, and the same quantity in another unit with what converts it.
 *
 * @module
 */

/** A parameter as section 0 (discipline) and code tables 4.1 and 4.2 number it. */
export interface ParameterCode {
  discipline: number;
  category: number;
  number: number;
}

/** What makes values in another unit those of a variable. */
export interface Conversion {
  /** The unit of the message. */
  units: string;
  /** By which its values are multiplied. */
  factor: number;
  /** Whether values are also multiplied by the seconds from the start of the run. @default {false} */
  bySeconds?: true;
}

/** A parameter under which ECMWF publishes a variable, or has announced to. */
export interface Encoding extends ParameterCode {
  /** @default {undefined} (it is in the units of the variable) */
  conversion?: Conversion;
  /**
   * Of a code that is a rate: what makes its average from the start of the run the sum, where a message
   * says that it is the average. @default {undefined} (an average is another quantity)
   */
  ofAverage?: Conversion;
}

/** What no value of a variable can be below or above. */
export interface Limits {
  least: number;
  /** Of an accumulation: in an hour of its step. */
  most: number;
}

/** An extreme, or a rate, over some hours that end at the step. */
export interface OverHours {
  /** `undefined` for a rate, which may also be that of the moment. */
  method?: "maximum" | "minimum";
  /** How many. @default {undefined} (those since the step before) */
  hours?: number;
}

/** One variable of the output. */
export interface Variable {
  /** Name in the output. */
  name: string;
  /** MARS short name: `param` in the index and in reference keys. */
  param: string;
  /** MARS `levtype`. */
  levtype: "sfc" | "pl" | "sol";
  /** Pressure level in hPa, or the layer of the soil; absent for `levtype` `sfc`. */
  level?: number;
  /** First fixed surface (code table 4.5); absent where ECMWF's tables do not define it. */
  surface?: { type: number; value?: number };
  encodings: readonly Encoding[];
  /** Whether values accumulate from the start of the run. */
  accumulated: boolean;
  /** What a value is over the hours before its step. @default {undefined} (a moment, or a sum) */
  overHours?: OverHours;
  /** Limits of plausible values, in `units`. @default {undefined} (none are known) */
  limits?: Limits;
  /**
   * A difference between members that is nothing unusual, on average over some degrees, in `units`; of
   * an accumulation in an hour of its step. Where all are dry, the first rain of one is no fault.
   *
   * @default {undefined} (a share of the range of the field's values)
   */
  noise?: number;
  units: string;
  longName: string;
  /** CF standard name, where the CF table has one. */
  standardName?: string;
}

const GROUND = 1;
const ISOBARIC = 100;
const ABOVE_GROUND = 103;
const MOST_UNSTABLE_PARCEL = 17;

/** Metres of water an hour, and J m-2 an hour of 1400 W m-2, more than the sun sends. */
const MOST_WATER = 0.1;
const MOST_RADIATION = 1400 * 3600;

const code = (discipline: number, category: number, number: number): ParameterCode => ({
  discipline,
  category,
  number,
});

/** Water of 1,000 kg m-3: 1 kg m-2 is 1 mm of it. */
const WATER: Conversion = { units: "kg m-2", factor: 1 / 1000 };
const PERCENT: Conversion = { units: "%", factor: 1 / 100 };
const inUnits = (parameter: ParameterCode, conversion: Conversion): Encoding => ({
  ...parameter,
  conversion,
});

/** Averages of rates: of water, and of radiation. */
const WATER_RATE: Conversion = { units: "kg m-2 s-1", factor: 1 / 1000, bySeconds: true };
const POWER: Conversion = { units: "W m-2", factor: 1, bySeconds: true };
const waterRate = (parameter: ParameterCode): Encoding => ({
  ...inUnits(parameter, WATER),
  ofAverage: WATER_RATE,
});
const radiation = (parameter: ParameterCode): Encoding => ({ ...parameter, ofAverage: POWER });

/** Every variable that can be written, by its name in the output. */
export const VARIABLES: readonly Variable[] = [
  {
    name: "tp",
    param: "tp",
    levtype: "sfc",
    surface: { type: GROUND },
    encodings: [
      code(0, 1, 193),
      waterRate(code(0, 1, 52)),
      inUnits(code(0, 1, 8), WATER),
    ],
    accumulated: true,
    limits: { least: 0, most: MOST_WATER },
    noise: 4e-4,
    units: "m",
    longName: "total precipitation",
    standardName: "lwe_thickness_of_precipitation_amount",
  },
  {
    name: "t2m",
    param: "2t",
    levtype: "sfc",
    surface: { type: ABOVE_GROUND, value: 2 },
    encodings: [code(0, 0, 0)],
    accumulated: false,
    limits: { least: 150, most: 350 },
    noise: 2,
    units: "K",
    longName: "2 metre temperature",
    standardName: "air_temperature",
  },
  {
    name: "sp",
    param: "sp",
    levtype: "sfc",
    surface: { type: GROUND },
    encodings: [code(0, 3, 0)],
    accumulated: false,
    limits: { least: 3e4, most: 1.15e5 },
    noise: 500,
    units: "Pa",
    longName: "surface pressure",
    standardName: "surface_air_pressure",
  },
  {
    name: "ssr",
    param: "ssr",
    levtype: "sfc",
    surface: { type: GROUND },
    encodings: [radiation(code(0, 4, 9)), code(192, 180, 176)],
    accumulated: true,
    limits: { least: 0, most: MOST_RADIATION },
    noise: 5e4,
    units: "J m-2",
    longName: "surface net short-wave (solar) radiation",
    standardName: "integral_wrt_time_of_surface_net_downward_shortwave_flux",
  },
  {
    name: "ssrd",
    param: "ssrd",
    levtype: "sfc",
    surface: { type: GROUND },
    encodings: [radiation(code(0, 4, 7))],
    accumulated: true,
    limits: { least: 0, most: MOST_RADIATION },
    noise: 5e4,
    units: "J m-2",
    longName: "surface short-wave (solar) radiation downwards",
    standardName: "integral_wrt_time_of_surface_downwelling_shortwave_flux_in_air",
  },
  {
    name: "tcw",
    param: "tcw",
    levtype: "sfc",
    surface: { type: GROUND },
    encodings: [code(0, 1, 51)],
    accumulated: false,
    limits: { least: 0, most: 150 },
    noise: 3,
    units: "kg m-2",
    longName: "total column water",
  },
  {
    name: "tcwv",
    param: "tcwv",
    levtype: "sfc",
    surface: { type: GROUND },
    encodings: [code(0, 1, 64)],
    accumulated: false,
    limits: { least: 0, most: 150 },
    noise: 3,
    units: "kg m-2",
    longName: "total column water vapour",
    standardName: "atmosphere_mass_content_of_water_vapor",
  },
  {
    name: "tcc",
    param: "tcc",
    levtype: "sfc",
    surface: { type: GROUND },
    encodings: [code(0, 6, 192), inUnits(code(0, 6, 1), PERCENT)],
    accumulated: false,
    limits: { least: 0, most: 1 },
    noise: 1,
    units: "1",
    longName: "total cloud cover",
    standardName: "cloud_area_fraction",
  },
  {
    name: "u700",
    param: "u",
    levtype: "pl",
    level: 700,
    surface: { type: ISOBARIC, value: 70000 },
    encodings: [code(0, 2, 2)],
    accumulated: false,
    limits: { least: -150, most: 150 },
    noise: 4,
    units: "m s-1",
    longName: "eastward wind at 700 hPa",
    standardName: "eastward_wind",
  },
  {
    name: "v700",
    param: "v",
    levtype: "pl",
    level: 700,
    surface: { type: ISOBARIC, value: 70000 },
    encodings: [code(0, 2, 3)],
    accumulated: false,
    limits: { least: -150, most: 150 },
    noise: 4,
    units: "m s-1",
    longName: "northward wind at 700 hPa",
    standardName: "northward_wind",
  },
  {
    name: "sf",
    param: "sf",
    levtype: "sfc",
    surface: { type: GROUND },
    encodings: [code(0, 1, 198), waterRate(code(0, 1, 53))],
    accumulated: true,
    limits: { least: 0, most: MOST_WATER },
    noise: 2e-4,
    units: "m",
    longName: "snowfall water equivalent",
    standardName: "lwe_thickness_of_snowfall_amount",
  },
  {
    name: "ro",
    param: "ro",
    levtype: "sfc",
    encodings: [code(2, 0, 201), waterRate(code(2, 0, 42))],
    accumulated: true,
    limits: { least: 0, most: MOST_WATER },
    noise: 2e-4,
    units: "m",
    longName: "runoff",
  },
  {
    name: "cape",
    param: "mucape",
    levtype: "sfc",
    surface: { type: MOST_UNSTABLE_PARCEL },
    encodings: [code(0, 7, 6)],
    accumulated: false,
    limits: { least: 0, most: 2e4 },
    noise: 200,
    units: "J kg-1",
    longName: "most-unstable convective available potential energy",
    standardName: "atmosphere_convective_available_potential_energy",
  },
];

/** Whether values can only grow from step to step: accumulations of what is never negative. */
export function canOnlyGrow({ accumulated, limits }: Variable): boolean {
  return accumulated && limits?.least === 0;
}

/** Names of the variables of the rainfall model, which are written unless others are asked for. */
export const GIK_VARIABLES: readonly string[] = [
  ..."tp t2m sp ssr ssrd tcw tcwv tcc u700 v700 sf ro".split(" "),
];

/** The variable of this output name; `undefined` when there is none. */
export function findVariable(name: string): Variable | undefined {
  return VARIABLES.find((variable) => variable.name === name);
}

/**
 * The variables of these output names, in the same order.
 *
 * @throws {RangeError} for a name that is not in the table.
 */
export function findVariables(names: readonly string[]): Variable[] {
  return names.map((name) => {
    const variable = findVariable(name);
    if (!variable) throw new RangeError(`Cannot find the variable "${name}" in the table`);
    return variable;
  });
}
