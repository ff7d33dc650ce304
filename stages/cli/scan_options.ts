/**
 * Options on the scan of GRIB files, of stage 1 and the pipeline.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/errors.ts";
import type { ScanOptions } from "../../lib/pipeline/skeleton_source.ts";
import { parseSteps } from "./run_options.ts";

/** Options of stage 1 and the pipeline. */
export const SCAN_OPTIONS: readonly OptionSpec[] = [
  { name: "scan", help: "make skeletons from the headers of GRIB files, without a template" },
  { name: "run-stage1", help: "scan GRIB files unless a --template fits the run" },
  { name: "skip-grib-scan", help: "never scan GRIB files, as without these options" },
  {
    name: "hours",
    value: "<h,h,…>",
    help: "forecast hours whose files are scanned (default: the first two steps of the run, 0,3)",
  },
  {
    name: "save-template",
    value: "<file.tar.gz>",
    help: "write the scanned stores as a template archive",
  },
];

/**
 * Parses {@linkcode SCAN_OPTIONS}.
 *
 * @throws {UsageError} for flags that contradict each other.
 */
export function parseScanOptions(values: OptionValues): ScanOptions {
  const scan = values.flag("scan") ? "always" : values.flag("run-stage1") ? "if-needed" : "never";
  if (values.flag("skip-grib-scan") && scan !== "never") {
    throw new UsageError("Cannot use --skip-grib-scan with --scan or --run-stage1: choose one");
  }
  const saveTemplate = values.text("save-template");
  if (saveTemplate !== undefined && scan === "never") {
    throw new UsageError("Cannot save a template that is not made: add --scan or --run-stage1");
  }
  return {
    scan,
    hours: parseSteps(values, "hours"),
    saveTemplate,
  };
}
