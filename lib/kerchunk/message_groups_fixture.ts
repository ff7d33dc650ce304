/**
 * Made-up groups and messages.
 *
 * @module
 */
import type { Member } from "../ecmwf/members.ts";
import type { Store } from "../references/store.ts";
import { addCoordinate, addGroup } from "./zarr_nodes.ts";
import type { IndexedField } from "../references/step_index.ts";
import type { MessageGroup } from "./message_groups.ts";

/** A group of temperatures at 500 and 850 hPa, changed as given. */
export function makeGroup(
  { north = 90, ...given }: Partial<MessageGroup> & { north?: number } = {},
): MessageGroup {
  const path = given.path ?? "t/instant/isobaricInhPa";
  const fixedEntries: Store = new Map();
  for (const part of [1, 2, 3]) {
    addGroup(fixedEntries, path.split("/").slice(0, part).join("/"), {});
  }
  const latitudes = Float64Array.of(north, 0);
  for (const [name, values] of [["latitude", latitudes], ["longitude", latitudes]] as const) {
    addCoordinate(
      fixedEntries,
      `${path}/${name}`,
      { dimensions: [[name, 2]], attributes: {} },
      values,
    );
  }
  return {
    path,
    name: path.split("/")[0]!,
    param: "t",
    levtype: "pl",
    typeOfLevel: "isobaricInhPa",
    steps: [0, 3],
    levels: [500, 850],
    attributes: { GRIB_shortName: "t", GRIB_dataType: "pf", GRIB_totalNumber: 51, units: "K" },
    gridShape: [2, 2],
    fixedEntries,
    ...given,
  };
}

/** A temperature of a member; step, level and member make its reference unique. */
export function makeField(
  stepHours: number,
  level: number | undefined,
  member: Member = 1,
): IndexedField {
  const reference = { url: `s3://b/${stepHours}`, offset: level ?? 0, length: member + 1 };
  const levelled = level === undefined ? {} : { level };
  return { field: { stepHours, param: "t", levtype: "pl", ...levelled, member }, reference };
}
