import { createPrivateKey } from "node:crypto";
import { StorageError, type StorageErrorKind } from "../protocol/storage_error.ts";

/** A file of credentials as Google's tools write it: a service account's key, or a user's login. */
export interface CredentialsFile {
  type: "service_account" | "authorized_user";
  /** The address that gives tokens. */
  tokenUrl: string;
  /** All of the file, as the auth library expects it. */
  json: Record<string, string>;
}

/** Google's token endpoint, which files may leave out. */
const GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token";

const REQUIRED_FIELDS = {
  service_account: ["client_email", "private_key"],
  authorized_user: ["client_id", "client_secret", "refresh_token"],
};

/**
 * Reads a file of credentials.
 *
 * @throws {StorageError} `permission` if Deno refuses the file, else `denied`; the message names the
 *   file and the remedy, and quotes nothing from it.
 */
export async function readCredentials(path: string): Promise<CredentialsFile> {
  const json = parseJson(path, await readText(path));
  const type = json.type;
  if (type !== "service_account" && type !== "authorized_user") {
    throw credentialsError(
      path,
      `its type is not "service_account" or "authorized_user", give the JSON key of a service ` +
        `account or log in with "gcloud auth application-default login"`,
    );
  }
  const absent = REQUIRED_FIELDS[type].filter((field) => typeof json[field] !== "string");
  if (absent.length > 0) {
    throw credentialsError(path, `it lacks ${absent.join(", ")}, download the key again`);
  }
  if (json.private_key !== undefined && !isPrivateKey(json.private_key)) {
    throw credentialsError(path, "its private_key is damaged, download the key again");
  }
  const tokenUrl = json.token_uri ?? GOOGLE_TOKEN_URL;
  if (!URL.canParse(tokenUrl)) throw credentialsError(path, "its token_uri is not an address");
  return { type, tokenUrl, json };
}

/** An error about the file itself. */
export function credentialsError(
  path: string,
  state: string,
  kind: StorageErrorKind = "denied",
): StorageError {
  const subject = `the credentials "${path}"`;
  return new StorageError({ kind, action: "use", url: path, subject, state });
}

function isPrivateKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === "rsa";
  } catch {
    return false;
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      const state = `Deno refuses to read the file, add --allow-read=${path}`;
      throw credentialsError(path, state, "permission");
    }
    if (error instanceof Deno.errors.NotFound) {
      throw credentialsError(path, "there is no such file, check the name");
    }
    throw credentialsError(path, "it cannot be read, check that it is a file that you may read");
  }
}

/** The errors of `JSON.parse` quote the text: a key would appear in them. */
function parseJson(path: string, text: string): Record<string, string> {
  try {
    const json = JSON.parse(text);
    if (typeof json === "object" && json !== null) return json;
  } catch {
    // Reported below, like JSON that is not an object.
  }
  throw credentialsError(path, "it is not the JSON that Google's tools write, download it again");
}
