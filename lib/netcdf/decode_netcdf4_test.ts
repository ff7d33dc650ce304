import { assert, assertEquals, assertRejects } from "jsr:@std/assert@^1.0.0";
import { type DecodedNetcdf, decodeNetcdf, NetcdfError } from "./decode_netcdf.ts";
import { decodeNetcdf4 } from "./decode_netcdf4.ts";
import { encodeNetcdf } from "./encode_netcdf.ts";
import { encodeNetcdf4 } from "./encode_netcdf4.ts";
import { collectBytes, findPython, makeVariedDataset, runProgram } from "./netcdf4_fixture.ts";

const python = findPython("xarray", "netCDF4");

/** Everything that a file says. */
function describeFile({ attributes, variables }: DecodedNetcdf) {
  return {
    attributes: Object.fromEntries(attributes),
    variables: variables.map((it) => ({
      ...it,
      attributes: new Map(it.attributes),
      read: it.read(),
    })),
  };
}

Deno.test("decodeNetcdf4() finds in a NetCDF-4 file what decodeNetcdf() finds in the classic one", async () => {
  const classic = decodeNetcdf(await collectBytes(encodeNetcdf(makeVariedDataset())));
  for (const chunkBytes of [undefined, 2000]) {
    const bytes = await collectBytes(encodeNetcdf4(makeVariedDataset(), { chunkBytes }));
    assertEquals(describeFile(await decodeNetcdf4(bytes)), describeFile(classic));
  }
});

const writeTypes = `
import sys, numpy as np, netCDF4
with netCDF4.Dataset(sys.argv[1], "w") as f:
    f.title, f.count, f.names = "Météo", np.int64(5), ["a", "b"]
    f.createDimension("n", None), f.createDimension("m", 3), f.createGroup("g").createDimension("k", 1)
    def make(name, kind, values, dims=("n",), **options):
        f.createVariable(name, kind, dims, **options)[...] = values
    make("n", "i8", [3, 6]), make("u1", "u1", [200, 1]), make("u2", "u2", [60000, 1])
    make("u4", "u4", [4e9, 1]), make("u8", "u8", [2**53, 1]), make("big", ">f4", [1.5, -2])
    make("packed", "i2", [[1, 2, 3], [4, 5, 6]], ("n", "m"), zlib=True, shuffle=True, fletcher32=True)
    make("scalar", "f8", 7, ()), make("i1", "i1", [-1, 1])
    make("text", str, np.array(["x", "y"], dtype=object))
`;

Deno.test({
  name: "decodeNetcdf4() reads the types and filters of netCDF, wider where classic has none " +
    "(needs python3-netcdf4)",
  ignore: python === undefined,
  async fn() {
    const path = await Deno.makeTempFile({ suffix: ".nc" });
    try {
      await runProgram(python!, "-c", writeTypes, path);
      const { attributes, variables } = await decodeNetcdf4(await Deno.readFile(path));
      assertEquals(Object.fromEntries(attributes), {
        title: "Météo",
        count: Float64Array.of(5),
        names: "a, b",
      });
      const byName = new Map(variables.map((it) => [it.name, it]));
      const { dimensions, lengths } = byName.get("packed")!;
      assertEquals([dimensions, lengths], [["n", "m"], [2, 3]]);
      const values = [...byName].filter(([name]) => name !== "text");
      assertEquals(Object.fromEntries(values.map(([name, { read }]) => [name, read()])), {
        n: Float64Array.of(3, 6),
        u1: Int16Array.of(200, 1),
        u2: Int32Array.of(60000, 1),
        u4: Float64Array.of(4e9, 1),
        u8: Float64Array.of(2 ** 53, 1),
        big: Float32Array.of(1.5, -2),
        packed: Int16Array.of(1, 2, 3, 4, 5, 6),
        scalar: Float64Array.of(7),
        i1: Int8Array.of(-1, 1),
      });
      const read = () => Promise.resolve().then(() => byName.get("text")!.read());
      await assertRejects(read, NetcdfError, "its variable text holds no numbers");
    } finally {
      await Deno.remove(path);
    }
  },
});

Deno.test("a damaged file is one error with a remedy, and nothing is printed", async () => {
  const bytes = await collectBytes(encodeNetcdf4(makeVariedDataset()));
  const damage = (edit: (copy: Uint8Array) => Uint8Array | void) => {
    const copy = bytes.slice();
    return decodeNetcdf4(edit(copy) ?? copy);
  };
  const refuse = async (edit: (copy: Uint8Array) => Uint8Array | void, message: string) => {
    const error = await assertRejects(() => damage(edit), NetcdfError, message);
    assert(error.message.endsWith("fetch or write the file again"), error.message);
    assertEquals(error.message.split("\n").length, 1);
  };
  await refuse((copy) => copy.subarray(0, 5000), "it is damaged NetCDF-4 (truncated file");
  await refuse((copy) => copy.subarray(0, 4), "it is damaged NetCDF-4 (");
  await refuse((copy) => void (copy[100]! ^= 1), "incorrect metadata checksum");
  const { variables } = await damage((copy) => void copy.fill(7, copy.length - 5000));
  const read = () => Promise.resolve().then(() => variables.forEach((it) => it.read()));
  await assertRejects(read, NetcdfError, "its variable t2m is damaged NetCDF-4 (");
});
