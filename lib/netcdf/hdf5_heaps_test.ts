import { assert, assertRejects, assertThrows } from "jsr:@std/assert@^1.0.0";
import { NetcdfError } from "./decode_netcdf.ts";
import { decodeNetcdf4 } from "./decode_netcdf4.ts";
import { encodeNetcdf4 } from "./encode_netcdf4.ts";
import { checkHeaps } from "./hdf5_heaps.ts";
import { collectBytes, makeVariedDataset } from "./netcdf4_fixture.ts";

/** A sound file, and where its first heap begins. */
async function makeFile() {
  const bytes = await collectBytes(encodeNetcdf4(makeVariedDataset()));
  const start = new TextDecoder("latin1").decode(bytes).indexOf("GCOL");
  assert(start > 0);
  return { bytes, start };
}

Deno.test("an object of a heap that the library would never get past is refused", async () => {
  const { bytes, start } = await makeFile();
  const first = start + 16;
  const cases: [name: string, index: number, size: bigint][] = [
    ["free space of no bytes", 0, 0n],
    ["free space that is less than its head", 0, 8n],
    ["an object beyond the end of its heap", 1, 4096n],
    ["an object whose size wraps around", 1, 0xffff_ffff_ffff_fff0n],
  ];
  for (const [name, index, size] of cases) {
    const damaged = bytes.slice();
    const view = new DataView(damaged.buffer);
    view.setUint16(first, index, true);
    view.setBigUint64(first + 8, size, true);
    const says = `object ${index} of the heap at byte ${start} has ${Number(size)} bytes`;
    await assertRejects(() => decodeNetcdf4(damaged), NetcdfError, says, name);
  }
});

Deno.test("sound heaps, values that look like one, and its signature at the end are passed", async () => {
  const { bytes, start } = await makeFile();
  checkHeaps(bytes);
  // A whole heap that claims more bytes than the file has.
  checkHeaps(bytes.slice(start, start + 100));
  checkHeaps(new TextEncoder().encode("values GCOL"));
  const empty = new Uint8Array(4096);
  empty.set(bytes.subarray(start, start + 16));
  assertThrows(() => checkHeaps(empty), NetcdfError, "object 0 of the heap at byte 0 has 0 bytes");
});
