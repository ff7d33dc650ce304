/**
 * Templates that do not fit the embedded run before cycle 50r1.
 *
 * @module
 */
import { BEFORE_50R1, type Workplace } from "../../fixtures/embedded_run.ts";
import { scanRun } from "../kerchunk/scan_run.ts";
import type { Store } from "../references/store.ts";
import { encodeTemplate } from "../template/template_archive.ts";

/** Hours that the embedded runs have. */
export const HOURS = [0, 36];

/** Writes a template of one member with changed metadata. @returns its path. */
async function writeTemplate(
  workplace: Workplace,
  change: (text: string) => string | undefined,
): Promise<string> {
  const { run } = BEFORE_50R1;
  const { stores } = await scanRun({ run, hours: HOURS, members: [0] }, workplace.context);
  const store: Store = new Map();
  for (const [key, value] of stores.get(0)!) {
    const isText = key.endsWith(".zattrs");
    const text = isText ? change(new TextDecoder().decode(value as Uint8Array)) : undefined;
    if (text !== undefined) store.set(key, new TextEncoder().encode(text));
    if (!isText) store.set(key, value);
  }
  const path = `${workplace.folder}/stale.tar.gz`;
  await Deno.writeFile(path, await encodeTemplate({ run, stores: new Map([[0, store]]) }));
  return path;
}

/** A template made before 2t and tcc were published. */
export const writeStale = (workplace: Workplace) =>
  writeTemplate(workplace, (text) => /"GRIB_shortName":"(2t|tcc)"/.test(text) ? undefined : text);

/** A template made for another grid. */
export const writeCoarse = (workplace: Workplace) =>
  writeTemplate(workplace, (text) => text.replaceAll(/"GRIB_Nx":\d+/g, '"GRIB_Nx":900'));
