/**
 * A run and a step → the URLs of its files, and which of them has the control forecast; and back
 * from a URL.
 *
 * @module
 */
import { findDataset, MODEL_NAMES } from "./datasets.ts";
import { findEra } from "./eras.ts";
import { parseRun, type Run, RunError } from "./run.ts";

/** The public bucket that references name, whatever mirror serves the bytes. */
export const BUCKET = "ecmwf-forecasts";

/** The bucket's region: its host is `ecmwf-forecasts.s3.eu-central-1.amazonaws.com`. */
export const BUCKET_REGION = "eu-central-1";

/** MARS stream of a file: `enfo` is the ensemble, `oper` the deterministic forecast. */
export type Stream = "enfo" | "oper";

/** One GRIB2 file of one step, and its index. */
export interface StepFile {
  stream: Stream;
  stepHours: number;
  /** MARS type of all its messages. @default {undefined} (several) */
  type?: "cf" | "pf";
  /** `s3://…/….grib2` */
  url: string;
  /** `s3://…/….index` */
  indexUrl: string;
}

/** The stream whose files hold a member (0 is the control). */
export function streamOfMember(run: Run, member: number): Stream {
  return member === 0 ? findEra(run).control : "enfo";
}

/** Whether a file should hold the messages of a member (0 is the control). */
export function holdsMember({ stream, type }: StepFile, run: Run, member: number): boolean {
  if (type !== undefined) return (type === "cf") === (member === 0);
  return streamOfMember(run, member) === stream;
}

/** The part of a step that a file holds: `enfo`, or `enfo-cf` where others of the stream hold the rest. */
export function describePart({ stream, type }: StepFile): string {
  return type === undefined ? stream : `${stream}-${type}`;
}

/**
 * The files that hold the ensemble of one step: of the IFS `enfo`, and `oper` if that has the control.
 *
 * @param folder path of one of the era's folders. @default the first of them
 */
export function stepFiles(
  run: Run,
  stepHours: number,
  folder: string = findEra(run).folders[0]!.path,
): StepFile[] {
  const { control } = findEra(run);
  const kinds = findDataset(run).files
    .filter(({ stream }) => stream === "enfo" || stream === control);
  return kinds.map(({ stream, suffix, type }) => {
    const stem = `s3://${BUCKET}/${run.date}/${run.hour}z/${folder}/${stream}/` +
      `${run.date}${run.hour}0000-${stepHours}h-${stream}-${suffix}`;
    return {
      stream,
      stepHours,
      ...(type && { type }),
      url: `${stem}.grib2`,
      indexUrl: `${stem}.index`,
    };
  });
}

/** The content of a GRIB2 file, by its name. */
interface FileContent extends Pick<StepFile, "stepHours" | "stream" | "type"> {
  run: Run;
}

const FILE_NAME = /\/(\d{8})(\d{2})0000-(\d+)h-([a-z]+)-([a-z]+)(?:\.grib2)?$/;

/**
 * Reads run, step and stream from the URL of a GRIB2 file, with or without its `.grib2`. A URL without
 * the folder of another model is of the IFS.
 *
 * @returns `undefined` when no run has an ensemble or deterministic file of this name.
 */
export function parseFileName(url: string): FileContent | undefined {
  const match = FILE_NAME.exec(url);
  if (!match) return undefined;
  const [, date, hour, step, stream, suffix] = match as unknown as string[] & { length: 6 };
  const model = MODEL_NAMES.find((name) => url.includes(`/${name}/`));
  const kind = findDataset({ model }).files
    .find((it) => it.stream === stream && it.suffix === suffix);
  if (!kind) return undefined;
  const { type } = kind;
  try {
    const run = parseRun(date!, hour!, model);
    return { run, stepHours: Number(step), stream: kind.stream, ...(type && { type }) };
  } catch (error) {
    if (error instanceof RunError) return undefined;
    throw error;
  }
}

/** The file that a URL names, and its index; `undefined` as for {@linkcode parseFileName}. */
export function parseStepFile(url: string): StepFile | undefined {
  const content = parseFileName(url);
  if (!content) return undefined;
  const { run: _, ...file } = content;
  const stem = url.replace(/\.grib2$/, "");
  return { ...file, url: `${stem}.grib2`, indexUrl: `${stem}.index` };
}

/** The URL with its `.grib2`, which the Python tools omit. */
export function canonicalUrl(url: string): string {
  return url.endsWith(".grib2") ? url : `${url}.grib2`;
}
