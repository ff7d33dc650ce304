/**
 * What is known of the beginning of a message before any of its variable was seen: which share of it
 * holds the rows of the grid down to the last one of the region.
 *
 * @module
 */
import type { Variable } from "../ecmwf/variables.ts";
import type { Region } from "../grib/headers.ts";

/** A belief in the share of a message that a region needs. */
export interface SharePrior {
  /** The expected share. */
  share: number;
  /** Standard deviation of variables around it. */
  amongVariables: number;
  /** Standard deviation of the messages of a variable: members and steps. */
  amongMessages: number;
}

/**
 * A kind of fields: how their shares differ from that of the rows.
 *
 * CCSDS packs a row in as few bits as its values need. Measured over windows from 60N to 60S on 216
 * messages of 8 members at 0.25 degrees, which ecCodes made of smooth random fields, and on 14 messages
 * of ECMWF's own (geopotential, humidity, soil, snow, cloud, kind of precipitation).
 */
interface FieldKind {
  params: readonly string[];
  /** Expected share less that of the rows. */
  more: number;
  amongVariables: number;
  amongMessages: number;
}

/**
 * Values vary everywhere alike: shares of wind, temperature and pressure differ from that of the rows by
 * at most 0.01, of ECMWF's geopotential by at most 0.034; among members by 0.001 to 0.007.
 */
const SMOOTH: FieldKind = { params: [], more: 0, amongVariables: 0.015, amongMessages: 0.005 };

const KINDS: readonly FieldKind[] = [
  // Up to 0.055 of the share of the rows; among members 0.003 to 0.034.
  {
    params: "tcw tcwv tcc lcc mcc hcc ptype q r".split(" "),
    ...{ more: 0, amongVariables: 0.03, amongMessages: 0.01 },
  },
  // Nothing over dry land or over the sea: between 0.17 less and 0.27 more; among members up to 0.11.
  {
    params: "tp sf ro cp lsp tprate cape mucape".split(" "),
    ...{ more: 0, amongVariables: 0.12, amongMessages: 0.04 },
  },
  // Land alone, the same for all members.
  {
    params: "lsm sot vsw st stl2 stl3 stl4 swvl1 swvl2 swvl3 swvl4".split(" "),
    ...{ more: 0, amongVariables: 0.1, amongMessages: 0.015 },
  },
  // The land of the north: between 0.25 and 0.58 more for windows down to 35S.
  {
    params: "asn rsn sd fscov sithick".split(" "),
    ...{ more: 0.35, amongVariables: 0.12, amongMessages: 0.03 },
  },
];

/** One row of the coarsest grid: the rows of a window reach to the point that is beyond its edge. */
const ROW_DEGREES = 0.4;

/** The belief in the share that a region takes of messages of a variable, from north to south. */
export function findPrior({ param }: Pick<Variable, "param">, { south }: Region): SharePrior {
  const { more, amongVariables, amongMessages } =
    KINDS.find(({ params }) => params.includes(param)) ?? SMOOTH;
  const rows = Math.min(1, Math.max(0, (90 - south + ROW_DEGREES) / 180));
  return { share: Math.min(1, rows + more), amongVariables, amongMessages };
}
