/**
 * The two bodies that are no fibers: `main`, which starts everything, and `world`, which acts while nobody can (SPEC section 3).
 *
 * Each is written by the generator's own draws and nothing else.
 */
import { OpCode } from "../encoding.js";
import { emitMisuse } from "./misuse.js";
import { Kind } from "./profile.js";
import type { ProgramGenerator } from "./program-generator.js";

// What other modules export is looked up at each use; constants of this one are compiled in.
const Op = OpCode;
const Has = Kind;

/** Spawns what no fiber spawns, runs, waits for some tasks, may run again, and mostly deinits. With `isMisused` it panics on the way. */
export function writeMain(g: ProgramGenerator, isMisused: boolean): void {
  const { profile } = g;
  const main = profile.fibers + profile.tasks;
  const late =
    g.has(Has.rerun) && !profile.isCrowd && !profile.isDormitory ? g.below(profile.fibers + 1) : -1;
  if (profile.isCrowd) writeAhead(g);
  for (let fiber = 0; fiber < profile.fibers; fiber++) {
    if (fiber !== late && g.spawnerOf(fiber) === main) g.emit(Op.spawn, fiber);
  }
  for (let task = 0; task < profile.tasks; task++) {
    if (g.oneIn(3)) g.emit(Op.go, profile.fibers + task);
    if (g.has(Has.cancel) && g.oneIn(10)) g.emit(Op.cancel, profile.fibers + task);
  }
  if (profile.pipes > 0 && g.oneIn(2)) g.emit(Op.write, g.below(profile.pipes), g.sizeBytes());
  if (isMisused) emitMisuse(g, main);
  // Once in a while nothing runs at all: deinit has to free what never ran (R3).
  if (!g.oneIn(40)) g.emit(Op.run);
  for (let task = 0; task < profile.tasks; task++) {
    if (g.oneIn(4)) g.emit(Op.wait, profile.fibers + task);
  }
  if (late >= 0) {
    if (late < profile.fibers) g.emit(Op.spawn, late);
    if (!g.oneIn(6)) g.emit(Op.run);
  }
  if (g.oneIn(8)) return;
  g.emit(Op.deinit);
  if (g.oneIn(8)) g.emit(Op.deinit);
  if (g.oneIn(8)) g.emit(Op.log, 7);
}

/** For a crowd: bytes in most pipes, in a scrambled order, before anybody has registered. */
function writeAhead(g: ProgramGenerator): void {
  const { pipes } = g.profile;
  const stride = 1 + 2 * g.below(3);
  if (g.oneIn(2)) return;
  for (let i = 0; i < pipes; i++) {
    if (!g.oneIn(6)) g.emit(Op.write, (i * stride) % pipes, 1 + g.below(8));
  }
}

/** What happens at idle: bytes for those who block, and at last for every pipe an end or a few bytes more. */
export function writeWorld(g: ProgramGenerator): void {
  const { profile } = g;
  if (!g.has(Has.world)) return;
  const rounds = profile.isCrowd ? 1 : 1 + g.below(2);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < profile.pipes; i++) {
      const pipe = g.below(profile.pipes);
      if (g.has(Has.close) && g.oneIn(4)) g.emit(Op.close, pipe, g.oneIn(8) ? 0 : 1);
      else g.emit(Op.write, pipe, g.sizeBytes());
    }
  }
  for (let pipe = 0; pipe < profile.pipes; pipe++) {
    if (g.oneIn(6)) continue;
    if (g.has(Has.close)) g.emit(Op.close, pipe, 1);
    else g.emit(Op.write, pipe, 1 + g.below(8));
  }
}
