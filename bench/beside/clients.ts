/**
 * Clients of ECMWF's files that compute the same: this project's commands, and the ways of the field as
 * far as Debian and npm have their programs.
 *
 * @module
 */
import { stepFiles } from "../../lib/ecmwf/files.ts";
import type { Variable } from "../../lib/ecmwf/variables.ts";
import { GIK } from "../../lib/output/profile.ts";
import { RUN } from "../base_run.ts";
import { denoRun, ROOT } from "../measure.ts";
import {
  type FieldPair,
  readCdoPairs,
  readForecastPairs,
  readMemberPair,
  readRawPairs,
  readWholeField,
} from "./results.ts";

/** What is asked for. */
export interface Job {
  /** Hours. */
  steps: readonly number[];
  /** Members from the control on. */
  members: number;
  variables: readonly Variable[];
}

/** A job, where its data are, and where the result belongs. */
export interface Assignment extends Job {
  /** Of the S3 server, without a slash at the end. */
  endpoint: string;
  /** Store of the control's references, in kerchunk's JSON. */
  references: string;
  /** A path that does not exist. */
  output: string;
}

/** Requests and bytes of a client, as the server counts them. */
export interface ClientTraffic {
  requests: number;
  /** Bytes of bodies. */
  receivedBytes: number;
}

/** What there is to fetch for a job: indexes, and whole messages. */
export interface WholeTraffic {
  indexes: number;
  indexBytes: number;
  messages: number;
  messageBytes: number;
}

/** A way to do a job, as a process. */
export interface Client {
  name: string;
  /** Why it cannot run here; `undefined` when it can. */
  findObstacle(): Promise<string | undefined>;
  /** Program and arguments. */
  command(assignment: Assignment): string[];
  readResult(assignment: Assignment): Promise<FieldPair[]>;
  /** Whether it received what its way to read brings, with room where the server's times decide. */
  isExpected(traffic: ClientTraffic, whole: WholeTraffic): boolean;
  /** Whether its members are float32, so that deviations are right to a millionth of the mean only. */
  isSingle?: boolean;
}

const FOLDER = `${ROOT}bench/beside`;
/** Only Debian's own Python sees Debian's packages. */
const PYTHON = "/usr/bin/python3";
const { north, west, south, east } = GIK.region;
const REGION = [north, west, south, east].join();
/** Adjacent messages in one request, in the second way of the C program. */
export const JOINED_BYTES = 4 * 2 ** 20;
/** The processes of clients in C and Python, as this project has two workers on two cores. */
const PROCESSES = 2;

/** Address of the run's files up to their step. */
function findStem({ endpoint, steps }: Assignment): { bucket: string; stem: string } {
  const url = new URL(stepFiles(RUN, steps[0]!)[0]!.url);
  return {
    bucket: `${endpoint}/${url.host}`,
    stem: url.pathname.slice(1).replace(/\d+h-enfo-ef\.grib2$/, ""),
  };
}

function deno(module: string, ...args: string[]): string[] {
  return [Deno.execPath(), ...denoRun(module), ...args];
}

/** A request for each index and each message. */
function isWhole({ requests, receivedBytes }: ClientTraffic, whole: WholeTraffic): boolean {
  return requests === whole.indexes + whole.messages &&
    receivedBytes === whole.indexBytes + whole.messageBytes;
}

/**
 * The size of each file and its index, hardly a second request, and three quarters of the bytes: what
 * learning costs small jobs is in them.
 */
function isPart({ requests, receivedBytes }: ClientTraffic, whole: WholeTraffic): boolean {
  return requests <= 2 * whole.indexes + Math.ceil(1.1 * whole.messages) &&
    receivedBytes <= whole.indexBytes + 0.75 * whole.messageBytes;
}

/** A command of this project for a job, except what is asked for. */
function ourCommand(module: string, { endpoint, output, steps }: Assignment): string[] {
  const run = ["--date", RUN.date, "--run", RUN.hour, "--steps", steps.join()];
  return deno(module, ...run, "--output", `${output}.nc`, "--endpoint", endpoint, "--quiet");
}

/** The whole job of this project, indexes included. */
export const FORECAST: Client = {
  name: "`forecast`",
  findObstacle: () => Promise.resolve(undefined),
  command: (assignment) => [
    ...ourCommand("stages/forecast.ts", assignment),
    "--max-members",
    `${assignment.members}`,
  ],
  readResult: ({ output, steps, variables }) =>
    readForecastPairs(`${output}.nc`, steps.length, variables),
  isExpected: isPart,
};

/** One field of one member over the region. */
export const EXTRACT: Client = {
  name: "`extract`, the region only",
  findObstacle: () => Promise.resolve(undefined),
  command: (assignment) => [
    ...ourCommand("stages/extract.ts", assignment),
    "--fields",
    assignment.variables[0]!.param,
    "--members",
    "0",
  ],
  readResult: ({ output, variables }) => readMemberPair(`${output}.nc`, variables[0]!.name),
  isExpected: isPart,
};

const C_SOURCE = `${FOLDER}/eccodes_client.c`;

/** The program in C, compiled on the spot into a folder. */
export function eccodesInC(folder: string, joinBytes: number): Client {
  const program = `${folder}/eccodes_client`;
  const joined = joinBytes > 0 ? `, neighbours joined up to ${joinBytes / 2 ** 20} MiB` : "";
  return {
    name: `ecCodes and libcurl in C, two processes${joined}`,
    findObstacle: () =>
      tryCommand(
        ["gcc", "-O2", "-o", program, C_SOURCE, "-lcurl", "-leccodes", "-lm"],
        "needs Debian's gcc, libeccodes-dev, libcurl4-gnutls-dev",
      ),
    command: (assignment) => {
      const { bucket, stem } = findStem(assignment);
      const { steps, members, output } = assignment;
      const numbers = [members, PROCESSES, joinBytes].map(String);
      return [program, bucket, stem, steps.join(), ...numbers, output, REGION];
    },
    readResult: readRaw,
    isExpected: (traffic, whole) =>
      joinBytes === 0 ? isWhole(traffic, whole) : traffic.requests < whole.messages / 3 &&
        traffic.receivedBytes === whole.indexBytes + whole.messageBytes,
  };
}

/** Two processes of Python that decode by ecCodes, and fetch in threads. All 51 members. */
export const ECCODES_IN_PYTHON: Client = {
  name: "ecCodes in Python, two processes share the steps",
  findObstacle: () => tryImport("eccodes, numpy", "python3-eccodes"),
  command: ({ endpoint, steps, output }) => {
    const run = ["--date", RUN.date, "--run", RUN.hour, "--steps", steps.join()];
    const how = ["--region", REGION, "--processes", `${PROCESSES}`, "--output", output];
    return [PYTHON, `${ROOT}fixtures/eccodes_pipeline.py`, endpoint, ...run, ...how];
  },
  readResult: readRaw,
  isExpected: isWhole,
};

/** What fsspec reads beyond what it is asked for. */
const READ_AHEAD_BYTES = 5 * 2 ** 20;

/**
 * ICPAC's scripts in short: each message through a file and cfgrib, in threads.
 *
 * @param read by one request for its bytes, or by opening the file, as their scripts do.
 */
export function cfgrib(read: "range" | "open"): Client {
  return {
    name: read === "range"
      ? "ICPAC's way: cfgrib in threads, messages by ranges"
      : "the same, messages as their scripts read them",
    findObstacle: () => tryImport("cfgrib, fsspec, aiohttp, xarray", "python3-cfgrib, -fsspec"),
    command: (assignment) => {
      const { bucket, stem } = findStem(assignment);
      const { steps, members, output } = assignment;
      const args = [bucket, stem, steps.join(), `${members}`, output, REGION, "--read", read];
      return [PYTHON, `${FOLDER}/cfgrib_client.py`, ...args];
    },
    readResult: readRaw,
    isSingle: true,
    isExpected: (traffic, whole) =>
      read === "range" ? isWhole(traffic, whole) : traffic.requests >= 2 * whole.messages &&
        traffic.receivedBytes > whole.messageBytes + READ_AHEAD_BYTES * whole.messages / 2,
  };
}

/** Download, cut and statistics by programs. One step. */
export const CDO: Client = {
  name: "curl and cdo, two at a time",
  findObstacle: () => tryCommand(["cdo", "--version"], "needs Debian's cdo and curl"),
  command: (assignment) => {
    const { bucket, stem } = findStem(assignment);
    const { steps, members, output } = assignment;
    const args = [bucket, stem, `${steps[0]}`, `${members}`, output, REGION];
    return ["bash", `${FOLDER}/cdo_client.sh`, ...args];
  },
  readResult: ({ output, variables }) => readCdoPairs(output, variables),
  isExpected: isWhole,
};

/** References of one field in the store, opened in Deno. The whole field. */
export const ZARRITA = referenceClient(
  "zarrita and this project's codec",
  () => Promise.resolve(undefined),
  deno("bench/beside/open_reference.ts"),
);

/** The same, opened as kerchunk's users do. */
export const XARRAY = referenceClient(
  "fsspec, zarr, xarray and a codec as kerchunk's",
  () => tryImport("aiohttp, eccodes, fsspec, xarray, zarr", "python3-xarray, -zarr, -fsspec"),
  [PYTHON, `${FOLDER}/open_reference.py`],
);

function referenceClient(
  name: string,
  findObstacle: Client["findObstacle"],
  argv: readonly string[],
): Client {
  return {
    name,
    findObstacle,
    command: ({ references, endpoint, output }) => {
      const field = "t2m/instant/heightAboveGround/t2m";
      return [...argv, references, endpoint, field, output];
    },
    readResult: ({ output }) => readWholeField(output, GIK.region),
    isExpected: ({ requests, receivedBytes }, { messages, messageBytes }) =>
      requests === messages && receivedBytes === messageBytes,
  };
}

function readRaw({ output, steps, variables }: Assignment): Promise<FieldPair[]> {
  return readRawPairs(output, steps.length * variables.length);
}

/** What cannot run on a machine that has only Debian's and npm's packages, and why. */
export const ABSENT: readonly (readonly [name: string, why: string])[] = [
  ["wgrib2", "Debian has no package of it"],
  ["gribberish", "ICPAC's other decoder is in neither Debian nor npm"],
  ["kerchunk and s3fs", "Debian has neither; the rows say what stands in their place"],
];

function tryImport(modules: string, packages: string): Promise<string | undefined> {
  return tryCommand([PYTHON, "-c", `import ${modules}`], `needs Debian's ${packages}`);
}

/** Whether a command succeeds: `undefined`, or what it needs and the last line that it printed. */
async function tryCommand(
  [program, ...args]: readonly string[],
  needs: string,
): Promise<string | undefined> {
  try {
    const { success, stderr } = await new Deno.Command(program!, { args }).output();
    const [last = ""] = new TextDecoder().decode(stderr).trimEnd().split("\n").slice(-1);
    return success ? undefined : `${needs} (${last})`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return needs;
    throw error;
  }
}
