/**
 * Options on the layout of the output: its region and grid, and the profile that they override.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/errors.ts";
import type { Region } from "../../lib/grib/headers.ts";
import { GIK, type OutputProfile } from "../../lib/output/profile.ts";
import { formatRegion, parseRegion, REGIONS } from "../../lib/output/regions.ts";
import { checkTargetGrid, parseTargetGrid, type TargetGrid } from "../../lib/output/target_grid.ts";

const REGION_NAMES = Object.keys(REGIONS);

const REGION: OptionSpec = {
  name: "region",
  value: "<N,W,S,E>",
  defaultName: formatRegion(GIK.region),
  help: "edges of the region in degrees, points on them included; or a name:\n" +
    `${REGION_NAMES.slice(0, 7).join(", ")},\n${REGION_NAMES.slice(7).join(", ")}`,
};

const GRID: OptionSpec = {
  name: "grid",
  value: "<degrees>[@<S,W,N,E>]",
  help:
    "interpolate the statistics to points this far apart, for example 0.25 for runs of all years\n" +
    "alike (default: the points of the messages); 0.1@-13.65,19.15,24.65,54.25 has these first and\n" +
    "last points, in place of --region: latitude,longitude of two opposite corners, the southern\n" +
    "or the northern one first, the western longitude before the eastern one",
};

/** Options on the layout of the output, of commands that write one. */
export const PROFILE_OPTIONS: readonly OptionSpec[] = [REGION, GRID];

/** {@linkcode PROFILE_OPTIONS}, parsed. */
export interface ProfileRequest {
  profile: OutputProfile;
  /** Degrees; where the grid has corners the box between them. */
  region: Region;
  /** @default {undefined} (the points of the messages) */
  grid?: TargetGrid;
}

/**
 * Parses {@linkcode PROFILE_OPTIONS}.
 *
 * @throws {UsageError} for a value that is wrong, and for a region beside a grid that has corners.
 */
export function parseProfileOptions(values: OptionValues): ProfileRequest {
  const profile = GIK;
  const gridText = values.text(GRID.name);
  const regionText = values.text(REGION.name);
  const grid = gridText === undefined ? profile.grid : parseTargetGrid(gridText);
  if (grid?.corners && regionText !== undefined) {
    throw new UsageError(
      `Cannot use --region "${regionText}" with a grid that has corners: leave it out, or give ` +
        `--grid ${grid.spacing}`,
    );
  }
  const region = grid?.corners ??
    (regionText === undefined ? profile.region : parseRegion(regionText));
  if (grid) checkTargetGrid(grid, region);
  return { profile, region, ...(grid && { grid }) };
}
