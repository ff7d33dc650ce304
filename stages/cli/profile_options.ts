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
import { EP_CGAN } from "../../lib/output/profiles/ep_cgan.ts";
import { SEWAA_24H, SEWAA_6H } from "../../lib/output/profiles/sewaa.ts";
import { formatRegion, parseRegion, REGIONS } from "../../lib/output/regions.ts";
import { checkTargetGrid, parseTargetGrid, type TargetGrid } from "../../lib/output/target_grid.ts";
import { suggestNearest } from "../../lib/util/text.ts";
import { type OwnProfile, readProfileFile } from "./profile_file.ts";

/** The profiles that are known by name. */
export const PROFILES: readonly OutputProfile[] = [GIK, SEWAA_6H, SEWAA_24H, EP_CGAN];

const PROFILE: OptionSpec = {
  name: "profile",
  value: "<name or file.json>",
  defaultName: GIK.name,
  help: [
    "what the file holds and how it is laid out; other options change parts of it:",
    "gik        the input of ICPAC's rainfall model (cGAN), as the GIK tools write it",
    "sewaa-6h   the input of ICPAC's published model of rain in 6 hours",
    "sewaa-24h  the same for 24 hours; runs of 00 UTC",
    "ep-cgan    the input of ICPAC's newer model: the members themselves",
    "or a file of one's own, as docs/profile.schema.json describes it",
  ].join("\n"),
};

const SUBSTITUTE: OptionSpec = {
  name: "substitute",
  value: "<field=number,…>",
  help:
    "constants in place of fields that a profile's readers know and ECMWF does not publish, as\n" +
    "cp=0 of sewaa-6h (experimental; default: they are left out)",
};

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
export const PROFILE_OPTIONS: readonly OptionSpec[] = [
  PROFILE,
  REGION,
  GRID,
  TIME_AXIS,
  SUBSTITUTE,
];

/** {@linkcode PROFILE_OPTIONS}, parsed. */
export interface ProfileRequest {
  profile: OutputProfile;
  /** SHA-256 of the file that it came from. @default {undefined} (it is known by name) */
  profileDigest?: string;
  /** Degrees; where the grid has corners the box between them. */
  region: Region;
  /** @default {undefined} (the points of the messages) */
  grid?: TargetGrid;
}

/**
 * Parses {@linkcode PROFILE_OPTIONS}.
 *
 * @throws {UsageError} for a value that is wrong, for a region beside a grid that has corners, and for a
 *   substitute of a field that the profile does not lack.
 */
export function parseProfileOptions(values: OptionValues): ProfileRequest {
  const { profile: named, digest } = findProfile(values);
  const profile = setSubstitutes(setLayout(named, values), values);
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
  return {
    profile,
    region,
    ...(grid && { grid }),
    ...(digest !== undefined && { profileDigest: digest }),
  };
}

/** @throws {UsageError} for a name that is not known, and for a file that cannot be used. */
function findProfile(values: OptionValues): Omit<OwnProfile, "digest"> & { digest?: string } {
  const name = values.text(PROFILE.name) ?? GIK.name;
  const profile = PROFILES.find((it) => it.name === name);
  if (profile) return { profile };
  if (name.endsWith(".json")) return readProfileFile(name, PROFILES);
  const known = PROFILES.map((it) => it.name);
  throw new UsageError(
    `Cannot use --profile "${name}": the known ones are ${known.join(", ")}, or give a file that ` +
      `ends in .json${suggestNearest(name, known)}`,
  );
}

/** A profile with constants in place of fields that it lacks. */
function setSubstitutes(profile: OutputProfile, values: OptionValues): OutputProfile {
  const items = values.list(SUBSTITUTE.name);
  if (!items) return profile;
  const absent = (profile.absentFields ?? []).map(({ name }) => name);
  const substitutes = items.map((item): [string, number] => {
    const [, name, number] = /^(\w+)=(\S+)$/.exec(item) ?? [];
    const fail = (state: string): never => {
      throw new UsageError(`Cannot use --substitute "${item}": ${state}`);
    };
    if (name === undefined || !Number.isFinite(Number(number))) {
      return fail("give a field and a number, as cp=0");
    }
    if (absent.includes(name)) return [name, Number(number)];
    return fail(
      absent.length === 0
        ? `profile "${profile.name}" lacks no field; leave it out`
        : `profile "${profile.name}" lacks ${absent.join(", ")} alone${
          suggestNearest(name, absent)
        }`,
    );
  });
  return { ...profile, substitutes: Object.fromEntries(substitutes) };
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
