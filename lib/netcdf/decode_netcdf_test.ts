import { assert, assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import { decodeNetcdf, NetcdfError } from "./decode_netcdf.ts";
import { encodeNetcdf, type NetcdfDataset } from "./encode_netcdf.ts";

/** Every type, attribute kind and padding of the format. */
function makeDataset(): NetcdfDataset {
  const variable = (
    name: string,
    dimensions: string[],
    data: NetcdfDataset["variables"][0]["data"],
  ) => {
    return { name, dimensions, data, attributes: { units: "1", odd: Int8Array.of(-1, 2, 3) } };
  };
  return {
    dimensions: { x: 3, y: 2 },
    attributes: { title: "Météo, Nairobi — 25°N", empty: "", ratio: 0.1 },
    variables: [
      variable("bytes", ["x"], Int8Array.of(-1, 0, 127)),
      variable("shorts", ["x"], Int16Array.of(-300, 0, 300)),
      variable("scalar", [], Int32Array.of(-2147483648)),
      variable("floats", ["y", "x"], Float32Array.of(NaN, -0, 0.1, 1e-45, 3e38, 5)),
      variable("doubles", ["x", "y"], Float64Array.of(NaN, -0, 0.1, 5e-324, 1e308, 5)),
    ],
  };
}

function encode(dataset = makeDataset()): Promise<Uint8Array<ArrayBuffer>> {
  return new Blob([...encodeNetcdf(dataset)]).bytes();
}

/** Puts 32-bit numbers in the place of those after a name, counted in words from its end. */
function patch(bytes: Uint8Array, name: string, change: Record<number, number>): Uint8Array {
  const text = new TextDecoder("latin1").decode(bytes);
  const start = text.indexOf(`\0\0\0${String.fromCharCode(name.length)}${name}`) + 4;
  assert(start >= 4, name);
  const end = start + Math.ceil(name.length / 4) * 4;
  const changed = bytes.slice();
  for (const [word, value] of Object.entries(change)) {
    new DataView(changed.buffer).setUint32(end + 4 * Number(word), value);
  }
  return changed;
}

/** Values by variable. */
function readAll(bytes: Uint8Array): Record<string, unknown> {
  return Object.fromEntries(decodeNetcdf(bytes).variables.map(({ name, read }) => [name, read()]));
}

Deno.test("decodeNetcdf() reads back what encodeNetcdf() writes, to the last bit", async () => {
  const dataset = makeDataset();
  const { attributes, variables } = decodeNetcdf(await encode(dataset));
  assertEquals(Object.fromEntries(attributes), {
    ...dataset.attributes,
    ratio: Float64Array.of(0.1),
  });
  assertEquals(
    variables.map(({ name, dimensions, attributes, read }) => {
      return { name, dimensions: [...dimensions], attributes: new Map(attributes), data: read() };
    }),
    dataset.variables.map((variable) => {
      return { ...variable, attributes: new Map(Object.entries(variable.attributes)) };
    }) as unknown[],
  );
  assertEquals(variables.map(({ lengths }) => lengths), [[3], [3], [], [2, 3], [3, 2]]);
});

/** `ncgen -k classic` of `short a(n, 3), int fixed(3), double b(n)`, n unlimited; base64. */
const TWO_RECORD_VARIABLES =
  "Q0RGAQAAAAIAAAAKAAAAAgAAAAFuAAAAAAAAAAAAAAF4AAAAAAAAAwAAAAAAAAAAAAAACwAAAAMAAAABYQAAAAAAAAIAAAAA" +
  "AAAAAQAAAAwAAAABAAAACWxvbmdfbmFtZQAAAAAAAAIAAAADb2RkAAAAAAMAAAAIAAAA1AAAAAVmaXhlZAAAAAAAAAEAAAAB" +
  "AAAAAAAAAAAAAAAEAAAADAAAAMgAAAABYgAAAAAAAAEAAAAAAAAAAAAAAAAAAAAGAAAACAAAANwAAAAHAAAACAAAAAkAAQAC" +
  "AAOAAT/gAAAAAAAAAAQABQAGgAG/+AAAAAAAAA==";
/** The same with `a` alone: its records are not padded. */
const ONE_RECORD_VARIABLE =
  "Q0RGAQAAAAIAAAAKAAAAAgAAAAFuAAAAAAAAAAAAAAF4AAAAAAAAAwAAAAAAAAAAAAAACwAAAAEAAAABYQAAAAAAAAIAAAAA" +
  "AAAAAQAAAAAAAAAAAAAAAwAAAAgAAABgAAEAAgADAAQABQAG";

Deno.test("decodeNetcdf() reads records without their padding, one record variable or more", () => {
  const a = Int16Array.of(1, 2, 3, 4, 5, 6);
  const two = Uint8Array.fromBase64(TWO_RECORD_VARIABLES);
  assertEquals(readAll(two), {
    a,
    fixed: Int32Array.of(7, 8, 9),
    b: Float64Array.of(0.5, -1.5),
  });
  assertEquals(decodeNetcdf(two).variables[0]!.lengths, [2, 3]);
  const one = Uint8Array.fromBase64(ONE_RECORD_VARIABLE);
  assertEquals(readAll(one), { a });
  for (const bytes of [one, two]) {
    new DataView(bytes.buffer).setUint32(4, 2 ** 32 - 1); // a writer that streamed
    assertEquals(readAll(bytes).a, a);
    new DataView(bytes.buffer).setUint32(4, 0);
    assertEquals(readAll(bytes).a, new Int16Array(0));
  }
});

Deno.test("decodeNetcdf() reads text as UTF-8, else as Latin-1, without zeros at its end", async () => {
  const bytes = await encode({
    dimensions: {},
    attributes: { a: "M~t~o", b: "Météo", c: "text__" },
    variables: [],
  });
  const latin1 = bytes.map((byte) => byte === 0x7e ? 0xe9 : byte === 0x5f ? 0 : byte);
  assertEquals(Object.fromEntries(decodeNetcdf(latin1).attributes), {
    a: "Météo",
    b: "Météo",
    c: "text",
  });
});

const HUGE = 2 ** 32 - 1;

const BROKEN: { what: string; change: (bytes: Uint8Array) => Uint8Array; says: string }[] = [
  {
    what: "a dimension id that does not exist",
    change: (bytes) => patch(bytes, "floats", { 1: 7 }),
    says: "its variable floats has dimension 7, expected 0 to 1",
  },
  {
    what: "a dimension id of all ones",
    change: (bytes) => patch(bytes, "floats", { 2: HUGE }),
    says: `its variable floats has dimension ${HUGE}`,
  },
  {
    what: "more dimensions than the file could hold",
    change: (bytes) => patch(bytes, "shorts", { 0: HUGE }),
    says: "its variable shorts has dimension",
  },
  {
    what: "an attribute longer than the file",
    change: (bytes) => patch(bytes, "title", { 1: HUGE }),
    says: "its header is cut short",
  },
  {
    what: "an attribute of an unknown type",
    change: (bytes) => patch(bytes, "ratio", { 0: 9 }),
    says: "its attribute ratio of the file has type 9, expected 1 to 6",
  },
  {
    what: "a record dimension that is not the first",
    change: (bytes) => patch(bytes, "x", { 0: 0 }),
    says: "its variable floats has the record dimension x at position 1, expected at 0",
  },
  {
    what: "two record dimensions",
    change: (bytes) => patch(patch(bytes, "x", { 0: 0 }), "y", { 0: 0 }),
    says: "it has two record dimensions",
  },
  {
    what: "a dimension longer than the file",
    change: (bytes) => patch(bytes, "y", { 0: HUGE }),
    says: "its variable doubles begin within those of floats",
  },
  {
    what: "another format",
    change: () => new TextEncoder().encode("GRIB and more"),
    says: "it is no NetCDF file",
  },
  { what: "no bytes", change: () => new Uint8Array(0), says: "it is no NetCDF file" },
  {
    what: "CDF-5",
    change: (bytes) => Uint8Array.of(...bytes.subarray(0, 3), 5, ...bytes.subarray(4)),
    says: "it is NetCDF CDF-5, make it classic: nccopy -k 64-bit-offset",
  },
  {
    what: "a version that does not exist",
    change: (bytes) => Uint8Array.of(...bytes.subarray(0, 3), 7, ...bytes.subarray(4)),
    says: "its version is 7, expected 1 or 2",
  },
];

for (const { what, change, says } of BROKEN) {
  Deno.test(`decodeNetcdf() refuses ${what} in one line`, async () => {
    const bytes = change(await encode());
    const { message } = assertThrows(() => decodeNetcdf(bytes), NetcdfError, says);
    assertEquals(message.split("\n").length, 1);
  });
}

Deno.test("decodeNetcdf() refuses two variables of one name, and values that overlap", async () => {
  const bytes = await encode();
  const renamed = new TextDecoder("latin1").decode(bytes).replace("shorts", "floats");
  const twice = Uint8Array.from(renamed, (letter) => letter.charCodeAt(0));
  assertThrows(() => decodeNetcdf(twice), NetcdfError, "its variable floats occurs twice");
  const moved = bytes.slice();
  // The offset of the first variable is the last word before its name, in the list of variables.
  const [begin] = findOffsets(bytes);
  new DataView(moved.buffer).setUint32(begin!, 8);
  assertThrows(() => decodeNetcdf(moved), NetcdfError, "bytes begin within those of the header");
});

/** Where in the file the offset of each variable is, low half: before the next variable's name. */
function findOffsets(bytes: Uint8Array): number[] {
  const text = new TextDecoder("latin1").decode(bytes);
  return ["shorts", "scalar", "floats", "doubles"].map((name) => text.indexOf(name) - 8);
}

Deno.test("decodeNetcdf() reads or refuses a file with any one bit flipped, and one cut anywhere", async () => {
  const bytes = await encode();
  const outcomes = { read: 0, refused: 0 };
  const attempt = (bytes: Uint8Array) => {
    try {
      const values = Object.values(readAll(bytes)) as Float32Array[];
      const total = values.reduce((sum, { byteLength }) => sum + byteLength, 0);
      assert(total <= bytes.length, "more values than the file has room for");
      outcomes.read++;
    } catch (error) {
      assert(error instanceof NetcdfError, `${error}`);
      outcomes.refused++;
    }
  };
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    attempt(flipped);
  }
  for (let length = 0; length < bytes.length; length++) attempt(bytes.subarray(0, length));
  assertEquals(outcomes.read + outcomes.refused, bytes.length * 9);
  assert(outcomes.read > 100 && outcomes.refused > 100);
});

Deno.test("a variable that is cut short is named when it is read, and the others can be read", async () => {
  const bytes = await encode();
  const { variables } = decodeNetcdf(bytes.subarray(0, bytes.length - 1));
  assertEquals(variables[0]!.read(), Int8Array.of(-1, 0, 127));
  assertThrows(() => variables[4]!.read(), NetcdfError, "its variable doubles is cut short");
});
