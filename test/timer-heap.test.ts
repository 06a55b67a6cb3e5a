/**
 * The timer heap against a list that is sorted by hand: deadline first, then order of arming (T2), removal by fiber (F4).
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TimerHeap } from "../src/sched/timer-heap.js";

const SEED = 1817;
const FIBERS = 40;

function heapOf(...armed: readonly (readonly [fiber: number, deadlineMs: number])[]): TimerHeap {
  const heap = new TimerHeap();
  for (const [fiber, deadlineMs] of armed) heap.arm(fiber, deadlineMs);
  return heap;
}

function popAll(heap: TimerHeap): number[] {
  const fibers: number[] = [];
  while (heap.length > 0) fibers.push(heap.popEarliest());
  return fibers;
}

describe("the timer heap", () => {
  test("the smallest deadline comes first (T2)", () => {
    expect(popAll(heapOf([0, 30], [1, 10], [2, 20]))).toEqual([1, 2, 0]);
  });

  test("at one deadline the order of arming decides, not the fiber's number (T2)", () => {
    expect(popAll(heapOf([5, 10], [1, 10], [3, 10], [2, 9], [4, 10]))).toEqual([2, 5, 1, 3, 4]);
  });

  test("a fiber removed and armed anew for the same deadline goes to its end (F4, T2)", () => {
    const heap = heapOf([0, 10], [1, 10]);
    heap.remove(0);
    expect([heap.has(0), heap.has(1), heap.length]).toEqual([false, true, 1]);
    heap.arm(0, 10);
    expect(popAll(heap)).toEqual([1, 0]);
  });

  test("a timer that takes the place of a removed one may have to rise above its new parent (F4, T2)", () => {
    // Fiber k stands at position k: 0 is the root, 1 to 4 its children, 5 to 8 those of 1, and 9 is below 2. Removing 5 puts 9,
    // due at 11, below 1, due at 100.
    const deadlinesMs = [0, 100, 10, 50, 50, 101, 102, 103, 104, 11];
    const heap = heapOf(...deadlinesMs.map((deadlineMs, fiber) => [fiber, deadlineMs] as const));
    heap.remove(5);
    expect(popAll(heap)).toEqual([0, 2, 9, 3, 4, 1, 6, 7, 8]);
  });

  test("an empty heap pops -1, and a cleared one starts its order of arming anew", () => {
    const heap = heapOf([0, 1], [1, 1]);
    heap.clear();
    expect([heap.length, heap.popEarliest(), heap.has(0), heap.has(1)]).toEqual([0, -1, false, false]);
    heap.arm(1, 5);
    heap.arm(0, 5);
    expect(popAll(heap)).toEqual([1, 0]);
  });

  test("deadlines up to 2^53 - 1 are told apart to the millisecond (C4)", () => {
    const end = Number.MAX_SAFE_INTEGER;
    expect(popAll(heapOf([0, end], [1, end - 1], [2, 0]))).toEqual([2, 1, 0]);
  });

  test("growing keeps every timer where it is", () => {
    const heap = heapOf([63, 5], [0, 4]);
    heap.reserve(128);
    expect(heap.has(100)).toBe(false);
    heap.arm(100, 4);
    expect([heap.deadlineMsOf(63), heap.toArray()]).toEqual([5, [0, 100, 63]]);
    expect(popAll(heap)).toEqual([0, 100, 63]);
  });

  const command = fc.oneof(
    // Deadlines often equal, and often far apart.
    { weight: 5, arbitrary: fc.record({ fiber: fc.nat(FIBERS - 1), deadlineMs: fc.nat(6) }) },
    { weight: 5, arbitrary: fc.record({ fiber: fc.nat(FIBERS - 1), deadlineMs: fc.nat(90) }) },
    { weight: 2, arbitrary: fc.record({ remove: fc.nat(FIBERS - 1) }) },
    { weight: 1, arbitrary: fc.constant("pop" as const) },
  );

  test(`any mix of arming, removing and popping does what a sorted list does (T2, seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.array(command, { minLength: 60, maxLength: 200 }), (commands) => {
        const heap = new TimerHeap();
        /** In order of arming; the sort is stable. */
        let list: { readonly fiber: number; readonly deadlineMs: number }[] = [];
        for (const step of commands) {
          list.sort((a, b) => a.deadlineMs - b.deadlineMs);
          if (step === "pop") {
            expect(heap.popEarliest()).toBe(list.shift()?.fiber ?? -1);
          } else if ("remove" in step) {
            if (heap.has(step.remove)) heap.remove(step.remove);
            list = list.filter(({ fiber }) => fiber !== step.remove);
          } else if (!heap.has(step.fiber)) {
            heap.arm(step.fiber, step.deadlineMs);
            list.push(step);
          }
        }
        list.sort((a, b) => a.deadlineMs - b.deadlineMs);
        const expected = list.map(({ fiber }) => fiber);
        expect(heap.toArray()).toEqual(expected);
        expect(popAll(heap)).toEqual(expected);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});
