/**
 * The signature of a failure: what makes two divergences the same bug, and shrinking stay on it.
 *
 * It names the targets, the kind of the first difference, the rule of the op where they part, and how the failing side ended; never
 * names, times or values, which shrinking changes. Two runs with one signature are counted together and saved once.
 */
import type { Divergence } from "../diff.js";
import type { OpName } from "../program.js";
import type { Outcome, TraceRecord } from "../trace.js";

export type DifferenceKind =
  /** The failing side lost registers, or gave back other bytes than were written. */
  | "clobber"
  | "corrupt"
  /** The failing side ended there and the other went on, or both ended in different ways. */
  | "outcome"
  /** Another body ran than should have. */
  | "order"
  /** The same op of the same body, at another time. */
  | "time"
  /** The same op of the same body, with another result. */
  | "result"
  /** The same body, elsewhere: it went on where it should have stayed, or the other way round. */
  | "progress";

export interface Signature {
  /** The target that agreed with the contract, and the one that did not. */
  readonly targets: readonly [string, string];
  readonly kind: DifferenceKind;
  /** SPEC rule of the op where they part: the one that a side ended in, else the one that the good side shows. */
  readonly rule: string;
  /** How the failing side ended, with a panic's text up to its first number; `both end alike` where both sides ended alike. */
  readonly outcome: string;
}

const RULES: Readonly<Record<OpName, string>> = {
  yield: "F2",
  suspend: "F3",
  wake: "F4",
  sleep: "T1",
  spawn: "F1",
  go: "K1",
  wait: "K2",
  cancel: "K3",
  block: "I1",
  blockWrite: "I1",
  write: "pipe",
  read: "pipe",
  close: "pipe",
  log: "log",
  repeat: "repeat",
  call: "call",
  overflow: "C7",
  run: "R1",
  deinit: "R3",
};

/** The signature of a divergence, whose left side is the expected one. */
export function signatureOf(divergence: Divergence): Signature {
  const { left, right } = divergence;
  const cameEnd = outcomeWord(right.outcome);
  return {
    targets: [left.on, right.on],
    kind: kindOf(left.record, right.record),
    rule: ruleOf(divergence),
    outcome: cameEnd === outcomeWord(left.outcome) ? "both end alike" : cameEnd,
  };
}

/** The signature as one line; equal exactly when the signatures are. */
export function signatureText({ targets, kind, rule, outcome }: Signature): string {
  return `${targets.join(" / ")}: ${kind} at ${rule}, ${outcome}`;
}

type Side = TraceRecord | Outcome | undefined;

function kindOf(left: Side, right: Side): DifferenceKind {
  if (left === undefined || right === undefined || "outcome" in left || "outcome" in right) return "outcome";
  if (right.ev === "clobber" || right.ev === "corrupt") return right.ev;
  if (left.who !== right.who) return "order";
  if (left.ev !== right.ev || ("at" in left && "at" in right && left.at !== right.at)) return "progress";
  return left.t === right.t ? "result" : "time";
}

/**
 * Where one side ended, the op that it ended in, which both sides had begun; what the other side did next says nothing. Else the op of the
 * good side's record.
 */
function ruleOf({ common, left, right }: Divergence): string {
  const hasEnded = kindOf(left.record, right.record) === "outcome";
  const last = common.at(-1);
  if (!hasEnded) return ruleOfRecord(left.record);
  return last !== undefined && "ev" in last && last.ev === "call" ? ruleOfRecord(last) : "end";
}

function ruleOfRecord(record: Side): string {
  if (record === undefined || "outcome" in record) return "end";
  if (record.ev === "begin" || record.ev === "end") return record.ev === "begin" ? "F1" : "F5";
  return RULES[record.op];
}

/** How a run ended, without names, times and values: `completed`, `timeout`, `crash SIGSEGV`, a panic's text up to its first number. */
export function outcomeWord(outcome: Outcome): string {
  switch (outcome.outcome) {
    case "panic":
      return `panic ${outcome.message.split(/-?\d/, 1)[0]!.trim()}`;
    case "crash":
      return `crash ${outcome.signal}`;
    case "leak":
      return `leak ${outcome.what.join(" ")}`;
    default:
      return outcome.outcome;
  }
}
