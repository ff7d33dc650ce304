/**
 * Options on the fields and members of an output, by their names and numbers in MARS.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { listFields, parseField } from "../../lib/ecmwf/inventory_fields.ts";
import { ENSEMBLE_SIZE, type Member } from "../../lib/ecmwf/members.ts";
import { type FieldProduct, plainProduct } from "../../lib/ensemble/field_product.ts";
import { UsageError } from "../../lib/errors.ts";
import { countUp, sortUnique } from "../../lib/util/numbers.ts";
import { findProduct } from "./product_options.ts";

/** Fields of any parameter and level. */
export const FIELDS: OptionSpec = {
  name: "fields",
  value: "<f,f,…>",
  help:
    "fields to write, by their names in MARS: any parameter of the run, with its level in hPa or\n" +
    "its layer: msl,2d,u@925,gh@500,vsw@1",
};

/** Members by their numbers. */
export const MEMBERS: OptionSpec = {
  name: "members",
  value: "<n,n,…>",
  default: `0-${ENSEMBLE_SIZE - 1}`,
  help: "members, and ranges of them: 0 is the control, 1-50 are the perturbed ones",
};

/**
 * The products of `--fields`, each once; `undefined` when it is not given.
 *
 * @throws {UsageError} for a name or a level that no run has.
 */
export function parseFieldNames(values: OptionValues): FieldProduct[] | undefined {
  const products = values.list(FIELDS.name)?.map((name) => {
    const product = listFields().has(name) ? undefined : findProduct(name);
    return product ?? plainProduct(parseField(name));
  });
  return products && [...new Map(products.map((product) => [product.name, product])).values()];
}

/**
 * The members of `--members`, ascending, each once.
 *
 * @throws {UsageError} for a member that the ensemble does not have.
 */
export function parseMembers(values: OptionValues): Member[] {
  const members = sortUnique(values.counts(MEMBERS.name, expandMembers) ?? []);
  const beyond = members.find((member) => member >= ENSEMBLE_SIZE);
  if (beyond === undefined) return members;
  throw new UsageError(
    `Cannot use --${MEMBERS.name} ${beyond}: the members are 0 to ${ENSEMBLE_SIZE - 1}`,
  );
}

/** The members of `1-50`; `undefined` for an item that is no range, which is then a number or wrong. */
function expandMembers(item: string): Member[] | undefined {
  const [, first, last] = /^(\d{1,3})-(\d{1,3})$/.exec(item) ?? [];
  if (first === undefined || Number(last) < Number(first)) return undefined;
  return countUp(Number(last) - Number(first) + 1).map((i) => Number(first) + i);
}
