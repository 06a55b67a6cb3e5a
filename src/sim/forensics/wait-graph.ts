/**
 * Who waits for whom among the bodies that are stuck when a run has ended, and what each wait comes down to.
 *
 * Nodes are stuck bodies, `main` where it stands in its run, and unspawned bodies that a stuck one would spawn; an edge leads from a body
 * to one that could bring it on, were it not stuck itself. Every node ends in a cycle or in a root: a body that nobody could bring on. Costs
 * O(ops + bodies), but for the search of shortest cycles, which is bounded.
 */
import { BodyState } from "../body-progress.js";
import { OpCode } from "../encoding.js";
import type { Interpreter } from "../interpreter.js";
import type { Waker } from "./forensics.js";
import { Fate } from "./may-progress.js";
import type { PlacedOp, ProgramOps, WakerIndex } from "./program-ops.js";

/** Edges followed in search of shortest cycles, in all; past it a body in a knot is said to wait behind its nearest cycle. */
const CYCLE_STEPS_MAX = 1_000_000;

/** A path is told in full up to so many bodies; of a longer one the beginning and the end. */
const PATH_MAX = 32;

/** Longer cycles are told from one and the same member on, so that a cycle of n costs n and not n squared. */
const ROTATED_MAX = 64;

export interface PlacedWaker extends PlacedOp {
  readonly because: Waker["because"];
}

export type Knot =
  | { readonly kind: "cycle"; readonly members: readonly number[] }
  | { readonly kind: "behind"; readonly path: readonly number[] }
  | { readonly kind: "root" };

export class WaitGraph {
  readonly #ops: ProgramOps;
  readonly #index: WakerIndex;
  readonly #interpreter: Interpreter;
  readonly #fates: Uint8Array;
  readonly #stuck: readonly number[];
  readonly #edges = new Map<number, readonly number[]>();
  /** Of an unspawned body that could still come: the body that would spawn it. */
  readonly #spawner = new Map<number, number>();
  readonly #cycles = new Map<number, readonly number[]>();
  /** Of a body in no cycle and no root: the next on its way to one. */
  readonly #next = new Map<number, number>();

  /** `interpreter` has come to the end of the run, and `fates` are those of its last record. */
  constructor(
    ops: ProgramOps,
    index: WakerIndex,
    interpreter: Interpreter,
    fates: Uint8Array,
    stuck: readonly number[],
  ) {
    this.#ops = ops;
    this.#index = index;
    this.#interpreter = interpreter;
    this.#fates = fates;
    this.#stuck = stuck;
    this.#findUnspawned();
    for (const body of stuck) this.#edges.set(body, this.#edgesOf(body));
    for (const [body, spawner] of this.#spawner) this.#edges.set(body, [spawner]);
    this.#edges.set(ops.main, stuck);
    this.#findCycles();
    this.#findWays();
  }

  /** Every op that could bring a stuck body on, with why it will not. */
  wakersOf(body: number): PlacedWaker[] {
    const { core } = this.#interpreter;
    const { fiber, at } = this.#interpreter.progressOf(body);
    const pipe = core.pipeWaitedOnBy(fiber);
    const isWait = this.#ops.code(body, at) === OpCode.wait;
    // A wake of one that waits for a pending task does nothing (C2); of a canceled one it does.
    const wakes = isWait && !this.#isAwaitedCanceled(body, at) ? [] : this.#index.wakesOf(body);
    const feeds = pipe >= 0 && core.pipes.isRegistered(pipe) ? this.#index.feedsOf(pipe) : [];
    return [...wakes, ...feeds].map((op) => ({ ...op, because: this.#because(op) }));
  }

  /** What the wait of a stuck body comes down to. */
  knotOf(body: number): Knot {
    const members = this.#cycles.get(body);
    if (members !== undefined) return { kind: "cycle", members };
    const path = [body];
    for (let next = this.#next.get(body); next !== undefined; next = this.#next.get(next)) {
      if (path.length === PATH_MAX) path.pop();
      path.push(next);
    }
    return path.length === 1 ? { kind: "root" } : { kind: "behind", path };
  }

  #isAwaitedCanceled(body: number, at: number): boolean {
    const { task } = this.#interpreter.progressOf(this.#ops.operand(body, at));
    return this.#interpreter.core.isCanceled(task);
  }

  #because({ body, at }: PlacedOp): Waker["because"] {
    const progress = this.#interpreter.progressOf(body);
    const isAhead = at > progress.at || at >= progress.again;
    if (body === this.#ops.main) return isAhead ? "behind-run" : "passed";
    if (body === this.#ops.world) return at >= progress.at ? "cut-off" : "passed";
    if (progress.state === BodyState.idle) return this.#spawner.has(body) ? "unspawned" : "never-spawned";
    if (this.#fates[body] === Fate.absent) return "passed";
    if (!isAhead) return "passed";
    return this.#fates[body] === Fate.stuck ? "stuck" : "cut-off";
  }

  #edgesOf(body: number): number[] {
    const { at } = this.#interpreter.progressOf(body);
    const edges = new Set<number>();
    if (this.#ops.code(body, at) === OpCode.wait) edges.add(this.#ops.operand(body, at));
    for (const { body: waker, because } of this.wakersOf(body))
      if (because === "stuck" || because === "unspawned" || because === "behind-run") edges.add(waker);
    return [...edges];
  }

  /** Bodies that stuck ones, or main behind its run, would spawn, and those that these would, breadth first. */
  #findUnspawned(): void {
    const queue: number[] = [...this.#stuck, this.#ops.main];
    for (const body of queue) {
      const { at, again, state } = this.#interpreter.progressOf(body);
      const isUnspawned = body !== this.#ops.main && state === BodyState.idle;
      const from = isUnspawned ? 0 : Math.min(at + 1, again);
      for (const op of this.#ops.opsFrom(body, from)) {
        const code = this.#ops.code(body, op);
        if (code !== OpCode.spawn && code !== OpCode.go) continue;
        const spawned = this.#ops.operand(body, op);
        if (this.#interpreter.progressOf(spawned).state !== BodyState.idle || this.#spawner.has(spawned))
          continue;
        this.#spawner.set(spawned, body);
        queue.push(spawned);
      }
    }
  }

  /** A shortest cycle through each body that is in one, as long as the steps last. */
  #findCycles(): void {
    let stepsLeft = CYCLE_STEPS_MAX;
    for (const start of this.#stuck) {
      if (this.#cycles.has(start)) continue;
      const cameFrom = new Map<number, number>();
      const queue = [start];
      search: for (const body of queue) {
        for (const next of this.#edges.get(body) ?? []) {
          if (stepsLeft-- <= 0) return;
          if (next === start) {
            this.#addCycle(start, body, cameFrom);
            break search;
          }
          if (cameFrom.has(next)) continue;
          cameFrom.set(next, body);
          queue.push(next);
        }
      }
    }
  }

  /** Members that have no cycle yet get this one, each beginning with itself unless it is long. */
  #addCycle(start: number, last: number, cameFrom: ReadonlyMap<number, number>): void {
    const members: number[] = [];
    for (let body = last; body !== start; body = cameFrom.get(body)!) members.unshift(body);
    members.unshift(start);
    const isLong = members.length > ROTATED_MAX;
    for (const [i, body] of members.entries())
      if (!this.#cycles.has(body))
        this.#cycles.set(body, isLong ? members : [...members.slice(i), ...members.slice(0, i)]);
  }

  /** From every root and cycle backwards: for the others, the next step on a shortest way there. */
  #findWays(): void {
    const waiters = new Map<number, number[]>();
    for (const [body, edges] of this.#edges) {
      for (const to of edges) {
        const list = waiters.get(to);
        if (list === undefined) waiters.set(to, [body]);
        else list.push(body);
      }
    }
    const isEnd = (body: number): boolean =>
      this.#cycles.has(body) || (this.#edges.get(body) ?? []).length === 0;
    const queue = [...this.#edges.keys()].filter(isEnd);
    const seen = new Set(queue);
    for (const body of queue) {
      for (const waiter of waiters.get(body) ?? []) {
        if (seen.has(waiter)) continue;
        seen.add(waiter);
        this.#next.set(waiter, body);
        queue.push(waiter);
      }
    }
  }
}
