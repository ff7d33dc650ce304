/**
 * The layout of the project as data, and tests that keep it: which room may import which, how much a
 * command loads, and what a name or a file may be called.
 */
import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { basename, dirname, join } from "node:path/posix";
import { openStorage } from "./storage/mod.ts";

/** The rooms of `lib/` from the ground up. A room imports from lower layers, never from its own. */
const LAYERS: readonly (readonly string[])[] = [
  ["errors.ts", "util", "jsr"],
  ["grib", "index", "netcdf", "storage"],
  ["ecmwf", "zarr"],
  ["references", "runs"],
  ["kerchunk", "ensemble"],
  ["template", "checkpoint", "output"],
  ["pipeline", "stream", "engines", "maps"],
  ["viewer"],
  ["forecast"],
  ["watch"],
  ["cli"],
];

/** The folders inside a room, likewise; `mod.ts` stands above them. */
const FOLDERS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  storage: [["protocol"], ["backends", "client"]],
};

/** The file of each room that says what goes in and what comes out, where it is not `mod.ts`. */
const MAIN_FILES: Readonly<Record<string, string>> = {
  "errors.ts": "lib/errors.ts",
  util: "lib/util/parallel.ts",
  jsr: "lib/jsr/cli_parse_args.ts",
  index: "lib/index/entries.ts",
  netcdf: "lib/netcdf/encode_netcdf.ts",
  ecmwf: "lib/ecmwf/run.ts",
  zarr: "lib/zarr/append_run.ts",
  references: "lib/references/store.ts",
  runs: "lib/runs/make_runs.ts",
  kerchunk: "lib/kerchunk/final_stores.ts",
  ensemble: "lib/ensemble/reduce_fields.ts",
  template: "lib/template/open_template.ts",
  checkpoint: "lib/checkpoint/work_folder.ts",
  output: "lib/output/forecast_dataset.ts",
  pipeline: "lib/pipeline/run_pipeline.ts",
  stream: "lib/stream/run_stream.ts",
  engines: "lib/engines/array_engine.ts",
  maps: "lib/maps/figure.ts",
  viewer: "lib/viewer/document.ts",
  forecast: "lib/forecast/run_forecast.ts",
  watch: "lib/watch/run_watch.ts",
  cli: "lib/cli/run_command.ts",
};

/** Modules of ours that a command loads at its start, at most. */
const MODULE_BUDGETS: Readonly<Record<string, number>> = {
  "stages/stage1.ts": 46,
  "stages/stage2.ts": 44,
  "stages/stage3.ts": 49,
  "stages/pipeline.ts": 53,
  "stages/stream.ts": 71,
  "stages/forecast.ts": 73,
  "stages/watch.ts": 85,
  "stages/extract.ts": 73,
  "stages/distribute.ts": 74,
  "stages/plot.ts": 56,
  "stages/view.ts": 74,
  "stages/permissions.ts": 14,
};

/** Files under 40 lines that do not join a neighbour, and why. */
const SHORT_FILES: Readonly<Record<string, string>> = {
  "lib/storage/protocol/checksum.ts":
    "its package is loaded with it, which most commands do without",
};

const ROOT = new URL("../", import.meta.url);
/** An import or export of a file of ours: whether of types alone, its names and its path. */
const IMPORT =
  /^(?:import|export)( type)?(?: ([^;"]*?) from)? "(\.{1,2}\/[^"]+)"|import\("(\.{1,2}\/[^"]+)"\)/gm;
const EXPORT = /^export (?:async )?(?:function\*?|class|const|interface|type) (\w+)/gm;

interface Import {
  path: string;
  /** Whether it costs nothing at the start: types alone, or loaded when it is needed. */
  isFree: boolean;
}

interface Module {
  path: string;
  text: string;
  lineCount: number;
  imports: readonly Import[];
}

async function readModules(): Promise<Map<string, Module>> {
  const modules = new Map<string, Module>();
  for (const folder of ["lib", "stages"]) {
    const path = decodeURIComponent(new URL(`${folder}/`, ROOT).pathname);
    for await (const { url } of openStorage().list(path)) {
      if (!url.endsWith(".ts") || /_(?:test|fixture)\.ts$|\.d\.ts$/.test(url)) continue;
      const text = await Deno.readTextFile(url);
      const name = `${folder}/${url.slice(path.length)}`;
      modules.set(name, { path: name, text, ...measureModule(name, text) });
    }
  }
  return modules;
}

function measureModule(path: string, text: string): Pick<Module, "lineCount" | "imports"> {
  const imports = [...text.matchAll(IMPORT)].map(([, isType, names, fixed, dynamic]) => {
    const items = /^\{(.*)\}$/s.exec(names ?? "")?.[1]?.split(",").map((item) => item.trim());
    const isTypesOnly = items?.filter((item) => item !== "").every((item) => /^type /.test(item));
    return {
      path: join(dirname(path), fixed ?? dynamic!),
      isFree: isType !== undefined || isTypesOnly === true || dynamic !== undefined,
    };
  });
  return { lineCount: text.trimEnd().split("\n").length, imports };
}

const MODULES = await readModules();
const ROOM_NAMES = LAYERS.flat();

function layerOf(room: string, layers: typeof LAYERS): number {
  return layers.findIndex((layer) => layer.includes(room));
}

/** Imports from a part of a tree of another part that is not below it. */
function findClimbs(root: string, layers: typeof LAYERS): string[] {
  const partOf = (path: string) => path.slice(root.length).split("/")[0]!;
  const inside = [...MODULES.values()].filter(({ path }) =>
    path.startsWith(root) && layerOf(partOf(path), layers) >= 0
  );
  return inside.flatMap(({ path, imports }) =>
    imports.filter((it) => it.path.startsWith(root) && partOf(it.path) !== partOf(path))
      .filter((it) =>
        layerOf(partOf(it.path), layers) >= layerOf(partOf(path), layers) ||
        layerOf(partOf(it.path), layers) < 0
      )
      .map((it) => `${path} imports ${it.path}`)
  );
}

/** The modules that a module loads at its start, itself included. */
function findLoaded(start: string): Set<string> {
  const loaded = new Set<string>();
  const waiting = [start];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const module = MODULES.get(path);
    if (!module || loaded.has(path)) continue;
    loaded.add(path);
    waiting.push(...module.imports.filter(({ isFree }) => !isFree).map((it) => it.path));
  }
  return loaded;
}

/** The items that come more than once, each with where. */
function findRepeated(items: Iterable<readonly [name: string, path: string]>): string[] {
  const byName = Map.groupBy(items, ([name]) => name);
  return [...byName].filter(([, own]) => own.length > 1)
    .map(([name, own]) => `${name}: ${own.map(([, path]) => path).join(", ")}`);
}

Deno.test("every file of lib is in a room, and every room is in a layer", () => {
  const rooms = [...MODULES.keys()].filter((path) => path.startsWith("lib/"))
    .map((path) => path.split("/")[1]!);
  assertEquals([...new Set(rooms)].toSorted(), ROOM_NAMES.toSorted());
});

Deno.test("a room imports only from lower layers, types and what is loaded later included", () => {
  assertEquals(findClimbs("lib/", LAYERS), []);
  for (const [room, layers] of Object.entries(FOLDERS)) {
    assertEquals(findClimbs(`lib/${room}/`, layers), []);
  }
});

Deno.test("lib imports nothing from stages, reads no arguments, prints nothing and never exits", () => {
  const lib = [...MODULES.values()].filter(({ path }) => path.startsWith("lib/"));
  const climbs = lib.filter(({ imports }) => imports.some((it) => it.path.startsWith("stages/")));
  assertEquals(climbs.map(({ path }) => path), []);
  const acting = lib.filter(({ text }) =>
    /^[^*\n]*\b(?:Deno\.(?:args|exit)|console\.\w+)\b/m.test(text)
  );
  assertEquals(acting.map(({ path }) => path), []);
});

Deno.test("a command loads no more modules than its budget, and every command has one", () => {
  const commands = [...MODULES.values()]
    .filter(({ path, text }) => /^stages\/\w+\.ts$/.test(path) && text.includes("import.meta.main"))
    .map(({ path }) => path).filter((path) => path !== "stages/demo.ts");
  assertEquals(commands.toSorted(), Object.keys(MODULE_BUDGETS).toSorted());
  const over = commands.map((path) => ({ path, count: findLoaded(path).size }))
    .filter(({ path, count }) => count > MODULE_BUDGETS[path]!);
  assertEquals(over, []);
});

Deno.test("stage 2 loads no decoder, no NetCDF writer, no engine and no cloud", () => {
  const loaded = [...findLoaded("stages/stage2.ts")];
  const strange = /^lib\/(?:grib|netcdf|engines|ensemble|kerchunk|template)\/|gcs|azure|s3\.ts/;
  assertEquals(loaded.filter((path) => strange.test(path)), []);
});

Deno.test("formats of files are loaded only by who asks for them", () => {
  const formats = /^lib\/zarr\/|netcdf4\.ts$|\/hdf5_/;
  for (const name of ["stream", "forecast", "distribute", "plot", "view"]) {
    const loaded = [...findLoaded(`stages/${name}.ts`)];
    assertEquals(loaded.filter((path) => formats.test(path)), [], name);
  }
});

Deno.test("no two modules export the same name", () => {
  const modules = [...MODULES.values()].filter(({ path }) => !path.includes("/page/"));
  const names = modules.flatMap(({ path, text }) =>
    [...text.matchAll(EXPORT)].map(([, name]) => [name!, path] as const)
  );
  assertEquals(findRepeated(names.filter(([name]) => name !== "command")), []);
});

Deno.test("no two files have the same name, and none but mod.ts says nothing of its content", () => {
  const names = [...MODULES.keys()].map((path) => [basename(path), path] as const);
  assertEquals(findRepeated(names.filter(([name]) => name !== "mod.ts")), []);
});

Deno.test("no file is too long to read, nor so short that it belongs to its neighbour", () => {
  const sizes = [...MODULES.values()].filter(({ path, text }) =>
    !path.startsWith("lib/jsr/") && !path.includes("/page/") && !path.endsWith("/mod.ts") &&
    !text.includes("import.meta.main")
  );
  const isData = (path: string) => path === "lib/ecmwf/parameters.ts";
  const long = sizes.filter(({ path, lineCount }) => lineCount > 400 && !isData(path));
  const short = sizes.filter(({ path, lineCount }) => lineCount < 40 && !(path in SHORT_FILES));
  assertEquals([...long, ...short].map(({ path, lineCount }) => `${path}: ${lineCount} lines`), []);
});

Deno.test("at most two files of lib are in no folder, and every room says what it is for", () => {
  const loose = [...MODULES.keys()].filter((path) => /^lib\/[^/]+$/.test(path));
  assert(loose.length <= 2, loose.join());
  for (const room of ROOM_NAMES) {
    const path = MAIN_FILES[room] ?? `lib/${room}/mod.ts`;
    const text = MODULES.get(path)?.text ?? "";
    assert(/^\/\*\*\n \* [A-Z`][^]*?\.\n/.test(text), `${path} does not begin with a sentence`);
  }
});

Deno.test("the README is short enough to be read", async () => {
  const { size } = await Deno.stat(new URL("README.md", ROOT));
  assert(size <= 16_000, `${size} bytes`);
});
