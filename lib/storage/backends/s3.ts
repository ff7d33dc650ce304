import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
  S3ServiceException,
} from "npm:@aws-sdk/client-s3@3.1169.0";
import { type Answer, formatRange, readAnswer, requireSize } from "../protocol/body.ts";
import { parseBucketUrl, parseObjectUrl } from "../protocol/address.ts";
import { FetchFailure, statusError } from "../protocol/storage_error.ts";
import { fetchPlain, parseOrigin } from "./http.ts";
import type { Backend } from "../protocol/attempt.ts";

/** The server of the buckets. */
export interface S3Options {
  /** A server that is not AWS, addressed path style. */
  endpoint: string | undefined;
  region: string;
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
}

/**
 * Sends the SDK's requests with `fetch`, like those to web servers: nothing of Node is emulated, and
 * bodies of objects arrive as byte streams. XML bodies are read here: the SDK would confuse a broken
 * connection with a fault in the XML.
 */
const requestHandler = {
  async handle(request: SdkRequest, { abortSignal: signal }: { abortSignal?: AbortSignal } = {}) {
    const { method, headers, query } = request;
    const response = await fetchPlain(formatUrl(request), { method, headers, signal });
    const isObject = response.ok && query["x-id"] === "GetObject";
    return {
      response: {
        statusCode: response.status,
        reason: response.statusText,
        headers: Object.fromEntries(response.headers),
        body: isObject ? response.body : await readXml(response),
      },
    };
  },
  updateHttpClientConfig() {},
  httpHandlerConfigs: () => ({}),
};

async function readXml(response: Response): Promise<Uint8Array> {
  try {
    return await response.bytes();
  } catch (cause) {
    throw new FetchFailure(cause, "a broken body");
  }
}

function formatUrl({ protocol, hostname, port, path, query }: SdkRequest): string {
  const search = Object.entries(query)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join("&");
  return `${protocol}//${hostname}${port ? `:${port}` : ""}${path}${search && `?${search}`}`;
}

/**
 * A client that signs nothing and looks nothing up. The SDK would look for each setting that is
 * absent here in the environment, in `~/.aws` and on the instance's metadata server.
 */
function createClient({ endpoint, region }: S3Options): S3Client {
  const client = new S3Client({
    region,
    endpoint: endpoint ?? `https://s3.${region}.amazonaws.com`,
    forcePathStyle: endpoint !== undefined,
    requestHandler,
    httpAuthSchemes: [{
      schemeId: "smithy.api#noAuth",
      identityProvider: () => () => Promise.resolve({}),
      signer: { sign: (request) => Promise.resolve(request) },
    }],
    httpAuthSchemeProvider: () => [{ schemeId: "smithy.api#noAuth" }],
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
 * Opens public objects on S3, through the AWS SDK.
 *
 * The SDK reads three environment variables that it does not need, and throws where Deno refuses
 * them: `AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA`, `AWS_LAMBDA_BENCHMARK_MODE` and
 * `AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED`. `--ignore-env` with these names is enough.
 */
export function openS3(options: S3Options): Backend {
  const client = createClient(options);
  return {
    origin(url) {
      const { bucket } = parseBucketUrl(url);
      if (options.endpoint !== undefined) return parseOrigin(options.endpoint);
      return `https://${bucket}.s3.${options.region}.amazonaws.com`;
    },

    async get(url, range, attempt) {
      const { bucket, key } = parseObjectUrl(url);
      const command = new GetObjectCommand({
        Bucket: bucket,
        Key: key,
        Range: range && formatRange(range),
      });
      const output = await awaitAnswer(url, client.send(command, { abortSignal: attempt.signal }));
      const answer = {
        status: output.$metadata.httpStatusCode ?? 0,
        contentRange: output.ContentRange,
        contentLength: output.ContentLength,
        contentEncoding: output.ContentEncoding,
        etag: output.ETag,
        body: output.Body as unknown as Answer["body"],
      };
      return await readAnswer(url, answer, range, attempt);
    },

    async head(url, attempt) {
      const { bucket, key } = parseObjectUrl(url);
      const command = new HeadObjectCommand({ Bucket: bucket, Key: key });
      const output = await awaitAnswer(url, client.send(command, { abortSignal: attempt.signal }));
      return { size: requireSize(url, output.ContentLength), etag: output.ETag };
    },

    async listPage(prefixUrl, next, attempt) {
      const { bucket, key } = parseBucketUrl(prefixUrl);
      const command = new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: key,
        ContinuationToken: next,
      });
      const sent = client.send(command, { abortSignal: attempt.signal });
      const { Contents = [], NextContinuationToken } = await awaitAnswer(prefixUrl, sent);
      // S3 lists every object with key and size; only the SDK's types doubt it.
      const objects = Contents.map((object) => ({
        url: `s3://${bucket}/${object.Key}`,
        size: object.Size!,
      }));
      return { objects, next: NextContinuationToken };
    },
  };
}

async function awaitAnswer<T>(url: string, sent: Promise<T>): Promise<T> {
  try {
    return await sent;
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    const status = error.$metadata.httpStatusCode ?? 0;
    // Answers to HEAD have no body to take a name from.
    const code = error.name === "Unknown" ? "" : error.name;
    throw statusError(url, status, code, error.$response?.headers["retry-after"]);
  }
}
