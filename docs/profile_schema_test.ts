import { assertEquals } from "jsr:@std/assert@^1.0.0";
import { formatProfileSchema } from "./make_profile_schema.ts";

Deno.test("docs/profile.schema.json is what `deno task docs` writes", async () => {
  const schema = await Deno.readTextFile(new URL("profile.schema.json", import.meta.url));
  assertEquals(schema, await formatProfileSchema());
});
