import type { Backend } from "../protocol/attempt.ts";
import { Host, type HostPolicy } from "./host.ts";
import type { Replica, RequestContext, RequestPolicy, Route } from "./request.ts";
import { StatusReporter } from "./host_status.ts";

/** How servers are treated, and when requests give up. */
export interface StoragePolicy extends RequestPolicy {
  /** Most requests at once to a host. */
  maxRequests: number;
}

/** Where status lines go, and how often. */
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
 * @param openBackend gives the backend for an address.
 */
export function createContext(
  policy: StoragePolicy,
  openBackend: (url: string) => Backend | Promise<Backend>,
  { onStatus, statusIntervalMs = 60_000 }: StatusOptions = {},
): StorageContext {
  const hosts = new Map<string, Host>();
  const hostsByRoot = new Map<string, Host>();
  const hasAnyServed = () => [...hosts.values()].some((host) => host.hasServed);
  return {
    policy,
    hosts,
    get hasServed() {
      return hasAnyServed();
    },
    failed: new Set(),
    findHost: (url) => hostsByRoot.get(parseRoot(url)),
    counters: { requests: 0, retries: 0, requestsByHost: {}, bytesReceived: 0 },
    status: new StatusReporter(onStatus, statusIntervalMs),
    async open(replica): Promise<Route> {
      const backend = await openBackend(replica.url);
      const origin = backend.origin(replica.url);
      let host = hosts.get(origin);
      if (!host) hosts.set(origin, host = createHost(origin, replica, { ...policy, hasAnyServed }));
      hostsByRoot.set(parseRoot(replica.url), host);
      return { replica, backend, host };
    },
  };
}

/** The beginning of an address, up to its bucket or server: it decides which host is asked. */
function parseRoot(url: string): string {
  return /^[^:]+:\/\/[^/]*/.exec(url)?.[0] ?? "";
}

/** A server has the name and the limit of the mirror that it is first asked as. */
function createHost(origin: string, { mirror }: Replica, policy: HostPolicy): Host {
  const maxRequests = Math.min(policy.maxRequests, mirror?.maxRequests ?? Infinity);
  return new Host(mirror?.name ?? new URL(origin).host, { ...policy, maxRequests });
}
