/**
 * Writing to S3: requests that are signed with a key, and what refusals of them mean.
 *
 * @module
 */
import { PutObjectCommand } from "npm:@aws-sdk/client-s3@3.1169.0";
import type { Attempt } from "../protocol/attempt.ts";
import type { BucketUrl } from "../protocol/address.ts";
import { StorageError } from "../protocol/storage_error.ts";

/** The key that requests are signed with. */
export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  /** Of a temporary key. @default {undefined} (it is a permanent one) */
  sessionToken?: string;
}

/** Settings that the SDK would look for in the environment and in `~/.aws` when it signs. */
export function signingConfig(credentials: S3Credentials) {
  return { credentials, disableClockSkewCorrection: false, sigv4aSigningRegionSet: [] };
}

/** The command that writes an object whole; S3 shows it when all of it is there. */
export function putCommand({ bucket, key }: BucketUrl, bytes: Uint8Array): PutObjectCommand {
  return new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes });
}

/** A line that is slower than this, in bytes a second, is given up. */
const LEAST_BYTES_PER_SECOND = 16 * 1024;
const NOTE_EVERY_MS = 1000;

/**
 * Sends bytes of which `fetch` reports no progress: S3 takes no body of unknown length, and Deno sends
 * one in pieces as such. The attempt may take as long as a slow line needs.
 */
export async function sendSlowly<Answer>(
  bytes: Uint8Array,
  attempt: Attempt,
  send: () => Promise<Answer>,
): Promise<Answer> {
  let left = Math.ceil(bytes.length / LEAST_BYTES_PER_SECOND * (1000 / NOTE_EVERY_MS));
  const timer = setInterval(() => {
    if (left-- > 0) attempt.noteProgress();
  }, NOTE_EVERY_MS);
  try {
    return await send();
  } finally {
    clearInterval(timer);
  }
}

const CHECK_KEY = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
const CHECK_REGION = "the bucket is in another region; give --publish-region";

/** Codes of S3, and what is to be done. */
const REFUSALS: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: `the key is not known; ${CHECK_KEY}`,
  SignatureDoesNotMatch: `the key does not fit; ${CHECK_KEY}`,
  ExpiredToken: "the key has expired; renew it and AWS_SESSION_TOKEN",
  InvalidToken: "the key is not valid; renew it and AWS_SESSION_TOKEN",
  AccessDenied: "the key may not write there; grant it s3:PutObject",
  RequestTimeTooSkewed: "the clock of this machine is wrong; set it",
  NoSuchBucket: "there is no such bucket; check its name",
  AuthorizationHeaderMalformed: CHECK_REGION,
  PermanentRedirect: CHECK_REGION,
  TemporaryRedirect: CHECK_REGION,
};

/** The error that the refusal of a signed request means; `undefined` for what may pass. */
export function explainRefusedWrite(
  url: string,
  status: number,
  code: string,
): StorageError | undefined {
  const remedy = REFUSALS[code] ?? (status < 400 ? CHECK_REGION : undefined);
  if (remedy === undefined) return undefined;
  const [bucket] = /^s3:\/\/[^/]+/.exec(url) ?? [url];
  return new StorageError({
    ...{ kind: "denied", action: "write", url, subject: `to ${bucket}` },
    ...{ state: `${remedy} (${status} ${code})`, status, answer: `${status} ${code}` },
  });
}
