/**
 * Which op comes next: a table of op codes, each as often as it weighs, for the kinds that the run has.
 *
 * Weights are relative; they were chosen by what `lockstep sim` prints: at least 60% of the ops written run, and no label of
 * `coverage.ts` stays under its floor. A table is made when its kinds come for the first time, and kept.
 */
import { OpCode } from "../encoding.js";
import { KINDS_OF_OPS, Kind } from "./profile.js";

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
  { code: OpCode.write, kind: Kind.pipes, weight: 2 },
  { code: OpCode.read, kind: Kind.pipes, weight: 2 },
  { code: OpCode.close, kind: Kind.close, weight: 2 },
  { code: OpCode.log, kind: Kind.log, weight: 2 },
  { code: OpCode.repeat, kind: Kind.repeat, weight: 1 },
  { code: OpCode.call, kind: Kind.call, weight: 1 },
];

const TABLE_CODES = 64;

export class OpMix {
  readonly #codes = new Uint8Array((KINDS_OF_OPS + 1) * TABLE_CODES);
  /** By kinds; 0 for a table that is not made yet. */
  readonly #lengths = new Uint8Array(KINDS_OF_OPS + 1);
  readonly #isUniform: boolean;
  #start = 0;
  #length = 0;

  /** With `isUniform` every op weighs the same. */
  constructor(isUniform: boolean) {
    this.#isUniform = isUniform;
  }

  /** Chooses the table for a set of kinds, of which at least one has an op. */
  choose(kinds: number): void {
    const table = kinds & KINDS_OF_OPS;
    this.#start = table * TABLE_CODES;
    if (this.#lengths[table] === 0) this.#make(table);
    this.#length = this.#lengths[table]!;
  }

  /** The op code of a random number from 0 to 1023. */
  codeOf(number: number): number {
    return this.#codes[this.#start + ((number * this.#length) >> 10)]!;
  }

  #make(table: number): void {
    let length = 0;
    for (const { code, kind, weight } of WEIGHTS) {
      if ((table & kind) === 0) continue;
      const count = this.#isUniform ? 1 : weight;
      this.#codes.fill(code, this.#start + length, this.#start + length + count);
      length += count;
    }
    this.#lengths[table] = length;
  }
}
