/**
 * Options on the layout of the output: its region and grid, and the profile that they override.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/errors.ts";
import type { Region } from "../../lib/grib/headers.ts";
import { joinWords } from "../../lib/output/history.ts";
import { TIME_AXES } from "../../lib/output/layout.ts";
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

const TIME_AXIS: OptionSpec = {
  name: "time-axis",
  value: "<name>",
  defaultName: GIK.layout.timeAxis,
  help: [
    "what the fields lie on in time:",
    "both        the start of the run and the time of validity, two axes",
    "valid_time  the time of validity, and the start is a scalar: cdo, GDAL and NCO see dates",
    "separate    the time of validity, and the start is an axis of its own",
  ].join("\n"),
};

/** Options on the layout of the output, of commands that write one. */
export const PROFILE_OPTIONS: readonly OptionSpec[] = [REGION, GRID, TIME_AXIS];

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
  const profile = setLayout(GIK, values);
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

/** A profile with the layout that is asked for. */
function setLayout(profile: OutputProfile, values: OptionValues): OutputProfile {
  if (values.text(TIME_AXIS.name) === undefined) return profile;
  const timeAxis = values.choice(TIME_AXIS.name, TIME_AXES);
  return { ...profile, layout: { ...profile.layout, timeAxis } };
}

/** Options that change nothing in the file: where it is made, and which part of the work is done. */
const NOT_IN_HISTORY: readonly string[] = ["task", "merge", "work", "fresh", "summary", "publish"];

/** The command of an output for its history, as it was given, without what changes nothing in it. */
export function formatCommandLine(
  command: string,
  options: readonly OptionSpec[],
  values: OptionValues,
): string {
  const told = options.filter(({ name }) => !NOT_IN_HISTORY.includes(name));
  const words = told.flatMap(({ name, value, default: fallback }) => {
    if (value === undefined) return values.flag(name) ? [`--${name}`] : [];
    const text = values.text(name);
    return text === undefined || text === fallback ? [] : [`--${name}`, text];
  });
  return joinWords([command, ...words]);
}
