/**
 * A threshold as people write it → its number in the units of a variable.
 *
 * @module
 */

/** What makes a number in a unit one in the unit of a variable: `(number + offset) · times / per`. */
interface UnitConversion {
  names: readonly string[];
  times?: number;
  per?: number;
  offset?: number;
}

const DEPTH: readonly UnitConversion[] = [
  { names: ["mm"], per: 1000 },
  { names: ["cm"], per: 100 },
  { names: ["m"] },
];

/** By units of variables; the names are those that people write, the usual one first. */
const UNITS: Readonly<Record<string, readonly UnitConversion[]>> = {
  "m": DEPTH,
  "K": [{ names: ["K"] }, { names: ["C", "°C", "degC"], offset: 273.15 }],
  "Pa": [{ names: ["hPa", "mbar"], times: 100 }, { names: ["Pa"] }],
  "m s-1": [
    { names: ["m/s", "m s-1", "ms-1"] },
    { names: ["km/h", "kph"], times: 1000, per: 3600 },
    { names: ["kt", "kn"], times: 1852, per: 3600 },
  ],
  "1": [{ names: ["%"], per: 100 }, { names: ["1"] }],
  "kg m-2": [{ names: ["mm"] }, { names: ["kg/m2", "kg m-2"] }],
  "J m-2": [
    { names: ["MJ/m2", "MJ m-2"], times: 1e6 },
    { names: ["kJ/m2", "kJ m-2"], times: 1000 },
    { names: ["J/m2", "J m-2"] },
  ],
  "J kg-1": [{ names: ["J/kg", "J kg-1"] }],
};

function listConversions(units: string): readonly UnitConversion[] {
  return UNITS[units] ?? [{ names: [units] }];
}

/** The units that a threshold of a variable may be in, the usual one first: `mm`, `cm`, `m`. */
export function listThresholdUnits(units: string): string[] {
  return listConversions(units).map(({ names }) => names[0]!);
}

/**
 * A number in the units of a variable.
 *
 * @param unit as it is written; that of the variable where it is empty.
 * @returns `undefined` for a unit of another quantity.
 */
export function convertThreshold(number: number, unit: string, units: string): number | undefined {
  if (unit === "") return number;
  const conversion = listConversions(units).find(({ names }) => names.includes(unit));
  if (!conversion) return undefined;
  const { times = 1, per = 1, offset = 0 } = conversion;
  return (number + offset) * times / per;
}
