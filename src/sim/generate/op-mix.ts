/**
 * Which op comes next: a table of op codes, each as often as it weighs, for the kinds that the run has.
 *
 * Weights are relative; they were chosen by what `lockstep sim` prints: at least 60% of the ops written run, and no label of
 * `coverage.ts` stays under its floor.
 */
import { OpCode } from "../encoding.js";
import { Kind } from "./profile.js";
import type { RandomNumbers } from "./random-numbers.js";

const WEIGHTS: readonly { readonly code: number; readonly kind: number; readonly weight: number }[] = [
  { code: OpCode.yield, kind: Kind.yield, weight: 4 },
  { code: OpCode.suspend, kind: Kind.suspend, weight: 2 },
  { code: OpCode.sleep, kind: Kind.sleep, weight: 4 },
  { code: OpCode.wake, kind: Kind.wake, weight: 4 },
  { code: OpCode.spawn, kind: Kind.spawnInside, weight: 1 },
  { code: OpCode.go, kind: Kind.tasks, weight: 1 },
  { code: OpCode.wait, kind: Kind.tasks, weight: 4 },
  { code: OpCode.cancel, kind: Kind.cancel, weight: 1 },
  { code: OpCode.block, kind: Kind.pipes, weight: 4 },
  { code: OpCode.write, kind: Kind.pipes, weight: 3 },
  { code: OpCode.read, kind: Kind.pipes, weight: 2 },
  { code: OpCode.close, kind: Kind.close, weight: 1 },
  { code: OpCode.log, kind: Kind.log, weight: 2 },
  { code: OpCode.repeat, kind: Kind.repeat, weight: 1 },
  { code: OpCode.call, kind: Kind.call, weight: 1 },
];

export class OpMix {
  readonly #codes = new Int32Array(64);
  #length = 0;

  /** Makes the table for a set of kinds; with `isUniform` every op weighs the same. */
  prepare(kinds: number, isUniform: boolean): void {
    this.#length = 0;
    for (const { code, kind, weight } of WEIGHTS) {
      if ((kinds & kind) === 0) continue;
      for (let i = isUniform ? 1 : weight; i > 0; i--) this.#codes[this.#length++] = code;
    }
  }

  draw(random: RandomNumbers): number {
    return this.#codes[random.nextInt(0, this.#length - 1)]!;
  }
}
