import { StorageError, type StorageErrorKind } from "../protocol/storage_error.ts";
import type { Mirror } from "../protocol/objects.ts";

/** A place where an object may be had. */
export interface Candidate {
  /** Its address there. */
  url: string;
  /** `undefined` for the object's own address. */
  mirror?: Mirror;
}

/** Where an object may be had, the places to be asked first first; at its own address if no mirror has it. */
export function findCandidates(url: string, mirrors: readonly Mirror[]): Candidate[] {
  const located = mirrors.flatMap((mirror) => {
    const there = mirror.locate(url);
    return there === undefined ? [] : [{ url: there, mirror }];
  });
  return located.length > 0 ? located : [{ url }];
}

/** The error, said of the address that the caller knows, and of the mirror. */
export function describeAt(error: StorageError, url: string, { mirror }: Candidate): StorageError {
  if (!mirror) return error;
  const message = error.message.replace(`"${error.url}"`, () => `"${url}" from ${mirror.name}`);
  return new StorageError(error.kind, url, message, { ...error, cause: error.cause });
}

/**
 * Answers that settle the matter at one server, while another may have the object; first the one
 * that tells most about an object that no server gives. `missing` comes after those that leave open
 * whether it is there.
 */
const REFUSALS: readonly StorageErrorKind[] = ["range", "denied", "missing", "unsupported"];

/** Whether asking this server again is of no use, but asking another one may be. */
export function isRefusal({ kind }: StorageError): boolean {
  return REFUSALS.includes(kind);
}

/** What the refusals of all servers come to. */
export function chooseRefusal(refusals: readonly StorageError[]): StorageError | undefined {
  const rank = ({ kind }: StorageError) => REFUSALS.indexOf(kind);
  return refusals.toSorted((a, b) => rank(a) - rank(b))[0];
}
