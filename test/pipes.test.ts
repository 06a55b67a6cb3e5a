/**
 * Pipes and the ready list of their read ends, against arrays (SPEC I2, I3 and the results of section 3).
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EVENTS_MAX, PipeResult, PipeTable, READ_END, readFdOf, WRITE_END } from "../src/sched/pipes.js";

const SEED = 1816;

function tableOf(pipes: number): PipeTable {
  const table = new PipeTable();
  table.reset(pipes);
  return table;
}

function waitOn(table: PipeTable): number[] {
  const delivered = new Int32Array(EVENTS_MAX);
  return [...delivered.subarray(0, table.wait(delivered))];
}

describe("pipes", () => {
  test("the read end of pipe i is fd 100 + 2i (SPEC section 3)", () => {
    expect([readFdOf(0), readFdOf(1), readFdOf(255)]).toEqual([100, 102, 610]);
  });

  test("a write takes all bytes or none, 4096 at most (SPEC section 3)", () => {
    const table = tableOf(1);
    expect([table.write(0, 4095), table.write(0, 2), table.write(0, 1), table.bytesIn(0)]).toEqual([
      4095,
      PipeResult.full,
      1,
      4096,
    ]);
  });

  test("a read takes what is there; at end of file 0, before it empty (SPEC section 3)", () => {
    const table = tableOf(1);
    expect([table.read(0, 1), table.write(0, 3), table.read(0, 2), table.read(0, 2)]).toEqual([
      PipeResult.empty,
      3,
      2,
      1,
    ]);
    table.close(0, WRITE_END);
    expect([table.read(0, 1), table.isReadable(0)]).toEqual([0, true]);
  });

  test("closed comes before broken, and broken before full (SPEC section 3)", () => {
    const table = tableOf(1);
    table.write(0, 4096);
    expect([table.close(0, READ_END), table.write(0, 1)]).toEqual([true, PipeResult.broken]);
    expect([table.close(0, WRITE_END), table.write(0, 1)]).toEqual([true, PipeResult.closed]);
    expect([table.close(0, WRITE_END), table.read(0, 1), table.isReadable(0)]).toEqual([
      false,
      PipeResult.closed,
      false,
    ]);
  });
});

describe("the ready list", () => {
  test("an end readable when it is registered is appended then, else by the write that makes it so (I3)", () => {
    const table = tableOf(3);
    table.write(2, 1);
    for (const pipe of [0, 1, 2]) expect(table.register(pipe)).toBe(true);
    expect(table.readyList()).toEqual([2]);
    table.write(1, 1);
    table.close(0, WRITE_END);
    expect(table.readyList()).toEqual([2, 1, 0]);
    expect([waitOn(table), table.readyList()]).toEqual([[2, 1, 0], []]);
  });

  test("an entry keeps its place while the pipe is drained and written again (I3)", () => {
    const table = tableOf(2);
    for (const pipe of [0, 1]) table.register(pipe);
    table.write(0, 1);
    table.write(1, 1);
    table.read(0, 1);
    table.write(0, 1);
    expect(waitOn(table)).toEqual([0, 1]);
  });

  test("a wait drops what is not readable; a later write appends it anew (I3)", () => {
    const table = tableOf(2);
    for (const pipe of [0, 1]) {
      table.register(pipe);
      table.write(pipe, 1);
    }
    table.read(0, 1);
    expect([waitOn(table), table.readyList()]).toEqual([[1], []]);
    table.write(0, 1);
    expect(waitOn(table)).toEqual([0]);
  });

  test("16 are delivered, the rest keep their places before what comes later (I2, I3)", () => {
    const table = tableOf(20);
    for (let pipe = 0; pipe < 20; pipe++) {
      table.register(pipe);
      if (pipe > 0) table.write(pipe, 1);
    }
    expect(waitOn(table)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    table.write(0, 1);
    expect(table.readyList()).toEqual([17, 18, 19, 0]);
  });

  test("closing the read end and deregistering take the entry away (I3, F4)", () => {
    const table = tableOf(3);
    for (const pipe of [0, 1, 2]) {
      table.register(pipe);
      table.write(pipe, 1);
    }
    table.close(1, READ_END);
    table.deregister(0);
    expect([table.readyList(), table.isRegistered(0), table.isRegistered(1)]).toEqual([[2], false, false]);
    expect([table.register(1), table.register(3), table.register(-1)]).toEqual([false, false, false]);
  });

  test("a reset opens every pipe empty, whatever was there", () => {
    const table = tableOf(2);
    table.register(1);
    table.write(1, 5);
    table.close(0, READ_END);
    table.reset(2);
    expect([table.readyList(), table.bytesIn(1), table.isOpen(0, READ_END), table.isRegistered(1)]).toEqual([
      [],
      0,
      true,
      false,
    ]);
  });
});

/** The kernel as rule I3 tells it, without a thought for speed. */
class NaivePipes {
  readonly pipes = Array.from({ length: 24 }, () => ({
    bytes: 0,
    read: true,
    write: true,
    registered: false,
  }));
  list: number[] = [];

  isReadable(pipe: number): boolean {
    const { bytes, read, write } = this.pipes[pipe]!;
    return read && (bytes > 0 || !write);
  }

  appendIfReady(pipe: number): void {
    if (this.pipes[pipe]!.registered && this.isReadable(pipe) && !this.list.includes(pipe))
      this.list.push(pipe);
  }

  remove(pipe: number): void {
    this.pipes[pipe]!.registered = false;
    this.list = this.list.filter((other) => other !== pipe);
  }

  wait(): number[] {
    const delivered: number[] = [];
    while (this.list.length > 0 && delivered.length < 16) {
      const pipe = this.list.shift()!;
      if (this.isReadable(pipe)) delivered.push(pipe);
    }
    return delivered;
  }
}

test(`any mix of operations gives the ready list that rule I3 tells of (I3, seed ${SEED})`, () => {
  const pipe = fc.nat(23);
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constant("write" as const), pipe) },
    { weight: 4, arbitrary: fc.tuple(fc.constant("register" as const), pipe) },
    { weight: 4, arbitrary: fc.tuple(fc.constant("read" as const), pipe) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("close write" as const), pipe) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("close read" as const), pipe) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("deregister" as const), pipe) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("wait" as const), pipe) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const table = tableOf(24);
      const naive = new NaivePipes();
      for (const [what, i] of steps) {
        const own = naive.pipes[i]!;
        if (what === "write" && own.write && own.read) {
          table.write(i, 1);
          own.bytes++;
          naive.appendIfReady(i);
        } else if (what === "read" && own.read && own.bytes > 0) {
          table.read(i, 1);
          own.bytes--;
        } else if (what === "register" && own.read && !own.registered) {
          table.register(i);
          own.registered = true;
          naive.appendIfReady(i);
        } else if (what === "close write" && own.write) {
          table.close(i, WRITE_END);
          own.write = false;
          naive.appendIfReady(i);
        } else if (what === "close read" && own.read) {
          table.close(i, READ_END);
          own.read = false;
          naive.remove(i);
        } else if (what === "deregister") {
          table.deregister(i);
          naive.remove(i);
        } else if (what === "wait") {
          expect(waitOn(table)).toEqual(naive.wait());
        }
        expect(table.readyList()).toEqual(naive.list);
        expect(table.isReadable(i)).toBe(naive.isReadable(i));
      }
    }),
    { seed: SEED, numRuns: 400 },
  );
});
