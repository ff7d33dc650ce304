/**
 * A list such as `aws,gcs` → the mirrors of the service's bucket, the first choice first.
 *
 * @module
 */
import { UsageError } from "../errors.ts";
import { findNearest } from "../util/text.ts";
import type { Mirror } from "../storage/mod.ts";
import { BUCKET, BUCKET_REGION } from "./files.ts";

/** A server or folder with the files of the bucket, under the same keys. */
interface Source {
  name: string;
  /** The address or folder before `/<key>`. */
  base: string;
  /** Hosts and ports that a permission set must allow. */
  hosts: readonly string[];
  /** Requests at once that one client should not exceed. @default no limit */
  maxRequests?: number;
  /** What a user should know when choosing, for `--help`. */
  about: string;
}

/**
 * Connections of one client to ECMWF's own server: 4 leave room for 124 other clients like it.
 *
 * ECMWF's limit is 500 at once for all users together. This is not confirmed: the page that states
 * it, https://www.ecmwf.int/en/forecasts/datasets/open-data, could not be read, only public texts of
 * 2026 that quote it. They name no share for one client; 4 is our choice.
 */
const ECMWF_MAX_REQUESTS = 4;

/**
 * The known sources, by name.
 *
 * The addresses of Amazon, Microsoft and ECMWF are those that ECMWF lists on
 * https://confluence.ecmwf.int/display/DAC ("ECMWF open data: real-time forecasts from IFS and
 * AIFS"); for Google that page links only a catalogue. How long each source stores runs is from
 * public texts of 2026.
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
    about: "Microsoft: every run, with a token that anyone can get",
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
 * The mirrors of a list such as `aws,./mirror`: names of {@linkcode SOURCES}, addresses and folders,
 * in the order given.
 *
 * @throws {UsageError} for a name that is not known, an address that is not valid, a source that is
 *   listed twice, and an empty list.
 */
export function parseSources(text: string): Mirror[] {
  const items = text.split(",").map((item) => item.trim()).filter((item) => item !== "");
  if (items.length === 0) {
    throw new UsageError(`Cannot use source "${text}": it is empty; name at least one`);
  }
  const sources = items.map(parseSource);
  const twice = sources.find(({ base }, i) => sources.findIndex((it) => it.base === base) < i);
  if (twice) throw new UsageError(`Cannot use source "${twice.name}" twice: name each once`);
  return sources.map(toMirror);
}

type ChosenSource = Pick<Source, "name" | "base" | "maxRequests">;

function parseSource(item: string): ChosenSource {
  const base = item.replace(/\/+$/, "");
  const known = SOURCES.find((source) => source.name === item || source.base === base);
  if (known) return known;
  if (item.includes("://")) return { name: base, base: checkAddress(base) };
  if (item.includes("/") || item.startsWith(".")) return { name: base, base };
  const nearest = findNearest(item, SOURCES.map(({ name }) => name));
  throw new UsageError(
    `Cannot use source "${item}": it is not known; ` +
      `${nearest ? `did you mean ${nearest}? Use` : "use"} ${SOURCE_NAMES}, an address such as ` +
      "https://host/folder or s3://bucket, or a folder such as ./mirror",
  );
}

const SOURCE_NAMES = SOURCES.map(({ name }) => name).join(", ");

const SCHEMES: readonly string[] = ["http", "https", "s3", "az", "gs"];

/** @throws {UsageError} that does not quote a password or a signature. */
function checkAddress(base: string): string {
  const [, scheme, host] = /^([^:/]*):(?:\/\/([^/]*))?/.exec(base) ?? [];
  if (/[?#]/.test(base) || host?.includes("@")) {
    throw new UsageError(
      `Cannot use a source on ${scheme}:// with "?", "#" or "@": keys are appended to the address, ` +
        "and credentials are not sent; give it without them",
    );
  }
  const fault = findAddressFault(base, scheme, host);
  if (!fault) return base;
  throw new UsageError(
    `Cannot use source "${base}": ${fault}; ` +
      "give an address such as https://host/folder or s3://bucket",
  );
}

function findAddressFault(base: string, scheme?: string, host?: string): string | undefined {
  if (!scheme) return "it does not begin with a scheme";
  if (!SCHEMES.includes(scheme.toLowerCase())) {
    return `its scheme is "${scheme}", expected ${SCHEMES.slice(0, -1).join(", ")} or gs`;
  }
  if (!host) return "its host is missing";
  return URL.canParse(base) ? undefined : "it is not a valid address";
}

/** A key such as ECMWF's: needs no escaping in any address, and cannot leave its folder. */
const CANONICAL_URL = new RegExp(`^s3://${BUCKET}/([\\w-]+(?:[./][\\w-]+)*)$`);

function toMirror({ name, base, maxRequests }: ChosenSource): Mirror {
  return {
    name,
    locate(url) {
      const key = CANONICAL_URL.exec(url)?.[1];
      return key && `${base}/${key}`;
    },
    ...(maxRequests !== undefined && { maxRequests }),
  };
}
