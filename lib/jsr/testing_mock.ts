/**
 * `jsr:@std/testing/mock` over Node's recorder of calls, typed as std types it: the functions that the
 * tests use. The std package is not on npm.
 *
 * @module
 */
// deno-lint-ignore-file no-explicit-any
import { mock } from "node:test";
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "./assert.ts";

/** A call that has ended. */
export interface SpyCall<Self = any, Args extends unknown[] = any[], Return = any> {
  args: Args;
  returned?: Return;
  error?: Error;
  self?: Self;
}

/** A function that records its calls. */
export interface Spy<Self = any, Args extends unknown[] = any[], Return = any> {
  (this: Self, ...args: Args): Return;
  original: (this: Self, ...args: Args) => Return;
  calls: SpyCall<Self, Args, Return>[];
  restored: boolean;
  restore(): void;
}

/** A spy in the place of a method, until it is restored. */
export interface MethodSpy<Self = any, Args extends unknown[] = any[], Return = any>
  extends Spy<Self, Args, Return>, Disposable {}

/** A spy that does something else than the method it stands for. */
export interface Stub<Self = any, Args extends unknown[] = any[], Return = any>
  extends MethodSpy<Self, Args, Return> {
  fake: (this: Self, ...args: Args) => Return;
}

/** What is checked of a call; what is absent is not. */
export interface ExpectedSpyCall<Self = any, Args extends unknown[] = any[], Return = any> {
  args?: [...Args, ...unknown[]];
  self?: Self;
  returned?: Return;
  error?: { Class?: new (...args: any[]) => Error; msgIncludes?: string };
}

/** A method cannot be replaced or restored. */
export class MockError extends Error {
  override name = "MockError";
}

type ParametersOf<Self, Prop extends keyof Self> = Self[Prop] extends
  (...args: infer Args) => unknown ? Args : unknown[];
type ReturnOf<Self, Prop extends keyof Self> = Self[Prop] extends (...args: any[]) => infer Return
  ? Return
  : unknown;

type Method = (this: any, ...args: any[]) => any;

/** `fake` with a record of its calls, and what spies have in common. */
function record(original: Method, fake: Method, restoring: PropertyDescriptorMap): any {
  const recorder = mock.fn(fake);
  return Object.defineProperties(recorder, {
    original: { enumerable: true, value: original },
    calls: {
      enumerable: true,
      get: () =>
        recorder.mock.calls.map(({ arguments: args, this: self, error, result }) => ({
          args,
          ...(self !== undefined && { self }),
          ...(error === undefined ? { returned: result } : { error }),
        })),
    },
    ...restoring,
  });
}

/** Replaces a method by a recording one. */
function replace(self: any, property: PropertyKey, fake?: Method): any {
  const original = self[property];
  if (typeof original !== "function") throw new MockError("property is not an instance method");
  if (Array.isArray(original.calls)) throw new MockError("already spying on instance method");
  const descriptor = Object.getOwnPropertyDescriptor(self, property);
  if (descriptor && !descriptor.configurable) {
    throw new MockError("cannot spy on non configurable instance method");
  }
  let restored = false;
  const restore = () => {
    if (restored) throw new MockError("instance method already restored");
    restored = true;
    if (descriptor) Object.defineProperty(self, property, descriptor);
    else delete self[property];
  };
  const value = record(original, fake ?? original, {
    fake: { enumerable: true, value: fake },
    restored: { enumerable: true, get: () => restored },
    restore: { enumerable: true, value: restore },
    [Symbol.dispose]: { value: restore },
  });
  const { enumerable, writable } = descriptor ?? {};
  Object.defineProperty(self, property, { configurable: true, enumerable, writable, value });
  return value;
}

interface SpyFunction {
  <Self = any, Args extends unknown[] = any[], Return = undefined>(): Spy<Self, Args, Return>;
  <Self, Args extends unknown[], Return>(
    func: (this: Self, ...args: Args) => Return,
  ): Spy<Self, Args, Return>;
  <Self, Prop extends keyof Self>(
    self: Self,
    property: Prop,
  ): MethodSpy<Self, ParametersOf<Self, Prop>, ReturnOf<Self, Prop>>;
}

/** Gives a spy that does nothing, or records a function or a method. */
export const spy: SpyFunction = (funcOrSelf: any = () => {}, property?: PropertyKey): any => {
  if (property !== undefined) return replace(funcOrSelf, property);
  return record(funcOrSelf, funcOrSelf, {
    restored: { enumerable: true, value: false },
    restore: {
      enumerable: true,
      value() {
        throw new MockError("function cannot be restored");
      },
    },
  });
};

/** Replaces a method until the stub is restored, or goes out of scope; by nothing, by default. */
export function stub<Self, Prop extends keyof Self>(
  self: Self,
  property: Prop,
  func: (this: Self, ...args: ParametersOf<Self, Prop>) => ReturnOf<Self, Prop> = () =>
    undefined as ReturnOf<Self, Prop>,
): Stub<Self, ParametersOf<Self, Prop>, ReturnOf<Self, Prop>> {
  return replace(self, property, func);
}

export function assertSpyCalls<Self, Args extends unknown[], Return>(
  { calls }: Spy<Self, Args, Return>,
  expectedCalls: number,
): void {
  const found = calls.length < expectedCalls
    ? "not called as much as expected"
    : "called more than expected";
  assertEquals(calls.length, expectedCalls, `spy ${found}`);
}

export function assertSpyCall<Self, Args extends unknown[], Return>(
  { calls }: Spy<Self, Args, Return>,
  callIndex: number,
  expected: ExpectedSpyCall<Self, Args, Return> = {},
): void {
  const call = calls[callIndex];
  assert(call, "spy not called as much as expected");
  if (expected.args) assertEquals<unknown>(call.args, expected.args);
  if ("self" in expected) assertEquals(call.self, expected.self);
  if ("returned" in expected) {
    assert(!call.error, "spy call did not return expected value, an error was thrown.");
    assertEquals(call.returned, expected.returned);
  }
  if (expected.error) {
    assert(!("returned" in call), "spy call did not throw an error, a value was returned.");
    assertInstanceOf(call.error, expected.error.Class ?? Error);
    assertStringIncludes(call.error.message, expected.error.msgIncludes ?? "");
  }
}
