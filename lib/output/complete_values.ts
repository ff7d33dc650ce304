/**
 * The check of files that may lack no value.
 *
 * @module
 */
import { MissingDataError } from "../errors.ts";
import {
  type FieldProduct,
  listWindows,
  type ProductWindow,
  statisticsOf,
} from "../ensemble/field_product.ts";
import {
  type FieldValues,
  listArrayStatistics,
  loadValues,
  type OutputContent,
} from "./forecast_dataset.ts";
import { nameStatistic } from "./statistic_attributes.ts";

/**
 * Checks that no field of an output lacks a value or members, where its profile wants all.
 *
 * @param path of the file, for the message.
 * @throws {MissingDataError} naming the first field and step that does.
 */
export async function requireEveryValue(
  content: OutputContent<FieldValues>,
  path: string,
): Promise<void> {
  const { profile: { everyValueOf }, products, run, steps } = content;
  if (everyValueOf === undefined) return;
  for (const product of products) {
    for (const window of listWindows(product, run, steps)) {
      const fault = await findFault(content, product, window, everyValueOf);
      if (fault === undefined) continue;
      throw new MissingDataError(
        `Cannot write "${path}": ${fault}, and this profile has every value; ` +
          "run the same command later, or give --profile gik",
      );
    }
  }
}

async function findFault(
  { fields, profile, axes, membersUsed, membersAbsent }: OutputContent<FieldValues>,
  product: FieldProduct,
  { stepHours }: ProductWindow,
  least: number,
): Promise<string | undefined> {
  const field = fields.find((it) => it.product.name === product.name && it.stepHours === stepHours);
  const count = field?.membersUsed ?? 0;
  if (count < least) {
    return `${product.name} at step ${stepHours} has ${count} of the ${least} members required`;
  }
  const all = membersUsed.length + membersAbsent.length;
  const hasMembers = statisticsOf(product, profile).some(({ kind }) => kind === "members");
  if (hasMembers && count < all) {
    return `${product.name} at step ${stepHours} has ${count} of the ${all} members to write`;
  }
  const statistics = listArrayStatistics(product, profile);
  for (const [i, statistic] of statistics.entries()) {
    const point = (await loadValues(field!.statistics[i]!)).findIndex(Number.isNaN);
    if (point < 0) continue;
    const { latitudes, longitudes } = axes;
    const latitude = latitudes[Math.floor(point / longitudes.length)];
    const place = `${latitude}, ${longitudes[point % longitudes.length]}`;
    return `${nameStatistic(product, statistic)} at step ${stepHours} has no value at ${place}`;
  }
  return undefined;
}
