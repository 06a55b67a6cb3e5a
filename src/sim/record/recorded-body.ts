/**
 * The ops that one body performs while it is recorded, in order; those inside a `call` lie in that op.
 *
 * Knows too what the same body performed in an earlier run, to tell the first op that differs (`record.ts` says why there are two).
 */
import type { Op, PipeEnd } from "../program.js";

export type BodyKind = "fiber" | "task" | "main" | "world";

export class RecordedBody {
  readonly kind: BodyKind;
  readonly name: string;
  readonly ops: Op[] = [];
  /** What a task's work gave, once it has ended. */
  returns = 0;
  /** Where it was spawned and, later, where its last op was performed. */
  lastPlace: Error;
  readonly #earlier: RecordedBody | undefined;
  /** The list that the next op goes to, innermost last, with the frames of each `call`. */
  readonly #open: { readonly ops: Op[]; readonly frames: number }[];
  /** Ops in the order performed, `call` before what is in it. */
  readonly #performed: Op[] = [];

  constructor(kind: BodyKind, name: string, lastPlace: Error, earlier: RecordedBody | undefined) {
    this.kind = kind;
    this.name = name;
    this.lastPlace = lastPlace;
    this.#earlier = earlier;
    this.#open = [{ ops: this.ops, frames: 0 }];
  }

  get label(): string {
    if (this.kind === "main") return "main";
    return this.kind === "world" ? "the world (onIdle)" : `${this.kind} ${JSON.stringify(this.name)}`;
  }

  get performedCount(): number {
    return this.#performed.length;
  }

  get earlierCount(): number | undefined {
    return this.#earlier?.performedCount;
  }

  /** Stack frames of the calls that are open. */
  get callFrames(): number {
    return this.#open.at(-1)!.frames;
  }

  /** How deep the calls that are open are nested. */
  get nesting(): number {
    return this.#open.length - 1;
  }

  /** Appends an op. What the earlier run did instead, in words, when that was something else. */
  perform(op: Op): string | undefined {
    this.#open.at(-1)!.ops.push(op);
    this.#performed.push(op);
    if (this.#earlier === undefined) return undefined;
    const before = this.#earlier.#performed[this.#performed.length - 1];
    return before !== undefined && sameOp(op, before) ? undefined : opText(before);
  }

  /** Opens a `call`: ops go into it until `leaveCall`. */
  enterCall(depth: number): string | undefined {
    const ops: Op[] = [];
    const differs = this.perform({ op: "call", depth, ops });
    this.#open.push({ ops, frames: this.callFrames + depth });
    return differs;
  }

  leaveCall(): void {
    this.#open.pop();
  }
}

/** An op in one line, as a message says it: `sleep 30`. */
export function opText(op: Op | undefined): string {
  if (op === undefined) return "nothing";
  const { op: name, ...operands } = op;
  const words = Object.values(operands).filter(
    (operand: string | number | readonly Op[] | PipeEnd) => typeof operand !== "object",
  );
  return [name, ...words].join(" ");
}

/** What is said of a run that performs something else than the run before it. */
export function otherwise(now: string, before: string): string {
  return `performs ${now} where it performed ${before} in a run before: a value from outside decides (a clock, random numbers, state that outlives the call)`;
}

function sameOp(left: Op, right: Op): boolean {
  return left.op === right.op && opText(left) === opText(right);
}
