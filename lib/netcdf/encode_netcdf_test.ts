import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "jsr:@std/assert@^1.0.0";
import { NetCDFReader } from "npm:netcdfjs@4.0.0";
import { UserError } from "../errors.ts";
import {
  encodeNetcdf,
  type NetcdfDataset,
  type NetcdfVariable,
  streamNetcdf,
} from "./encode_netcdf.ts";
import { collectBytes, makeVariable } from "./netcdf4_fixture.ts";
import { encodeNumbers, turnBytes } from "./netcdf_values.ts";

/** Every type, attribute kind and padding that the writer knows, on a grid that cdo understands. */
function makeDataset(): NetcdfDataset {
  return {
    dimensions: { time: 1, latitude: 3, longitude: 5 },
    attributes: {
      Conventions: "CF-1.8",
      institution: "Météo, Nairobi — 25°N",
      ratio: 0.1,
      ensemble_size: Int32Array.of(51),
      bytes: Int8Array.of(-1, 2, 3),
      shorts: Int16Array.of(-300, 301, 302),
      floats: Float32Array.of(0.1, -2.5),
    },
    variables: [
      makeVariable("mask", ["longitude"], Int8Array.of(-1, 0, 1, 2, 3)),
      makeVariable("count", ["latitude"], Int16Array.of(-300, 0, 300), {
        _FillValue: Int16Array.of(7),
      }),
      makeVariable("version", [], Int32Array.of(-2147483648)),
      makeVariable("time", ["time"], Float64Array.of(1105344.5), {
        units: "hours since 1900-01-01 00:00:00",
      }),
      makeVariable("latitude", ["latitude"], Float64Array.of(25, 24.75, 24.5), {
        units: "degrees_north",
      }),
      makeVariable("longitude", ["longitude"], Float64Array.of(-1, -0.5, 0, 0.5, 1), {
        units: "degrees_east",
      }),
      makeVariable("t2m", ["time", "latitude", "longitude"], makeField(), {
        units: "K",
        long_name: "température",
        _FillValue: Float32Array.of(NaN),
      }),
    ],
  };
}

/** 15 values: NaN, both zeros, a value that float32 rounds, the smallest and the largest. */
function makeField(): Float32Array {
  return Float32Array.from(
    [NaN, -0, 0, 273.15, -273.15, 1e-45, -3.4028234663852886e38, 1 / 3, 8, 9, 10, 11, 12, 13, 14.5],
  );
}

async function withFile(dataset: NetcdfDataset, use: (path: string) => Promise<void>) {
  const path = await Deno.makeTempFile({ suffix: ".nc" });
  try {
    await Deno.writeFile(path, ReadableStream.from(encodeNetcdf(dataset)));
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

async function run(command: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args }).output();
  if (!success) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Whether a command is there and ends well. */
function succeeds(command: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const findModules = "import sys, importlib.util as u\n" +
  "sys.exit(not all(map(u.find_spec, ('xarray', 'netCDF4'))))";
const python = ["python3", "/usr/bin/python3"].find((path) => succeeds(path, "-c", findModules));
const hasNcdump = succeeds("ncdump");
const hasNcgen = succeeds("ncgen", "-h");
const hasCdo = succeeds("cdo", "--version");

Deno.test("encodeNetcdf() writes what netcdfjs reads back", async () => {
  const dataset = makeDataset();
  const reader = new NetCDFReader(await collectBytes(encodeNetcdf(dataset)));
  assertEquals(reader.version, "64-bit offset format");
  assertEquals(
    reader.dimensions.map(({ name, size }) => [name, size]),
    Object.entries(dataset.dimensions),
  );
  assertEquals(reader.getAttribute("ratio"), 0.1);
  const shorts: unknown = reader.getAttribute("shorts");
  assertEquals(shorts, [-300, 301, 302]);
  // netcdfjs returns the padding with the values, and bytes as unsigned.
  for (const { name, data } of dataset.variables.slice(1)) {
    assertEquals(reader.getDataVariable(name).slice(0, data.length), [...data], name);
  }
});

Deno.test("encodeNetcdf() pads a large variable only at its end", async () => {
  const data = Int16Array.from({ length: 2 ** 18 + 3 }, (_, i) => i);
  const dataset = {
    dimensions: { n: data.length },
    attributes: {},
    variables: [makeVariable("a", ["n"], data), makeVariable("b", [], Int32Array.of(5))],
  };
  const pieces = [...encodeNetcdf(dataset)];
  assertEquals(pieces.slice(1).map((piece) => piece.length), [2 ** 18, 2 ** 18, 8, 4]);
  const reader = new NetCDFReader(await collectBytes(pieces));
  const read = reader.getDataVariable("a");
  assert(data.every((value, i) => read[i] === value));
  assertEquals(reader.getDataVariable("b"), [5]);
});

Deno.test("encodeNetcdf() gives equal bytes for equal values, whatever bits a NaN has", async () => {
  const bytes = await collectBytes(encodeNetcdf(makeDataset()));
  const dataset = makeDataset();
  const field = dataset.variables.at(-1)!.data;
  new Uint32Array(field.buffer)[0] = 0xffc12345;
  assertEquals(Number.isNaN(field[0]), true);
  assertEquals(await collectBytes(encodeNetcdf(dataset)), bytes);
});

Deno.test("encodeNetcdf() writes an empty dataset as the 32 bytes of the specification", async () => {
  const bytes = await collectBytes(
    encodeNetcdf({ dimensions: {}, attributes: {}, variables: [] }),
  );
  assertEquals(bytes, Uint8Array.of(0x43, 0x44, 0x46, 2, ...new Uint8Array(28)));
});

/** A variable larger than a test can allocate: its data are planned and never read. */
function makeLarge(name: string, lengthBytes: number): [NetcdfVariable, Record<string, number>] {
  const data = {
    length: lengthBytes / 4,
    byteLength: lengthBytes,
    [Symbol.toStringTag]: "Float32Array",
  } as unknown as Float32Array;
  return [makeVariable(name, [name], data), { [name]: lengthBytes / 4 }];
}

Deno.test("encodeNetcdf() lets only the last variable exceed 4 GiB − 4", () => {
  const [big, bigLength] = makeLarge("big", 2 ** 32);
  const [most, mostLength] = makeLarge("most", 2 ** 32 - 4);
  const odd = makeVariable("odd", ["three"], Int8Array.of(1, 2, 3));
  const rest = { dimensions: { three: 3, ...bigLength, ...mostLength }, attributes: {} };
  const [header] = encodeNetcdf({ ...rest, variables: [odd, most, big] });
  // The header ends with the variables, 40 bytes each here, and each of them with its offset.
  const view = new DataView(header!.buffer);
  const offsets = [120, 80, 40].map((at) => Number(view.getBigUint64(header!.length - at + 32)));
  assertEquals(offsets, [0, 4, 2 ** 32].map((offset) => header!.length + offset));
  const encode = () => encodeNetcdf({ ...rest, variables: [big, odd] });
  const error = assertThrows(encode, UserError, '"big"');
  assertStringIncludes(error.message, "4294967296 bytes");
});

const refusals: [what: string, change: (dataset: NetcdfDataset) => void, message: string][] = [
  ["a name with a slash", (d) => d.variables[0]!.name = "a/b", 'variable "a/b"'],
  ["an attribute name like a number", (d) => d.attributes["1"] = "", 'global attribute "1"'],
  ["an empty attribute name", (d) => d.variables[0]!.attributes[""] = 1, 'of variable "mask" ""'],
  ["a name too long", (d) => d.dimensions["x".repeat(257)] = 1, "name is not valid"],
  ["a dimension of length 0", (d) => d.dimensions.time = 0, "length is 0"],
  ["a dimension of 2^31", (d) => d.dimensions.time = 2 ** 31, "length is 2147483648"],
  ["a fractional dimension", (d) => d.dimensions.time = 1.5, "length is 1.5"],
  ["an undeclared dimension", (d) => d.variables[0]!.dimensions = ["toString"], '"toString"'],
  ["missing values", (d) => d.variables[0]!.data = new Int8Array(4), "4 values"],
  ["a variable given twice", (d) => d.variables[1]!.name = "mask", '"mask": it occurs twice'],
  [
    "a _FillValue of another type",
    (d) => d.variables[6]!.attributes._FillValue = NaN,
    "expected a Float32Array",
  ],
  [
    "a _FillValue of two values",
    (d) => d.variables[6]!.attributes._FillValue = new Float32Array(2),
    "of length 1",
  ],
];
for (const [what, change, message] of refusals) {
  Deno.test(`encodeNetcdf() throws UserError before the first piece on ${what}`, () => {
    const dataset = makeDataset();
    change(dataset);
    const error = assertThrows(() => encodeNetcdf(dataset), UserError, message);
    assertEquals(error.category, "failed");
  });
}

Deno.test({
  name: "ncdump -h prints the declared dataset (needs ncdump)",
  ignore: !hasNcdump,
  fn: () =>
    withFile(makeDataset(), async (path) => {
      assertEquals(await run("ncdump", "-k", path), "64-bit offset\n");
      const text = await run("ncdump", "-h", "-n", "sample", path);
      assertEquals(
        text,
        `netcdf sample {
dimensions:
	time = 1 ;
	latitude = 3 ;
	longitude = 5 ;
variables:
	byte mask(longitude) ;
	short count(latitude) ;
		count:_FillValue = 7s ;
	int version ;
	double time(time) ;
		time:units = "hours since 1900-01-01 00:00:00" ;
	double latitude(latitude) ;
		latitude:units = "degrees_north" ;
	double longitude(longitude) ;
		longitude:units = "degrees_east" ;
	float t2m(time, latitude, longitude) ;
		t2m:units = "K" ;
		t2m:long_name = "température" ;
		t2m:_FillValue = NaNf ;

// global attributes:
		:Conventions = "CF-1.8" ;
		:institution = "Météo, Nairobi — 25°N" ;
		:ratio = 0.1 ;
		:ensemble_size = 51 ;
		:bytes = -1b, 2b, 3b ;
		:shorts = -300s, 301s, 302s ;
		:floats = 0.1f, -2.5f ;
}
`,
      );
    }),
});

Deno.test({
  name: "ncgen makes the same bytes from ncdump's text (needs ncdump and ncgen)",
  ignore: !hasNcdump || !hasNcgen,
  fn: () => {
    const dataset = makeDataset();
    dataset.variables.at(-1)!.data[1] = 2; // ncgen would read -0 as 0
    return withFile(dataset, async (path) => {
      const cdl = await Deno.makeTempFile({ suffix: ".cdl" });
      const copy = await Deno.makeTempFile({ suffix: ".nc" });
      try {
        await Deno.writeTextFile(cdl, await run("ncdump", "-p", "9,17", path));
        await run("ncgen", "-k", "64-bit offset", "-o", copy, cdl);
        assertEquals(await Deno.readFile(copy), await Deno.readFile(path));
      } finally {
        await Deno.remove(cdl);
        await Deno.remove(copy);
      }
    });
  },
});

const dumpWithXarray = `
import json, sys, xarray
with xarray.open_dataset(sys.argv[1], engine="netcdf4", decode_cf=False) as ds:
    values = {n: [str(v.dtype), v.values.tobytes().hex()] for n, v in ds.variables.items()}
    print(json.dumps({"institution": ds.institution, "values": values}))
`;

Deno.test({
  name: "xarray reads every value to the last bit (needs python3-xarray, python3-netcdf4)",
  ignore: python === undefined,
  fn: () =>
    withFile(makeDataset(), async (path) => {
      const { institution, values } = JSON.parse(await run(python!, "-c", dumpWithXarray, path));
      assertEquals(institution, "Météo, Nairobi — 25°N");
      for (const { name, data } of makeDataset().variables) {
        const type = data[Symbol.toStringTag].replace("Array", "").toLowerCase();
        assertEquals(values[name], [type, new Uint8Array(data.buffer).toHex()], name);
      }
    }),
});

Deno.test({
  name: "cdo finds the grid and the values (needs cdo)",
  ignore: !hasCdo,
  fn: () =>
    withFile(makeDataset(), async (path) => {
      assertStringIncludes(await run("cdo", "-s", "griddes", path), "yinc      = -0.25");
      const text = await run("cdo", "-s", "outputf,%.9g,1", "-selname,t2m", path);
      const values = text.trim().split(/\s+/).map((word) => Math.fround(Number(word)));
      assertEquals(values.slice(1), [...makeField().slice(1)]);
    }),
});

Deno.test("streamNetcdf() writes the bytes of encodeNetcdf(), and variables that are read piece by piece after them", async () => {
  const dataset = makeDataset();
  const whole = await collectBytes(encodeNetcdf(dataset));
  const streamed = await Array.fromAsync(streamNetcdf(dataset));
  assertEquals(await collectBytes(streamed), whole);

  const t2m = dataset.variables.at(-1)!;
  const others = dataset.variables.slice(0, -1);
  const { data, ...rest } = t2m;
  const pieces = async function* () {
    // Copies: they are the reader's, which turns their bytes around where they are.
    yield await Promise.resolve(data.slice(0, 5) as Float32Array);
    yield data.slice(5) as Float32Array;
  };
  const asStream = { ...dataset, variables: others, streamed: [{ ...rest, pieces }] };
  assertEquals(await collectBytes(await Array.fromAsync(streamNetcdf(asStream))), whole);
  assertThrows(() => encodeNetcdf(asStream), UserError, 'variable "t2m": it is streamed');

  const short = async function* () {
    yield await Promise.resolve(Float32Array.of(1, 2));
  };
  await assertRejects(
    () => Array.fromAsync(streamNetcdf({ ...asStream, streamed: [{ ...rest, pieces: short }] })),
    UserError,
    'Cannot write variable "t2m": it has 2 values, expected 15',
  );
});

Deno.test("turnBytes() gives the bytes of encodeNumbers(), also of a NaN of any bits", () => {
  const values = Float32Array.of(0, -0, 1.5, -3.4e38, 1e-45, Infinity, -Infinity, NaN, NaN, NaN, 7);
  new Uint32Array(values.buffer).set([0xffc12345, 0x7f800001, 0xff800001], 7);
  const expected = encodeNumbers(values.slice(1), 0);
  assertEquals(turnBytes(values.subarray(1)), expected);
  assertEquals(values[0], 0); // outside of what was given
});
