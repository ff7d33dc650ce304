/**
 * Options on the file that a command writes: where it is, and what may be replaced.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/errors.ts";
import { GIK } from "../../lib/output/profile.ts";
import { splitPath, trimFolder } from "../../lib/storage/mod.ts";

const OUTPUT: OptionSpec = {
  name: "output",
  value: "<file>",
  help: "the NetCDF (default: in --output-dir, named by the run)",
};

const OUTPUT_DIR: OptionSpec = {
  name: "output-dir",
  value: "<dir>",
  defaultName: GIK.folder,
  help: "folder of the NetCDF (of another --profile than gik: cgan_output/<profile>)",
};

const OVERWRITE: OptionSpec = {
  name: "overwrite",
  help:
    "replace a file that other options or programs made (default: keep it, and end with an error)",
};

/** Options of commands that write a NetCDF. */
export const OUTPUT_OPTIONS: readonly OptionSpec[] = [OUTPUT, OUTPUT_DIR, OVERWRITE];

/** {@linkcode OUTPUT_OPTIONS}, parsed. */
export interface OutputLocation {
  /** Folder of the NetCDF, without a slash at its end. */
  outputDir: string;
  /** Name of the NetCDF in it. @default {undefined} (that of the profile for the run) */
  outputName?: string;
  /** Whether to replace a file that was made with other options. */
  overwrite: boolean;
}

/**
 * Parses {@linkcode OUTPUT_OPTIONS}.
 *
 * @param profileFolder where files are unless another folder is given.
 * @throws {UsageError} for a file that is none, and for a folder beside it.
 */
export function parseOutputOptions(values: OptionValues, profileFolder: string): OutputLocation {
  const folder = values.text(OUTPUT_DIR.name);
  const file = values.text(OUTPUT.name);
  const overwrite = values.flag(OVERWRITE.name);
  if (file === undefined) return { outputDir: trimFolder(folder ?? profileFolder), overwrite };
  if (folder !== undefined) {
    throw new UsageError(
      `Cannot use --output with --output-dir: it names the folder, too; leave --output-dir out`,
    );
  }
  const { folder: before, name: outputName } = splitPath(file);
  if (/^\.{0,2}$/.test(outputName)) {
    throw new UsageError(
      `Cannot use --output "${file}": it is a folder; give a file, or --output-dir`,
    );
  }
  return { outputDir: trimFolder(before) || ".", outputName, overwrite };
}
