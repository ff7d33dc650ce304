import { assert, assertEquals, assertRejects, assertStringIncludes } from "jsr:@std/assert@^1.0.0";
import { packTar, unpackTar } from "npm:modern-tar@0.8.6";
import { encodeStore } from "../references/encode_store.ts";
import { formatReference, isReference, type Store, type StoreValue } from "../references/store.ts";
import { encodeTemplate, readTemplate, TemplateError } from "./template_archive.ts";

type TarEntry = Parameters<typeof packTar>[0][number];

const encode = (text: string) => new TextEncoder().encode(text);

function storePath(member: string, run = "2024052900", step = "000"): string {
  const folder = member.replace("ens", "ens_").replace("control", "ens_control");
  return `gik-fmrc/v2ecmwf_fmrc/${folder}/ecmwf-${run}-${member}-rt${step}.par`;
}

function makeFile(name: string, store: Record<string, string> = { ".zgroup": "{}" }): TarEntry {
  const values = Object.entries(store).map(([key, text]) => [key, encode(text)] as const);
  const body = encodeStore(new Map(values));
  return { header: { name, size: body.length, type: "file" }, body };
}

async function gzip(tar: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([tar]).stream().pipeThrough(new CompressionStream("gzip"));
  return await new Response(stream).bytes();
}

/** Reads an archive of these entries, or of these bytes. */
async function read(
  archive: TarEntry[] | Uint8Array<ArrayBuffer>,
  isWanted?: (it: number) => boolean,
) {
  const bytes = Array.isArray(archive) ? await gzip(await packTar(archive)) : archive;
  return await readTemplate(new Blob([bytes]).stream(), "t.tar.gz", isWanted);
}

Deno.test("readTemplate() reads the stores of an archive by member, and the run in their names", async () => {
  const template = await read([
    { header: { name: "gik-fmrc/", size: 0, type: "directory" } },
    makeFile(storePath("ens50"), { "a/.zattrs": "fifty" }),
    { header: { name: "gik-fmrc/README.md", size: 2, type: "file" }, body: "hi" },
    makeFile(storePath("control"), { "a/.zattrs": "control" }),
  ]);
  assertEquals(template, {
    run: { date: "20240529", hour: "00" },
    stores: new Map([
      [50, new Map([["a/.zattrs", encode("fifty")]])],
      [0, new Map([["a/.zattrs", encode("control")]])],
    ]),
  });
});

Deno.test("readTemplate() joins the files that an archive has of one member", async () => {
  const template = await read([
    makeFile(storePath("ens01"), { "a": "1", "b": "2" }),
    makeFile(storePath("ens01", "2024052900", "003"), { "b": "3", "c": "4" }),
  ]);
  const expected = [["a", encode("1")], ["b", encode("3")], ["c", encode("4")]];
  assertEquals<unknown>([...template.stores.get(1)!], expected);
});

Deno.test("readTemplate() reads only the members asked for, whatever the files of others hold", async () => {
  const damaged = { ...makeFile(storePath("ens02")), body: "no Parquet file" };
  damaged.header = { ...damaged.header, size: damaged.body.length };
  const archive = [makeFile(storePath("ens01")), damaged, makeFile(storePath("ens03"))];
  const template = await read(archive, (member) => member !== 2);
  assertEquals([...template.stores.keys()], [1, 3]);
  await assertRejects(
    () => read(archive),
    TemplateError,
    `Cannot read template t.tar.gz: Cannot read ${storePath("ens02")} in t.tar.gz as a store`,
  );
});

Deno.test("readTemplate() refuses paths that leave the archive, in files that it would skip too", async () => {
  const store = storePath("ens01");
  const names = ["../x", `../${store}`, `a/../../${store}`, `/${store}`, "/etc/passwd", "a\\..\\b"];
  for (const name of names) {
    await assertRejects(
      () => read([makeFile(store), makeFile(name)]),
      TemplateError,
      `Cannot use template t.tar.gz: entry "${name}" leaves the archive`,
    );
  }
});

Deno.test("readTemplate() accepts points in a name that are no parent folder", async () => {
  const template = await read([makeFile("a..b/..c/notes.txt"), makeFile(storePath("ens01"))]);
  assertEquals([...template.stores.keys()], [1]);
});

Deno.test("readTemplate() refuses symbolic and hard links", async () => {
  for (const type of ["symlink", "link"] as const) {
    const name = storePath("ens01");
    const link = { header: { name, size: 0, type, linkname: "/etc/passwd" } };
    await assertRejects(
      () => read([link]),
      TemplateError,
      `Cannot use template t.tar.gz: entry "${name}" is a link`,
    );
  }
});

Deno.test("readTemplate() refuses stores of two runs", async () => {
  const archive = [makeFile(storePath("ens01")), makeFile(storePath("ens02", "2024053012"))];
  await assertRejects(
    () => read(archive),
    TemplateError,
    "it holds stores of 20240529_00z and 20240530_12z",
  );
});

Deno.test("readTemplate() refuses a run that is in no calendar", async () => {
  const archive = [makeFile(storePath("ens01", "2024139900"))];
  await assertRejects(() => read(archive), TemplateError, 'Cannot use date "20241399"');
});

Deno.test("readTemplate() refuses an archive without a store, or without one of the members", async () => {
  const message = "Cannot use template t.tar.gz: it holds no ecmwf-<date><hour>-<member>-rt<step>";
  await assertRejects(() => read([]), TemplateError, message);
  await assertRejects(() => read([makeFile("gik-fmrc/notes.par")]), TemplateError, message);
  await assertRejects(() => read([makeFile(storePath("ens51"))]), TemplateError, message);
  const archive = [makeFile(storePath("ens01"))];
  await assertRejects(() => read(archive, () => false), TemplateError, message);
});

Deno.test("readTemplate() refuses what is cut short, damaged or no archive, and closes it", async () => {
  const tar = await packTar([makeFile(storePath("ens01")), makeFile(storePath("ens02"))]);
  const whole = await gzip(tar);
  const damagedHeader = tar.slice();
  damagedHeader[3]! ^= 1; // a letter of the first name
  const archives = [
    new Uint8Array(),
    encode("no gzip file"),
    whole.slice(0, whole.length / 2),
    whole.slice(0, -6), // without the checksum at the end of a gzip file
    await gzip(tar.slice(0, 700)), // ends inside the first store
    await gzip(damagedHeader),
  ];
  const path = await Deno.makeTempFile();
  for (const archive of archives) {
    await Deno.writeFile(path, archive);
    const { readable } = await Deno.open(path);
    await assertRejects(
      () => readTemplate(readable, "t.tar.gz"),
      TemplateError,
      "Cannot read template t.tar.gz: ",
    );
  }
  await Deno.remove(path);
});

Deno.test("readTemplate() settles with one error wherever an archive is cut, whichever entries are skipped", async () => {
  const files = ["ens01", "ens02", "ens03"].map((it) => makeFile(storePath(it)));
  const tar = await packTar([makeFile("notes.txt"), ...files]);
  const wrong: string[] = [];
  for (let end = 0; end < tar.length; end += 256) {
    const archive = await gzip(tar.slice(0, end));
    for (const isWanted of [() => true, (it: number) => it > 1, (it: number) => it === 2]) {
      const outcome = await settle(read(archive, isWanted));
      if (!/^TemplateError: Cannot read template t.tar.gz: /.test(outcome)) {
        wrong.push(`${end} bytes: ${outcome}`);
      }
    }
  }
  assertEquals(wrong, []);
});

/** The error of a read, in words; what is not settled once all other work is done never will be. */
async function settle(reading: Promise<unknown>): Promise<string> {
  const settled = reading.then(() => "read", (error) => `${error}`);
  for (let turn = 0; turn < 1000; turn++) {
    const turnEnd = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 0));
    const outcome = await Promise.race([settled, turnEnd]);
    if (outcome !== undefined) return outcome;
  }
  return "not settled";
}

const MIB = 2 ** 20;

for (const first of ["notes.txt", storePath("ens01"), undefined]) {
  const what = first === undefined ? "behind the end of the tar" : `in ${first}`;
  Deno.test(`readTemplate() decompresses no more zeros ${what} than its limit, and a few pieces`, async () => {
    const header = await packTar(first ? [{ header: { name: first, size: 0, type: "file" } }] : []);
    if (first) claimSize(header, 200 * MIB);
    const zeros = new Array(200).fill(new Uint8Array(MIB));
    const tar = ReadableStream.from([header.slice(0, first ? 512 : 1024), ...zeros]);
    const archive = await new Response(tar.pipeThrough(new CompressionStream("gzip"))).bytes();
    using counter = countDecompressed();
    await assertRejects(
      () => readTemplate(ReadableStream.from([archive]), "t.tar.gz", undefined, LIMITS),
      TemplateError,
      "Cannot use template t.tar.gz: ",
    );
    // Beside its entries, a tar may have 16 MiB; a piece of 4 KiB gives 4 MiB of zeros.
    assert(counter.bytes > 0 && counter.bytes < 32 * MIB, `${counter.bytes / MIB} MiB`);
  });
}

/** Counts what all streams decompress. */
function countDecompressed(): Disposable & { readonly bytes: number } {
  const Original = globalThis.DecompressionStream;
  let bytes = 0;
  globalThis.DecompressionStream = class extends Original {
    readonly #counted = super.readable.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(chunk, controller) {
          bytes += chunk.length;
          controller.enqueue(chunk);
        },
      }),
    );
    override get readable() {
      return this.#counted;
    }
  };
  return {
    get bytes() {
      return bytes;
    },
    [Symbol.dispose]() {
      globalThis.DecompressionStream = Original;
    },
  };
}

Deno.test("readTemplate() does not read a store that claims to be far too large", async () => {
  const tar = await packTar([makeFile(storePath("ens01"))]);
  claimSize(tar, 300 * 1024 * 1024);
  const archive = await gzip(tar);
  await assertRejects(
    () => read(archive),
    TemplateError,
    `Cannot use template t.tar.gz: "${storePath("ens01")}" claims 314572800 bytes`,
  );
});

const LIMITS = { entryBytes: 4000, totalBytes: 9000, entries: 5 };

const UNPACK_CASES: [name: string, entries: () => TarEntry[], says: string][] = [
  [
    "an entry",
    () => [makeFile(storePath("ens01"), { a: noise(5000) })],
    `"${storePath("ens01")}" claims`,
  ],
  [
    "all its stores",
    () => ["ens01", "ens02", "ens03"].map((it) => makeFile(storePath(it), { a: noise(2000) })),
    `"${storePath("ens03")}" and those before it unpack to more than 9000 bytes, the limit`,
  ],
  [
    "entries that are not used",
    () => [{ header: { name: "zeros", size: 9001, type: "file" }, body: new Uint8Array(9001) }],
    '"zeros" and those before it unpack to more than 9000 bytes, the limit',
  ],
  [
    "the pages of a store",
    () => [makeFile(storePath("ens01"), { a: "0".repeat(20_000) })],
    "it unpacks to more than",
  ],
  [
    "the number of its entries",
    () => Array.from({ length: 6 }, (_, i) => makeFile(`${i}.txt`)),
    '"5.txt" is one of more than 5 entries',
  ],
];

for (const [name, entries, says] of UNPACK_CASES) {
  Deno.test(`readTemplate() refuses an archive beyond the limit of ${name}, and names it`, async () => {
    const stream = new Blob([await gzip(await packTar(entries()))]).stream();
    const error = await assertRejects(
      () => readTemplate(stream, "t.tar.gz", undefined, LIMITS),
      TemplateError,
      says,
    );
    assertStringIncludes(error.message, "t.tar.gz");
  });
}

/** Text that no compression shortens much. */
function noise(length: number): string {
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 48271) % 2147483647;
    return String.fromCharCode(33 + state % 90);
  }).join("");
}

/** Writes another size, and the checksum that goes with it, into the first header (POSIX ustar). */
function claimSize(tar: Uint8Array, sizeBytes: number): void {
  const writeOctal = (offset: number, digits: number, value: number) =>
    tar.set(encode(value.toString(8).padStart(digits, "0")), offset);
  writeOctal(124, 11, sizeBytes);
  tar.fill(0x20, 148, 156); // the checksum counts as spaces
  writeOctal(148, 6, tar.subarray(0, 512).reduce((sum, byte) => sum + byte, 0));
  tar[154] = 0;
}

const DATA = new URL("../../../shared/data/", import.meta.url);

Deno.test({
  name:
    "readTemplate() reads DuckDB's Parquet files as kerchunk's stores, key by key (needs ../shared)",
  ignore: !hasShared(),
  async fn() {
    const archive = await Deno.open(new URL("template-sample.tar.gz", DATA));
    const { run, stores } = await readTemplate(archive.readable, "template-sample.tar.gz");
    const oracle = await readOracle();
    assertEquals(run, { date: "20240529", hour: "00" });
    assertEquals([...stores.keys()].sort(), [0, 1, 2, 3]);
    for (const [member, store] of stores) {
      const expected = oracle[member === 0 ? "control" : `ens0${member}`]!;
      assertEquals(toJson(store), Object.entries(expected));
    }
  },
});

/** A store as kerchunk writes it in JSON: texts, and references as arrays. */
function toJson(store: Store): [string, unknown][] {
  const decoder = new TextDecoder();
  const format = (value: StoreValue) =>
    isReference(value) ? JSON.parse(formatReference(value)) : decoder.decode(value);
  return [...store].map(([key, value]) => [key, format(value)]);
}

async function readOracle(): Promise<Record<string, Record<string, unknown>>> {
  const { readable } = await Deno.open(new URL("kerchunk/grib_tree.json.gz", DATA));
  return await new Response(readable.pipeThrough(new DecompressionStream("gzip"))).json();
}

function hasShared(): boolean {
  try {
    return Deno.statSync(new URL("template-sample.tar.gz", DATA)).isFile;
  } catch {
    return false;
  }
}

Deno.test("encodeTemplate() writes the published layout, the same bytes for the same stores", async () => {
  const run = { date: "20260206", hour: "12" } as const;
  const store: Store = new Map([["a/.zattrs", encode("{}")]]);
  store.set("a/0", { url: "s3://b/f.grib2", offset: 1, length: 2 });
  const template = { run, stores: new Map([[0, store], [7, store]]) };
  const archive = await encodeTemplate(template);
  assertEquals(archive, await encodeTemplate(template));
  assertEquals(await readTemplate(new Blob([archive as BlobPart]).stream(), "t"), template);
  const tar = new Blob([archive as BlobPart]).stream().pipeThrough(new DecompressionStream("gzip"));
  const entries = await unpackTar(tar);
  assertEquals(entries.map(({ header }) => header.name), [
    storePath("control", "2026020612"),
    storePath("ens07", "2026020612"),
  ]);
});
