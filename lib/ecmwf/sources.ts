/**
 * Who else has the files of the open-data service, and where: the mirrors of its bucket.
 *
 * @module
 */
import { UsageError } from "../errors.ts";
import { findNearest } from "../util/text.ts";
import type { Mirror } from "../storage/mod.ts";
import { BUCKET, BUCKET_REGION } from "./files.ts";

/** A place that has the files of the bucket, under the same keys. */
export interface Source {
  name: string;
  /** What comes before `/<key>`. */
  base: string;
  /** What a permission set must allow. */
  hosts: readonly string[];
  /** Requests under way at once that one client should keep to. @default {undefined} (any) */
  maxRequests?: number;
  /** What a user should know when choosing. */
  about: string;
}

/**
 * Connections to ECMWF's own server that one client takes at most: 4 leave room for 125 like it.
 *
 * ECMWF's limit is 500 at once for all users together. This is not confirmed: the page that states
 * it, https://www.ecmwf.int/en/forecasts/datasets/open-data, could not be read, only public texts of
 * 2026 that quote it. They name no share for one client; 4 is our choice.
 */
const ECMWF_MAX_REQUESTS = 4;

/**
 * Amazon's, Microsoft's and ECMWF's addresses are those that ECMWF lists on
 * https://confluence.ecmwf.int/display/DAC ("ECMWF open data: real-time forecasts from IFS and
 * AIFS"), which of Google names only a catalogue page. How long each keeps runs is what public texts
 * of 2026 report.
 */
export const SOURCES: readonly Source[] = [
  {
    name: "aws",
    base: `s3://${BUCKET}`,
    hosts: [`${BUCKET}.s3.${BUCKET_REGION}.amazonaws.com:443`],
    about: "Amazon: every run, often busy",
  },
  {
    name: "gcs",
    base: "https://storage.googleapis.com/ecmwf-open-data",
    hosts: ["storage.googleapis.com:443"],
    about: "Google: every run, minutes to an hour later than Amazon",
  },
  {
    name: "azure",
    base: "az://ai4edataeuwest/ecmwf",
    hosts: ["planetarycomputer.microsoft.com:443", "ai4edataeuwest.blob.core.windows.net:443"],
    about: "Microsoft: every run, behind a token that anyone is given",
  },
  {
    name: "ecmwf",
    base: "https://data.ecmwf.int/forecasts",
    hosts: ["data.ecmwf.int:443"],
    maxRequests: ECMWF_MAX_REQUESTS,
    about: `ECMWF: the last two or three days, with ${ECMWF_MAX_REQUESTS} requests at once`,
  },
];

/**
 * Reads a list such as `aws,gcs`: names of {@linkcode SOURCES}, addresses and folders, the first
 * choice first.
 *
 * @throws {UsageError} for a name that is not known, an address that is none, and one place twice.
 */
export function parseSources(text: string): Mirror[] {
  const items = text.split(",").map((item) => item.trim()).filter((item) => item !== "");
  if (items.length === 0) throw new UsageError(`Cannot read source "${text}": name at least one`);
  const sources = items.map(parseSource);
  const twice = sources.find(({ base }, i) => sources.findIndex((it) => it.base === base) < i);
  if (twice) throw new UsageError(`Cannot use source "${twice.name}" twice: name each once`);
  return sources.map(openSource);
}

type Place = Pick<Source, "name" | "base" | "maxRequests">;

function parseSource(item: string): Place {
  const base = item.replace(/\/+$/, "");
  const known = SOURCES.find((source) => source.name === item || source.base === base);
  if (known) return known;
  if (item.includes("://")) return { name: base, base: checkAddress(base) };
  if (item.includes("/") || item.startsWith(".")) return { name: base, base };
  const nearest = findNearest(item, SOURCES.map(({ name }) => name));
  throw new UsageError(
    `Cannot use source "${item}": it is not known; ` +
      `${nearest ? `did you mean ${nearest}? ` : ""}Use ${SOURCE_NAMES}, an address such as ` +
      "https://host/folder or s3://bucket, or a folder such as ./mirror",
  );
}

const SOURCE_NAMES = SOURCES.map(({ name }) => name).join(", ");

/** @throws {UsageError} that does not quote what may be a password or a signature. */
function checkAddress(base: string): string {
  const [, scheme, host] = /^([a-z0-9]+):\/\/([^/]*)/i.exec(base) ?? [];
  if (/[?#]/.test(base) || host?.includes("@")) {
    throw new UsageError(
      `Cannot use a source on ${scheme}:// with "?", "#" or "@": a key must fit behind it, ` +
        "and credentials are not sent",
    );
  }
  const isWhole = host && URL.canParse(base);
  if (!isWhole || !["http", "https", "s3", "az", "gs"].includes(scheme?.toLowerCase() ?? "")) {
    throw new UsageError(
      `Cannot use source "${base}": give an address such as https://host/folder or s3://bucket`,
    );
  }
  return base;
}

/** A key such as ECMWF's. It fits every kind of address as it stands, and leaves no folder. */
const CANONICAL_URL = new RegExp(`^s3://${BUCKET}/([\\w-]+(?:[./][\\w-]+)*)$`);

function openSource({ name, base, maxRequests }: Place): Mirror {
  return {
    name,
    locate(url) {
      const key = CANONICAL_URL.exec(url)?.[1];
      return key && `${base}/${key}`;
    },
    ...(maxRequests !== undefined && { maxRequests }),
  };
}
