/**
 * One misuse of the scheduler, in a body where it panics: each panic of SPEC sections 1 and 2 that a program can reach on purpose.
 *
 * Deadlocks, second waiters and closed pipes also come by themselves from the mix; these make sure of the rest.
 */
import { highWord, lowWord, OpCode } from "../encoding.js";
import type { ProgramGenerator } from "./program-generator.js";

type Misuse = (generator: ProgramGenerator) => void;

/** Writes the misuse: outside a fiber when `body` is main, inside one otherwise. */
export function emitMisuse(generator: ProgramGenerator, body: number): void {
  const { fibers, tasks } = generator.profile;
  const table = body === fibers + tasks ? OUTSIDE : INSIDE;
  table[generator.below(table.length)]!(generator);
}

const OUTSIDE: readonly Misuse[] = [
  (g) => g.emit(OpCode.yield),
  (g) => g.emit(OpCode.suspend),
  (g) => g.emit(OpCode.sleep, g.durationMs()),
  (g) => {
    if (g.profile.pipes === 0) g.emit(OpCode.yield);
    else g.emit(g.oneIn(2) ? OpCode.block : OpCode.blockWrite, g.below(g.profile.pipes));
  },
  waitForAnyTask,
  // No panic: what main may well do before it runs anything.
  (g) => g.emit(OpCode.wake, g.below(g.profile.fibers + g.profile.tasks)),
];

const INSIDE: readonly Misuse[] = [
  (g) => emitSleep(g, -1 - g.below(1000)),
  (g) => {
    // Any clock but 0 overflows on this (C4); a clock of 0 gives the last deadlines that there are.
    g.emit(OpCode.sleep, 1 + g.below(5));
    emitSleep(g, Number.MAX_SAFE_INTEGER - g.below(3));
  },
  (g) => g.emit(OpCode.run),
  (g) => g.emit(OpCode.deinit),
  (g) => g.emit(OpCode.suspend),
  (g) => {
    if (g.profile.pipes === 0) {
      g.emit(OpCode.run);
      return;
    }
    const pipe = g.below(g.profile.pipes);
    const isForWrite = g.oneIn(2);
    if (!isForWrite && g.oneIn(2)) g.emit(OpCode.close, pipe, 0);
    g.emit(isForWrite ? OpCode.blockWrite : OpCode.block, pipe);
  },
  waitForAnyTask,
  // A stack overflow ends a process of a runtime without a panic hook: seldom.
  (g) => g.emit(g.oneIn(12) ? OpCode.overflow : OpCode.suspend),
];

function waitForAnyTask(g: ProgramGenerator): void {
  const { fibers, tasks } = g.profile;
  if (tasks === 0) {
    g.emit(OpCode.suspend);
    return;
  }
  const task = fibers + g.below(tasks);
  g.emit(OpCode.go, task);
  g.emit(OpCode.wait, task);
}

function emitSleep(g: ProgramGenerator, ms: number): void {
  g.emit(OpCode.sleep, lowWord(ms), highWord(ms));
}
