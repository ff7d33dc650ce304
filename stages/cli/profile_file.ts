/**
 * A profile of one's own: a JSON file → the profile, with errors that name the field.
 *
 * `docs/profile.schema.json` is made of the table here.
 *
 * @module
 */
import * as v from "npm:valibot@1.1.0";
import { findDataset } from "../../lib/ecmwf/datasets.ts";
import { ENSEMBLE_SIZE } from "../../lib/ecmwf/members.ts";
import { type Run, runSteps } from "../../lib/ecmwf/run.ts";
import { type FieldProduct, isAccumulated } from "../../lib/ensemble/field_product.ts";
import { UsageError } from "../../lib/errors.ts";
import { TIME_AXES } from "../../lib/output/layout.ts";
import { FILE_FORMATS, type OutputProfile } from "../../lib/output/profile.ts";
import { parseRegion } from "../../lib/output/regions.ts";
import { parseTargetGrid } from "../../lib/output/target_grid.ts";
import { parseProductNames, parseStatisticNames } from "./product_options.ts";

const text = v.pipe(v.string(), v.minLength(1));
const names = v.pipe(v.array(text), v.minLength(1));
const about = v.description;
const variableName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z]\w*$/),
  about("its name in the file"),
);

/** Of `variables`: a name as in `--variables`, or a variable over a period. */
const PRODUCT = v.union([
  text,
  v.strictObject({
    name: variableName,
    variable: v.pipe(text, about("as in --variables")),
    period: v.optional(v.pipe(
      v.union([v.pipe(v.number(), v.integer(), v.minValue(1)), v.picklist(["day", "next"])]),
      about(
        "hours up to each step; day: 06 to 06 UTC; next: what accumulates to the next step, 0 at the last",
      ),
    )),
  }),
]);

const ABSENT_FIELD = v.strictObject({ name: variableName, longName: text, units: v.string() });

const LAYOUT = v.strictObject({
  timeAxis: v.optional(v.pipe(v.picklist(TIME_AXES), about("as --time-axis"))),
  latitudes: v.optional(v.picklist(["descending", "ascending"])),
  coordinates: v.optional(v.pipe(
    v.picklist(["float64", "float32"]),
    about("type of latitude and longitude"),
  )),
  auxiliaries: v.optional(v.pipe(v.boolean(), about("counts of members, and bounds of periods"))),
  plainDeviation: v.optional(v.pipe(
    v.boolean(),
    about("whether the deviation of a sample is called <name>_ensemble_standard_deviation"),
  )),
});

/** What a file of a profile may hold; what it leaves out is as in the profile it extends. */
export const PROFILE_FILE = v.strictObject({
  $schema: v.optional(v.string()),
  name: v.pipe(v.string(), v.regex(/^[\w.-]+$/), about("letters, digits and . _ -")),
  extends: v.optional(v.pipe(text, about("a built-in profile; gik unless given"))),
  title: v.optional(v.pipe(text, about("the attribute of the file"))),
  institution: v.optional(text),
  variables: v.optional(v.pipe(v.array(PRODUCT), v.minLength(1))),
  steps: v.optional(v.pipe(
    v.array(v.pipe(v.number(), v.integer(), v.minValue(0))),
    v.minLength(1),
    about("forecast steps in hours"),
  )),
  runHours: v.optional(v.pipe(
    v.array(v.picklist(["00", "06", "12", "18"])),
    v.minLength(1),
    about("the hours of the runs that it is for"),
  )),
  members: v.optional(v.pipe(v.picklist(["all", "perturbed"]), about("perturbed: no control"))),
  statistics: v.optional(v.pipe(names, about("as in --statistics"))),
  region: v.optional(v.pipe(text, about("as --region"))),
  grid: v.optional(v.pipe(text, about("as --grid"))),
  layout: v.optional(LAYOUT),
  everyValueOf: v.optional(v.pipe(
    v.number(),
    v.integer(),
    v.minValue(1),
    v.maxValue(ENSEMBLE_SIZE),
    about("write no file that lacks a value, or has one of fewer members"),
  )),
  absentFields: v.optional(v.pipe(
    v.array(ABSENT_FIELD),
    about("fields that readers know and ECMWF does not publish, for --substitute"),
  )),
  format: v.optional(v.pipe(v.picklist(FILE_FORMATS), about("as --format"))),
  folder: v.optional(v.pipe(text, about("of its files, unless --output-dir is given"))),
  fileName: v.optional(v.pipe(
    v.string(),
    v.regex(/^(?:[\w.-]|\{(?:model|date|hour)\})+$/),
    v.includes("{date}"),
    v.includes("{hour}"),
    about("with {model}, {date} and {hour} in place of those of the run"),
  )),
});

/** A file of a profile, checked. */
type ProfileFile = v.InferOutput<typeof PROFILE_FILE>;

/** A profile, and the digest of the file that it came from. */
export interface OwnProfile {
  profile: OutputProfile;
  /** SHA-256 of the file, in hexadecimal digits. */
  digest: string;
}

/**
 * Reads a profile from a file.
 *
 * @param known the profiles that it may extend; the first one is the one that it does by default.
 * @throws {UsageError} naming the file and the field that is wrong.
 */
export function readProfileFile(path: string, known: readonly OutputProfile[]): OwnProfile {
  const bytes = readFile(path);
  const result = v.safeParse(PROFILE_FILE, parseJson(path, bytes));
  if (!result.success) throw refuseField(path, result.issues[0]);
  return {
    profile: makeProfile(path, result.output, known),
    digest: digestNow(bytes),
  };
}

/** Node's modules take 10 ms to load: here they are only where such a file is read. */
function digestNow(bytes: Uint8Array): string {
  const { createHash } = process.getBuiltinModule("node:crypto");
  return createHash("sha256").update(bytes).digest("hex");
}

function readFile(path: string): Uint8Array {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.IsADirectory)) {
      throw error;
    }
    throw new UsageError(`Cannot read --profile "${path}": there is no such file; check its name`);
  }
}

function parseJson(path: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new UsageError(
      `Cannot read --profile "${path}": it is no JSON (${(error as Error).message}); correct it`,
    );
  }
}

function refuseField(path: string, issue: v.BaseIssue<unknown>): UsageError {
  const field = v.getDotPath(issue) ?? "the whole file";
  const found = JSON.stringify(issue.input)?.slice(0, 60);
  const isUnknown = issue.expected === "never";
  const state = isUnknown
    ? "is not known"
    : found === undefined
    ? "is missing"
    : `is ${found}, expected ${issue.expected ?? describeRequirement(issue)}`;
  return new UsageError(
    `Cannot use --profile "${path}": field "${field}" ${state}; docs/profile.schema.json has all fields`,
  );
}

/** What is asked of a value that has the right type. */
function describeRequirement({ type, requirement }: v.BaseIssue<unknown>): string {
  return type === "integer" ? "a whole number" : `${requirement}`;
}

function makeProfile(
  path: string,
  file: ProfileFile,
  known: readonly OutputProfile[],
): OutputProfile {
  const name = file.extends ?? known[0]!.name;
  const base = known.find((it) => it.name === name);
  const inField = <Value>(field: string, parse: () => Value) => blame(path, field, parse);
  if (!base) {
    const all = known.map((it) => it.name).join(", ");
    throw new UsageError(
      `Cannot use --profile "${path}": field "extends" is "${name}", expected one of ${all}`,
    );
  }
  const { title, variables, statistics, region, grid, layout, fileName } = file;
  const { institution, steps, runHours, members, everyValueOf, absentFields, format, folder } =
    file;
  if (steps) inField("steps", () => requireSteps(steps));
  const profile = {
    ...base,
    ...dropAbsent({ institution, steps, runHours, members, everyValueOf, absentFields }),
    ...dropAbsent({ name: file.name, format, folder }),
    ...(title !== undefined && { title: () => title }),
    ...(variables && {
      products: inField("variables", () => makeProducts(variables, base)),
    }),
    ...(statistics && {
      statistics: inField("statistics", () => parseStatisticNames(statistics)),
    }),
    // The grid of a profile may be of another region.
    ...(region !== undefined && {
      region: inField("region", () => parseRegion(region)),
      grid: undefined,
    }),
    ...(grid !== undefined && { grid: inField("grid", () => parseTargetGrid(grid)) }),
    ...(layout && { layout: { ...base.layout, ...dropAbsent(layout) } }),
    ...(fileName !== undefined && { fileName: (run: Run) => nameFile(fileName, run) }),
  };
  inField("absentFields", () => requireAbsent(profile));
  if (region !== undefined && profile.grid?.corners) {
    inField("region", () => {
      throw new UsageError("the grid has corners; leave region or the corners out");
    });
  }
  return profile;
}

/** @throws {UsageError} for steps that no run has. */
function requireSteps(steps: readonly number[]): void {
  const known = new Set(runSteps({ date: "20260101", hour: "00" }));
  const unknown = steps.find((step) => !known.has(step));
  if (unknown === undefined) return;
  throw new UsageError(`no run has step ${unknown}; give 0 to 144 by 3, and 150 to 360 by 6`);
}

/** @throws {UsageError} for an absent field that has the name of another field. */
function requireAbsent({ absentFields = [], products }: OutputProfile): void {
  requireOnce([...products, ...absentFields].map(({ name }) => name));
}

/** @throws {UsageError} for a name that is there twice. */
function requireOnce(all: readonly string[]): void {
  const twice = all.find((name, i) => all.indexOf(name) < i);
  if (twice !== undefined) {
    throw new UsageError(`"${twice}" is there twice; give each field a name of its own`);
  }
}

type Present<Fields> = { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> };

/** Fields that are there. */
function dropAbsent<Fields extends object>(fields: Fields): Present<Fields> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Present<Fields>;
}

function blame<Value>(path: string, field: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`Cannot use --profile "${path}": field "${field}": ${error.message}`);
  }
}

type GivenProduct = v.InferOutput<typeof PRODUCT>;

function makeProducts(given: readonly GivenProduct[], base: OutputProfile): FieldProduct[] {
  const products = given.map((it) => makeProduct(it, base));
  requireOnce(products.map(({ name }) => name));
  return products;
}

function makeProduct(given: GivenProduct, base: OutputProfile): FieldProduct {
  if (typeof given === "string") return parseProductNames([given], base.products)[0]!;
  const { name, variable, period } = given;
  const product = parseProductNames([variable])[0]!;
  if (period === undefined) return { ...product, name };
  if (product.period !== undefined) {
    throw new UsageError(`"${variable}" has a period already; leave the period of "${name}" out`);
  }
  if (period === "next" && !isAccumulated(product)) {
    throw new UsageError(`"${variable}" does not accumulate to the next step; give hours or day`);
  }
  return { ...product, name, period };
}

function nameFile(pattern: string, run: Run): string {
  return pattern.replaceAll("{model}", findDataset(run).label).replaceAll("{date}", run.date)
    .replaceAll("{hour}", run.hour);
}
