/**
 * Opens one field of a store of references in Deno: zarrita, with this project's decoder as its codec.
 *
 * ```sh
 * deno run -A bench/beside/open_reference.ts STORE ENDPOINT GROUP/VARIABLE OUTPUT
 * ```
 * OUTPUT gets the values of the whole field in float64, north first.
 *
 * @module
 */
import ReferenceStore from "npm:@zarrita/storage@0.2.0/ref";
import * as zarr from "npm:zarrita@0.7.5";
import { decodeField, parseFields } from "../../lib/grib/mod.ts";

/** A filter of Zarr version 2 is a codec of version 3 with this prefix. */
zarr.registry.set("numcodecs.grib", () =>
  Promise.resolve({
    kind: "bytes_to_bytes" as const,
    fromConfig: () => ({
      kind: "bytes_to_bytes" as const,
      encode: () => Promise.reject(new Error("messages are only read")),
      decode: (message: Uint8Array) =>
        Promise.resolve(new Uint8Array(decodeField(parseFields(message)[0]!).buffer)),
    }),
  }));

const [path, endpoint, variable, output] = Deno.args as [string, string, string, string];
const store = ReferenceStore.fromSpec(JSON.parse(await Deno.readTextFile(path)), {
  fetch: (request) => fetch(request.url.replace("s3://", `${endpoint}/`), request),
});
const group = zarr.root(store).resolve(variable);
const array = await zarr.open.v2(group, { kind: "array" });
const { data } = await zarr.get(array);
await Deno.writeFile(output, new Uint8Array((data as Float64Array<ArrayBuffer>).buffer));
