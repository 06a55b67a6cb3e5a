/**
 * A trace as lanes: what state each body is in from which record to which, and which record brings on which.
 *
 * Read from the records alone, so that the trace of a faulty runtime has a time line too. States are those that can be seen from inside
 * the bodies: a fiber that was woken is ready from the record of the wake on, one that a timer or a pipe wakes from its own next record
 * on. Costs O(records). Pure: the page and the exports share it.
 */
import { OpCode, RecordKind, ResultCode } from "../sim/encoding.js";
import type { ProgramOps } from "../sim/forensics/program-ops.js";
import type { RecordTable } from "../sim/record-table.js";

const STATES = ["ready", "running", "asleep", "waiting", "blocked", "suspended", "inRun", "done"] as const;
export type State = (typeof STATES)[number];

/**
 * A stretch of one lane in one state, to the next segment's start. One that runs begins at its record; any other begins right after the
 * record before `from`, so that what parks right before the clock moves on is parked while it moves, even if `from` is its own next record.
 */
export interface Segment {
  readonly from: number;
  readonly state: State;
}

export interface Lane {
  readonly body: number;
  /** In order; none before the body is spawned. */
  readonly segments: readonly Segment[];
}

/** One record that brings on another. */
export interface Flow {
  readonly kind: "spawn" | "go" | "wake" | "end" | "write";
  readonly from: number;
  readonly to: number;
}

export interface Timeline {
  /** `main` first, then fibers and tasks in the order in which they come up, the world last; only those that do come up. */
  readonly lanes: readonly Lane[];
  /** In order of `from`. */
  readonly flows: readonly Flow[];
}

const PARKED_STATES: Readonly<Record<number, State>> = {
  [OpCode.yield]: "ready",
  [OpCode.sleep]: "asleep",
  [OpCode.wait]: "waiting",
  [OpCode.block]: "blocked",
  [OpCode.suspend]: "suspended",
  [OpCode.run]: "inRun",
};

const NONE = -1;

export function timelineOf(ops: ProgramOps, table: RecordTable): Timeline {
  return new TimelineBuilder(ops, table).build();
}

class TimelineBuilder {
  readonly #ops: ProgramOps;
  readonly #table: RecordTable;
  readonly #segments = new Map<number, Segment[]>();
  readonly #flows: Flow[] = [];
  /** The op that a body is parked in, by body, or NONE. */
  readonly #parkedAt: Int32Array;
  /** The flow that ends at the next record of a body. */
  readonly #arriving = new Map<number, Omit<Flow, "to">>();
  readonly #waiterOf = new Map<number, number>();
  readonly #blockerOf = new Map<number, number>();

  constructor(ops: ProgramOps, table: RecordTable) {
    this.#ops = ops;
    this.#table = table;
    this.#parkedAt = new Int32Array(ops.bodyCount).fill(NONE);
  }

  build(): Timeline {
    const { count, kind, who } = this.#table;
    for (let record = 0; record < count; record++) {
      const body = who[record]!;
      if (kind[record] === RecordKind.outcome || body >= this.#ops.bodyCount) continue;
      this.#arrive(body, record);
      if (kind[record] === RecordKind.ret) this.#ret(body, record);
      else if (kind[record] === RecordKind.call) this.#call(body, record);
      else if (kind[record] === RecordKind.end) this.#end(body, record);
    }
    const rank = (body: number): number =>
      body === this.#ops.main ? NONE : body === this.#ops.world ? this.#ops.bodyCount : 0;
    const lanes = [...this.#segments]
      .map(([body, segments]) => ({ body, segments }))
      .sort((a, b) => rank(a.body) - rank(b.body));
    return { lanes, flows: this.#flows.sort((a, b) => a.from - b.from || a.to - b.to) };
  }

  /** A record of a body: it runs. */
  #arrive(body: number, record: number): void {
    const flow = this.#arriving.get(body);
    if (flow !== undefined) this.#flows.push({ ...flow, to: record });
    this.#arriving.delete(body);
    this.#parkedAt[body] = NONE;
    this.#enter(body, record, "running");
  }

  #call(body: number, record: number): void {
    const at = this.#table.at[record]!;
    const code = this.#ops.code(body, at);
    const state = PARKED_STATES[code];
    if (state === undefined) return;
    this.#parkedAt[body] = at;
    if (code === OpCode.wait) this.#waiterOf.set(this.#ops.operand(body, at), body);
    if (code === OpCode.block) this.#blockerOf.set(this.#ops.operand(body, at), body);
    // The call itself still belongs to the running stretch.
    this.#enter(body, record + 1, state);
  }

  #ret(body: number, record: number): void {
    const at = this.#table.at[record]!;
    const code = this.#ops.code(body, at);
    const operand = this.#ops.operand(body, at);
    const result = this.#table.code[record];
    if (result === ResultCode.spawned) {
      this.#enter(operand, record + 1, "ready");
      this.#send(operand, code === OpCode.go ? "go" : "spawn", record);
    } else if (code === OpCode.wake && result === ResultCode.called) {
      const parkedIn = this.#parkedAt[operand]!;
      const parkedOp = parkedIn === NONE ? NONE : this.#ops.code(operand, parkedIn);
      // One that waits for a task parks again unseen (C2); one that yields is ready already (F4).
      if (parkedOp === NONE || parkedOp === OpCode.yield || parkedOp === OpCode.wait) return;
      this.#enter(operand, record + 1, "ready");
      this.#send(operand, "wake", record);
    } else if (code === OpCode.write || code === OpCode.close) {
      const reader = this.#blockerOf.get(operand);
      const feeds = code === OpCode.write ? result === ResultCode.value : result === ResultCode.closed;
      const isBlocked =
        reader !== undefined &&
        this.#parkedAt[reader] !== NONE &&
        this.#ops.code(reader, this.#parkedAt[reader]!) === OpCode.block;
      if (feeds && isBlocked) this.#send(reader, "write", record);
    }
  }

  #end(body: number, record: number): void {
    this.#enter(body, record + 1, "done");
    const waiter = this.#waiterOf.get(body);
    if (waiter === undefined || this.#parkedAt[waiter] === NONE) return;
    const op = this.#parkedAt[waiter]!;
    if (this.#ops.code(waiter, op) !== OpCode.wait || this.#ops.operand(waiter, op) !== body) return;
    this.#enter(waiter, record + 1, "ready");
    this.#send(waiter, "end", record);
  }

  /** The first thing that brings a body on is the one that does. */
  #send(body: number, kind: Flow["kind"], from: number): void {
    if (!this.#arriving.has(body)) this.#arriving.set(body, { kind, from });
  }

  #enter(body: number, from: number, state: State): void {
    let segments = this.#segments.get(body);
    if (segments === undefined) {
      segments = [];
      this.#segments.set(body, segments);
    }
    const last = segments.at(-1);
    if (last?.state === state) return;
    segments.push({ from, state });
  }
}
