/**
 * A parameter of the table, and its level → the variable of the output: units, names and checks.
 *
 * @module
 */
import type { LevelType } from "./datasets.ts";
import { type Parameter, PARAMETERS } from "./parameters.ts";
import type { Encoding, OverHours, Variable } from "./variables.ts";

/** Code table 4.5. */
const ISOBARIC = 100;
const SOIL = 151;
/** Code table 4.10. */
const ACCUMULATION = 1;
const EXTREMES: Readonly<Record<number, "maximum" | "minimum">> = { 2: "maximum", 3: "minimum" };

/** Rates of which no source says whether they are of the moment or of the hours before. */
const RATES: readonly string[] = ["tprate"];

/** Units that ecCodes writes in words, as UDUNITS has them; all others only in its powers. */
const UNITS: Readonly<Record<string, string>> = {
  "(0 - 1)": "1",
  "Proportion": "1",
  "Numeric": "1",
  "code table (4.201)": "1",
  "gpm": "m",
  "m of water equivalent": "m",
  "m**3 m**-3": "1",
};

/** What makes the values of a message those of another row of the same parameter. */
const CONVERSIONS: Readonly<Record<string, number>> = { "% → 1": 1 / 100, "kg m-2 → m": 1 / 1000 };

/**
 * Names in CF's standard name table whose quantity and unit are those of a parameter; what ecCodes calls
 * `cfName` is not always in it, or is of another unit.
 */
const STANDARD_NAMES: Readonly<Record<string, string>> = {
  "10u": "eastward_wind",
  "10v": "northward_wind",
  "100u": "eastward_wind",
  "100v": "northward_wind",
  "10fg": "wind_speed_of_gust",
  "10fg3": "wind_speed_of_gust",
  "2d": "dew_point_temperature",
  "mx2t3": "air_temperature",
  "mn2t3": "air_temperature",
  "mx2t6": "air_temperature",
  "mn2t6": "air_temperature",
  "ewss": "integral_wrt_time_of_surface_downward_eastward_stress",
  "nsss": "integral_wrt_time_of_surface_downward_northward_stress",
  "lsm": "land_area_fraction",
  "msl": "air_pressure_at_mean_sea_level",
  "sd": "lwe_thickness_of_surface_snow_amount",
  "sithick": "sea_ice_thickness",
  "skt": "surface_temperature",
  "str": "integral_wrt_time_of_surface_net_downward_longwave_flux",
  "strd": "integral_wrt_time_of_surface_downwelling_longwave_flux_in_air",
  "sve": "eastward_sea_water_velocity",
  "svn": "northward_sea_water_velocity",
  "lcc": "low_type_cloud_area_fraction",
  "mcc": "medium_type_cloud_area_fraction",
  "hcc": "high_type_cloud_area_fraction",
  "tprate": "precipitation_flux",
  "cp": "convective_precipitation_amount",
  "z": "geopotential",
  "zos": "sea_surface_height_above_geoid",
  "d": "divergence_of_wind",
  "gh": "geopotential_height",
  "q": "specific_humidity",
  "r": "relative_humidity",
  "t": "air_temperature",
  "u": "eastward_wind",
  "v": "northward_wind",
  "vo": "atmosphere_upward_relative_vorticity",
  "w": "lagrangian_tendency_of_air_pressure",
  "sot": "soil_temperature",
  "stl2": "soil_temperature",
  "stl3": "soil_temperature",
  "stl4": "soil_temperature",
  "vsw": "volume_fraction_of_condensed_water_in_soil",
};

/** A field as MARS identifies it. */
export interface MarsField {
  param: string;
  levtype: LevelType;
  /** hPa, or the layer of the soil; absent at the surface. */
  level?: number;
}

/**
 * The variable of a field that the table of variables does not have. Messages are checked against every
 * code that the table of parameters has for the name; values in another unit are converted.
 *
 * @param name in the output.
 * @throws {RangeError} for a parameter that is not in the table.
 */
export function describeVariable({ param, levtype, level }: MarsField, name: string): Variable {
  const rows = PARAMETERS.filter(({ shortName }) => shortName === param);
  const [first] = rows;
  if (!first) throw new RangeError(`Cannot find the parameter "${param}" in the table`);
  const units = toUdunits(first.units);
  const surface = chooseSurface(levtype, level) ?? first.surface;
  const overHours = describeHours(first);
  return {
    ...{ name, param, levtype },
    ...(level !== undefined && { level }),
    ...(surface && { surface }),
    encodings: rows.map((row) => describeEncoding(row, units)),
    accumulated: rows.some(({ statistic }) => statistic?.type === ACCUMULATION),
    ...(overHours && { overHours }),
    units,
    longName: lowerFirst(first.name) + describeLevel(levtype, level),
    ...(param in STANDARD_NAMES && { standardName: STANDARD_NAMES[param]! }),
  };
}

function toUdunits(units: string): string {
  return UNITS[units] ?? units.replaceAll("**", "");
}

function describeEncoding({ code, ...row }: Parameter, units: string): Encoding {
  const own = toUdunits(row.units);
  if (own === units) return code;
  const factor = CONVERSIONS[`${own} → ${units}`];
  if (factor === undefined) throw new RangeError(`Cannot convert ${own} to ${units}`);
  return { ...code, conversion: { units: own, factor } };
}

/** A layer of the soil is numbered by its lower end, and its first surface is the upper one. */
function chooseSurface(levtype: LevelType, level: number | undefined): Variable["surface"] {
  if (level === undefined) return undefined;
  return levtype === "pl"
    ? { type: ISOBARIC, value: 100 * level }
    : { type: SOIL, value: level - 1 };
}

function describeHours({ shortName, statistic }: Parameter): OverHours | undefined {
  if (RATES.includes(shortName)) return {};
  const method = statistic && EXTREMES[statistic.type];
  if (!method) return undefined;
  return { method, ...(statistic.hours !== undefined && { hours: statistic.hours }) };
}

/** `Mean sea level pressure` → `mean sea level pressure`; `U component of wind` stays. */
function lowerFirst(name: string): string {
  return /^[A-Z][a-z]/.test(name) ? name[0]!.toLowerCase() + name.slice(1) : name;
}

function describeLevel(levtype: LevelType, level: number | undefined): string {
  if (level === undefined) return "";
  return levtype === "pl" ? ` at ${level} hPa` : ` in layer ${level}`;
}
