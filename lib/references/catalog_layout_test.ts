import { assertEquals, assertStringIncludes, assertThrows } from "jsr:@std/assert@^1.0.0";
import { parseRun } from "../ecmwf/run.ts";
import { UsageError } from "../errors.ts";
import {
  catalogFileName,
  catalogFolder,
  catalogHosts,
  CATALOGS,
  parseCatalog,
} from "./catalog_layout.ts";

const RUN = parseRun("20240715", "00");

/** Addresses of files that ICPAC has published. */
const PUBLISHED = [
  [
    "icpac-hf",
    "https://huggingface.co/datasets/E4DRR/gik-ecmwf-par-v2/resolve/main/par/2024/07/20240715/00z/" +
    "2024071500z-ens_07.parquet",
  ],
  [
    "icpac-hf-v1",
    "https://huggingface.co/datasets/E4DRR/gik-ecmwf-par/resolve/main/run_par_ecmwf/2024/07/" +
    "20240715/00z/2024071500z-ens07.parquet",
  ],
  [
    "icpac-gcs",
    "gs://gik-ecmwf-aws-tf/v20260623_run_par_ecmwf/2024/07/20240715/00z/2024071500z-ens_07.parquet",
  ],
];

Deno.test("the table of catalogues gives the addresses at which ICPAC has published", () => {
  assertEquals(
    CATALOGS.map(({ name, base, style }) => [
      name,
      `${catalogFolder(base, RUN)}/${catalogFileName(RUN, 7, style)}`,
    ]),
    PUBLISHED,
  );
});

Deno.test("catalogFileName() names the control alike in both styles", () => {
  assertEquals(catalogFileName(RUN, 0, "file"), "2024071500z-control.parquet");
  assertEquals(catalogFileName(RUN, 0, "key"), "2024071500z-control.parquet");
});

const BASES = [
  ["https://host.example/par/", "https://host.example/par"],
  ["http://127.0.0.1:8000", "http://127.0.0.1:8000"],
  ["gs://bucket/folder//", "gs://bucket/folder"],
  ["s3://bucket", "s3://bucket"],
  ["./catalog/", "./catalog"],
  ["/data/catalog", "/data/catalog"],
  [".", "."],
  ["icpac-hf", CATALOGS[0]!.base],
];

for (const [text, base] of BASES) {
  Deno.test(`parseCatalog() finds the folder of ${text}`, () => {
    assertEquals(parseCatalog(text!).base, base);
  });
}

const REFUSED = [
  ["icpac_hf", "did you mean icpac-hf?"],
  ["somewhere", "icpac-hf-v1, icpac-gcs"],
  ["", "it is not known"],
  ["ftp://host/par", "it is no address on https://"],
  ["file:///data", "it is no address"],
  ["https://", "it is not known"],
  ["https:///par", "it is no address"],
  ["https://host:99999/par", "it is no address"],
  ["https://user:secret@host/par", "credentials are not sent"],
  ["https://host/par?token=secret", "credentials are not sent"],
];

for (const [text, says] of REFUSED) {
  Deno.test(`parseCatalog() refuses "${text}"`, () => {
    const error = assertThrows(() => parseCatalog(text!), UsageError);
    assertStringIncludes(error.message, says!);
    assertEquals(error.message.includes("secret"), false);
  });
}

Deno.test("catalogHosts() gives the hosts of web servers, and those that Hugging Face sends from", () => {
  const hosts = (text: string) => catalogHosts(parseCatalog(text));
  assertEquals(hosts("icpac-hf"), [
    "huggingface.co:443",
    "*.huggingface.co:443",
    "*.hf.co:443",
    "*.xethub.hf.co:443",
  ]);
  assertEquals(hosts("https://host.example/par"), ["host.example:443"]);
  assertEquals(hosts("http://host.example:8080/par"), ["host.example:8080"]);
  assertEquals([hosts("icpac-gcs"), hosts("./catalog")], [[], []]);
});
