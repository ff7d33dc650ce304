import { assert, assertEquals, assertStringIncludes, assertThrows } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, EMBEDDED_FOLDER } from "../../fixtures/embedded_run.ts";
import { startAzureServer } from "../../fixtures/azure_server.ts";
import { startS3Server } from "../../fixtures/s3_server.ts";
import { UsageError } from "../errors.ts";
import { openStorage } from "../storage/mod.ts";
import { BUCKET, stepFiles } from "./files.ts";
import { parseRun, runSteps } from "./run.ts";
import { parseSources, SOURCES } from "./sources.ts";

const KEY = "20260206/00z/ifs/0p25/enfo/20260206000000-36h-enfo-ef.grib2";
const URL = `s3://ecmwf-forecasts/${KEY}`;

function locate(text: string, url = URL): (string | undefined)[] {
  return parseSources(text).map((mirror) => mirror.locate(url));
}

function refuse(text: string): string {
  return assertThrows(() => parseSources(text), UsageError).message;
}

Deno.test("SOURCES has a name, a base and a text of its own for each entry, and hosts that match", () => {
  for (const field of ["name", "base", "about"] as const) {
    assertEquals(new Set(SOURCES.map((source) => source[field])).size, SOURCES.length);
  }
  for (const { name, base, hosts, maxRequests, about } of SOURCES) {
    assert(/^[a-z]+$/.test(name), name);
    assert(/^(s3|https|az):\/\/[^?#]*[^/]$/.test(base), name);
    assert(hosts.length > 0 && hosts.every((host) => /^[a-z0-9.-]+:443$/.test(host)), name);
    assert(maxRequests === undefined || maxRequests >= 1, name);
    assert(about.length > 0 && about.length < 80, name);
    assertEquals(parseSources(name).map((mirror) => [mirror.name, mirror.maxRequests]), [
      [name, maxRequests],
    ]);
    const ofBase = base.split("/")[2]!;
    assert(hosts.some((host) => host.startsWith(ofBase)), `${name} is on ${ofBase}`);
  }
});

Deno.test("each of SOURCES locates every file of a run at its own address", () => {
  const run = parseRun("20260520", "12");
  const urls = runSteps(run).flatMap((step) => stepFiles(run, step))
    .flatMap(({ url, indexUrl }) => [url, indexUrl]);
  assertEquals(urls.length, 340);
  for (const url of urls) {
    const key = url.slice("s3://ecmwf-forecasts/".length);
    assertEquals(locate("aws,gcs,azure,ecmwf", url), [
      url,
      `https://storage.googleapis.com/ecmwf-open-data/${key}`,
      `az://ai4edataeuwest/ecmwf/${key}`,
      `https://data.ecmwf.int/forecasts/${key}`,
    ]);
  }
});

Deno.test("parseSources() keeps the order given", () => {
  const names = (text: string) => parseSources(text).map(({ name }) => name);
  assertEquals(names("gcs,aws"), ["gcs", "aws"]);
  assertEquals(names(" ecmwf , gcs,,"), ["ecmwf", "gcs"]);
});

Deno.test("parseSources() accepts addresses and folders, with or without a slash at the end", () => {
  assertEquals(
    locate("https://mirror.example/ecmwf/,http://127.0.0.1:9000,s3://other/a,az://account/run"),
    [
      `https://mirror.example/ecmwf/${KEY}`,
      `http://127.0.0.1:9000/${KEY}`,
      `s3://other/a/${KEY}`,
      `az://account/run/${KEY}`,
    ],
  );
  assertEquals(locate("/data/mirror/,./mirror,a/b"), [
    `/data/mirror/${KEY}`,
    `./mirror/${KEY}`,
    `a/b/${KEY}`,
  ]);
});

Deno.test("what a source locates can be read: from S3, a web server, Azure and a folder", async () => {
  await using server = startS3Server({ buckets: { [BUCKET]: EMBEDDED_FOLDER } });
  await using azure = startAzureServer({
    account: "ai4edataeuwest",
    container: "ecmwf",
    blobs: EMBEDDED_FOLDER,
  });
  const storage = openStorage({ endpoint: server.url, azure });
  const [file] = stepFiles(BEFORE_50R1.run, 36);
  const addresses = locate(`aws,${server.url}/${BUCKET},azure,${EMBEDDED_FOLDER}`, file!.indexUrl);
  const contents = await Promise.all(addresses.map((address) => storage.get(address!)));
  const [first] = contents;
  assert(first!.length > 1000);
  assertEquals(contents, contents.map(() => first));
  assertEquals([server.requests.length, azure.blobRequests.length], [2, 1]);
});

Deno.test("parseSources() knows ECMWF's server by its address too, and limits requests to it", () => {
  const [byName] = parseSources("ecmwf");
  const [byAddress] = parseSources("https://data.ecmwf.int/forecasts/");
  assertEquals(byName!.maxRequests, 4);
  assertEquals(byAddress!.maxRequests, 4);
});

Deno.test("a source locates keys of ECMWF's bucket only", () => {
  for (
    const url of [
      "s3://other-bucket/key",
      "s3://ecmwf-forecasts-2/key",
      "s3://ecmwf-forecasts",
      "s3://ecmwf-forecasts/",
      "s3://ecmwf-forecasts/20260206/",
      "s3://ecmwf-forecasts/../secret",
      "s3://ecmwf-forecasts/a/../../secret",
      "s3://ecmwf-forecasts/a//b",
      "s3://ecmwf-forecasts/a?b",
      "s3://ecmwf-forecasts/a%2e%2e/b",
      "https://data.ecmwf.int/forecasts/key",
      "ecmwf_three_stage_20260206_00z/stage3_control_final.parquet",
      "az://ai4edataeuwest/ecmwf/key",
    ]
  ) assertEquals(locate("aws,gcs,./mirror", url), [undefined, undefined, undefined], url);
  // As the Python tools wrote it.
  assertEquals(locate("gcs", "s3://ecmwf-forecasts/a/b-ef"), [
    "https://storage.googleapis.com/ecmwf-open-data/a/b-ef",
  ]);
});

Deno.test("parseSources() lists the known names, and the nearest one, for an unknown name", () => {
  const message = refuse("aws,gcp");
  assertStringIncludes(message, 'Cannot use source "gcp": it is not known; did you mean gcs?');
  for (const { name } of SOURCES) assertStringIncludes(message, name);
  const strange = refuse("elsewhere");
  assert(!strange.includes("did you mean"), strange);
  assertStringIncludes(strange, "https://host/folder");
});

Deno.test("parseSources() refuses a source that is listed twice, by name or address, and an empty list", () => {
  assertStringIncludes(refuse("aws,gcs,aws"), 'Cannot use source "aws" twice');
  assertStringIncludes(refuse("aws,s3://ecmwf-forecasts/"), 'Cannot use source "aws" twice');
  assertStringIncludes(refuse("./a,./a/"), 'Cannot use source "./a" twice');
  assertStringIncludes(refuse(" , "), "name at least one");
});

Deno.test("parseSources() says what is wrong with an address that is not valid", () => {
  for (
    const [text, fault] of [
      ["https://", "its host is missing"],
      ["s3://", "its host is missing"],
      ["ftp://host/folder", 'its scheme is "ftp", expected http, https, s3, az or gs'],
      ["svn+ssh://host", 'its scheme is "svn+ssh", expected http, https, s3, az or gs'],
      ["://host", "it does not begin with a scheme"],
      ["http://host:port/", "it is not a valid address"],
    ] as const
  ) {
    const message = refuse(text);
    assertStringIncludes(message, `: ${fault}; give an address such as https://host/folder`, text);
  }
});

Deno.test("parseSources() refuses an address with a query or a password, and does not quote it", () => {
  for (
    const text of [
      "https://account.blob.core.windows.net/ecmwf?sig=secret",
      "https://user:secret@host/folder",
      "https://host/folder#secret",
    ]
  ) {
    const message = refuse(text);
    assertStringIncludes(message, "credentials are not sent");
    assert(!message.includes("secret"), message);
  }
});
