/** The ready queue against an array: first in, first out, across the end of its ring and across growth (F1, F2, F4). */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReadyQueue } from "../src/sched/ready-queue.js";

const SEED = 1811;

function pushAll(queue: ReadyQueue, from: number, count: number): void {
  for (let fiber = from; fiber < from + count; fiber++) queue.push(fiber);
}

function shiftAll(queue: ReadyQueue, count = queue.length): number[] {
  return Array.from({ length: count }, () => queue.shift());
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

describe("the ready queue", () => {
  test("fibers leave in the order in which they came (F1)", () => {
    const queue = new ReadyQueue();
    for (const fiber of [3, 1, 2]) queue.push(fiber);
    expect([queue.length, queue.toArray()]).toEqual([3, [3, 1, 2]]);
    expect([shiftAll(queue), queue.length]).toEqual([[3, 1, 2], 0]);
  });

  test("the order survives the end of the ring of 64 and growth in the middle of it", () => {
    const queue = new ReadyQueue();
    pushAll(queue, 0, 64);
    expect(shiftAll(queue, 40)).toEqual(range(0, 40));
    // 24 are left at the end of the ring; the next 40 wrap, and 60 more make it grow while it is wrapped.
    pushAll(queue, 64, 100);
    expect(queue.toArray()).toEqual(range(40, 124));
    expect(shiftAll(queue)).toEqual(range(40, 124));
  });

  test("a cleared queue is empty and starts anew (R3)", () => {
    const queue = new ReadyQueue();
    pushAll(queue, 0, 10);
    queue.shift();
    queue.clear();
    expect([queue.length, queue.toArray()]).toEqual([0, []]);
    pushAll(queue, 7, 2);
    expect(shiftAll(queue)).toEqual([7, 8]);
  });

  test(`any mix of bursts in and out does what an array does (F1, F2, F4, seed ${SEED})`, () => {
    const burst = fc.record({ pushes: fc.nat(90), shifts: fc.nat(90) });
    fc.assert(
      fc.property(fc.array(burst, { maxLength: 20 }), (bursts) => {
        const queue = new ReadyQueue();
        const list: number[] = [];
        let next = 0;
        for (const { pushes, shifts } of bursts) {
          for (let i = 0; i < pushes; i++) {
            list.push(next);
            queue.push(next++);
          }
          const count = Math.min(shifts, list.length);
          expect(shiftAll(queue, count)).toEqual(list.splice(0, count));
          expect([queue.length, queue.toArray()]).toEqual([list.length, list]);
        }
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});
