/** Ops as people read them: `sleep 30`, `write p 3`, `repeat 5`. One line, no nested ops. */
import { assertNever } from "./encode-program.js";
import type { Op } from "./program.js";

export function describeOp(op: Op): string {
  switch (op.op) {
    case "yield":
    case "suspend":
    case "overflow":
    case "run":
    case "deinit":
      return op.op;
    case "sleep":
      return `sleep ${op.ms}`;
    case "wake":
    case "spawn":
      return `${op.op} ${op.fiber}`;
    case "go":
    case "wait":
    case "cancel":
      return `${op.op} ${op.task}`;
    case "block":
    case "blockWrite":
      return `${op.op} ${op.pipe}`;
    case "write":
    case "read":
      return `${op.op} ${op.pipe} ${op.bytes}`;
    case "close":
      return `close ${op.pipe} ${op.end}`;
    case "log":
      return `log ${op.value}`;
    case "repeat":
      return `repeat ${op.times}`;
    case "call":
      return `call ${op.depth}`;
    default:
      return assertNever(op);
  }
}

/** A body's ops in the order written, nested ones after their repeat or call: indexed by the `at` of a trace. */
export function flatOps(ops: readonly Op[]): Op[] {
  return ops.flatMap((op) => ("ops" in op ? [op, ...flatOps(op.ops)] : [op]));
}
