/** One small program for each kind of being stuck for good, by name: what forensics has to say of each stands in `forensics.test.ts`. */

import type { Program } from "../../src/sim/program.js";
import { ProgramBuilder } from "../../src/sim/program-builder.js";

function program(title: string, make: (b: ProgramBuilder) => void): Program {
  const b = new ProgramBuilder(title);
  make(b);
  return b.build();
}

export const deadlocks = {
  cycleOfTasks: program("two tasks that wait for each other", (b) => {
    const left = b.task("left", 1);
    const right = b.task("right", 2, (o) => o.wait(left));
    left.does((o) => o.yield().wait(right));
    b.fiber("starter", (o) => o.go(left).go(right));
  }),

  cycleOfThree: program("three fibers, each to be woken by the next", (b) => {
    const [a, c, d] = [b.fiber("a"), b.fiber("b"), b.fiber("c")];
    a.does((o) => o.suspend().wake(d));
    c.does((o) => o.suspend().wake(a));
    d.does((o) => o.suspend().wake(c));
  }),

  cycleThroughRun: program("main would wake it, after run", (b) => {
    const a = b.fiber("a", (o) => o.suspend());
    b.main((o) => o.spawn(a).run().wake(a).run());
  }),

  lostWake: program("the wake comes before the park", (b) => {
    const a = b.fiber("a", (o) => o.yield().suspend());
    b.fiber("waker", (o) => o.wake(a));
  }),

  orphan: program("nobody has a wake for it", (b) => {
    b.fiber("a", (o) => o.suspend());
    b.fiber("other", (o) => o.sleep(5).log(1));
  }),

  orphanOfAnUnspawned: program("the one who would wake it is never spawned", (b) => {
    const a = b.fiber("a", (o) => o.suspend());
    b.fiber("absent", (o) => o.wake(a));
    b.main((o) => o.spawn(a).run());
  }),

  stuckTask: program("a chain of waits on work that is stuck", (b) => {
    const inner = b.task("inner", 1, (o) => o.sleep(3).suspend());
    const outer = b.task("outer", 2, (o) => o.go(inner).wait(inner));
    b.fiber("reader", (o) => o.go(outer).wait(outer));
  }),

  unwritten: program("the world runs out before the second block", (b) => {
    const p = b.pipe("p");
    b.fiber("reader", (o) => o.block(p).read(p, 8).block(p));
    b.world((o) => o.write(p, 3));
  }),

  readEndClosed: program("the read end is closed under its waiter", (b) => {
    const p = b.pipe("p");
    b.fiber("reader", (o) => o.block(p));
    b.fiber("closer", (o) => o.close(p, "read").write(p, 1));
  }),

  partial: program("two stuck at 10, the rest runs on to 50 and panics", (b) => {
    const [a, c] = [b.fiber("a"), b.fiber("b")];
    a.does((o) => o.sleep(10).suspend().wake(c));
    c.does((o) => o.sleep(10).suspend().wake(a));
    b.fiber("ticker", (o) => o.repeat(5, (r) => r.sleep(10)).sleep(-1));
  }),
} satisfies Record<string, Program>;
