import { assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { UserError } from "../errors.ts";
import { encodeNetcdf } from "./encode_netcdf.ts";
import { encodeNetcdf4 } from "./encode_netcdf4.ts";
import {
  collectBytes,
  findPython,
  isThere,
  makeVariedDataset,
  runProgram,
  withBytes,
} from "./netcdf4_fixture.ts";

const python = findPython("xarray", "netCDF4");
const hasNcdump = isThere("ncdump");

Deno.test("equal values give equal bytes, whatever bits a NaN has and whenever they are written", async () => {
  const dataset = makeVariedDataset();
  const field = dataset.variables.find(({ name }) => name === "t2m")!.data;
  new Uint32Array(field.buffer)[3] = 0xffc12345;
  assertEquals(
    await collectBytes(encodeNetcdf4(dataset)),
    await collectBytes(encodeNetcdf4(makeVariedDataset())),
  );
});

Deno.test("a variable that is streamed is written as one that is held", async () => {
  const { variables, ...rest } = makeVariedDataset();
  const [field, count] = ["t2m", "codes"].map((name) => variables.find((it) => it.name === name)!);
  const last = variables.filter((it) => it !== field && it !== count);
  const pieces = async function* () {
    yield (field!.data as Float32Array).subarray(0, 1000);
    yield (field!.data as Float32Array).subarray(1000);
  };
  const held = await collectBytes(encodeNetcdf4({ ...rest, variables: [...last, field!] }));
  const streamed = { ...rest, variables: last, streamed: [{ ...field!, pieces }] };
  assertEquals(await collectBytes(encodeNetcdf4(streamed)), held);
  const short = {
    ...rest,
    variables: last,
    streamed: [{ ...field!, pieces: async function* () {} }],
  };
  await assertRejects(() => collectBytes(encodeNetcdf4(short)), UserError, "it has 0 values");
});

Deno.test("a compressed file is smaller than the classic one by far", async () => {
  const [classic, packed] = await Promise.all([
    collectBytes(encodeNetcdf(makeVariedDataset())),
    collectBytes(encodeNetcdf4(makeVariedDataset())),
  ]);
  assertEquals(packed.length < 0.7 * classic.length, true, `${packed.length}, ${classic.length}`);
});

Deno.test("encodeNetcdf4() refuses what encodeNetcdf() refuses, and names that netCDF would hide", async () => {
  const wrong = makeVariedDataset();
  wrong.variables[0]!.data = new Float64Array(3);
  await assertRejects(
    () => collectBytes(encodeNetcdf4(wrong)),
    UserError,
    '"time": it has 3 values',
  );
  const hidden = makeVariedDataset();
  hidden.variables.push({ name: "bnds", dimensions: [], attributes: {}, data: Int8Array.of(1) });
  await assertRejects(
    () => collectBytes(encodeNetcdf4(hidden)),
    UserError,
    "the name of a dimension and lies along ()",
  );
});

Deno.test({
  name: "ncdump prints the same of the NetCDF-4 file as of the classic one (needs ncdump)",
  ignore: !hasNcdump,
  fn: () =>
    withBytes(encodeNetcdf(makeVariedDataset()), async (classic) => {
      const dump = (path: string) => runProgram("ncdump", "-n", "a", path);
      const expected = await dump(classic);
      // Chunks of 300 bytes need a tree of several levels.
      for (const chunkBytes of [undefined, 300]) {
        await withBytes(encodeNetcdf4(makeVariedDataset(), { chunkBytes }), async (path) => {
          assertEquals(await runProgram("ncdump", "-k", path), "netCDF-4\n");
          assertEquals(await dump(path), expected);
        });
      }
    }),
});

Deno.test({
  name: "ncdump -hs shows chunks, the shuffle and the compression (needs ncdump)",
  ignore: !hasNcdump,
  fn: () =>
    withBytes(encodeNetcdf4(makeVariedDataset()), async (path) => {
      const text = await runProgram("ncdump", "-hs", path);
      assertStringIncludes(text, "t2m:_ChunkSizes = 1, 9, 83, 73");
      assertStringIncludes(text, 't2m:_Shuffle = "true"');
      assertStringIncludes(text, "t2m:_DeflateLevel = 4");
      assertStringIncludes(text, 'latitude:_Storage = "contiguous"');
    }),
});

const compareFiles = `
import sys, numpy, netCDF4, xarray
classic, packed = sys.argv[1:]
with netCDF4.Dataset(classic) as a, netCDF4.Dataset(packed) as b:
    a.set_auto_maskandscale(False), b.set_auto_maskandscale(False)
    assert list(a.dimensions) == list(b.dimensions) and list(a.variables) == list(b.variables)
    assert all(len(a.dimensions[n]) == len(b.dimensions[n]) for n in a.dimensions)
    for x, y in [(a, b)] + [(a[n], b[n]) for n in a.variables]:
        assert x.ncattrs() == y.ncattrs(), (x.ncattrs(), y.ncattrs())
        for n in x.ncattrs():
            p, q = x.getncattr(n), y.getncattr(n)
            assert type(p) == type(q) and numpy.array_equal(p, q, equal_nan=not isinstance(p, str)), n
    for n in a.variables:
        assert a[n].dimensions == b[n].dimensions and a[n].dtype == b[n].dtype, n
        assert a[n][...].tobytes() == b[n][...].tobytes(), n
for decode in False, True:
    with xarray.open_dataset(classic, decode_cf=decode) as a, xarray.open_dataset(packed, decode_cf=decode) as b:
        assert a.identical(b) and list(a.coords) == list(b.coords)
# The library can go on with the file: names, values, attributes and a new variable.
with netCDF4.Dataset(packed, "a") as b:
    b.renameDimension("latitude", "lat")
    b["t2m"][0, 8, :, :] = 5
    b.title = "long " * 300
    b.createVariable("more", "f8", ("lat",))[:] = 1
with netCDF4.Dataset(packed) as b:
    assert b["t2m"].dimensions[2] == "lat" and (b["t2m"][0, 8] == 5).all() and (b["more"][:] == 1).all()
print("same")
`;

Deno.test({
  name: "netCDF4 and xarray find the same values and attributes in both files, and write on " +
    "(needs python3-xarray, python3-netcdf4)",
  ignore: python === undefined,
  fn: () =>
    withBytes(
      encodeNetcdf(makeVariedDataset()),
      (classic) =>
        withBytes(encodeNetcdf4(makeVariedDataset()), async (packed) => {
          assertEquals(await runProgram(python!, "-c", compareFiles, classic, packed), "same\n");
        }),
    ),
});
