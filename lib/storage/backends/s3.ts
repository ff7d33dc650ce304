import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from "npm:@aws-sdk/client-s3@3.1169.0";
import { formatRange, readAnswer, readText, requireObject, requireSize } from "../protocol/body.ts";
import { parseBucketUrl, parseObjectUrl } from "../protocol/address.ts";
import { FetchFailure, readError, statusError, StorageError } from "../protocol/storage_error.ts";
import { describeResponse, fetchPlain, readErrorCode } from "./http.ts";
import type { Attempt, Backend } from "../protocol/attempt.ts";
import { findS3Origin, type PublicS3Options } from "./s3_public.ts";
import {
  explainRefusedWrite,
  putCommand,
  type S3Credentials,
  sendSlowly,
  signingConfig,
} from "./s3_upload.ts";

/** The server of the buckets. */
export interface S3Options extends PublicS3Options {
  /** What every request is signed with; needed for writing. @default {undefined} (nothing is signed) */
  credentials?: S3Credentials;
}

/** A request as the SDK composes it. */
interface SdkRequest {
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  query: Record<string, string>;
  method: string;
  headers: Record<string, string>;
  /** Of an object that is written. */
  body?: Uint8Array<ArrayBuffer>;
}

/** What a request of the SDK is sent for. */
interface SendOptions {
  /** What errors call the object. */
  url: string;
  attempt: Attempt;
  /** Called with an answer that is no error. */
  onAnswer: (response: Response) => void;
  /** As the SDK calls the signal of the attempt. */
  abortSignal: AbortSignal;
}

/**
 * Sends the SDK's requests with `fetch`, like those to web servers: nothing of Node is emulated, and
 * bodies of objects arrive as byte streams. Errors are told from the status here: the SDK would first
 * parse the body as XML, and throw for a page of a gateway, whatever its status.
 */
const requestHandler = {
  async handle(request: SdkRequest, { url, attempt, onAnswer }: SendOptions) {
    const { method, headers, query, body: sent } = request;
    const { signal } = attempt;
    const isSigned = headers.authorization !== undefined;
    const response = await fetchPlain(formatUrl(request), {
      ...{ method, headers, signal },
      ...(sent && { body: sent }),
      // A signature is for one server.
      ...(isSigned && { redirect: "manual" }),
    });
    if (!response.ok) {
      const { status, statusText } = response;
      const code = await readErrorCode(response, attempt) ?? statusText;
      const refusal = isSigned ? explainRefusedWrite(url, status, code) : undefined;
      throw refusal ?? statusError(url, status, code, response.headers.get("retry-after"));
    }
    onAnswer(response);
    const isListing = query["list-type"] !== undefined;
    // The SDK wants a stream where there is an object, and does not read it.
    const body = isListing
      ? await readListing(url, response, attempt)
      : response.body ?? new Blob().stream();
    return { response: { statusCode: response.status, headers: {}, body } };
  },
  updateHttpClientConfig() {},
  httpHandlerConfigs: () => ({}),
};

/** The SDK takes any other XML, as that of an error with status 200, for a listing of nothing. */
async function readListing(url: string, response: Response, attempt: Attempt) {
  const text = await readText(url, response, attempt);
  const isWhole = /<ListBucketResult\b(?:[^>]*\/|[^]*<\/ListBucketResult)>\s*$/.test(text);
  if (isWhole) return new TextEncoder().encode(text);
  throw readError("corrupt", url, "the server's answer is not a whole listing");
}

function formatUrl({ protocol, hostname, port, path, query }: SdkRequest): string {
  const search = Object.entries(query)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join("&");
  return `${protocol}//${hostname}${port ? `:${port}` : ""}${path}${search && `?${search}`}`;
}

/** Settings of a client that signs nothing. */
const UNSIGNED = {
  httpAuthSchemes: [{
    schemeId: "smithy.api#noAuth",
    identityProvider: () => () => Promise.resolve({}),
    signer: { sign: <Request>(request: Request) => Promise.resolve(request) },
  }],
  httpAuthSchemeProvider: () => [{ schemeId: "smithy.api#noAuth" }],
};

/**
 * A client that looks nothing up. The SDK would look for each setting that is absent here in the
 * environment, in `~/.aws` and on the instance's metadata server.
 */
function createClient({ endpoint, region, credentials }: S3Options): S3Client {
  const client = new S3Client({
    region,
    endpoint: endpoint ?? `https://s3.${region}.amazonaws.com`,
    forcePathStyle: endpoint !== undefined,
    requestHandler,
    ...(credentials ? signingConfig(credentials) : UNSIGNED),
    authSchemePreference: [],
    maxAttempts: 1,
    retryMode: "standard",
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    disableS3ExpressSessionAuth: true,
    useArnRegion: false,
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    userAgentAppId: "",
    defaultUserAgentProvider: () => Promise.resolve([["deno", Deno.version.deno]]),
  });
  // Guards against loops of AWS Lambda functions, and reads variables for it at every request.
  client.middlewareStack.remove("recursionDetectionMiddleware");
  return client;
}

/**
 * Opens buckets on S3, through the AWS SDK: with credentials those of their owner, whose objects can be
 * read and written, else public ones for listing.
 *
 * The SDK reads three environment variables that it does not need, and throws where Deno refuses
 * them: `AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA`, `AWS_LAMBDA_BENCHMARK_MODE` and
 * `AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED`. `--ignore-env` with these names is enough.
 */
export function openS3(options: S3Options): Backend {
  const client = createClient(options);
  return {
    origin: (url) => findS3Origin(url, options),

    async get(url, range, attempt) {
      const { bucket, key } = parseObjectUrl(url);
      const command = new GetObjectCommand({
        Bucket: bucket,
        Key: key,
        Range: range && formatRange(range),
      });
      const { response } = await ask(url, attempt, (options) => client.send(command, options));
      return await readAnswer(url, describeResponse(response), range, attempt);
    },

    async head(url, attempt) {
      const { bucket, key } = parseObjectUrl(url);
      const command = new HeadObjectCommand({ Bucket: bucket, Key: key });
      const { response } = await ask(url, attempt, (options) => client.send(command, options));
      requireObject(url, response);
      const { headers, status } = response;
      const size = requireSize(url, headers.get("content-length"), status);
      return { size, etag: headers.get("etag") ?? undefined };
    },

    async listPage(prefixUrl, next, attempt) {
      const { bucket, key } = parseBucketUrl(prefixUrl);
      const command = new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: key,
        ContinuationToken: next,
      });
      const { output } = await ask(prefixUrl, attempt, (options) => client.send(command, options));
      const { Contents = [], NextContinuationToken } = output;
      const objects = Contents.map(({ Key, Size }) => {
        if (Key === undefined || !Number.isSafeInteger(Size)) {
          throw readError("corrupt", prefixUrl, "the server lists an object without key or size");
        }
        return { url: `s3://${bucket}/${Key}`, size: Size! };
      });
      return { objects, next: NextContinuationToken };
    },

    ...(options.credentials && {
      planPut(url, bytes) {
        const object = parseObjectUrl(url);
        return async (attempt) => {
          const send = () =>
            ask(url, attempt, (options) => client.send(putCommand(object, bytes), options));
          await sendSlowly(bytes, attempt, send);
        };
      },
    }),
  };
}

/** Sends a command, and gives the answer of the server with what the SDK reads in it. */
async function ask<Output>(
  url: string,
  attempt: Attempt,
  send: (options: SendOptions) => Promise<Output>,
): Promise<{ output: Output; response: Response }> {
  let response: Response | undefined;
  const onAnswer = (answer: Response) => response = answer;
  try {
    const output = await send({ url, attempt, onAnswer, abortSignal: attempt.signal });
    return { output, response: response! };
  } catch (error) {
    const isOurs = error instanceof StorageError || error instanceof FetchFailure;
    if (isOurs || !response || attempt.signal.aborted) throw error;
    const state = `the server's answer cannot be read (${(error as Error).message})`;
    throw readError("corrupt", url, state, { status: response.status, cause: error });
  }
}
