/**
 * `fiber-lockstep/vitest`: `test.lockstep` and matchers for programs. Importing it adds the matchers to vitest's `expect`, and closes what
 * the tests have opened at the end of the file.
 *
 * ```ts
 * import { fiberProgram } from "fiber-lockstep";
 * import { expect, test } from "fiber-lockstep/vitest";
 *
 * test.lockstep("my runtime agrees with the model", fiberProgram(), { on: ["model", "./mine.so"], runs: 1000 });
 * ```
 */
import { afterAll, test as base, expect, type TestAPI } from "vitest";
import { type LockstepTest, lockstepTest } from "./lockstep-test.js";
import { toAgreeOn, toDeadlock, toWakeInOrder } from "./matchers.js";
import { closeTestTargets } from "./test-targets.js";

export { LockstepError, type LockstepOptions, type LockstepTest } from "./lockstep-test.js";
export { expect };

declare module "vitest" {
  interface Matchers<T> {
    /**
     * The program gives the same trace on each target; with one name, on it and on the model. To be awaited. The message of a failure is the
     * report of the divergence, of the smallest program; that is saved to `corpus`.
     */
    toAgreeOn(...targets: readonly string[]): Promise<void>;
    /** The program ends in a deadlock on the model (R2). */
    toDeadlock(): void;
    /**
     * The bodies run in this order on the model: each when it begins and each time that it comes back from an op that may switch, as `"name"` or
     * `"name@t"`; main is left out.
     */
    toWakeInOrder(order: readonly string[]): void;
  }
}

expect.extend({ toAgreeOn, toDeadlock, toWakeInOrder });
afterAll(closeTestTargets);

/** `test.lockstep`, with `only` and `skip`. */
export interface LockstepTestAPI extends LockstepTest {
  readonly only: LockstepTest;
  readonly skip: LockstepTest;
}

const lockstep: LockstepTestAPI = Object.assign(lockstepTest(base), {
  only: lockstepTest(base.only),
  skip: lockstepTest(base.skip),
});

/** Vitest's `test`, with `test.lockstep`. */
export const test: TestAPI & { readonly lockstep: LockstepTestAPI } = Object.assign(base.extend({}), {
  lockstep,
});
