/**
 * Bodies that have a part to play, beside those drawn op by op: the readers of a crowd, the sleepers of a dormitory, and the rescuer, which
 * keeps the others from standing still.
 *
 * Each is written by the generator's own draws and nothing else; see `program-generator.ts` for when.
 */
import { OpCode } from "../encoding.js";
import { Kind } from "./profile.js";
import type { ProgramGenerator } from "./program-generator.js";

// What other modules export is looked up at each use; constants of this one are compiled in.
const Op = OpCode;
const Has = Kind;

/** One of a crowd: blocks on its own pipe, then acts on a neighbour's, so that a batch changes what the next one sees. */
export function writeReader(g: ProgramGenerator, body: number): void {
  const { pipes } = g.profile;
  g.emit(Op.block, body);
  if (!g.oneIn(4)) g.emit(Op.read, body, g.sizeBytes());
  const action = g.below(4);
  if (action === 0) g.emit(Op.read, g.below(pipes), 4096);
  else if (action === 1) g.emit(Op.write, g.below(pipes), 1 + g.below(8));
  else if (action === 2) g.emit(Op.wake, g.below(pipes));
}

/** One of a dormitory: sleeps, wakes another out of a sleep, sleeps again. Long spans of time, so that the heap is seldom in order. */
export function writeSleeper(g: ProgramGenerator): void {
  g.emit(Op.sleep, g.below(100));
  if (g.oneIn(3)) g.emit(Op.wake, g.below(g.profile.fibers));
  if (g.oneIn(2)) g.emit(Op.sleep, g.below(100));
}

/** Wakes the others again and again, and lets go whoever blocks on a pipe. */
export function writeRescuer(g: ProgramGenerator): void {
  const { profile } = g;
  const bodies = profile.fibers + profile.tasks;
  const first = g.below(bodies);
  const wakes = 1 + g.below(Math.min(bodies, 5));
  // Where pipes are closed it is mostly before anybody is woken, so that end of file is what the readers meet.
  const isClosedFirst = g.has(Has.close) && !g.oneIn(4);
  writePause(g);
  if (isClosedFirst) writeReleases(g);
  // A waiter that leaves before its task ends (C3): the wait is canceled under it, and then it is woken.
  if (g.has(Has.cancel) && g.oneIn(2)) {
    const task = g.below(profile.tasks);
    g.emit(Op.cancel, profile.fibers + task);
    g.emit(Op.wake, g.ownerOf(task));
  }
  for (let round = 1 + g.below(2); round > 0; round--) {
    for (let i = 0; i < wakes; i++) g.emit(Op.wake, first + i < bodies ? first + i : first + i - bodies);
    if (profile.pipes > 0 && g.oneIn(2)) g.emit(Op.write, g.below(profile.pipes), g.sizeBytes());
    writePause(g);
  }
  if (!isClosedFirst) writeReleases(g);
  if (!g.has(Has.suspend)) return;
  // Whoever suspends after the last round would stay so: wake everybody a few times more, in turn with them.
  const passes = 1 + g.below(4);
  g.emit(Op.repeat, passes, bodies + 1);
  for (let body = 0; body < bodies; body++) g.emit(Op.wake, body, 0);
  if (g.has(Has.sleep)) g.emit(Op.sleep, 15, 0);
  else g.emit(Op.yield);
  g.countPasses(passes, bodies + 1);
}

function writePause(g: ProgramGenerator): void {
  if (g.has(Has.sleep)) g.emit(Op.sleep, g.durationMs());
  else g.emit(Op.yield);
}

/** What lets go whoever blocks on a pipe: its end, or bytes. In a crowd the rest is left to the world. */
function writeReleases(g: ProgramGenerator): void {
  const { pipes, isCrowd } = g.profile;
  for (let pipe = 0; pipe < pipes; pipe++) {
    if (g.oneIn(8)) continue;
    if (g.has(Has.close) && (!isCrowd || g.oneIn(4))) g.emit(Op.close, pipe, g.oneIn(10) ? 0 : 1);
    else g.emit(Op.write, pipe, 1 + g.below(8));
  }
}
