/**
 * Options on the format of final stores, of stage 3 and the pipeline.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/errors.ts";
import { type FormatOptions, STORE_FORMATS } from "../../lib/kerchunk/final_files.ts";
import type { Stage3Options } from "../../lib/pipeline/run_stage3.ts";

const LAYOUTS = ["stages", "catalog"] as const;
const CATALOG_DIR = "gik_catalog";

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
  {
    name: "layout",
    value: "<name>",
    default: LAYOUTS[0],
    help: [
      "what the final stores hold, and their names:",
      "stages    metadata and references, stage3_<member>_final.parquet",
      "catalog   references, as stream --catalog reads them, below --catalog-dir",
    ].join("\n"),
  },
  {
    name: "catalog-dir",
    value: "<dir>",
    defaultName: CATALOG_DIR,
    help: "folder of the catalogue of --layout catalog",
  },
];

/**
 * Parses {@linkcode FORMAT_OPTIONS}.
 *
 * @throws {UsageError} for an unknown format or layout, for a format of folders where only files can be
 *   used, and for options that the layout of a catalogue has no use for.
 */
export function parseFormatOptions(
  values: OptionValues,
): FormatOptions & Pick<Stage3Options, "catalogDir"> {
  const format = values.choice("format", STORE_FORMATS);
  const layout = values.choice("layout", LAYOUTS);
  const catalogDir = values.text("catalog-dir");
  if (layout === "catalog") {
    const other = ["combine", "zip"].find((name) => values.flag(name)) ??
      (format === STORE_FORMATS[0] ? undefined : "format");
    if (other !== undefined) {
      throw new UsageError(
        `Cannot use --${other} with --layout catalog, which has one Parquet file a member: leave it out`,
      );
    }
    return { catalogDir: (catalogDir ?? CATALOG_DIR).replace(/(?<=.)\/+$/, "") };
  }
  if (catalogDir !== undefined) {
    throw new UsageError(
      "Cannot use --catalog-dir without --layout catalog: add it, or leave it out",
    );
  }
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
