import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { BEFORE_50R1, openWorkplace } from "../../fixtures/embedded_run.ts";
import { stepFiles } from "../ecmwf/files.ts";
import { readMessage } from "../ecmwf/messages_fixture.ts";
import type { Store } from "../references/store.ts";
import { scanRun } from "../kerchunk/scan_run.ts";
import { readStepIndex } from "../references/step_index.ts";
import type { Storage } from "../storage/mod.ts";
import type { Template } from "./template_archive.ts";
import { compareTemplate, describeMisfit } from "./template_fit.ts";

const { run } = BEFORE_50R1;

/** A message. */
const SAMPLE = readMessage({ run, stepHours: 36, param: "2t", member: 0 });

/** Compares a run with the template that a scan of it makes, changed. */
async function compare(change: (text: string, key: string) => string | undefined) {
  await using place = await openWorkplace();
  const { storage } = place.context;
  const { stores } = await scanRun({ run, hours: [0], members: [0] }, place.context);
  const store: Store = new Map();
  for (const [key, value] of stores.get(0)!) {
    if (!key.endsWith(".zattrs")) store.set(key, value);
    else {
      const text = change(new TextDecoder().decode(value as Uint8Array), key);
      if (text !== undefined) store.set(key, new TextEncoder().encode(text));
    }
  }
  const template: Template = { run, stores: new Map([[0, store]]) };
  const { fields } = await readStepIndex(storage, run, stepFiles(run, 0)[0]!);
  const before = place.server.requests.length;
  const fit = await compareTemplate(template, fields, storage);
  return { fit, requests: place.server.requests.slice(before) };
}

Deno.test("compareTemplate() finds nothing between a run and its own scan, for one small request", async () => {
  const { fit, requests } = await compare((text) => text);
  assertEquals(fit, { undescribed: [], unpublished: [] });
  assertEquals(describeMisfit(fit), undefined);
  assertEquals(requests.map(({ method, bytesSent }) => `${method} ${bytesSent <= 300}`), [
    "GET true",
  ]);
});

Deno.test("compareTemplate() finds longitudes equal that are 360° apart", async () => {
  const west = /("GRIB_longitudeOfFirstGridPointInDegrees":)180/g;
  const { fit } = await compare((text) => text.replaceAll(west, "$1-180"));
  assertEquals(fit.grids, undefined);
});

Deno.test("describeMisfit() names the two grids", async () => {
  const { fit } = await compare((text) => text.replaceAll(/"GRIB_Nx":\d+/g, '"GRIB_Nx":900'));
  const { template, run: ofRun } = fit.grids!;
  assertEquals(template.replace(/^900/, ""), ofRun.replace(/^\d+/, ""));
  assertEquals(describeMisfit(fit), `the template has ${template}, the run ${ofRun}`);
});

Deno.test("describeMisfit() names what the template lacks, and not what the run lacks", async () => {
  const { fit } = await compare((text, key) =>
    key.startsWith("t2m/")
      ? undefined
      : text.replace('"GRIB_shortName":"sp"', '"GRIB_shortName":"ssp"')
  );
  assertEquals(fit.undescribed.sort(), ["2t", "sp"]);
  assertEquals(fit.unpublished, ["ssp"]);
  assertEquals(
    describeMisfit({ ...fit, undescribed: ["2t"] }),
    "the template does not describe 2t",
  );
});

Deno.test("compareTemplate() does not miss a new name where the template has one by code", async () => {
  const bySp = '"GRIB_shortName":"sp"';
  const { fit } = await compare((text) => text.replace(bySp, '"GRIB_shortName":"param_0_3_0"'));
  assertEquals(fit, { undescribed: ["sp"], unpublished: [] });
  const newName = { field: { stepHours: 0, param: "new", levtype: "sfc", member: 0 } };
  const reference = { url: "s3://b/f.grib2", offset: 0, length: 1 };
  const compareNames = async (name: string) => {
    const text = new TextEncoder().encode(`{"GRIB_shortName":"${name}"}`);
    const store: Store = new Map([["v/.zattrs", text]]);
    const storage = { get: () => Promise.resolve(SAMPLE) } as unknown as Storage;
    const template = { run, stores: new Map([[0, store]]) };
    return (await compareTemplate(template, [{ ...newName, reference }], storage)).undescribed;
  };
  assertEquals(await compareNames("2t"), ["new"]);
  assertEquals(await compareNames("param_0_191_250"), []);
});
