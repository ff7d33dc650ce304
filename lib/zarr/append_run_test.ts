import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { UserError } from "../errors.ts";
import { encodeNetcdf } from "../netcdf/encode_netcdf.ts";
import { findPython, runProgram, withBytes } from "../netcdf/netcdf4_fixture.ts";
import { appendRun, writeZarr } from "./append_run.ts";
import { findRunLine } from "./open_archive.ts";
import { readMessages } from "./archive_layout.ts";
import type { StoreFiles } from "./store_files.ts";
import type { ZarrFormat } from "./zarr_arrays.ts";
import {
  makeRunDataset,
  openFiles,
  readStore,
  readTree,
  type TestRun,
  withStore,
} from "./zarr_fixture.ts";

const FORMATS: readonly ZarrFormat[] = [2, 3];
/** Three runs, the last one of which is the oldest. */
const RUNS: readonly TestRun[] = [{ date: "20260206" }, { date: "20260207" }, { date: "20260205" }];
/** The same with one variable on few points, to be written many times. */
const SMALL = RUNS.map((run): TestRun => ({
  ...run,
  variables: ["tp"],
  size: [2, 2],
  steps: [36],
}));
const python = findPython("xarray", "zarr", "netCDF4");

function append(
  path: string,
  run: TestRun,
  options: { format?: ZarrFormat; replace?: boolean } = {},
  files = openFiles(),
) {
  const label = `${run.date}_${run.hour ?? "00"}z`;
  return appendRun(makeRunDataset(run), {
    path,
    label,
    messages: { used: 5, wanted: 6 },
    ...options,
  }, files);
}

/** What an archive holds of a run: its values of each variable. */
async function readRun(path: string, place: number) {
  const { arrays } = (await readStore(path))!;
  return Object.fromEntries(
    [...arrays].filter(([, { dimensions }]) => dimensions[0] === "time").map(([name, it]) => {
      const size = it.data.length / it.shape[0]!;
      return [name, [...it.data.slice(place * size, (place + 1) * size)]];
    }),
  );
}

/** What should be there of a run. */
function expectRun(run: TestRun) {
  return Object.fromEntries(
    makeRunDataset(run).variables.filter(({ name }) => !/^(?:lat|long)itude$/.test(name))
      .map(({ name, data }) => [name, [...data]]),
  );
}

for (const format of FORMATS) {
  Deno.test(`zarrita finds in a store of version ${format} the values, names and attributes of the NetCDF`, () =>
    withStore(async (path) => {
      const dataset = makeRunDataset({ date: "20260206", size: [300, 290] });
      await writeZarr(dataset, { path, format }, openFiles());
      const { attributes, arrays, format: found } = (await readStore(path))!;
      assertEquals(found, `v${format}`);
      assertEquals(attributes, {
        ...dataset.attributes,
        forecast_hours: [36, 39],
        n_ensemble_members: 3,
      });
      assertEquals(
        [...arrays.keys()].toSorted(),
        dataset.variables.map(({ name }) => name).toSorted(),
      );
      for (const { name, dimensions, attributes, data } of dataset.variables) {
        const array = arrays.get(name)!;
        const { _FillValue: _, ...rest } = array.attributes;
        const { _FillValue: __, ...expected } = attributes;
        assertEquals([array.dimensions, rest], [dimensions, expected], name);
        assertEquals(new Uint8Array(array.data.buffer), new Uint8Array(data.buffer), name);
      }
    }));

  Deno.test(`an archive of version ${format} has each run as its own file has it, in order of arrival`, () =>
    withStore(async (path) => {
      const results = [];
      for (const run of RUNS) results.push(await append(path, run, { format }));
      assertEquals(results, ["created", "appended", "appended"]);
      for (const [place, run] of RUNS.entries()) {
        assertEquals(await readRun(path, place), expectRun(run));
      }
      const { arrays, attributes } = (await readStore(path))!;
      assertEquals([...arrays.get("step")!.data], [36, 39]);
      assertEquals(arrays.get("valid_time")!.dimensions, ["time", "step"]);
      assertEquals(arrays.get("valid_time_bnds")!.dimensions, ["time", "step", "bnds"]);
      const tp = arrays.get("tp_ensemble_mean")!;
      assertEquals(tp.dimensions, ["time", "step", "latitude", "longitude"]);
      assertEquals(tp.attributes.coordinates, "valid_time");
      assertEquals(
        tp.attributes.cell_methods,
        "step: sum (from the start of the run) realization: mean",
      );
      assertEquals(
        attributes.history,
        [
          "20260206_00z: 20260206 written by a test; model_date 20260206; model_run 00Z; " +
          "n_ensemble_members 3; absent_ensemble_members 3; messages used 5 of 6",
          "20260207_00z: 20260207 written by a test; model_date 20260207; model_run 00Z; " +
          "n_ensemble_members 3; absent_ensemble_members 3; messages used 5 of 6",
          "20260205_00z: 20260205 written by a test; model_date 20260205; model_run 00Z; " +
          "n_ensemble_members 3; absent_ensemble_members 3; messages used 5 of 6",
        ].join("\n"),
      );
    }));

  Deno.test(`a run that is there is left in an archive of version ${format}, and written again to replace it`, () =>
    withStore(async (path) => {
      for (const run of RUNS) await append(path, run, { format });
      const before = await readTree(path);
      assertEquals(await append(path, { ...RUNS[1]!, offset: 5 }, { format }), "left");
      assertEquals(await readTree(path), before);
      const line = await findRunLine(path, "20260207_00z", openFiles());
      assertEquals(readMessages(line!), { used: 5, wanted: 6 });
      assertEquals(await findRunLine(path, "20260208_00z", openFiles()), undefined);
      assertEquals(await append(path, { ...RUNS[1]!, offset: 5 }, { replace: true }), "replaced");
      assertEquals(await readRun(path, 1), expectRun({ ...RUNS[1]!, offset: 5 }));
      assertEquals(await append(path, RUNS[0]!, { replace: true }), "replaced");
      for (const place of [0, 2]) assertEquals(await readRun(path, place), expectRun(RUNS[place]!));
      // The same run once more is the same archive.
      assertEquals(await append(path, RUNS[1]!, { replace: true }), "replaced");
      const after = await readTree(path);
      const values = Object.keys(before).filter((name) => !/json|zattrs|zmetadata/.test(name));
      for (const name of values) assertEquals(after[name], before[name], name);
    }));

  Deno.test(`a command that ends at any write leaves an archive of version ${format} as it was, or whole`, async () => {
    // How many writes an append takes.
    let count = 0;
    await withStore(async (path) => {
      await append(path, SMALL[0]!, { format });
      await append(path, SMALL[1]!, { format }, failAt(Infinity, () => count++));
    });
    assert(count > 20, `${count}`);
    // Version 2 differs in the names of files alone.
    for (let step = 0; step < count; step += format === 3 ? 1 : 4) {
      await withStore(async (path) => {
        await append(path, SMALL[0]!, { format });
        await assertRejects(() => append(path, SMALL[1]!, { format }, failAt(step)), Killed);
        const [time, second] = (await readStore(path))!.arrays.get("time")!.data;
        assertEquals(time, makeRunDataset(SMALL[0]!).variables[0]!.data[0]);
        assertEquals(await readRun(path, 0), expectRun(SMALL[0]!));
        if (second !== undefined) assertEquals(await readRun(path, 1), expectRun(SMALL[1]!));
        // The same command, or another one, completes it.
        if (step % 2 === 0) await append(path, SMALL[2]!, { format });
        await append(path, SMALL[1]!, { format });
        const times = [...(await readStore(path))!.arrays.get("time")!.data];
        assertEquals(times.length, step % 2 === 0 ? 3 : 2);
        const place = times.indexOf(makeRunDataset(SMALL[1]!).variables[0]!.data[0]!);
        assertEquals(await readRun(path, place), expectRun(SMALL[1]!));
        const left = (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
        assertEquals(left.includes(".staged"), false);
      });
    }
  });
}

Deno.test("members that are read when they are written are in the store and the archive", () =>
  withStore(async (path) => {
    const withMembers = (run: TestRun) => {
      const { dimensions, variables, ...rest } = makeRunDataset({ ...run, size: [80, 90] });
      const values = Float32Array.from(
        { length: 2 * 51 * 80 * 90 },
        (_, i) => Number(run.date.slice(6)) + (i % 997) / 8,
      );
      const number = Int32Array.from({ length: 51 }, (_, i) => i);
      const pieces = async function* () {
        for (let i = 0; i < values.length; i += 7200) yield values.subarray(i, i + 7200);
      };
      const axis = { name: "number", dimensions: ["number"], attributes: {}, data: number };
      const along = ["time", "valid_time", "number", "latitude", "longitude"];
      const attributes = { units: "m", _FillValue: Float32Array.of(NaN) };
      const streamed = [{ name: "tp_members", dimensions: along, attributes, pieces }];
      return {
        dataset: {
          dimensions: { ...dimensions, number: 51 },
          variables: [...variables, axis],
          streamed,
          ...rest,
        },
        values,
      };
    };
    const [first, second] = [RUNS[0]!, RUNS[1]!].map(withMembers);
    const single = path.replace("archive", "single");
    await writeZarr(first!.dataset, { path: single }, openFiles());
    const stored = (await readStore(single))!.arrays.get("tp_members")!;
    assertEquals(stored.shape, [1, 2, 51, 80, 90]);
    assert(stored.data.every((value, i) => value === first!.values[i]));
    for (const [i, { dataset }] of [first!, second!].entries()) {
      await appendRun(dataset, { path, label: `run_${i}` }, openFiles());
    }
    const { data, dimensions } = (await readStore(path))!.arrays.get("tp_members")!;
    assertEquals(dimensions, ["time", "step", "number", "latitude", "longitude"]);
    const expected = [...first!.values, ...second!.values];
    assertEquals(data.length, expected.length);
    assert(data.every((value, i) => value === expected[i]));
  }));

/** What a killed command throws in these tests. */
class Killed extends Error {}

/** Files of which the n-th change fails, and everything after it: nothing can be tidied up. */
function failAt(step: number, onChange = () => {}): StoreFiles {
  const files = openFiles();
  let changes = 0;
  const check = () => {
    onChange();
    if (changes++ >= step) throw new Killed();
  };
  return {
    ...files,
    async write(path, bytes) {
      check();
      await files.write(path, bytes);
    },
    async rename(from, to) {
      check();
      return await files.rename(from, to);
    },
    async remove(folder) {
      check();
      await files.remove(folder);
    },
  };
}

Deno.test("a command that ends while it creates an archive leaves none, and the same one makes it", async () => {
  let count = 0;
  await withStore(async (path) =>
    void await append(path, SMALL[0]!, {}, failAt(Infinity, () => count++))
  );
  for (let step = 0; step < count; step += 2) {
    await withStore(async (path) => {
      await assertRejects(() => append(path, SMALL[0]!, {}, failAt(step)), Killed);
      const store = await readStore(path);
      if (store) assertEquals(await readRun(path, 0), expectRun(SMALL[0]!));
      await append(path, SMALL[0]!);
      assertEquals(await readRun(path, 0), expectRun(SMALL[0]!));
      const beside = await Array.fromAsync(Deno.readDir(path.slice(0, path.lastIndexOf("/"))));
      assertEquals(beside.map(({ name }) => name), ["archive.zarr"]);
    });
  }
});

Deno.test("a command that ends while it replaces a run is completed by the next one", async () => {
  const changed = { ...SMALL[0]!, offset: 7 };
  let count = 0;
  await withStore(async (path) => {
    for (const run of SMALL) await append(path, run);
    await append(path, changed, { replace: true }, failAt(Infinity, () => count++));
  });
  for (let step = 0; step < count; step += 2) {
    await withStore(async (path) => {
      for (const run of SMALL) await append(path, run);
      await assertRejects(() => append(path, changed, { replace: true }, failAt(step)), Killed);
      assertEquals(await readRun(path, 1), expectRun(SMALL[1]!));
      const isListed = await Deno.stat(`${path}/.staged/files.json`).then(() => true, () => false);
      if (!isListed) assertEquals(await readRun(path, 0), expectRun(SMALL[0]!));
      assertEquals(await append(path, SMALL[2]!), "left");
      assertEquals(await readRun(path, 0), expectRun(isListed ? changed : SMALL[0]!));
    });
  }
});

Deno.test("a store that is written again keeps the former one until the new one is whole", async () => {
  const write = (path: string, run: TestRun, files = openFiles()) =>
    writeZarr(makeRunDataset(run), { path }, files);
  let count = 0;
  await withStore(async (path) => {
    await write(path, SMALL[0]!);
    await write(path, SMALL[1]!, failAt(Infinity, () => count++));
  });
  for (let step = 0; step < count; step += 3) {
    await withStore(async (path) => {
      await write(path, SMALL[0]!);
      await assertRejects(() => write(path, SMALL[1]!, failAt(step)), Killed);
      await write(path, SMALL[1]!);
      assertEquals(
        await readRun(path, 0).then((it) => it.tp_ensemble_mean),
        expectRun(SMALL[1]!).tp_ensemble_mean,
      );
      const beside = await Array.fromAsync(Deno.readDir(path.slice(0, path.lastIndexOf("/"))));
      assertEquals(beside.map(({ name }) => name), ["archive.zarr"]);
    });
  }
});

Deno.test("commands that append at once lose no run", () =>
  withStore(async (path) => {
    const dates = ["20260201", "20260202", "20260203", "20260204", "20260205", "20260206"];
    const results = await Promise.all(dates.map((date) => append(path, { date })));
    assertEquals(results.toSorted().slice(0, 2), ["appended", "appended"]);
    const times = [...(await readStore(path))!.arrays.get("time")!.data].toSorted();
    assertEquals(times, dates.map((date) => makeRunDataset({ date }).variables[0]!.data[0]!));
    for (const [place, time] of (await readStore(path))!.arrays.get("time")!.data.entries()) {
      const date = dates[times.indexOf(time)]!;
      assertEquals(await readRun(path, place), expectRun({ date }));
    }
  }));

Deno.test("a run that does not fit is refused by the first thing that differs, and nothing is changed", () =>
  withStore(async (path) => {
    await append(path, { date: "20260206" });
    const before = await readTree(path);
    const refused = async (run: TestRun, message: string, options = {}) => {
      const error = await assertRejects(() => append(path, run, options), UserError, message);
      assertStringIncludes(error.message, `Cannot append to "${path}": `);
    };
    const date = "20260207";
    await refused(
      { date, variables: ["tp"] },
      "it has t2m_ensemble_mean, t2m_ensemble_standard_deviation and 1 more",
    );
    await refused({ date, variables: ["tp", "t2m", "sp"] }, "it has no sp_ensemble_mean");
    await refused(
      { date, steps: [36, 42] },
      "the values of its step are not those of run 20260207_00z",
    );
    await refused(
      { date, steps: [36] },
      "its step has shape [2], not [1], unlike run 20260207_00z",
    );
    await refused({ date, size: [5, 8] }, "its longitude has shape [7], not [8]");
    await refused({ date }, "it is Zarr version 3, and --zarr-format is 2", { format: 2 });
    assertEquals(await readTree(path), before);
  }));

Deno.test("a folder that is no archive is not touched", () =>
  withStore(async (path) => {
    await Deno.mkdir(path);
    await Deno.writeTextFile(`${path}/notes.txt`, "mine");
    await assertRejects(
      () => append(path, RUNS[0]!),
      UserError,
      "it holds files and is no Zarr store",
    );
    await Deno.writeTextFile(`${path}/zarr.json`, "{");
    await assertRejects(() => append(path, RUNS[0]!), UserError, 'names no runs along "time"');
    await Deno.mkdir(`${path}/.staged`);
    await Deno.writeTextFile(`${path}/.staged/files.json`, '["../../etc/x"]');
    await assertRejects(() => append(path, RUNS[0]!), UserError, "it is no list of files");
    assertEquals(Object.keys(await readTree(path)).toSorted(), [
      ".staged/files.json",
      "notes.txt",
      "zarr.json",
    ]);
  }));

const compareStores = `
import sys, numpy, xarray
archive, single, *files = sys.argv[1:]
with xarray.open_dataset(files[0], decode_cf=False) as a:
    b = xarray.open_zarr(single, decode_cf=False).load()
    for x, y in [(a, b)] + [(a[n], b[n]) for n in a.variables]:
        fixed = {n: v for n, v in x.attrs.items()}
        assert set(fixed) == set(y.attrs), (fixed, y.attrs)
        for n, v in fixed.items():
            assert numpy.array_equal(v, y.attrs[n], equal_nan=not isinstance(v, str)), n
    for n in a.variables:
        assert a[n].dims == b[n].dims and a[n].dtype == b[n].dtype, n
        assert a[n].values.tobytes() == b[n].values.tobytes(), n
    c = xarray.open_zarr(single)
    assert xarray.open_dataset(files[0]).equals(c) and set(c.coords) == set(xarray.open_dataset(files[0]).coords)
ds = xarray.open_zarr(archive)
assert dict(ds.sizes)["time"] == len(files) and "valid_time" in ds.coords, ds
assert (ds.sortby("time").time.values[1:] > ds.sortby("time").time.values[:-1]).all()
for file in files:
    with xarray.open_dataset(file) as a:
        run = ds.sel(time=a.time[0])
        assert (run.valid_time.values == a.valid_time.values).all()
        assert (run.time.values + run.step.values == a.valid_time.values).all()
        for n in a.data_vars:
            x, y = a[n].values, run[n].values
            x = x[0] if a[n].dims[0] == "time" else x
            assert numpy.array_equal(x, y, equal_nan=x.dtype.kind == "f"), n
print("same")
`;

Deno.test({
  name: "xarray opens a store and an archive of version 2 with the values of the NetCDF files " +
    "(needs python3-xarray, python3-zarr, python3-netcdf4)",
  ignore: python === undefined,
  fn: () =>
    withStore(async (path) => {
      const single = path.replace("archive", "single");
      for (const run of RUNS) await append(path, run, { format: 2 });
      await writeZarr(makeRunDataset(RUNS[0]!), { path: single, format: 2 }, openFiles());
      const files = RUNS.map((run) => encodeNetcdf(makeRunDataset(run)));
      await withBytes(files[0]!, (a) =>
        withBytes(files[1]!, (b) =>
          withBytes(files[2]!, async (c) => {
            assertEquals(
              await runProgram(python!, "-c", compareStores, path, single, a, b, c),
              "same\n",
            );
          })));
    }),
});
