import { assertEquals, assertThrows } from "jsr:@std/assert@^1.0.0";
import type { IndexEntry } from "../index/entries.ts";
import type { Stream } from "./files.ts";
import { UsageError } from "../errors.ts";
import {
  chooseMembers,
  describeMembers,
  firstMembers,
  memberFileName,
  memberKeyName,
  memberOfEntry,
  parseMember,
} from "./members.ts";

const MEMBERS = Array.from({ length: 51 }, (_, member) => member);

Deno.test("parseMember() reads the file name and the key name of all 51 members", () => {
  for (const member of MEMBERS) {
    assertEquals(parseMember(memberFileName(member)), member);
    assertEquals(parseMember(memberKeyName(member)), member);
  }
  assertEquals(new Set(MEMBERS.flatMap((it) => [memberFileName(it), memberKeyName(it)])).size, 101);
});

Deno.test("members are named as the Python tools name them", () => {
  assertEquals([0, 1, 50].map(memberFileName), ["control", "ens_01", "ens_50"]);
  assertEquals([0, 1, 50].map(memberKeyName), ["control", "ens01", "ens50"]);
  assertEquals(parseMember("ens_control"), 0);
});

Deno.test("parseMember() knows no other names", () => {
  for (const name of ["ens00", "ens51", "ens_99", "ens1", "ens_001", "Control", "mean", "", "01"]) {
    assertEquals(parseMember(name), undefined, name);
  }
});

Deno.test("firstMembers() begins with the control and ends with the ensemble", () => {
  assertEquals(firstMembers(3), [0, 1, 2]);
  assertEquals(firstMembers(51), MEMBERS);
  assertEquals(firstMembers(1000), MEMBERS);
});

Deno.test("describeMembers() joins adjacent members, and names the control separately", () => {
  assertEquals(describeMembers([]), "");
  assertEquals(describeMembers([0]), "control");
  assertEquals(describeMembers([5]), "5");
  assertEquals(describeMembers([7, 3, 0, 1, 2]), "control, 1-3, 7");
  assertEquals(describeMembers([1, 3, 5]), "1, 3, 5");
  assertEquals(describeMembers(MEMBERS), "control, 1-50");
});

Deno.test("describeMembers() does not change its list", () => {
  const members = [2, 1];
  describeMembers(members);
  assertEquals(members, [2, 1]);
});

Deno.test("memberOfEntry() finds the member of a line in both streams", () => {
  const member = (stream: Stream, type: string, number?: string) =>
    memberOfEntry({ type, ...(number && { number }) } as IndexEntry, stream);
  assertEquals(member("enfo", "cf"), 0);
  assertEquals(member("enfo", "pf", "1"), 1);
  assertEquals(member("enfo", "pf", "50"), 50);
  assertEquals(member("oper", "fc"), 0);
  for (const number of ["0", "51", "100", "1.5", "one", undefined]) {
    assertEquals(member("enfo", "pf", number), undefined, number);
  }
  assertEquals(member("enfo", "fc"), undefined);
  assertEquals(member("enfo", "em"), undefined);
  assertEquals(member("oper", "cf"), undefined);
  assertEquals(member("oper", "pf", "1"), undefined);
});

Deno.test("the control alone is no ensemble of perturbed members", () => {
  assertEquals(chooseMembers({ maxMembers: 3 }, "perturbed"), [1, 2]);
  assertEquals(chooseMembers({ maxMembers: 1 }), [0]);
  assertThrows(
    () => chooseMembers({ maxMembers: 1 }, "perturbed"),
    UsageError,
    "Cannot use the control alone: this profile has the perturbed members only; give --max-members 3",
  );
});
