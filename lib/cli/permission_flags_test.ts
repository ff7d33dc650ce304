import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { permissionFlags } from "./permission_flags.ts";

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
