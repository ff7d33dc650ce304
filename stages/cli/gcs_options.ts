/**
 * Options on final stores: where stage 3 publishes them, and where streaming finds them.
 *
 * Only a command that uses Google Cloud Storage, or may, reads variables of the environment here: the
 * permission sets of the others do not allow them.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { UsageError } from "../../lib/errors.ts";
import { type Catalog, CATALOGS, parseCatalog } from "../../lib/references/catalog_layout.ts";
import { type GcsOptions, trimFolder } from "../../lib/storage/mod.ts";
import { readEnvironment } from "./console.ts";

const DEFAULT_BUCKET = "gik-ecmwf-aws-tf";
const DEFAULT_PREFIX = "run_par_ecmwf";
const TEMPLATE_BUCKET = "gik-fmrc";

const ANONYMOUS: OptionSpec = {
  name: "gcs-anonymous",
  help: "use no Google credentials, for public buckets",
};

/** Options of stage 3 and the pipeline. */
export const UPLOAD_OPTIONS: readonly OptionSpec[] = [
  {
    name: "upload-gcs",
    help: "also publish the final stores at gs://<bucket>/<prefix>/<date>_<run>z\n" +
      "(--layout catalog: in the folder of the run in a catalogue, gs://<bucket>/<prefix>)",
  },
  {
    name: "gcs-bucket",
    value: "<name>",
    help: `bucket for --upload-gcs (default: GCS_BUCKET, else ${DEFAULT_BUCKET})`,
  },
  {
    name: "gcs-prefix",
    value: "<path>",
    help: `folder in the bucket (default: GCS_PARQUET_PREFIX, else ${DEFAULT_PREFIX})`,
  },
  ANONYMOUS,
];

/** The folder that runs are published in. */
export interface UploadRequest {
  /** `gs://<bucket>/<prefix>`. @default {undefined} (nothing is published) */
  uploadRoot?: string;
  gcs?: GcsOptions;
}

/**
 * Parses {@linkcode UPLOAD_OPTIONS}.
 *
 * @throws {UsageError} for a bucket, prefix or credentials without `--upload-gcs`: an upload was meant.
 */
export function parseUploadOptions(values: OptionValues): UploadRequest {
  if (values.flag("upload-gcs")) {
    const bucket = values.text("gcs-bucket") ?? readGcsVariable("GCS_BUCKET") ?? DEFAULT_BUCKET;
    return { uploadRoot: formatRoot(bucket, values.text("gcs-prefix")), gcs: readGcs(values) };
  }
  const stray = ["gcs-bucket", "gcs-prefix"].find((name) => values.text(name) !== undefined) ??
    (values.flag(ANONYMOUS.name) ? ANONYMOUS.name : undefined);
  if (stray === undefined) return {};
  throw new UsageError(`Cannot use --${stray} without --upload-gcs: add it, or leave both out`);
}

/** Options of streaming. */
export const STORES_OPTIONS: readonly OptionSpec[] = [
  {
    name: "parquet-dir",
    value: "<dir>",
    positional: true,
    help: "local folder of the final stores; --parquet-dir itself may be left out",
  },
  {
    name: "gcs-parquet-path",
    value: "<gs://…>",
    help:
      "folder of the final stores on Google Cloud Storage, gs://<bucket>/<prefix>/<date>_<run>z",
  },
  {
    name: "catalog",
    value: "<name>",
    help: [
      "references that others have published, instead of stages 1 to 3; with --date:",
      ...CATALOGS.map(({ name, about }) => `${name.padEnd(13)}${about}`),
      "or an address or folder of the same layout, as https://host/par or ./catalog",
    ].join("\n"),
  },
  ANONYMOUS,
];

/** How {@linkcode STORES_OPTIONS} are understood, for the help. */
export const STORES_RULE =
  "The final stores are read from --parquet-dir, --gcs-parquet-path or --catalog. Without these,\n" +
  "those of --date are read from the run's folder here or, if it has none and GCS_BUCKET is set, from\n" +
  `gs://<GCS_BUCKET>/<GCS_PARQUET_PREFIX, else ${DEFAULT_PREFIX}>/<date>_<run>z.`;

/** The message for a command line that names neither stores nor a run. */
export const NO_STORES =
  "Cannot choose the run to stream: none is given; give --date, --parquet-dir or --gcs-parquet-path";

/** The message for a catalogue without a run. */
const NO_CATALOG_RUN =
  "Cannot choose the run of --catalog: none is given; give --date, and --run for another hour";

/** The folder of the final stores. */
export interface StoresRequest {
  /** Local or `gs://`. @default {undefined} (found by the run) */
  parquetDir?: string;
  /** In place of a folder. @default {undefined} (none) */
  catalog?: Catalog;
  /** `gs://<bucket>/<prefix>` of runs without a local folder. @default {undefined} (none) */
  publishedRoot?: string;
  gcs?: GcsOptions;
}

/**
 * Parses {@linkcode STORES_OPTIONS}, and `GCS_BUCKET` when they name no folder.
 *
 * @throws {UsageError} for two folders, for a catalogue that is not known or has no run, or for
 *   `--gcs-anonymous` without a bucket.
 */
export function parseStoresOptions(values: OptionValues): StoresRequest {
  const local = values.text("parquet-dir");
  const remote = values.text("gcs-parquet-path");
  const name = values.text("catalog");
  const given = ["parquet-dir", "gcs-parquet-path", "catalog"]
    .filter((option) => values.text(option) !== undefined);
  if (given.length > 1) {
    throw new UsageError(`Cannot use --${given[0]} with --${given[1]}: choose one`);
  }
  if (name !== undefined) return parseCatalogOptions(name, values);
  if (local?.startsWith("gs:")) {
    throw new UsageError(`Cannot use --parquet-dir "${local}": give it as --gcs-parquet-path`);
  }
  if (remote !== undefined) return { parquetDir: parseGcsFolder(remote), gcs: readGcs(values) };
  const bucket = local === undefined ? readIfAllowed("GCS_BUCKET") : undefined;
  if (bucket !== undefined) return { publishedRoot: formatRoot(bucket), gcs: readGcs(values) };
  if (values.flag(ANONYMOUS.name)) {
    throw new UsageError(
      `Cannot use --${ANONYMOUS.name} without a bucket: give --gcs-parquet-path or set GCS_BUCKET`,
    );
  }
  return local === undefined ? {} : { parquetDir: trimFolder(local) };
}

function parseCatalogOptions(name: string, values: OptionValues): StoresRequest {
  const catalog = parseCatalog(name);
  if (values.text("date") === undefined) throw new UsageError(NO_CATALOG_RUN);
  if (catalog.base.startsWith("gs:")) return { catalog, gcs: readGcs(values) };
  if (!values.flag(ANONYMOUS.name)) return { catalog };
  throw new UsageError(
    `Cannot use --${ANONYMOUS.name} with --catalog ${name}: it is not on gs://; leave it out`,
  );
}

/** Access to Google Cloud Storage, by the options and the environment. */
export function readGcs(values: OptionValues): GcsOptions {
  const anonymous = values.flag(ANONYMOUS.name);
  const keyFile = anonymous ? undefined : readGcsVariable("GCS_SERVICE_ACCOUNT_FILE");
  return {
    anonymous,
    keyFile,
    endpoint: readGcsVariable("STORAGE_EMULATOR_HOST"),
    explainBucket,
  };
}

/** A hint for those who take the bucket of the templates for that of the stores. */
function explainBucket(bucket: string): string | undefined {
  if (bucket !== TEMPLATE_BUCKET) return undefined;
  return `The stores are in "${DEFAULT_BUCKET}", not in "${TEMPLATE_BUCKET}"`;
}

type GcsVariable = Parameters<typeof readEnvironment>[0];

/** @throws {Deno.errors.NotCapable} when the permissions are not those of a task for `gs://`. */
function readGcsVariable(name: GcsVariable): string | undefined {
  try {
    return readEnvironment(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new Deno.errors.NotCapable(
      `Cannot use gs://: Deno refuses env access to "${name}"; run the task whose name ends with ` +
        ":gcs, such as deno task stream:gcs",
    );
  }
}

/** A variable that is optional: where Deno denies access to it, it counts as unset. */
function readIfAllowed(name: "GCS_BUCKET"): string | undefined {
  try {
    return readGcsVariable(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

function formatRoot(
  bucket: string,
  prefix: string = readGcsVariable("GCS_PARQUET_PREFIX") ?? DEFAULT_PREFIX,
): string {
  if (bucket.includes("/")) {
    throw new UsageError(
      `Cannot use bucket "${bucket}": give its name alone, without gs:// or path`,
    );
  }
  return parseGcsFolder(`gs://${bucket}/${prefix}`);
}

/**
 * A folder `gs://<bucket>/<path>`, without slashes at its end.
 *
 * @throws {UsageError} for any other text.
 */
export function parseGcsFolder(text: string): string {
  const folder = text.replace(/\/+$/, "");
  if (/^gs:\/\/[a-z0-9][a-z0-9._-]+(?:\/[^/\s]+)+$/.test(folder)) return folder;
  throw new UsageError(`Cannot use "${text}" as a folder: it is not gs://<bucket>/<path>`);
}
