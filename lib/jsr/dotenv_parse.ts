/**
 * `jsr:@std/dotenv/parse` over Node's own parser: the std package is not on npm.
 *
 * @module
 */
import { parseEnv } from "node:util";

export const parse = (text: string): Record<string, string> =>
  ({ ...parseEnv(text) }) as Record<string, string>;
