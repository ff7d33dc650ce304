/**
 * The header of a message → its parameter: the names of ecCodes and the code numbers that identify
 * it, one row a parameter of ECMWF's open data.
 *
 * Names are those of ecCodes 2.28; rows that it does not know yet have the names of ECMWF's
 * parameter database. `fixtures/scan/make_parameters.py` has ecCodes name a message of each;
 * `parameters_test.ts` compares.
 *
 * @module
 */
import type { GribHeader } from "../grib/headers.ts";
import type { ParameterCode } from "./variables.ts";

/** A parameter of ECMWF's parameter database. */
export interface Parameter {
  /** 0 for a parameter that is not in the table. */
  paramId: number;
  /** MARS short name: `param` in the index. */
  shortName: string;
  /** Name of the variable in a Zarr store or NetCDF file. */
  cfVarName: string;
  /** CF standard name as ecCodes has it. @default "unknown" */
  cfName?: string;
  /** As ecCodes writes them, with `**` before an exponent. */
  units: string;
  name: string;
  code: ParameterCode;
  /** First fixed surface (code table 4.5), where other rows of the same code have another. */
  surface?: { type: number; value?: number };
  /** Statistical processing (code table 4.10), where other rows of the same code have another. */
  statistic?: { type: number; hours?: number };
}

const GROUND = 1;
const NOMINAL_TOP = 8;
const MOST_UNSTABLE_PARCEL = 17;
const MEAN_SEA = 101;
const ABOVE_GROUND = 103;
const OCEAN_SURFACE = 160;
const ICE_TOP = 174;

const ACCUMULATION = 1;
const MAXIMUM = 2;
const MINIMUM = 3;

const code = (discipline: number, category: number, number: number): ParameterCode => ({
  discipline,
  category,
  number,
});
const aboveGround = (metres: number) => ({ type: ABOVE_GROUND, value: metres });

/** Every parameter of the files of the ensembles and the deterministic IFS, one row a parameter. */
export const PARAMETERS: readonly Parameter[] = [
  {
    paramId: 165,
    shortName: "10u",
    cfVarName: "u10",
    cfName: "eastward_wind",
    units: "m s**-1",
    name: "10 metre U wind component",
    code: code(0, 2, 2),
    surface: aboveGround(10),
  },
  {
    paramId: 166,
    shortName: "10v",
    cfVarName: "v10",
    cfName: "northward_wind",
    units: "m s**-1",
    name: "10 metre V wind component",
    code: code(0, 2, 3),
    surface: aboveGround(10),
  },
  {
    paramId: 228246,
    shortName: "100u",
    cfVarName: "u100",
    cfName: "eastward_wind",
    units: "m s**-1",
    name: "100 metre U wind component",
    code: code(0, 2, 2),
    surface: aboveGround(100),
  },
  {
    paramId: 228247,
    shortName: "100v",
    cfVarName: "v100",
    cfName: "northward_wind",
    units: "m s**-1",
    name: "100 metre V wind component",
    code: code(0, 2, 3),
    surface: aboveGround(100),
  },
  {
    paramId: 228239,
    shortName: "200u",
    cfVarName: "u200",
    cfName: "eastward_wind",
    units: "m s**-1",
    name: "200 metre U wind component",
    code: code(0, 2, 2),
    surface: aboveGround(200),
  },
  {
    paramId: 228240,
    shortName: "200v",
    cfVarName: "v200",
    cfName: "northward_wind",
    units: "m s**-1",
    name: "200 metre V wind component",
    code: code(0, 2, 3),
    surface: aboveGround(200),
  },
  {
    paramId: 49,
    shortName: "10fg",
    cfVarName: "fg10",
    units: "m s**-1",
    name: "Maximum 10 metre wind gust since previous post-processing",
    code: code(0, 2, 22),
    surface: aboveGround(10),
    statistic: { type: MAXIMUM },
  },
  {
    paramId: 228028,
    shortName: "10fg3",
    cfVarName: "fg310",
    units: "m s**-1",
    name: "10 metre wind gust in the last 3 hours",
    code: code(0, 2, 22),
    surface: aboveGround(10),
    statistic: { type: MAXIMUM, hours: 3 },
  },
  {
    paramId: 168,
    shortName: "2d",
    cfVarName: "d2m",
    units: "K",
    name: "2 metre dewpoint temperature",
    code: code(0, 0, 6),
    surface: aboveGround(2),
  },
  {
    paramId: 167,
    shortName: "2t",
    cfVarName: "t2m",
    cfName: "air_temperature",
    units: "K",
    name: "2 metre temperature",
    code: code(0, 0, 0),
    surface: aboveGround(2),
  },
  {
    paramId: 201,
    shortName: "mx2t",
    cfVarName: "mx2t",
    cfName: "air_temperature",
    units: "K",
    name: "Maximum temperature at 2 metres since previous post-processing",
    code: code(0, 0, 0),
    surface: aboveGround(2),
    statistic: { type: MAXIMUM },
  },
  {
    paramId: 202,
    shortName: "mn2t",
    cfVarName: "mn2t",
    cfName: "air_temperature",
    units: "K",
    name: "Minimum temperature at 2 metres since previous post-processing",
    code: code(0, 0, 0),
    surface: aboveGround(2),
    statistic: { type: MINIMUM },
  },
  {
    paramId: 228026,
    shortName: "mx2t3",
    cfVarName: "mx2t3",
    cfName: "air_temperature",
    units: "K",
    name: "Maximum temperature at 2 metres in the last 3 hours",
    code: code(0, 0, 0),
    surface: aboveGround(2),
    statistic: { type: MAXIMUM, hours: 3 },
  },
  {
    paramId: 228027,
    shortName: "mn2t3",
    cfVarName: "mn2t3",
    cfName: "air_temperature",
    units: "K",
    name: "Minimum temperature at 2 metres in the last 3 hours",
    code: code(0, 0, 0),
    surface: aboveGround(2),
    statistic: { type: MINIMUM, hours: 3 },
  },
  {
    paramId: 121,
    shortName: "mx2t6",
    cfVarName: "mx2t6",
    cfName: "air_temperature",
    units: "K",
    name: "Maximum temperature at 2 metres in the last 6 hours",
    code: code(0, 0, 0),
    surface: aboveGround(2),
    statistic: { type: MAXIMUM, hours: 6 },
  },
  {
    paramId: 122,
    shortName: "mn2t6",
    cfVarName: "mn2t6",
    cfName: "air_temperature",
    units: "K",
    name: "Minimum temperature at 2 metres in the last 6 hours",
    code: code(0, 0, 0),
    surface: aboveGround(2),
    statistic: { type: MINIMUM, hours: 6 },
  },
  {
    paramId: 32,
    shortName: "asn",
    cfVarName: "asn",
    units: "(0 - 1)",
    name: "Snow albedo",
    code: code(0, 19, 192),
  },
  {
    paramId: 180,
    shortName: "ewss",
    cfVarName: "ewss",
    cfName: "surface_downward_eastward_stress",
    units: "N m**-2 s",
    name: "Eastward turbulent surface stress",
    code: code(0, 2, 38),
    statistic: { type: ACCUMULATION },
  },
  {
    paramId: 181,
    shortName: "nsss",
    cfVarName: "nsss",
    cfName: "surface_downward_northward_stress",
    units: "N m**-2 s",
    name: "Northward turbulent surface stress",
    code: code(0, 2, 37),
    statistic: { type: ACCUMULATION },
  },
  {
    paramId: 172,
    shortName: "lsm",
    cfVarName: "lsm",
    cfName: "land_binary_mask",
    units: "(0 - 1)",
    name: "Land-sea mask",
    code: code(2, 0, 0),
  },
  {
    paramId: 151,
    shortName: "msl",
    cfVarName: "msl",
    cfName: "air_pressure_at_mean_sea_level",
    units: "Pa",
    name: "Mean sea level pressure",
    code: code(0, 3, 0),
    surface: { type: MEAN_SEA },
  },
  {
    paramId: 228235,
    shortName: "mucape",
    cfVarName: "mucape",
    units: "J kg**-1",
    name: "Most-unstable CAPE",
    code: code(0, 7, 6),
    surface: { type: MOST_UNSTABLE_PARCEL },
  },
  {
    paramId: 59,
    shortName: "cape",
    cfVarName: "cape",
    units: "J kg**-1",
    name: "Convective available potential energy",
    code: code(0, 7, 6),
    surface: { type: GROUND },
  },
  {
    paramId: 260015,
    shortName: "ptype",
    cfVarName: "ptype",
    units: "code table (4.201)",
    name: "Precipitation type",
    code: code(0, 1, 19),
  },
  {
    paramId: 205,
    shortName: "ro",
    cfVarName: "ro",
    units: "m",
    name: "Runoff",
    code: code(2, 0, 201),
  },
  {
    paramId: 33,
    shortName: "rsn",
    cfVarName: "rsn",
    units: "kg m**-3",
    name: "Snow density",
    code: code(0, 1, 61),
  },
  {
    paramId: 141,
    shortName: "sd",
    cfVarName: "sd",
    cfName: "lwe_thickness_of_surface_snow_amount",
    units: "m of water equivalent",
    name: "Snow depth",
    code: code(0, 1, 254),
  },
  {
    paramId: 160,
    shortName: "sdor",
    cfVarName: "sdor",
    units: "m",
    name: "Standard deviation of sub-gridscale orography",
    code: code(0, 3, 20),
  },
  {
    paramId: 163,
    shortName: "slor",
    cfVarName: "slor",
    units: "Numeric",
    name: "Slope of sub-gridscale orography",
    code: code(0, 3, 22),
  },
  {
    paramId: 144,
    shortName: "sf",
    cfVarName: "sf",
    cfName: "lwe_thickness_of_snowfall_amount",
    units: "m of water equivalent",
    name: "Snowfall",
    code: code(0, 1, 198),
  },
  {
    paramId: 262000,
    shortName: "sithick",
    cfVarName: "sithick",
    units: "m",
    name: "Sea ice thickness",
    code: code(10, 2, 1),
    surface: { type: ICE_TOP },
  },
  {
    paramId: 235,
    shortName: "skt",
    cfVarName: "skt",
    units: "K",
    name: "Skin temperature",
    code: code(0, 0, 17),
  },
  {
    paramId: 134,
    shortName: "sp",
    cfVarName: "sp",
    cfName: "surface_air_pressure",
    units: "Pa",
    name: "Surface pressure",
    code: code(0, 3, 0),
    surface: { type: GROUND },
  },
  {
    paramId: 176,
    shortName: "ssr",
    cfVarName: "ssr",
    cfName: "surface_net_downward_shortwave_flux",
    units: "J m**-2",
    name: "Surface net short-wave (solar) radiation",
    code: code(0, 4, 9),
    statistic: { type: ACCUMULATION },
  },
  {
    paramId: 180176,
    shortName: "ssr",
    cfVarName: "ssr",
    units: "J m**-2",
    name: "Surface net solar radiation",
    code: code(192, 180, 176),
  },
  {
    paramId: 169,
    shortName: "ssrd",
    cfVarName: "ssrd",
    cfName: "surface_downwelling_shortwave_flux_in_air",
    units: "J m**-2",
    name: "Surface short-wave (solar) radiation downwards",
    code: code(0, 4, 7),
    statistic: { type: ACCUMULATION },
  },
  {
    paramId: 228139,
    shortName: "st",
    cfVarName: "st",
    units: "K",
    name: "Soil temperature",
    code: code(2, 0, 2),
  },
  {
    paramId: 170,
    shortName: "stl2",
    cfVarName: "stl2",
    units: "K",
    name: "Soil temperature level 2",
    code: code(192, 128, 170),
  },
  {
    paramId: 183,
    shortName: "stl3",
    cfVarName: "stl3",
    units: "K",
    name: "Soil temperature level 3",
    code: code(192, 128, 183),
  },
  {
    paramId: 236,
    shortName: "stl4",
    cfVarName: "stl4",
    units: "K",
    name: "Soil temperature level 4",
    code: code(192, 128, 236),
  },
  {
    paramId: 39,
    shortName: "swvl1",
    cfVarName: "swvl1",
    units: "m**3 m**-3",
    name: "Volumetric soil water layer 1",
    code: code(192, 128, 39),
  },
  {
    paramId: 40,
    shortName: "swvl2",
    cfVarName: "swvl2",
    units: "m**3 m**-3",
    name: "Volumetric soil water layer 2",
    code: code(192, 128, 40),
  },
  {
    paramId: 41,
    shortName: "swvl3",
    cfVarName: "swvl3",
    units: "m**3 m**-3",
    name: "Volumetric soil water layer 3",
    code: code(192, 128, 41),
  },
  {
    paramId: 42,
    shortName: "swvl4",
    cfVarName: "swvl4",
    units: "m**3 m**-3",
    name: "Volumetric soil water layer 4",
    code: code(192, 128, 42),
  },
  {
    paramId: 260289,
    shortName: "fscov",
    cfVarName: "fscov",
    units: "Proportion",
    name: "Fraction of snow cover",
    code: code(0, 1, 121),
  },
  {
    paramId: 177,
    shortName: "str",
    cfVarName: "str",
    cfName: "surface_net_upward_longwave_flux",
    units: "J m**-2",
    name: "Surface net long-wave (thermal) radiation",
    code: code(0, 5, 5),
    surface: { type: GROUND },
    statistic: { type: ACCUMULATION },
  },
  {
    paramId: 175,
    shortName: "strd",
    cfVarName: "strd",
    units: "J m**-2",
    name: "Surface long-wave (thermal) radiation downwards",
    code: code(0, 5, 3),
    statistic: { type: ACCUMULATION },
  },
  {
    paramId: 262140,
    shortName: "sve",
    cfVarName: "sve",
    units: "m s**-1",
    name: "Eastward surface sea water velocity",
    code: code(10, 1, 2),
    surface: { type: OCEAN_SURFACE },
  },
  {
    paramId: 262139,
    shortName: "svn",
    cfVarName: "svn",
    units: "m s**-1",
    name: "Northward surface sea water velocity",
    code: code(10, 1, 3),
    surface: { type: OCEAN_SURFACE },
  },
  {
    paramId: 164,
    shortName: "tcc",
    cfVarName: "tcc",
    cfName: "cloud_area_fraction",
    units: "(0 - 1)",
    name: "Total cloud cover",
    code: code(0, 6, 192),
  },
  {
    paramId: 186,
    shortName: "lcc",
    cfVarName: "lcc",
    units: "(0 - 1)",
    name: "Low cloud cover",
    code: code(0, 6, 193),
  },
  {
    paramId: 187,
    shortName: "mcc",
    cfVarName: "mcc",
    units: "(0 - 1)",
    name: "Medium cloud cover",
    code: code(0, 6, 194),
  },
  {
    paramId: 188,
    shortName: "hcc",
    cfVarName: "hcc",
    units: "(0 - 1)",
    name: "High cloud cover",
    code: code(0, 6, 195),
  },
  {
    paramId: 228164,
    shortName: "tcc",
    cfVarName: "tcc",
    units: "%",
    name: "Total Cloud Cover",
    code: code(0, 6, 1),
  },
  {
    paramId: 3073,
    shortName: "lcc",
    cfVarName: "lcc",
    units: "%",
    name: "Low cloud cover",
    code: code(0, 6, 3),
  },
  {
    paramId: 3074,
    shortName: "mcc",
    cfVarName: "mcc",
    units: "%",
    name: "Medium cloud cover",
    code: code(0, 6, 4),
  },
  {
    paramId: 3075,
    shortName: "hcc",
    cfVarName: "hcc",
    units: "%",
    name: "High cloud cover",
    code: code(0, 6, 5),
  },
  {
    paramId: 136,
    shortName: "tcw",
    cfVarName: "tcw",
    units: "kg m**-2",
    name: "Total column water",
    code: code(0, 1, 51),
  },
  {
    paramId: 137,
    shortName: "tcwv",
    cfVarName: "tcwv",
    cfName: "lwe_thickness_of_atmosphere_mass_content_of_water_vapor",
    units: "kg m**-2",
    name: "Total column vertically-integrated water vapour",
    code: code(0, 1, 64),
  },
  {
    paramId: 228,
    shortName: "tp",
    cfVarName: "tp",
    units: "m",
    name: "Total precipitation",
    code: code(0, 1, 193),
  },
  {
    paramId: 260048,
    shortName: "tprate",
    cfVarName: "tprate",
    units: "kg m**-2 s**-1",
    name: "Total precipitation rate",
    code: code(0, 1, 52),
  },
  {
    paramId: 228228,
    shortName: "tp",
    cfVarName: "tp",
    units: "kg m**-2",
    name: "Total Precipitation",
    code: code(0, 1, 52),
    statistic: { type: ACCUMULATION },
  },
  {
    paramId: 228144,
    shortName: "sf",
    cfVarName: "sf",
    units: "kg m**-2",
    name: "Snow Fall water equivalent",
    code: code(0, 1, 53),
    statistic: { type: ACCUMULATION },
  },
  {
    paramId: 260049,
    shortName: "tsrwe",
    cfVarName: "tsrwe",
    units: "kg m**-2 s**-1",
    name: "Total snowfall rate water equivalent",
    code: code(0, 1, 53),
  },
  {
    paramId: 228143,
    shortName: "cp",
    cfVarName: "cp",
    units: "kg m**-2",
    name: "Convective precipitation",
    code: code(0, 1, 37),
    statistic: { type: ACCUMULATION },
  },
  {
    paramId: 3062,
    shortName: "lsp",
    cfVarName: "lsp",
    units: "kg m**-2",
    name: "large scale precipitation",
    code: code(0, 1, 54),
    statistic: { type: ACCUMULATION },
  },
  {
    paramId: 231002,
    shortName: "rowe",
    cfVarName: "rowe",
    units: "kg m**-2",
    name: "Runoff water equivalent",
    code: code(2, 0, 42),
  },
  {
    paramId: 228141,
    shortName: "sd",
    cfVarName: "sd",
    units: "kg m**-2",
    name: "Snow depth water equivalent",
    code: code(0, 1, 60),
  },
  {
    paramId: 140229,
    shortName: "swh",
    cfVarName: "swh",
    units: "m",
    name: "Significant height of combined wind waves and swell",
    code: code(10, 0, 3),
  },
  {
    paramId: 140230,
    shortName: "mwd",
    cfVarName: "mwd",
    units: "Degree true",
    name: "Mean wave direction",
    code: code(10, 0, 14),
  },
  {
    paramId: 140232,
    shortName: "mwp",
    cfVarName: "mwp",
    units: "s",
    name: "Mean wave period",
    code: code(10, 0, 15),
  },
  {
    paramId: 140221,
    shortName: "mp2",
    cfVarName: "mp2",
    units: "s",
    name: "Mean zero-crossing wave period",
    code: code(10, 0, 28),
  },
  {
    paramId: 140231,
    shortName: "pp1d",
    cfVarName: "pp1d",
    units: "s",
    name: "Peak wave period",
    code: code(10, 0, 34),
  },
  {
    paramId: 179,
    shortName: "ttr",
    cfVarName: "ttr",
    cfName: "toa_outgoing_longwave_flux",
    units: "J m**-2",
    name: "Top net long-wave (thermal) radiation",
    code: code(0, 5, 5),
    surface: { type: NOMINAL_TOP },
    statistic: { type: ACCUMULATION },
  },
  {
    paramId: 129,
    shortName: "z",
    cfVarName: "z",
    cfName: "geopotential",
    units: "m**2 s**-2",
    name: "Geopotential",
    code: code(0, 3, 4),
  },
  {
    paramId: 262124,
    shortName: "zos",
    cfVarName: "zos",
    cfName: "sea_surface_height_above_geoid",
    units: "m",
    name: "Sea surface height",
    code: code(10, 3, 1),
    surface: { type: OCEAN_SURFACE },
  },
  {
    paramId: 155,
    shortName: "d",
    cfVarName: "d",
    cfName: "divergence_of_wind",
    units: "s**-1",
    name: "Divergence",
    code: code(0, 2, 13),
  },
  {
    paramId: 156,
    shortName: "gh",
    cfVarName: "gh",
    cfName: "geopotential_height",
    units: "gpm",
    name: "Geopotential height",
    code: code(0, 3, 5),
  },
  {
    paramId: 133,
    shortName: "q",
    cfVarName: "q",
    cfName: "specific_humidity",
    units: "kg kg**-1",
    name: "Specific humidity",
    code: code(0, 1, 0),
  },
  {
    paramId: 157,
    shortName: "r",
    cfVarName: "r",
    cfName: "relative_humidity",
    units: "%",
    name: "Relative humidity",
    code: code(0, 1, 1),
  },
  {
    paramId: 130,
    shortName: "t",
    cfVarName: "t",
    cfName: "air_temperature",
    units: "K",
    name: "Temperature",
    code: code(0, 0, 0),
  },
  {
    paramId: 131,
    shortName: "u",
    cfVarName: "u",
    cfName: "eastward_wind",
    units: "m s**-1",
    name: "U component of wind",
    code: code(0, 2, 2),
  },
  {
    paramId: 132,
    shortName: "v",
    cfVarName: "v",
    cfName: "northward_wind",
    units: "m s**-1",
    name: "V component of wind",
    code: code(0, 2, 3),
  },
  {
    paramId: 138,
    shortName: "vo",
    cfVarName: "vo",
    cfName: "atmosphere_relative_vorticity",
    units: "s**-1",
    name: "Vorticity (relative)",
    code: code(0, 2, 12),
  },
  {
    paramId: 135,
    shortName: "w",
    cfVarName: "w",
    cfName: "lagrangian_tendency_of_air_pressure",
    units: "Pa s**-1",
    name: "Vertical velocity",
    code: code(0, 2, 8),
  },
  {
    paramId: 260360,
    shortName: "sot",
    cfVarName: "sot",
    units: "K",
    name: "Soil temperature",
    code: code(2, 3, 18),
  },
  {
    paramId: 260199,
    shortName: "vsw",
    cfVarName: "vsw",
    units: "m**3 m**-3",
    name: "Volumetric soil moisture",
    code: code(2, 0, 25),
  },
];

const PARAMETERS_BY_CODE = Map.groupBy(PARAMETERS, ({ code }) => formatCode(code));

/**
 * Codes under which messages of a name are published; empty for a name that is not in the table.
 *
 * @param shortName `param` of an index.
 */
export function findCodes(shortName: string): ParameterCode[] {
  return PARAMETERS.filter((row) => row.shortName === shortName).map(({ code }) => code);
}

function formatCode({ discipline, category, number }: ParameterCode): string {
  return `${discipline}_${category}_${number}`;
}

/** The part of a header that identifies the parameter. */
type ParameterHeader = Pick<GribHeader, "discipline" | "product">;

/**
 * The parameter of a message: of the rows that match it, the one with the most conditions on surface
 * and statistic.
 *
 * @returns a parameter with `paramId` 0, named by its code (`param_0_1_250`), when there is no row.
 */
export function findParameter(header: ParameterHeader): Parameter {
  const { discipline, product } = header;
  const { parameterCategory: category, parameterNumber: number } = product;
  const found = { discipline, category, number };
  const rows = PARAMETERS_BY_CODE.get(formatCode(found)) ?? [];
  const matching = rows.filter((row) => matches(row, header));
  matching.sort((a, b) => countConditions(b) - countConditions(a));
  return matching[0] ?? makeUnknown(found);
}

function matches({ surface, statistic }: Parameter, { product }: ParameterHeader): boolean {
  const { level, stepRange, typeOfStatisticalProcessing } = product;
  const hours = stepRange.endHours - stepRange.startHours;
  const onSurface = surface === undefined ||
    surface.type === level.type && (surface.value ?? level.value) === level.value;
  const processed = statistic === undefined ||
    statistic.type === typeOfStatisticalProcessing && (statistic.hours ?? hours) === hours;
  return onSurface && processed;
}

function countConditions({ surface, statistic }: Parameter): number {
  return [surface, surface?.value, statistic, statistic?.hours]
    .filter((condition) => condition !== undefined).length;
}

/** Whether a name is that of a parameter without a row (`param_0_1_250`). */
export function isNamedByCode(shortName: string): boolean {
  return /^param_\d+_\d+_\d+$/.test(shortName);
}

function makeUnknown(code: ParameterCode): Parameter {
  const shortName = `param_${formatCode(code)}`;
  const { discipline, category, number } = code;
  const name = `discipline ${discipline}, category ${category}, number ${number}`;
  return { paramId: 0, shortName, cfVarName: shortName, units: "unknown", name, code };
}
