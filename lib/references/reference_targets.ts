/**
 * Where the references of a store may point, and why one of them cannot be used.
 *
 * A store may come from others. What it refers to is read with the rights and the network of its reader,
 * so that references point to the files of the service alone, unless the user names other servers.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { BUCKET } from "../ecmwf/files.ts";
import { isReference, looksLikeReference, type StoreValue } from "./store.ts";

/** Where references may point besides `s3://ecmwf-forecasts/`. */
export interface ReferenceTargets {
  /** Addresses or folders, without a slash at their end: those of the sources in use. */
  bases: readonly string[];
  /** Hosts, as `host` or `host:port`, or buckets, as `s3://bucket`. */
  hosts: readonly string[];
}

const decoder = new TextDecoder();
const OWN_BASE = `s3://${BUCKET}`;
const OWN_TARGETS: ReferenceTargets = { bases: [], hosts: [] };

/** A path of plain names: it needs no escaping in any address, and cannot leave its folder. */
const PLAIN_PATH = /^[\w-]+(?:[./][\w-]+)*$/;

/** Why an address is not one that references may point to; `undefined` when it is. */
export function findTargetFault(
  url: string,
  { bases, hosts }: ReferenceTargets = OWN_TARGETS,
): string | undefined {
  const base = [OWN_BASE, ...bases].find((base) => url.startsWith(`${base}/`));
  const [root, scheme, authority] = /^([a-z][a-z0-9]*):\/\/([^/]+)/i.exec(url) ?? [];
  if (base === undefined && (root === undefined || !hosts.some((it) => isHost(it, url, root)))) {
    const remedy = scheme === undefined || scheme.toLowerCase() === "file"
      ? ""
      : `, unless --allow-reference-host names ${/^https?$/i.test(scheme) ? authority : root}`;
    return `only ${OWN_BASE}/ and the sources in use are read${remedy}`;
  }
  const path = url.slice((base ?? root)!.length + 1);
  return PLAIN_PATH.test(path) ? undefined : "its path is not one of plain names";
}

/** @param root scheme and host of the address. */
function isHost(item: string, url: string, root: string): boolean {
  if (item.includes("://")) return item === root;
  return /^https?:/.test(url) && new URL(url).host === item;
}

/** Most of a value that a message shows. */
const SHOWN_BYTES = 200;

/** Why no message can be read with a value of a store; `undefined` when one may. */
export function findReferenceFault(
  value: StoreValue,
  targets: ReferenceTargets = OWN_TARGETS,
): string | undefined {
  if (isReference(value)) {
    const fault = findAddressFault(value.url) ?? findTargetFault(value.url, targets);
    return fault === undefined
      ? undefined
      : `its reference points to ${hideSecrets(value.url)}: ${fault}`;
  }
  if (!looksLikeReference(value)) return "it is not referenced";
  return `its reference ${showText(decoder.decode(value.subarray(0, SHOWN_BYTES)))} is not ` +
    "[url, offset, length]";
}

/** An address for a message: without credentials, in one line. */
function hideSecrets(url: string): string {
  return showText(url.replace(/\/\/[^/]*@/, "//…@"));
}

function showText(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "?");
}

const SCHEMES: readonly string[] = ["s3", "gs", "az", "https", "http", "file"];

/** Why a text cannot be the address of an object. */
function findAddressFault(url: string): string | undefined {
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url) ?? [];
  if (scheme === undefined) return url.includes("\0") ? "it is no path" : undefined;
  const name = scheme.toLowerCase();
  if (!SCHEMES.includes(name)) return `the scheme "${name}" is not supported`;
  try {
    if (name === "file") fileURLToPath(url);
    const { host, username, password } = new URL(url);
    if (name !== "file" && host === "") return "it names no server or bucket";
    return username || password ? "it holds credentials" : undefined;
  } catch {
    return "it is no address";
  }
}
