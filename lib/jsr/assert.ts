/**
 * `jsr:@std/assert` from npm, typed: the functions that the tests use.
 *
 * @module
 */
// deno-lint-ignore-file no-explicit-any
import * as std from "npm:deno-std@1.4.0/assert/mod.js";

// deno-lint-ignore ban-types
type Class<T> = (abstract new (...args: any[]) => T) | (Function & { prototype: T });
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

export const assert: (expression: unknown, message?: string) => asserts expression = std.assert;

export const assertEquals: <T>(actual: T, expected: T, message?: string) => void = std.assertEquals;

export const assertNotEquals: <T>(actual: T, expected: T, message?: string) => void =
  std.assertNotEquals;

export const assertStrictEquals: <T>(
  actual: unknown,
  expected: T,
  message?: string,
) => asserts actual is T = std.assertStrictEquals;

export const assertAlmostEquals: (
  actual: number,
  expected: number,
  tolerance?: number,
  message?: string,
) => void = std.assertAlmostEquals;

export const assertExists: <T>(
  actual: T,
  message?: string,
) => asserts actual is NonNullable<T> = std.assertExists;

export const assertInstanceOf: <T>(
  actual: unknown,
  expectedType: Class<T>,
  message?: string,
) => asserts actual is T = std.assertInstanceOf;

export const assertStringIncludes: (actual: string, expected: string, message?: string) => void =
  std.assertStringIncludes;

export const assertMatch: (actual: string, expected: RegExp, message?: string) => void =
  std.assertMatch;

export const assertLess: <T>(actual: T, expected: T, message?: string) => void = std.assertLess;

export const assertLessOrEqual: <T>(actual: T, expected: T, message?: string) => void =
  std.assertLessOrEqual;

export const assertGreater: <T>(actual: T, expected: T, message?: string) => void =
  std.assertGreater;

export const assertThrows: <E extends Error = Error>(
  fn: () => unknown,
  errorClass: ErrorClass<E>,
  messageIncludes?: string,
) => E = std.assertThrows;

export const assertRejects: <E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass: ErrorClass<E>,
  messageIncludes?: string,
) => Promise<E> = std.assertRejects;
