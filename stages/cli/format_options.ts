/**
 * Options on the format of final stores, of stage 3 and the pipeline.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/errors.ts";
import { type FormatOptions, STORE_FORMATS } from "../../lib/kerchunk/final_files.ts";

/** Options of stage 3 and the pipeline. */
export const FORMAT_OPTIONS: readonly OptionSpec[] = [
  {
    name: "format",
    value: "<name>",
    default: STORE_FORMATS[0]!,
    help: [
      "format of the final stores:",
      "parquet           one file of keys and values, which stream reads",
      "kerchunk-json     one reference file for fsspec, stage3_<member>_final.json",
      "kerchunk-parquet  one folder, read array by array, stage3_<member>_final.parq",
    ].join("\n"),
  },
  {
    name: "combine",
    help: "also write one store of all members, stage3_combined_final",
  },
];

/**
 * Parses {@linkcode FORMAT_OPTIONS}.
 *
 * @throws {UsageError} for an unknown format, and for a format of folders where only files can be used.
 */
export function parseFormatOptions(values: OptionValues): FormatOptions {
  const format = values.choice("format", STORE_FORMATS);
  for (const other of ["zip", "upload-gcs"]) {
    if (format !== "kerchunk-parquet" || !values.flag(other)) continue;
    throw new UsageError(
      `Cannot use --${other} with --format ${format}, whose stores are folders of hundreds of ` +
        `files: use --format kerchunk-json`,
    );
  }
  return { format, combine: values.flag("combine") };
}

/** A flag of stage 3 and the pipeline. */
export const ZIP: OptionSpec = {
  name: "zip",
  help: "also write all stage files as <output-dir>.zip",
};
