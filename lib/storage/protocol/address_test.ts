import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import {
  isRemote,
  parseBucketUrl,
  parseObjectUrl,
  parseScheme,
  splitPath,
  trimFolder,
} from "./address.ts";
import { StorageError } from "./storage_error.ts";

const SCHEMES: [address: string, scheme: string][] = [
  ["s3://ecmwf-forecasts/20260206/00z", "s3"],
  ["GS://gik-ecmwf-aws-tf", "gs"],
  ["https://example.org/a", "https"],
  ["file:///tmp/a", "file"],
  ["/tmp/a", "file"],
  ["folder/with:colon", "file"],
  ["C:\\data\\IFS.nc", "file"],
  ["C:/data/IFS.nc", "file"],
  ["c://data/IFS.nc", "file"],
  ["\\\\server\\share\\IFS.nc", "file"],
];

for (const [address, scheme] of SCHEMES) {
  Deno.test(`parseScheme("${address}") is "${scheme}"`, () => {
    assertEquals(parseScheme(address), scheme);
    assertEquals(isRemote(address), scheme !== "file");
  });
}

/** Paths, and their folder and name on Windows and elsewhere. */
const PATHS: readonly (readonly [path: string, windows: string[], others: string[]])[] = [
  ["IFS.nc", ["", "IFS.nc"], ["", "IFS.nc"]],
  ["out/IFS.nc", ["out/", "IFS.nc"], ["out/", "IFS.nc"]],
  ["/IFS.nc", ["/", "IFS.nc"], ["/", "IFS.nc"]],
  ["out/", ["out/", ""], ["out/", ""]],
  ["C:\\out\\IFS.nc", ["C:\\out\\", "IFS.nc"], ["", "C:\\out\\IFS.nc"]],
  ["C:\\out/a\\IFS.nc", ["C:\\out/a\\", "IFS.nc"], ["C:\\out/", "a\\IFS.nc"]],
  ["C:IFS.nc", ["C:", "IFS.nc"], ["", "C:IFS.nc"]],
  ["\\\\server\\share\\IFS.nc", ["\\\\server\\share\\", "IFS.nc"], [
    "",
    "\\\\server\\share\\IFS.nc",
  ]],
  ["gs://bucket/out/IFS.nc", ["gs://bucket/out/", "IFS.nc"], ["gs://bucket/out/", "IFS.nc"]],
];

for (const [path, windows, others] of PATHS) {
  Deno.test(`splitPath() splits ${path} on Windows and elsewhere`, () => {
    for (const [isWindows, expected] of [[true, windows], [false, others]] as const) {
      const { folder, name } = splitPath(path, isWindows);
      assertEquals([folder, name], expected);
    }
  });
}

Deno.test("trimFolder() removes separators at the end, but not those of a root or a drive", () => {
  const trimmed = (...folders: string[]) => folders.map((folder) => trimFolder(folder, true));
  assertEquals(trimmed("C:\\out\\", "C:\\out\\\\", "out/", "out"), [
    "C:\\out",
    "C:\\out",
    "out",
    "out",
  ]);
  assertEquals(trimmed("C:\\", "C:/", "\\\\server\\share\\", "gs://bucket/a/"), [
    ...["C:\\", "C:/", "\\\\server\\share", "gs://bucket/a"],
  ]);
  assertEquals(["out//", "/", "a\\"].map((folder) => trimFolder(folder, false)), [
    "out",
    "/",
    "a\\",
  ]);
});

Deno.test("parseObjectUrl() takes keys literally", () => {
  for (const scheme of ["s3", "gs"]) {
    const url = `${scheme}://bucket/a/b%20c+d?e#f`;
    assertEquals(parseObjectUrl(url), { bucket: "bucket", key: "a/b%20c+d?e#f" });
  }
});

Deno.test("parseBucketUrl() needs no key, parseObjectUrl() does", () => {
  for (const url of ["s3://bucket", "s3://bucket/"]) {
    assertEquals(parseBucketUrl(url), { bucket: "bucket", key: "" });
    const error = assertThrows(() => parseObjectUrl(url), StorageError);
    assertEquals(
      error.message,
      `Cannot read "${url}": it names no object, expected s3://<bucket>/<key>`,
    );
  }
});

Deno.test("parseBucketUrl() reports that an address names no bucket", () => {
  const error = assertThrows(() => parseBucketUrl("gs:///key"), StorageError);
  assertEquals(error.kind, "unsupported");
  assertEquals(
    error.message,
    'Cannot read "gs:///key": it names no bucket, expected gs://<bucket>/<key>',
  );
});
