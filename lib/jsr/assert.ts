/**
 * `jsr:@std/assert` from npm, typed as std types it: the functions that the tests use.
 *
 * @module
 */
// deno-lint-ignore-file no-explicit-any
import * as std from "npm:deno-std@1.4.0/assert/mod.js";

type Class<T> = new (...args: any[]) => T;

export const assert: (expr: unknown, msg?: string) => asserts expr = std.assert;

export const assertEquals: <T>(actual: T, expected: T, msg?: string) => void = std.assertEquals;

export const assertNotEquals: <T>(actual: T, expected: T, msg?: string) => void =
  std.assertNotEquals;

export const assertStrictEquals: <T>(
  actual: unknown,
  expected: T,
  msg?: string,
) => asserts actual is T = std.assertStrictEquals;

export const assertInstanceOf: <T extends Class<any>>(
  actual: unknown,
  expectedType: T,
  msg?: string,
) => asserts actual is InstanceType<T> = std.assertInstanceOf;

export const assertStringIncludes: (actual: string, expected: string, msg?: string) => void =
  std.assertStringIncludes;

export const assertMatch: (actual: string, expected: RegExp, msg?: string) => void =
  std.assertMatch;

export const assertLess: <T>(actual: T, expected: T, msg?: string) => void = std.assertLess;

export const assertThrows: <E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Class<E>,
  msgIncludes?: string,
  msg?: string,
) => E = std.assertThrows;

export const assertRejects: <E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Class<E>,
  msgIncludes?: string,
  msg?: string,
) => Promise<E> = std.assertRejects;
