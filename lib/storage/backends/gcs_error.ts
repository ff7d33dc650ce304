import { readError, statusError, type StorageError } from "../protocol/storage_error.ts";
import type { GcsRefusal } from "./gcs_transport.ts";

/** What a caller may lack, as Google names it. */
export type GcsPermission =
  | "storage.objects.get"
  | "storage.objects.list"
  | "storage.objects.create"
  | "storage.objects.delete";

/** What was tried when the server refused. */
export interface RefusedUse {
  url: string;
  bucket: string;
  /** What it takes, unless the server names another permission (overwriting takes `delete`). */
  permission: GcsPermission;
  /** Who asked. */
  account: string;
  /** What else to say of this bucket. */
  hint: string | undefined;
}

/** The error that a refusal means; of 401 and 403 it says who lacks what, and where. */
export function refusalError(refusal: GcsRefusal, use: RefusedUse): StorageError {
  const { status, message, retryAfter } = refusal;
  const { url, bucket, account, hint } = use;
  if (status === 400 && /crc32c/i.test(message)) {
    return readError("corrupt", url, `the server received other bytes (${message})`, { status });
  }
  if (status !== 401 && status !== 403) return statusError(url, status, message, retryAfter);
  const permission = /\bstorage\.\w+\.\w+/.exec(message)?.[0] ?? use.permission;
  const state =
    `the bucket "${bucket}" denies ${permission} to ${account} (${status} ${message}); ` +
    "grant it, or use another account or bucket" + (hint ? `. ${hint}` : "");
  return readError("denied", url, state, { status });
}
