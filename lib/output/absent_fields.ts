/**
 * What the readers of a file expect and ECMWF does not publish → what the file says of it, and the
 * constants that stand in for it by the user's own choice.
 *
 * @module
 */
import type {
  FileDataset,
  FileVariable,
  NetcdfDataset,
  NetcdfVariable,
} from "../netcdf/encode_netcdf.ts";
import { describeStatistic } from "./statistic_attributes.ts";
import type { AbsentField, OutputProfile } from "./profile.ts";

/**
 * A dataset that names the absent fields of its profile in `variables_not_published`, with the fields
 * that stand in for them: the constant as mean and 0 as deviation, marked as experimental. Without absent
 * fields it is the dataset given.
 *
 * @param dataset as `buildDataset` gives it.
 */
export function addAbsentFields<Variable extends FileVariable>(
  dataset: NetcdfDataset<Variable>,
  { absentFields = [], substitutes = {}, statistics }: OutputProfile,
): NetcdfDataset<Variable | NetcdfVariable> {
  if (absentFields.length === 0) return dataset;
  const names = absentFields.map(({ name }) => name);
  const unpublished = dataset.attributes.variables_not_published;
  const filled = Object.entries(substitutes).map(([name, value]) => `${name}=${value}`);
  return {
    ...dataset,
    attributes: {
      ...dataset.attributes,
      variables_not_published: [...unpublished === undefined ? [] : [unpublished], ...names]
        .join(", "),
      ...(filled.length > 0 && {
        substituted_variables: `${filled.join(", ")} (experimental: constants that a user chose)`,
      }),
    },
    variables: [
      ...dataset.variables,
      ...absentFields.filter(({ name }) => name in substitutes).flatMap((field) =>
        statistics.filter(({ kind }) => kind === "mean" || kind === "standard_deviation")
          .map((statistic) => {
            const value = statistic.kind === "mean" ? substitutes[field.name]! : 0;
            const { suffix, description } = describeStatistic(statistic);
            return substitute(dataset, field, value, { suffix, description });
          })
      ),
    ],
  };
}

function substitute(
  { dimensions }: Pick<FileDataset, "dimensions">,
  { name, longName, units }: AbsentField,
  value: number,
  { suffix, description }: { suffix: string; description: string },
): NetcdfVariable {
  // The axis of moments where there is one, else that of a period.
  const timeAxis = Object.keys(dimensions).find((it) => it.startsWith("valid_time"))!;
  const own = ["time", timeAxis, "latitude", "longitude"];
  const length = own.reduce((product, dimension) => product * dimensions[dimension]!, 1);
  return {
    name: `${name}_${suffix}`,
    dimensions: own,
    attributes: {
      long_name: `${description} ${longName}`,
      units,
      comment:
        `experimental: ${value} everywhere, as --substitute says; ECMWF publishes no ${name} ` +
        "for the ensemble",
    },
    data: new Float32Array(length).fill(value),
  };
}
