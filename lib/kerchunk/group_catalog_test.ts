import { assertEquals } from "jsr:@std/assert@^1.0.0";
import {
  formatFieldKey,
  formatKeyHeads,
  formatKeyTail,
  type Reference,
} from "../references/store.ts";
import { makeField, makeGroup } from "./message_groups_fixture.ts";
import { distinctFields, GroupCatalog, groupFields } from "./group_catalog.ts";

Deno.test("a field of several groups goes to the one made from its step, or from the nearest before", () => {
  const instant = makeGroup({ path: "tp/instant/surface", levtype: "sfc", steps: [0] });
  const accumulated = makeGroup({ path: "tp/accum/surface", levtype: "sfc", steps: [3] });
  for (const groups of [[instant, accumulated], [accumulated, instant]]) {
    const catalog = new GroupCatalog(groups);
    const paths = [0, 3, 36].map((stepHours) =>
      catalog.find({ stepHours, param: "t", levtype: "sfc", member: 1 })?.path
    );
    assertEquals(paths, [instant.path, accumulated.path, accumulated.path]);
  }
});

Deno.test("messages of a group whose path is taken go to the group that has it", () => {
  const group = makeGroup({ param: "10fg3" });
  const catalog = new GroupCatalog([group]);
  catalog.add(makeGroup({ param: "10fg", levels: [] }));
  const found = catalog.find({ stepHours: 3, param: "10fg", levtype: "pl", member: 1 });
  assertEquals(found === group, true);
});

Deno.test("groupFields() leaves out groups without a message, and sorts the others by path", () => {
  const surface = { levtype: "sfc", levels: [] };
  const catalog = new GroupCatalog([
    makeGroup(),
    makeGroup({ path: "sp/instant/surface", param: "sp", ...surface }),
    makeGroup({ path: "asn/instant/surface", param: "asn", ...surface }),
  ]);
  const asn = makeField(0, undefined);
  asn.field = { ...asn.field, param: "asn", levtype: "sfc" };
  const { groups, ungrouped } = groupFields(catalog, [makeField(0, 500), asn]);
  assertEquals(groups.map(({ group }) => group.path), [
    "asn/instant/surface",
    "t/instant/isobaricInhPa",
  ]);
  assertEquals(ungrouped, []);
});

Deno.test("groupFields() names fields without group, without level, or with the step and level of another", () => {
  const catalog = new GroupCatalog([makeGroup()]);
  const unknown = makeField(0, 500);
  unknown.field = { ...unknown.field, param: "zzz" };
  const fields = [makeField(0, 500), makeField(0, 500), makeField(0, undefined), unknown];
  const { groups, ungrouped } = groupFields(catalog, fields);
  assertEquals(groups[0]!.messages.length, 1);
  assertEquals(ungrouped, fields.slice(1).map(({ field }) => field));
});

Deno.test("distinctFields() has a field at 700 hPa once, and one of unknown level without a level", () => {
  const { field, reference } = makeField(36, 700);
  const keys = formatKeyHeads(field).map((head) => head + formatKeyTail(1));
  assertEquals(keys.length, 2);
  const fresh = new Map<string, Reference>(keys.map((key) => [key, reference]));
  assertEquals(distinctFields(fresh), [{ field, reference }]);
  fresh.delete(formatFieldKey(field));
  const [unknown] = distinctFields(fresh);
  assertEquals(unknown!.field.level, undefined);
});
