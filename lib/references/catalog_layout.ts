/**
 * Catalogues of references: folders with the runs of years, as ICPAC publishes them. A name, an address
 * or a folder goes in; where the files of a run are comes out.
 *
 * The file of a member is `<base>/<YYYY>/<MM>/<YYYYMMDD>/<HH>z/<YYYYMMDD><HH>z-<member>.parquet`, a store
 * with the columns `key` and `value`.
 *
 * @module
 */
import { type Member, memberFileName, memberKeyName } from "../ecmwf/members.ts";
import type { Run, RunHour } from "../ecmwf/run.ts";
import { UsageError } from "../errors.ts";
import { findNearest } from "../util/text.ts";

/** How the files of members are named: `ens_01` or `ens01`. */
export type MemberStyle = "file" | "key";

/** A catalogue of references. */
export interface Catalog {
  /** As users call it. */
  name: string;
  /** Address or folder above those of the years, without a slash at its end. */
  base: string;
  /** The names that files have, as far as they are known; the others are tried after these. */
  style: MemberStyle;
  /** Hours of its runs. @default {undefined} (any) */
  hours?: readonly RunHour[];
  /** Folder of its `catalog.parquet`, if it may have one. @default {undefined} (it has none) */
  listFolder?: string;
  /** What a user should know when choosing, for `--help`. */
  about?: string;
}

const HUGGING_FACE = "https://huggingface.co/datasets/E4DRR";

/** The catalogues that ICPAC has published. */
export const CATALOGS: readonly Catalog[] = [
  {
    name: "icpac-hf",
    base: `${HUGGING_FACE}/gik-ecmwf-par-v2/resolve/main/par`,
    style: "file",
    hours: ["00"],
    about: "ICPAC on Hugging Face: the runs of 00 UTC since 2023-01-18",
  },
  {
    name: "icpac-hf-v1",
    base: `${HUGGING_FACE}/gik-ecmwf-par/resolve/main/run_par_ecmwf`,
    style: "key",
    listFolder: `${HUGGING_FACE}/gik-ecmwf-par/resolve/main`,
    about: "the older set there, whose keys have no levels",
  },
  {
    name: "icpac-gcs",
    base: "gs://gik-ecmwf-aws-tf/v20260623_run_par_ecmwf",
    style: "file",
    hours: ["00"],
    about: "ICPAC on Google Cloud Storage, as icpac-hf; with deno task stream:gcs",
  },
];

/** Servers that Hugging Face sends files from. */
const FILE_HOSTS = ["*.huggingface.co:443", "*.hf.co:443", "*.xethub.hf.co:443"];

/** Hosts and ports that a permission set must allow for a catalogue on web servers. */
export function catalogHosts({ base }: Catalog): string[] {
  if (!/^https?:/.test(base)) return [];
  const { host, protocol, port } = new URL(base);
  const own = port === "" ? `${host}:${protocol === "https:" ? 443 : 80}` : host;
  return host === "huggingface.co" ? [own, ...FILE_HOSTS] : [own];
}

const SCHEMES = ["https", "http", "gs", "s3"];

/**
 * The catalogue of a name, an address or a folder.
 *
 * @throws {UsageError} for a name that is not known, or an address that is not valid.
 */
export function parseCatalog(text: string): Catalog {
  const known = CATALOGS.find(({ name }) => name === text);
  if (known) return known;
  const base = text.replace(/(?<=.)\/+$/, "");
  const [, scheme, rest = ""] = /^([^:/]*):\/\/(.*)$/.exec(base) ?? [];
  const isFolder = scheme === undefined && (base.includes("/") || base.startsWith("."));
  if (isFolder) return { name: base, base, style: "file", listFolder: base };
  const names = CATALOGS.map(({ name }) => name);
  if (scheme === undefined) {
    const nearest = findNearest(text, names);
    throw new UsageError(
      `Cannot use catalogue "${text}": it is not known; ` +
        `${nearest ? `did you mean ${nearest}? Use` : "use"} ${
          names.join(", ")
        }, an address such ` +
        "as https://host/folder or gs://bucket/folder, or a folder such as ./catalog",
    );
  }
  if (/[?#@]/.test(rest)) {
    throw new UsageError(
      `Cannot use a catalogue on ${scheme}:// with "?", "#" or "@": names of files are appended to ` +
        "the address, and credentials are not sent; give it without them",
    );
  }
  if (SCHEMES.includes(scheme) && /^[^/]/.test(rest) && URL.canParse(base)) {
    return { name: base, base, style: "file", listFolder: base };
  }
  throw new UsageError(
    `Cannot use catalogue "${text}": it is no address on ${SCHEMES.join("://, ")}://; ` +
      "give one such as https://host/folder or gs://bucket/folder",
  );
}

/**
 * The folder of a run, below the base of a catalogue: `<base>/2026/02/20260206/00z`; of other models than
 * the IFS below their folder, `<base>/aifs-ens/…`.
 */
export function catalogFolder(base: string, { date, hour, model }: Run): string {
  return `${model ? `${base}/${model}` : base}/${date.slice(0, 4)}/${
    date.slice(4, 6)
  }/${date}/${hour}z`;
}

/** The beginning of the names of a run's files: `2026020600z-`. */
export function catalogFilePrefix({ date, hour }: Run): string {
  return `${date}${hour}z-`;
}

/** A member's file in the folder of a run: `2026020600z-ens_01.parquet`. */
export function catalogFileName(run: Run, member: Member, style: MemberStyle = "file"): string {
  const name = style === "file" ? memberFileName(member) : memberKeyName(member);
  return `${catalogFilePrefix(run)}${name}.parquet`;
}

/** Whether the files of a run can be listed: web servers list nothing. */
export function canList({ base }: Catalog): boolean {
  return !/^https?:/.test(base);
}
