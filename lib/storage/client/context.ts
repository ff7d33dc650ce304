import type { Candidate } from "./candidate.ts";
import { Host } from "./host.ts";
import type { Remote } from "../protocol/attempt.ts";
import type { RequestContext, RequestPolicy, Source } from "./request.ts";
import { StatusTeller } from "./host_status.ts";

/** How servers are treated, and how long requests go on trying. */
export interface StoragePolicy extends RequestPolicy {
  /** Most requests at once to a host. */
  maxRequests: number;
}

/** To whom it is told what is going on. */
export interface StatusOptions {
  onStatus?: (line: string) => void;
  /** @default {60_000} */
  statusIntervalMs?: number;
}

/** What all requests of a storage share. */
export interface StorageContext extends RequestContext {
  /** The servers asked so far, by origin. */
  hosts: ReadonlyMap<string, Host>;
  /** The server of an address, if it was asked before. */
  findHost(url: string): Host | undefined;
}

/**
 * A context for requests, without any so far.
 *
 * @param openRemote gives the kind of server for an address.
 */
export function createContext(
  policy: StoragePolicy,
  openRemote: (url: string) => Remote | Promise<Remote>,
  { onStatus, statusIntervalMs = 60_000 }: StatusOptions = {},
): StorageContext {
  const hosts = new Map<string, Host>();
  const hostsByRoot = new Map<string, Host>();
  return {
    policy,
    hosts,
    findHost: (url) => hostsByRoot.get(parseRoot(url)),
    counters: { requests: 0, retries: 0, requestsByHost: {}, bytesReceived: 0 },
    status: new StatusTeller(onStatus, statusIntervalMs),
    async open(candidate): Promise<Source> {
      const remote = await openRemote(candidate.url);
      const origin = remote.origin(candidate.url);
      let host = hosts.get(origin);
      if (!host) hosts.set(origin, host = createHost(origin, candidate, policy));
      hostsByRoot.set(parseRoot(candidate.url), host);
      return { candidate, remote, host };
    },
  };
}

/** What an address begins with, up to its bucket or server: it decides whom requests go to. */
function parseRoot(url: string): string {
  return /^[^:]+:\/\/[^/]*/.exec(url)?.[0] ?? "";
}

/** The mirror that a server is first asked as gives it its name and its limit. */
function createHost(origin: string, { mirror }: Candidate, policy: StoragePolicy): Host {
  const maxRequests = Math.min(policy.maxRequests, mirror?.maxRequests ?? Infinity);
  return new Host(mirror?.name ?? new URL(origin).host, { ...policy, maxRequests });
}
