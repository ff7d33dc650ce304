/**
 * The checksum of Google Cloud Storage, and of what is published in its form. Apart from all else: the
 * package takes longer to load than all modules of a small job.
 *
 * @module
 */
import { Crc32c } from "npm:@aws-crypto/crc32c@5.2.0";

/**
 * The CRC32C of bytes as Google Cloud Storage writes it: base64 of the big-endian checksum. Costs
 * about 10 ms a megabyte.
 */
export function crc32c(bytes: Uint8Array): string {
  const checksum = new Uint8Array(4);
  new DataView(checksum.buffer).setUint32(0, new Crc32c().update(bytes).digest());
  return checksum.toBase64();
}
