/**
 * What the interpreter keeps of each body of the program that it runs: a row of words, by body number.
 *
 * Invariant: a row is whole again before each program, and costs nothing for the bodies that the program has not. Rows lie in one array,
 * since an op that runs asks for several of their words.
 */
import { BodyState } from "./body-progress.js";
import { ProgramWord } from "./encoding.js";

/** A row has 2 to the power of so many words. */
export const BODY_ROW_SHIFT = 4;

/**
 * The words of a row. `start`, `pc`: where its first op and its next one lie in the program; `end`: of the innermost open list of ops;
 * `depth`: how many are open; `parked`: 1 while it is inside the op at `pc`; `fiber`, `task`: the scheduler's, -1 for no task.
 */
export const BodyRow = {
  start: 0,
  end: 1,
  pc: 2,
  state: 3,
  fiber: 4,
  task: 5,
  depth: 6,
  parked: 7,
  returnsLow: 8,
  returnsHigh: 9,
} as const;

// What a module exports is looked up at each use; constants that it keeps to itself are compiled in.
const { start: ROW_START, end: ROW_END, pc: ROW_PC, state: ROW_STATE, task: ROW_TASK } = BodyRow;
const { depth: ROW_DEPTH, parked: ROW_PARKED, returnsLow: ROW_RETURNS_LOW } = BodyRow;
const { returnsHigh: ROW_RETURNS_HIGH } = BodyRow;
const ROW_WORDS = 1 << BODY_ROW_SHIFT;
const OP_WORDS = ProgramWord.op;
const BODY_WORDS = ProgramWord.body;
const IDLE = BodyState.idle;

/** Starts the rows of all bodies of the encoded program at `words[offset]`. There must be room. */
export function loadBodyRows(words: Int32Array, offset: number, rows: Int32Array): void {
  const bodies = words[offset + ProgramWord.fibers]! + words[offset + ProgramWord.tasks]! + 2;
  let from = offset + ProgramWord.header;
  const opsStart = from + bodies * BODY_WORDS;
  for (let row = 0; row < bodies * ROW_WORDS; row += ROW_WORDS) {
    const start = opsStart + words[from]! * OP_WORDS;
    rows[row + ROW_START] = start;
    rows[row + ROW_END] = start + words[from + 1]! * OP_WORDS;
    rows[row + ROW_PC] = start;
    rows[row + ROW_STATE] = IDLE;
    rows[row + ROW_TASK] = -1;
    rows[row + ROW_DEPTH] = 0;
    rows[row + ROW_PARKED] = 0;
    rows[row + ROW_RETURNS_LOW] = words[from + 2]!;
    rows[row + ROW_RETURNS_HIGH] = words[from + 3]!;
    from += BODY_WORDS;
  }
}
