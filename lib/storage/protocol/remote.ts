import type { Attempt } from "./attempt.ts";
import type { ByteRange, ListedObject, ObjectInfo } from "./types.ts";
import type { Received } from "./versions.ts";

/** A page of a listing; `next` asks for the one after it. */
export interface ListPage {
  objects: ListedObject[];
  next: string | undefined;
}

/** A kind of server. Each call but `origin` makes one request, once. */
export interface Remote {
  /** Scheme, name and port of the server that requests for the address go to. */
  origin(url: string): string;
  get(url: string, range: ByteRange | undefined, attempt: Attempt): Promise<Received>;
  head(url: string, attempt: Attempt): Promise<ObjectInfo>;
  listPage(prefixUrl: string, next: string | undefined, attempt: Attempt): Promise<ListPage>;
  /**
   * Gives what writes an object, called once an attempt: each goes on from what the ones before it
   * have achieved. Absent where nothing can be written.
   */
  planPut?(url: string, bytes: Uint8Array<ArrayBuffer>): (attempt: Attempt) => Promise<void>;
  /** Absent where nothing can be written. */
  remove?(url: string, attempt: Attempt): Promise<void>;
}
