/**
 * Writes `docs/profile.schema.json`, the JSON schema of a profile of one's own, from the table that such
 * files are read by: a part of `deno task docs`.
 *
 * @module
 */
import { toJsonSchema } from "npm:@valibot/to-json-schema@1.3.0";
import { PROFILE_FILE } from "../stages/cli/profile_file.ts";
import { formatText } from "./make_options.ts";

const SCHEMA = new URL("profile.schema.json", import.meta.url);

/** The text of the schema, as `deno fmt` leaves it. */
export async function formatProfileSchema(): Promise<string> {
  const schema = {
    title: "A profile of gik-deno: what an output file holds, and how it is laid out",
    // `{date}` and `{hour}` have no counterpart in a schema; reading the file requires them.
    ...toJsonSchema(PROFILE_FILE, { errorMode: "ignore" }),
  };
  return await formatText(JSON.stringify(schema, null, 2), "json");
}

if (import.meta.main) await Deno.writeTextFile(SCHEMA, await formatProfileSchema());
