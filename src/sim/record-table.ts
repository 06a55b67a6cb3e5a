/**
 * The records of an encoded trace as columns of numbers: who, what, at which op, when, without a name or an object a record.
 *
 * For those who look at whole traces: forensics searches them, the time line ships them. Names are put in by `decode-trace.ts`. The
 * outcome is the last record. Reads the encoding of SPEC section 4 (docs/encoding.md).
 */
import {
  HEADER_CLOCK_BIT,
  HEADER_RESULT_SHIFT,
  HEADER_WHO_SHIFT,
  joinWords,
  OutcomeCode,
  RecordKind,
  ResultCode,
} from "./encoding.js";

export class RecordTable {
  /** How many records, the outcome included. */
  readonly count: number;
  /** Where each record starts, in words from the start of the trace. */
  readonly position: Int32Array;
  /** `RecordKind` of each. */
  readonly kind: Uint8Array;
  /** Of a ret its `ResultCode`, of the outcome its `OutcomeCode`, else 0. */
  readonly code: Uint8Array;
  /** Body number. */
  readonly who: Int32Array;
  /** The op's number in its body, or -1 for begin, end and the outcome. */
  readonly at: Int32Array;
  /** Virtual milliseconds; of a faulty runtime's clock the nearest double. */
  readonly clockMs: Float64Array;

  /** `words`: one trace, from its first word to its last. */
  constructor(words: Int32Array) {
    const bound = words.length;
    this.position = new Int32Array(bound);
    this.kind = new Uint8Array(bound);
    this.code = new Uint8Array(bound);
    this.who = new Int32Array(bound);
    this.at = new Int32Array(bound);
    this.clockMs = new Float64Array(bound);
    let count = 0;
    let clockMs = 0;
    for (let position = 0, isOver = false; !isOver && position < bound; count++) {
      this.position[count] = position;
      const header = words[position++]!;
      if ((header & HEADER_CLOCK_BIT) !== 0) {
        clockMs = Number(joinWords(words[position]!, words[position + 1]!));
        position += 2;
      }
      const kind = header & 7;
      const code = (header >> HEADER_RESULT_SHIFT) & 31;
      this.kind[count] = kind;
      this.code[count] = code;
      this.who[count] = header >>> HEADER_WHO_SHIFT;
      this.clockMs[count] = clockMs;
      const hasOp = kind !== RecordKind.begin && kind !== RecordKind.end && kind !== RecordKind.outcome;
      this.at[count] = hasOp ? words[position++]! : -1;
      position += payloadWords(kind, code);
      isOver = kind === RecordKind.outcome;
    }
    this.count = count;
  }

  /** The last record: how the trace ends. */
  get last(): number {
    return this.count - 1;
  }

  /** True unless the trace ends in `completed`. */
  get endsBadly(): boolean {
    return this.code[this.last] !== OutcomeCode.completed;
  }
}

function payloadWords(kind: number, code: number): number {
  if (kind === RecordKind.clobber) return 1;
  if (kind !== RecordKind.ret) return 0;
  if (code === ResultCode.value) return 2;
  return code === ResultCode.ran ? 6 : 0;
}
