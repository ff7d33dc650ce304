/**
 * Options on the copies of a forecast: where they go, and the key for buckets on S3.
 *
 * Only a command that publishes to `s3://` reads the key: the other permission sets do not allow it.
 *
 * @module
 */
import type { OptionSpec, OptionValues } from "../../lib/cli/command.ts";
import { BUCKET_REGION } from "../../lib/ecmwf/files.ts";
import { UsageError } from "../../lib/errors.ts";
import {
  isRemote,
  type S3Credentials,
  type StorageOptions,
  trimFolder,
} from "../../lib/storage/mod.ts";
import { readEnvironment } from "./console.ts";
import { parseGcsFolder } from "./gcs_options.ts";
import { parseUrl } from "./run_options.ts";

/** Options of `forecast`. */
export const PUBLISH_OPTIONS: readonly OptionSpec[] = [
  {
    name: "publish",
    value: "<folder>",
    help: "copy the results to a folder, local, gs://<bucket>/<path> or s3://<bucket>/<path>; a\n" +
      "manifest comes last",
  },
  {
    name: "publish-endpoint",
    value: "<url>",
    help: "S3 server of --publish, path style (default: AWS_ENDPOINT_URL_S3, else Amazon)",
  },
  {
    name: "publish-region",
    value: "<region>",
    help: `region of the bucket of --publish (default: AWS_REGION, else ${BUCKET_REGION})`,
  },
];

/** {@linkcode PUBLISH_OPTIONS}, parsed. */
export interface PublishTarget {
  /** Folder of the copies, without slashes at its end. @default {undefined} (there are none) */
  publish?: string;
  /** The server of an `s3://` folder, and its key. @default {undefined} (the folder is none) */
  publishServer?: Pick<StorageOptions, "endpoint" | "region" | "s3Credentials">;
}

/**
 * Parses {@linkcode PUBLISH_OPTIONS}, and reads the key for `s3://`.
 *
 * @throws {UsageError} for a folder that is none, for a server without one, and without a key.
 * @throws {Deno.errors.NotCapable} when the permissions are not those of the task for `s3://`.
 */
export function parsePublishOptions(values: OptionValues): PublishTarget {
  const text = values.text("publish");
  if (text?.startsWith("s3:")) {
    return { publish: parseS3Folder(text), publishServer: readServer(text, values) };
  }
  const stray = ["publish-endpoint", "publish-region"].find((it) => values.text(it) !== undefined);
  if (stray !== undefined) {
    throw new UsageError(`Cannot use --${stray} without --publish s3://: leave it out`);
  }
  if (text === undefined) return {};
  if (text.startsWith("gs:")) return { publish: parseGcsFolder(text) };
  if (!isRemote(text)) return { publish: requireWritable(trimFolder(text)) };
  throw new UsageError(
    `Cannot use --publish "${text}": give a folder, gs://<bucket>/<path> or s3://<bucket>/<path>`,
  );
}

/** A folder that Deno lets this command write: it would refuse only when the forecast is made. */
function requireWritable(folder: string): string {
  const path = folder.startsWith("file:") ? new URL(folder) : folder;
  if (Deno.permissions.querySync({ name: "write", path }).state === "granted") return folder;
  throw new Deno.errors.NotCapable(
    `Requires write access to "${folder}", run again with the --allow-write flag`,
  );
}

function parseS3Folder(text: string): string {
  const folder = text.replace(/\/+$/, "");
  if (/^s3:\/\/[a-z0-9][a-z0-9.-]+(?:\/[^/\s]+)+$/.test(folder)) return folder;
  throw new UsageError(`Cannot use --publish "${text}": give a folder as s3://<bucket>/<path>`);
}

function readServer(
  folder: string,
  values: OptionValues,
): NonNullable<PublishTarget["publishServer"]> {
  const s3Credentials = readCredentials(folder);
  const endpoint = values.text("publish-endpoint") ?? readEnvironment("AWS_ENDPOINT_URL_S3");
  return {
    ...(endpoint !== undefined && { endpoint: parseUrl("publish-endpoint", endpoint) }),
    region: values.text("publish-region") ?? readEnvironment("AWS_REGION") ?? BUCKET_REGION,
    s3Credentials,
  };
}

function readCredentials(folder: string): S3Credentials {
  const read = (name: Parameters<typeof readEnvironment>[0]) => {
    try {
      return readEnvironment(name);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
      throw new Deno.errors.NotCapable(
        `Cannot use s3://: Deno refuses env access to "${name}"; run deno task forecast:s3`,
      );
    }
  };
  const require = (name: Parameters<typeof read>[0]) => {
    const text = read(name);
    if (text !== undefined) return text;
    throw new UsageError(
      `Cannot publish to ${folder}: ${name} is not set; set it, or put it into .env`,
    );
  };
  const sessionToken = read("AWS_SESSION_TOKEN");
  return {
    accessKeyId: require("AWS_ACCESS_KEY_ID"),
    secretAccessKey: require("AWS_SECRET_ACCESS_KEY"),
    ...(sessionToken !== undefined && { sessionToken }),
  };
}
