/**
 * `jsr:@std/dotenv/parse` over Node's own parser: the std package is not on npm.
 *
 * @module
 */

/** Node's module is loaded where there is any text: most folders have no `.env`. */
export const parse = (text: string): Record<string, string> =>
  text === ""
    ? {}
    : { ...process.getBuiltinModule("node:util").parseEnv(text) } as Record<string, string>;
