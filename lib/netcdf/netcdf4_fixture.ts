/**
 * A dataset with every type, attribute kind and layout that the writers know, files of it, and the
 * outside programs that read them.
 *
 * @module
 */
import type { NetcdfDataset, NetcdfVariable } from "./encode_netcdf.ts";

/** Steps, rows and columns of `t2m`, which is too large for one chunk. */
const [STEPS, ROWS, COLUMNS] = [9, 83, 145];

/** A variable as writers take it. */
export function makeVariable(
  name: string,
  dimensions: string[],
  data: NetcdfVariable["data"],
  attributes: NetcdfVariable["attributes"] = {},
): NetcdfVariable {
  return { name, dimensions, attributes, data };
}

/** A forecast-like dataset: axes, bounds along a dimension without variable, a scalar, fields. */
export function makeVariedDataset(): NetcdfDataset {
  const length = STEPS * ROWS * COLUMNS;
  const field = Float32Array.from({ length }, (_, i) => 280 + 20 * Math.sin(i / 700) + i % 7 / 9);
  field.set([NaN, -0, 1e-45, -3.4028234663852886e38, 1 / 3], 3);
  const steps = (step: number) =>
    Float64Array.from({ length: STEPS }, (_, i) => 1105344 + step * i);
  const fill = { _FillValue: Float32Array.of(NaN) };
  return {
    dimensions: { time: 1, valid_time: STEPS, latitude: ROWS, longitude: COLUMNS, bnds: 2 },
    attributes: {
      Conventions: "CF-1.8",
      institution: "Météo, Nairobi — 25°N",
      empty: "",
      ratio: 0.1,
      forecast_hours: Int32Array.of(36, 39, 42),
      bytes: Int8Array.of(-1, 2, 3),
      shorts: Int16Array.of(-300, 301, 302),
      floats: Float32Array.of(0.1, -2.5),
    },
    variables: [
      makeVariable("time", ["time"], Float64Array.of(1105308), { units: "hours since 1900-01-01" }),
      makeVariable("valid_time", ["valid_time"], steps(3), {
        bounds: "valid_time_bnds",
        axis: "T",
      }),
      makeVariable(
        "valid_time_bnds",
        ["valid_time", "bnds"],
        Float64Array.from({ length: 2 * STEPS }, (_, i) => i),
      ),
      makeVariable(
        "latitude",
        ["latitude"],
        Float64Array.from({ length: ROWS }, (_, i) => 25 - i / 4),
      ),
      makeVariable(
        "longitude",
        ["longitude"],
        Float64Array.from({ length: COLUMNS }, (_, i) => i / 4),
      ),
      makeVariable("height", [], Int16Array.of(-2), { units: "m" }),
      makeVariable("mask", ["longitude"], new Int8Array(COLUMNS).fill(-3)),
      makeVariable("t2m", ["time", "valid_time", "latitude", "longitude"], field, {
        units: "K",
        long_name: "température",
        ...fill,
      }),
      makeVariable("count", ["time", "valid_time"], new Int32Array(STEPS).fill(51), { units: "1" }),
      makeVariable(
        "codes",
        ["latitude", "longitude"],
        new Int32Array(ROWS * COLUMNS).fill(-70000),
        {
          _FillValue: Int32Array.of(-1),
        },
      ),
    ],
  };
}

type Pieces =
  | Iterable<Uint8Array<ArrayBufferLike>>
  | AsyncIterable<Uint8Array<ArrayBufferLike>>;

/** A whole file in memory. */
export async function collectBytes(pieces: Pieces): Promise<Uint8Array<ArrayBuffer>> {
  const parts = await Array.fromAsync(pieces as AsyncIterable<Uint8Array<ArrayBuffer>>);
  return await new Blob(parts).bytes();
}

/** Calls back with the path of a file, which is removed afterwards. */
export async function withBytes(
  pieces: Pieces,
  use: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".nc" });
  try {
    await Deno.writeFile(path, ReadableStream.from(pieces));
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

/** The output of a program. */
export async function runProgram(command: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args }).output();
  if (!success) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** A Python that has these modules; `undefined` when there is none. */
export function findPython(...modules: string[]): string | undefined {
  const code = `import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))`;
  return ["python3", "/usr/bin/python3"].find((path) => isThere(path, "-c", code, ...modules));
}

/** Whether a program is there and ends well. */
export function isThere(command: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
