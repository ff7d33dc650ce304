import { assert, assertEquals } from "jsr:@std/assert@^1.0.0";
import { describeGrants, findPermissions, permissionFlags, widenSet } from "./task_permissions.ts";

Deno.test("permissionFlags() gives a flag for what is allowed, denied and ignored, and none for nothing", () => {
  assertEquals(
    permissionFlags({
      net: ["a.example:443", "*.b.example:443"],
      read: { allow: ["."], deny: ["keys"] },
      env: { allow: ["HOME"], ignore: ["A", "B"] },
      run: [],
    }),
    [
      "--allow-net=a.example:443,*.b.example:443",
      "--allow-read=.",
      "--deny-read=keys",
      "--allow-env=HOME",
      "--ignore-env=A,B",
    ],
  );
  assertEquals(permissionFlags({ env: { ignore: true } }), ["--ignore-env"]);
  assertEquals(permissionFlags({}), []);
});

Deno.test("findPermissions() finds the tasks that run a command, and no others with a similar name", () => {
  const tasks = findPermissions("stream").map(({ task, set }) => [task, set]);
  assertEquals(tasks, [
    ["stream", "stream"],
    ["stream:mirrors", "stream-mirrors"],
    ["stream:catalog", "stream-catalog"],
    ["stream:gcs", "stream-gcs"],
  ]);
  assertEquals(findPermissions("plot")[0]!.flags[0], "--allow-read=.");
  assertEquals(findPermissions("tream"), []);
});

Deno.test("widenSet() adds to what a set allows, and no kind that it lacks", () => {
  const own = findPermissions("stream")[0]!.flags;
  const flags = permissionFlags(widenSet("stream", { read: ["/data", "."], sys: ["uid"] }));
  assertEquals(flags, own.map((it) => it === "--allow-read=." ? "--allow-read=.,/data" : it));
});

Deno.test("describeGrants() gives exceptions, and the paths that the task itself adds", () => {
  const stage3 = describeGrants().find(({ task }) => task === "stage3:gcs")!;
  assertEquals(stage3.reads, [
    "the working folder",
    "not .git",
    "not keys/coiled_token",
    "$HOME/.config/gcloud",
  ]);
  assertEquals(stage3.writes[0], "the working folder");
  assert(["not keys", "not lib", "not .git"].every((it) => stage3.writes.includes(it)));
  assert(stage3.reaches.includes("oauth2.googleapis.com"), "without the port of HTTPS");
  assertEquals(stage3.runs, []);
});
