import { assertEquals } from "jsr:@std/assert@^1.0.0";
import type { FieldKey, Reference } from "./store.ts";
import { RunFields } from "./run_fields.ts";

function indexed(member: number, param: string, level: number | undefined, offset: number) {
  const levtype = level === undefined ? "sfc" : "pl";
  const field: FieldKey = { stepHours: 36, param, levtype, member, ...(level && { level }) };
  const reference: Reference = { url: "s3://b/f.grib2", offset, length: 10 };
  return { field, reference };
}

Deno.test("RunFields gives each member its own references, in the order in which they came", () => {
  const fields = new RunFields();
  fields.addFile([
    indexed(1, "tp", undefined, 3e9),
    indexed(0, "tp", undefined, 20),
    indexed(1, "2t", undefined, 0),
  ]);
  assertEquals(fields.references(1), [
    ["step_036/tp/sfc/ens01/0.0.0", { url: "s3://b/f.grib2", offset: 3e9, length: 10 }],
    ["step_036/2t/sfc/ens01/0.0.0", { url: "s3://b/f.grib2", offset: 0, length: 10 }],
  ]);
  assertEquals(fields.references(2), []);
  assertEquals(fields.members, [1, 0]);
  assertEquals(fields.count, 3);
});

Deno.test("RunFields gives a field at 700 hPa under both of its keys, and counts it once", () => {
  const fields = new RunFields();
  fields.addFile([indexed(0, "u", 700, 5), indexed(0, "u", 850, 6)]);
  assertEquals(fields.references(0).map(([key, { offset }]) => [key, offset]), [
    ["step_036/u/pl/700/control/0.0.0", 5],
    ["step_036/u/pl/control/0.0.0", 5],
    ["step_036/u/pl/850/control/0.0.0", 6],
  ]);
  assertEquals(fields.count, 2);
});

Deno.test("RunFields keeps the files of a run apart", () => {
  const fields = new RunFields();
  fields.addFile([indexed(0, "tp", undefined, 1)]);
  const later = indexed(0, "tp", undefined, 2);
  fields.addFile([{
    field: { ...later.field, stepHours: 39 },
    reference: { ...later.reference, url: "s3://b/g.grib2" },
  }]);
  assertEquals(fields.references(0).map(([key, { url }]) => [key, url]), [
    ["step_036/tp/sfc/control/0.0.0", "s3://b/f.grib2"],
    ["step_039/tp/sfc/control/0.0.0", "s3://b/g.grib2"],
  ]);
});
