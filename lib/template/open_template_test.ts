import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { parseRun } from "../ecmwf/run.ts";
import type { IndexedField } from "../references/step_index.ts";
import { publishedTemplateUrl } from "./open_template.ts";

/** A message in a file of the run, below a folder. */
function fieldIn(folder: string, date: string): IndexedField[] {
  const url = `s3://ecmwf-forecasts/${date}/00z/${folder}/enfo/${date}000000-0h-enfo-ef.grib2`;
  const field = { stepHours: 0, param: "2t", levtype: "sfc", member: 1 };
  return [{ field, reference: { url, offset: 0, length: 1 } }];
}

const ERAS = [
  ["20230118", "00", "0p4-beta", "0p4-beta"],
  ["20240215", "00", "0p4-beta", "0p4-beta"],
  ["20240215", "00", "0p25", "49r1-perlevel"],
  ["20240229", "00", "ifs/0p25", "49r1-perlevel"],
  ["20250114", "06", "ifs/0p25", "49r1-perlevel"],
  ["20260512", "00", "ifs/0p25", "49r1-perlevel"],
  ["20260512", "06", "ifs/0p25", "50r1"],
  ["20261015", "12", "ifs/0p25", "50r1"],
] as const;

for (const [date, hour, folder, era] of ERAS) {
  Deno.test(`the published template of ${date} ${hour} UTC in ${folder} is that of ${era}`, () => {
    const run = parseRun(date, hour);
    const url = publishedTemplateUrl(run, fieldIn(folder, date));
    assertEquals(url?.split("/").at(-1), `gik-fmrc-v2ecmwf_fmrc-${era}.tar.gz`);
  });
}

Deno.test("no template of another model than the IFS is published", () => {
  const run = parseRun("20260512", "06", "aifs-ens");
  assertEquals(publishedTemplateUrl(run, fieldIn("aifs-ens/0p25", "20260512")), undefined);
});
