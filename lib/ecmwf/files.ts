/**
 * A run and a step → the URLs of its files, and which of them has the control forecast; and back
 * from a URL.
 *
 * @module
 */
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
  /** `s3://…/….grib2` */
  url: string;
  /** `s3://…/….index` */
  indexUrl: string;
}

/** The stream whose files hold a member (0 is the control). */
export function streamOfMember(run: Run, member: number): Stream {
  return member === 0 ? findEra(run).control : "enfo";
}

/**
 * The files that hold the ensemble of one step: `enfo`, and `oper` if that has the control.
 *
 * @param folder path of one of the era's folders. @default the first of them
 */
export function stepFiles(
  run: Run,
  stepHours: number,
  folder: string = findEra(run).folders[0]!.path,
): StepFile[] {
  const streams: Stream[] = findEra(run).control === "oper" ? ["enfo", "oper"] : ["enfo"];
  return streams.map((stream) => {
    const suffix = stream === "enfo" ? "enfo-ef" : "oper-fc";
    const stem = `s3://${BUCKET}/${run.date}/${run.hour}z/${folder}/${stream}/` +
      `${run.date}${run.hour}0000-${stepHours}h-${suffix}`;
    return { stream, stepHours, url: `${stem}.grib2`, indexUrl: `${stem}.index` };
  });
}

/** The content of a GRIB2 file, by its name. */
interface FileContent {
  run: Run;
  stepHours: number;
  stream: Stream;
}

const FILE_NAME = /\/(\d{8})(\d{2})0000-(\d+)h-(enfo-ef|oper-fc)(?:\.grib2)?$/;

/**
 * Reads run, step and stream from the URL of a GRIB2 file, with or without its `.grib2`.
 *
 * @returns `undefined` when no run has an IFS ensemble or deterministic file of this name.
 */
export function parseFileName(url: string): FileContent | undefined {
  const match = FILE_NAME.exec(url);
  if (!match) return undefined;
  const [, date, hour, step, suffix] = match as unknown as [string, string, string, string, string];
  const stream = suffix === "enfo-ef" ? "enfo" : "oper";
  try {
    return { run: parseRun(date, hour), stepHours: Number(step), stream };
  } catch (error) {
    if (error instanceof RunError) return undefined;
    throw error;
  }
}

/** The file that a URL names, and its index; `undefined` as for {@linkcode parseFileName}. */
export function parseStepFile(url: string): StepFile | undefined {
  const name = parseFileName(url);
  if (!name) return undefined;
  const { stream, stepHours } = name;
  const stem = url.replace(/\.grib2$/, "");
  return { stream, stepHours, url: `${stem}.grib2`, indexUrl: `${stem}.index` };
}

/** The URL with its `.grib2`, which the Python tools omit. */
export function canonicalUrl(url: string): string {
  return url.endsWith(".grib2") ? url : `${url}.grib2`;
}
