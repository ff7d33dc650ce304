/**
 * Options on the format of the output of streaming.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/errors.ts";
import { FILE_FORMATS, type OutputProfile } from "../../lib/output/profile.ts";
import { isRemote } from "../../lib/storage/mod.ts";
import type { OutputFormat } from "../../lib/stream/output_format.ts";

/** Options of `stream` and `forecast`. */
export const FILE_OPTIONS: readonly OptionSpec[] = [
  {
    name: "format",
    value: "<name>",
    help: [
      "format of the output (default: netcdf, or that of the profile):",
      "netcdf    NetCDF classic, which every program reads",
      "netcdf4   the same, compressed",
      "zarr      a Zarr store: a folder of chunks",
    ].join("\n"),
  },
  {
    name: "zarr-format",
    value: "<n>",
    help: "version of Zarr, 2 or 3 (default: 3, or that of the archive that is there)",
  },
  {
    name: "append",
    value: "<folder>",
    help: "append the runs to a Zarr archive along time, in place of a file each; a run that is\n" +
      "there is left as it is",
  },
  { name: "replace", help: "write runs again that the archive of --append has" },
];

/**
 * Parses {@linkcode FILE_OPTIONS}.
 *
 * @param profile whose format is the default, and whose layout an archive must be able to grow in.
 * @throws {UsageError} for a value that is wrong, and for options that contradict each other.
 */
export function parseFileOptions(values: OptionValues, profile: OutputProfile): OutputFormat {
  const append = parseArchive(values);
  const given = values.text("format") === undefined
    ? undefined
    : values.choice("format", FILE_FORMATS);
  if (append !== undefined && given !== undefined && given !== "zarr") {
    throw new UsageError(
      `Cannot use --format ${given} with --append: an archive is a Zarr store; leave --format out`,
    );
  }
  if (append === undefined && values.flag("replace")) {
    throw new UsageError(
      "Cannot use --replace without --append: a file of one run is replaced anyway; leave it out",
    );
  }
  if (append !== undefined && profile.layout.timeAxis !== "both") {
    throw new UsageError(
      "Cannot use --append with one axis in time: an archive grows along the starts of the runs; use " +
        "--time-axis both",
    );
  }
  const wanted = given ?? profile.format;
  const isZarr = append !== undefined || wanted === "zarr";
  const zarrFormat = parseVersion(values, isZarr);
  const format = isZarr ? "zarr" : wanted;
  if (append === undefined && isZarr) checkFolder(values);
  return {
    ...(format !== undefined && format !== "netcdf" && { format }),
    ...(zarrFormat && { zarrFormat }),
    ...(append !== undefined && { append, replace: values.flag("replace") }),
  };
}

function parseVersion(values: OptionValues, isZarr: boolean): 2 | 3 | undefined {
  const text = values.text("zarr-format");
  if (text === undefined) return undefined;
  if (!isZarr) {
    throw new UsageError("Cannot use --zarr-format without --format zarr: add it, or leave it out");
  }
  if (text === "2" || text === "3") return text === "2" ? 2 : 3;
  throw new UsageError(`Cannot use --zarr-format "${text}": give 2 or 3`);
}

/** The folder of the archive, without slashes at its end. */
function parseArchive(values: OptionValues): string | undefined {
  const text = values.text("append");
  if (text === undefined) return undefined;
  for (const name of ["task", "publish", "plot", "view"]) {
    if (values.text(name) === undefined && !values.flag(name)) continue;
    throw new UsageError(
      `Cannot use --append with --${name}: it is for a file; leave one of them out`,
    );
  }
  const folder = text.replace(/(?<=.)\/+$/, "");
  if (!isRemote(folder) && folder !== "" && folder !== "." && folder !== "/") return folder;
  throw new UsageError(`Cannot use --append "${text}": give a folder of this machine`);
}

/** A store is a folder that is renamed, and what reads one file has no use for it. */
function checkFolder(values: OptionValues): void {
  const folder = values.text("output-dir") ?? ".";
  if (isRemote(folder)) {
    throw new UsageError(
      `Cannot use --format zarr with --output-dir ${folder}: give a folder of this machine`,
    );
  }
  for (const name of ["publish", "plot", "view"]) {
    if (values.text(name) === undefined && !values.flag(name)) continue;
    throw new UsageError(
      `Cannot use --format zarr with --${name}: it reads one file; use --format netcdf4`,
    );
  }
}
