import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { findReferenceFault, findTargetFault } from "./reference_targets.ts";
import { parseValue } from "./store.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const FILE = "20260206000000-36h-enfo-ef.grib2";
const PATH = `20260206/00z/ifs/0p25/enfo/${FILE}`;
const URL_OF_STEP = `s3://ecmwf-forecasts/${PATH}`;

for (
  const text of [
    `["s3://b/k",`,
    `["s3://b/k"]`,
    `["s3://b/k",0]`,
    `["s3://b/k",-1,5]`,
    `["s3://b/k",0,0]`,
    `["s3://b/k",0.5,5]`,
    `["s3://b/k","0",5]`,
    `["s3://b/k",9007199254740991,5]`,
  ]
) {
  Deno.test(`findReferenceFault() says that ${text} is no reference; its bytes stay as they are`, () => {
    const value = parseValue(encode(text));
    assertEquals(value, encode(text));
    assertEquals(
      findReferenceFault(value),
      `its reference ${text} is not [url, offset, length]`,
    );
  });
}

Deno.test("findReferenceFault() says which references cannot be the address of an object", () => {
  const urls: [url: string, fault: string | undefined, shown?: string][] = [
    [URL_OF_STEP, undefined],
    ["gs://bucket/k.grib2", undefined],
    ["az://account/container/k", undefined],
    ["https://example.org:8080/k", undefined],
    ["ftp://b/k", 'the scheme "ftp" is not supported'],
    ["javascript://b/k", 'the scheme "javascript" is not supported'],
    ["http://[bad/k", "it is no address"],
    ["http://host:99999/k", "it is no address"],
    ["http://user:secret@host/k", "it holds credentials", "http://…@host/k"],
    ["s3://bad bucket/k", "it is no address"],
    ["s3:///k", "it names no server or bucket"],
    ["file://host/k", "it is no address"],
    ["a\0b", "it is no path", "a?b"],
  ];
  const hosts = ["gs://bucket", "az://account", "example.org:8080"];
  const targets = { bases: [], hosts };
  for (const [url, fault, shown = url] of urls) {
    const found = findReferenceFault({ url, offset: 0, length: 1 }, targets);
    assertEquals(found, fault && `its reference points to ${shown}: ${fault}`);
  }
  assertEquals(findReferenceFault(encode("{}")), "it is not referenced");
});

const ONLY = "only s3://ecmwf-forecasts/ and the sources in use are read";
const UNLESS = `${ONLY}, unless --allow-reference-host names`;
const PLAIN = "its path is not one of plain names";

const TARGETS: [url: string, fault: string | undefined][] = [
  [URL_OF_STEP, undefined],
  [URL_OF_STEP.slice(0, -".grib2".length), undefined],
  [`https://mirror.example/ecmwf/${PATH}`, undefined],
  [`./mirror/${PATH}`, undefined],
  [`http://listed.example:8080/${PATH}`, undefined],
  [`https://listed.example/${PATH}`, undefined],
  [`s3://listed/${PATH}`, undefined],
  [`https://evil.example/${FILE}`, `${UNLESS} evil.example`],
  [`https://mirror.example/other/${FILE}`, `${UNLESS} mirror.example`],
  [`https://mirror.example.evil/ecmwf/${FILE}`, `${UNLESS} mirror.example.evil`],
  [`http://169.254.169.254/${FILE}`, `${UNLESS} 169.254.169.254`],
  [`http://[::1]/${FILE}`, `${UNLESS} [::1]`],
  [`http://2852039166/${FILE}`, `${UNLESS} 2852039166`],
  [`s3://other/${FILE}`, `${UNLESS} s3://other`],
  [`s3://ecmwf-forecasts.evil/${FILE}`, `${UNLESS} s3://ecmwf-forecasts.evil`],
  [`gs://listed/${FILE}`, `${UNLESS} gs://listed`],
  [`/etc/${FILE}`, ONLY],
  [`./other/${FILE}`, ONLY],
  [FILE, ONLY],
  [`//evil.example/${FILE}`, ONLY],
  [`file:///etc/${FILE}`, ONLY],
  [`s3://ecmwf-forecasts/../other/${FILE}`, PLAIN],
  [`s3://ecmwf-forecasts//${FILE}`, PLAIN],
  [`./mirror/../secret/${FILE}`, PLAIN],
  [`https://mirror.example/ecmwf/%2e%2e/${FILE}`, PLAIN],
  [`https://listed.example/a?x=/${FILE}`, PLAIN],
  [`https://listed.example/a#/${FILE}`, PLAIN],
  [`https://listed.example/a\\b/${FILE}`, PLAIN],
];

for (const [url, fault] of TARGETS) {
  Deno.test(`findTargetFault() ${fault === undefined ? "accepts" : "refuses"} ${url}`, () => {
    const bases = ["https://mirror.example/ecmwf", "./mirror"];
    const hosts = ["listed.example", "listed.example:8080", "s3://listed"];
    assertEquals(findTargetFault(url, { bases, hosts }), fault);
  });
}
