/**
 * The options of `extract`: those of `forecast` on the run, its fields and servers, and one output.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import type { ExtractOptions } from "../../lib/forecast/run_extract.ts";
import { makeExtractProfile } from "../../lib/output/profile.ts";
import { FIELDS, MEMBERS, parseMembers } from "./field_options.ts";
import { FORECAST_OPTIONS } from "./forecast_request.ts";
import { PRODUCT_OPTIONS } from "./product_options.ts";
import type { RunSource } from "./run_options.ts";
import { parseOutputRequest } from "./stream_request.ts";

/** {@linkcode EXTRACT_OPTIONS}, parsed. */
export interface ExtractRequest extends Omit<ExtractOptions, "runRequest">, RunSource {
  /** Path of the summary. @default {undefined} (none) */
  summary?: string;
  /** Whether to replace a file that was made with other options. */
  overwrite: boolean;
  /** What the file must be made with. */
  shapingOptions: Record<string, string>;
}

const [STATISTICS, ...OTHER_PRODUCTS] = PRODUCT_OPTIONS;

/** Options of `forecast` that `extract` has, besides its own. */
const SHARED: readonly string[] = [
  ...["date", "run", "model", "steps", "drop-implausible", "region", "grid"],
  ...[
    "output",
    "output-dir",
    "overwrite",
    "members-per-batch",
    "parallel-fetches",
    "whole-messages",
    "fresh",
    "summary",
  ],
  ...["time-axis", "format", "zarr-format", "append", "replace"],
  ...["source", "give-up-after", "endpoint"],
];

/** Options of `extract`. */
export const EXTRACT_OPTIONS: readonly OptionSpec[] = [
  FIELDS,
  MEMBERS,
  {
    ...STATISTICS!,
    default: "members",
    help: "what is written of the members: their values themselves, or statistics as of `stream`",
  },
  ...OTHER_PRODUCTS,
  ...FORECAST_OPTIONS.filter(({ name }) => SHARED.includes(name)),
];

/**
 * Parses {@linkcode EXTRACT_OPTIONS}.
 *
 * @throws {UsageError} for a value that is wrong, and without fields.
 */
export function parseExtractRequest(values: OptionValues): ExtractRequest {
  values.required(FIELDS.name);
  const members = parseMembers(values);
  const request = parseOutputRequest(values, "extract", EXTRACT_OPTIONS);
  return {
    ...request,
    ...{ members, maxMembers: members.length },
    profile: makeExtractProfile(request.profile),
  };
}
