/**
 * Explains the fibers that a run leaves parked for good: who, on what, since when, from when on for certain, and why nobody will come.
 *
 * Asked only of runs that have not completed: a run that ends well costs nothing, and nothing is kept while programs run. An explanation
 * replays the program on the model a few times (`certainty.ts`). It is made from the model's states alone, not from what the outcome
 * says: that the two agree is a law (`properties/forensics.prop.ts`).
 */
import { FiberState, NONE } from "../../sched/scheduler-core.js";
import { TraceDecoder } from "../decode-trace.js";
import { bodyNamesOf, encodeProgram } from "../encode-program.js";
import { OpCode, RecordKind, ResultCode } from "../encoding.js";
import { Interpreter } from "../interpreter.js";
import type { OpName, Program } from "../program.js";
import { RecordTable } from "../record-table.js";
import { type Certainty, certaintyOf, lookAt, runnersOf } from "./certainty.js";
import type { Cause, Forensics, Moment, ParkedOn, Stage, StuckFiber, Waker } from "./forensics.js";
import { Fate, ProgressFinder } from "./may-progress.js";
import { ProgramOps, WakerIndex } from "./program-ops.js";
import { WaitGraph } from "./wait-graph.js";

/** Undefined when nobody is stuck for good. `encoded` is the program in words. */
export function explainStuck(program: Program, encoded = encodeProgram(program)): Forensics | undefined {
  const interpreter = new Interpreter();
  interpreter.replay(encoded, 0);
  const table = new RecordTable(interpreter.trace.words.subarray(0, interpreter.trace.position));
  if (!table.endsBadly) return undefined;
  const ops = new ProgramOps(encoded);
  const finder = new ProgressFinder(ops, table);
  finder.find(interpreter, table.last);
  const fates = finder.fates.slice();
  const stuck: number[] = [];
  for (let body = 0; body < ops.main; body++) if (fates[body] === Fate.stuck) stuck.push(body);
  if (stuck.length === 0) return undefined;
  const isOver = runnersOf(finder, ops).length === 0;
  const certainties = certaintyOf(encoded, ops, table, finder, stuck);
  return new Explainer(program, encoded, interpreter, table, ops, fates, stuck).explain(certainties, isOver);
}

class Explainer {
  readonly #encoded: Int32Array;
  readonly #interpreter: Interpreter;
  readonly #table: RecordTable;
  readonly #ops: ProgramOps;
  readonly #stuck: readonly number[];
  readonly #graph: WaitGraph;
  readonly #names: readonly string[];
  readonly #pipes: readonly string[];
  readonly #decoder: TraceDecoder;

  constructor(
    program: Program,
    encoded: Int32Array,
    interpreter: Interpreter,
    table: RecordTable,
    ops: ProgramOps,
    fates: Uint8Array,
    stuck: readonly number[],
  ) {
    this.#encoded = encoded;
    this.#interpreter = interpreter;
    this.#table = table;
    this.#ops = ops;
    this.#stuck = stuck;
    this.#graph = new WaitGraph(ops, new WakerIndex(ops), interpreter, fates, stuck);
    this.#names = bodyNamesOf(program);
    this.#pipes = program.pipes ?? [];
    this.#decoder = new TraceDecoder(program);
  }

  explain(certainties: ReadonlyMap<number, Certainty>, isOver: boolean): Forensics {
    const parks = this.#lastCalls();
    const roots = this.#stuck.filter((body) => this.#graph.knotOf(body).kind === "root");
    const lostWakes = this.#lostWakesOf(roots);
    const fibers = this.#stuck
      .map((body): StuckFiber => {
        const { at } = this.#interpreter.progressOf(body);
        return {
          who: this.#names[body]!,
          at,
          on: this.#parkedOn(body, at),
          since: this.#moment(parks.get(body)!),
          certain: this.#momentBefore(certainties.get(body)!.record),
          cause: this.#causeOf(body, lostWakes.get(body)),
          wakers: this.#graph.wakersOf(body).map((waker) => this.#named(waker)),
        };
      })
      .sort((a, b) => a.certain.record - b.certain.record);
    const isHang = fibers.some(({ on }) => on.kind === "block");
    const verdict = isHang ? "io-hang" : "deadlock";
    return {
      verdict: isOver ? verdict : "partial",
      stages: this.#stagesOf(certainties, isOver),
      stuck: fibers,
    };
  }

  #stagesOf(certainties: ReadonlyMap<number, Certainty>, isOver: boolean): Stage[] {
    const byRecord = new Map<number, Certainty & { readonly bodies: number[] }>();
    for (const [body, certainty] of certainties) {
      const stage = byRecord.get(certainty.record);
      if (stage === undefined) byRecord.set(certainty.record, { ...certainty, bodies: [body] });
      else stage.bodies.push(body);
    }
    const name = (body: number): string => this.#names[body]!;
    return [...byRecord.values()]
      .sort((a, b) => a.record - b.record)
      .map(({ record, others, bodies }) => ({
        ...this.#momentBefore(record),
        stuck: bodies.sort((a, b) => a - b).map(name),
        others: isOver && record === this.#table.last ? [] : others.map(name),
      }));
  }

  #parkedOn(body: number, at: number): ParkedOn {
    switch (this.#ops.code(body, at)) {
      case OpCode.wait:
        return { kind: "wait", task: this.#names[this.#ops.operand(body, at)]! };
      case OpCode.block:
        return { kind: "block", pipe: this.#pipes[this.#ops.operand(body, at)]! };
      default:
        return { kind: "suspend" };
    }
  }

  #causeOf(body: number, lostWake: number | undefined): Cause {
    const knot = this.#graph.knotOf(body);
    const names = (bodies: readonly number[]): string[] => bodies.map((member) => this.#names[member]!);
    if (knot.kind === "cycle") return { kind: "cycle", members: names(knot.members) };
    if (knot.kind === "behind") return { kind: "behind", path: names(knot.path) };
    const { fiber } = this.#interpreter.progressOf(body);
    const pipe = this.#interpreter.core.pipeWaitedOnBy(fiber);
    if (pipe !== NONE) {
      const close = this.#interpreter.core.pipes.isOpen(pipe, 0) ? undefined : this.#readCloseOf(pipe);
      return {
        kind: "unwritten",
        pipe: this.#pipes[pipe]!,
        ...(close === undefined
          ? {}
          : { closed: { ...this.#moment(close), by: this.#names[this.#table.who[close]!]! } }),
      };
    }
    if (lostWake === undefined) return { kind: "orphan" };
    return {
      kind: "lost-wake",
      by: this.#names[this.#table.who[lostWake]!]!,
      wake: this.#moment(lostWake),
    };
  }

  /** The last call of each stuck body: the one that it parked in. */
  #lastCalls(): Map<number, number> {
    const calls = new Map<number, number>();
    const missing = new Set(this.#stuck);
    for (let record = this.#table.last; record >= 0 && missing.size > 0; record--) {
      const who = this.#table.who[record]!;
      if (this.#table.kind[record] === RecordKind.call && missing.delete(who)) calls.set(who, record);
    }
    return calls;
  }

  /**
   * By body, the record of its last wake, where that wake found it not suspended. No record lies between the one before a wake's and the
   * wake itself, so right before that one the model shows whom it found.
   */
  #lostWakesOf(bodies: readonly number[]): Map<number, number> {
    const lastWakes = new Map<number, number>();
    const wanted = new Set(bodies);
    for (let record = this.#table.last - 1; record > 0 && wanted.size > 0; record--) {
      const target = this.#wakenBy(record);
      if (target !== undefined && wanted.delete(target)) lastWakes.set(target, record);
    }
    const byLook = new Map([...lastWakes].map(([body, record]) => [record - 1, body]));
    const lost = new Map<number, number>();
    lookAt(
      this.#encoded,
      this.#table,
      [...byLook.keys()].sort((a, b) => a - b),
      (interpreter, record) => {
        const body = byLook.get(record)!;
        const { fiber } = interpreter.progressOf(body);
        const isSuspended = fiber !== NONE && interpreter.core.stateOf(fiber) === FiberState.suspended;
        if (!isSuspended) lost.set(body, record + 1);
      },
    );
    return lost;
  }

  /** The body that the record's op woke or tried to wake. */
  #wakenBy(record: number): number | undefined {
    const { kind, code, who, at } = this.#table;
    const isCall = code[record] === ResultCode.called || code[record] === ResultCode.unspawned;
    if (kind[record] !== RecordKind.ret || !isCall) return undefined;
    const isWake = this.#ops.code(who[record]!, at[record]!) === OpCode.wake;
    return isWake ? this.#ops.operand(who[record]!, at[record]!) : undefined;
  }

  /** The record of the close of a pipe's read end. */
  #readCloseOf(pipe: number): number | undefined {
    const { kind, code, who, at, count } = this.#table;
    for (let record = 0; record < count; record++) {
      if (kind[record] !== RecordKind.ret || code[record] !== ResultCode.closed) continue;
      const [body, op] = [who[record]!, at[record]!];
      const isClose = this.#ops.code(body, op) === OpCode.close && this.#ops.argument(body, op) === 0;
      if (isClose && this.#ops.operand(body, op) === pipe) return record;
    }
    return undefined;
  }

  #named({ body, at, because }: { body: number; at: number; because: Waker["because"] }): Waker {
    return { who: this.#names[body]!, at, op: this.#decoder.opName(body, at) as OpName, because };
  }

  /**
   * The record that made what is true right before `record`: the one before it where that is a call or an end, which act after they
   * are written; else the record itself, since a ret is written when its op has acted.
   */
  #momentBefore(record: number): Moment {
    const kind = this.#table.kind[record - 1];
    return this.#moment(kind === RecordKind.call || kind === RecordKind.end ? record - 1 : record);
  }

  #moment(record: number): Moment {
    return { t: this.#table.clockMs[record]!, record };
  }
}
