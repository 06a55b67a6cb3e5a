/**
 * A divergence in one sentence: `at t=30, record 17: model resumes "b" from sleep 30, native resumes "c" from sleep 30`.
 *
 * Each side is told as what its runtime did, in the words of the program. Nothing here decides anything.
 */

import type { Divergence, DivergentSide } from "../sim/diff.js";
import { assertNever } from "../sim/encode-program.js";
import type { OpName } from "../sim/program.js";
import type { Outcome, Result, TraceRecord } from "../sim/trace.js";
import type { TraceText } from "../sim/trace-text.js";

type OpRecord = Exclude<TraceRecord, { readonly ev: "begin" | "end" }>;

/** Ops from which a fiber is resumed, when it has come back from them. */
const OPS_THAT_PARK: ReadonlySet<OpName> = new Set(["yield", "suspend", "sleep", "wait", "block"]);

/** Without a full stop. */
export function divergenceSentence(text: TraceText, divergence: Divergence): string {
  const { index, left, right } = divergence;
  const [leftT, rightT] = [left.record?.t, right.record?.t];
  const isSplit = leftT !== undefined && rightT !== undefined && leftT !== rightT;
  const t = isSplit ? `t=${leftT} on ${left.on} and t=${rightT} on ${right.on}` : `t=${leftT ?? rightT ?? 0}`;
  return `at ${t}, record ${index}: ${sideSentence(text, left)}, ${sideSentence(text, right)}`;
}

function sideSentence(text: TraceText, { on, record }: DivergentSide): string {
  if (record === undefined) return `${on} has no record there`;
  return "outcome" in record ? `${on} ${outcomeVerb(record)}` : `${on} ${recordVerb(text, record)}`;
}

function recordVerb(text: TraceText, record: TraceRecord): string {
  const who = JSON.stringify(record.who);
  switch (record.ev) {
    case "begin":
      return `begins ${who}`;
    case "end":
      return `ends ${who}`;
    case "call":
      return `lets ${who} call ${text.op(record)}`;
    case "ret":
      return retVerb(text, who, record);
    case "clobber":
      return `loses ${record.regs.join(", ")} of ${who} in ${text.op(record)}`;
    case "corrupt":
      return `gives ${who} other bytes than were written, in ${text.op(record)}`;
    default:
      return assertNever(record);
  }
}

function retVerb(text: TraceText, who: string, record: OpRecord & { readonly ev: "ret" }): string {
  const result = record.res === undefined ? "" : ` with ${resultWords(record.res)}`;
  if (record.op === "run") return `returns to ${who} from run${result}`;
  if (OPS_THAT_PARK.has(record.op)) return `resumes ${who} from ${text.op(record)}${result}`;
  return `answers ${text.op(record)} of ${who}${result}`;
}

function resultWords(res: Result): string {
  return typeof res === "object"
    ? `clock ${res.clock}, spawned ${res.spawned}, suspended ${res.suspended}`
    : String(res);
}

function outcomeVerb(outcome: Outcome): string {
  switch (outcome.outcome) {
    case "completed":
      return "completes";
    case "panic":
      return `panics with ${JSON.stringify(outcome.message)}`;
    case "stack-overflow":
      return `overflows the stack of ${JSON.stringify(outcome.who)}`;
    case "io-hang":
      return `waits for ever on ${outcome.waiting.map(({ pipe }) => pipe).join(", ")}`;
    case "crash":
      return `crashes with ${outcome.signal}, last in ${JSON.stringify(outcome.who)}`;
    case "timeout":
      return "writes no record until its time is up";
    case "leak":
      return `completes and leaves ${outcome.what.join(", ")} behind`;
    default:
      return assertNever(outcome);
  }
}
