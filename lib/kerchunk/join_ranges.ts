/**
 * Joins parts of a file into few requests.
 *
 * @module
 */
import type { ByteRange } from "../storage/mod.ts";

/** A part of a file, and what it is for. */
export interface Part<Owner> extends ByteRange {
  owner: Owner;
  /** Whether it must be fetched; others are fetched only where requests are left. */
  isRequired: boolean;
}

/** Parts that one request fetches. */
export interface JoinedParts<Owner> extends ByteRange {
  parts: Part<Owner>[];
}

/** A gap that is cheaper to fetch than to skip. The data of a field are longer. */
const MAXIMUM_GAP_BYTES = 512;

/**
 * Joins parts that lie side by side.
 *
 * When there are more than `maximum` requests, those that fetch no required part are dropped, the ones
 * with the fewest parts first.
 */
export function joinParts<Owner>(
  parts: readonly Part<Owner>[],
  maximum: number,
): JoinedParts<Owner>[] {
  const joined: JoinedParts<Owner>[] = [];
  for (const part of parts.toSorted((a, b) => a.offset - b.offset)) {
    const last = joined.at(-1);
    if (last && part.offset <= last.offset + last.length + MAXIMUM_GAP_BYTES) {
      last.length = Math.max(last.length, part.offset + part.length - last.offset);
      last.parts.push(part);
    } else {
      joined.push({ offset: part.offset, length: part.length, parts: [part] });
    }
  }
  const isRequired = ({ parts }: JoinedParts<Owner>) => parts.some((part) => part.isRequired);
  const required = joined.filter(isRequired);
  const others = joined.filter((it) => !isRequired(it))
    .sort((a, b) => b.parts.length - a.parts.length);
  return [...required, ...others.slice(0, Math.max(0, maximum - required.length))];
}
