/**
 * The programs that a replayer under an emulator runs once, unseen, before its first large batch: every op, every kind of switch and
 * wait, and the panics, each some times over, so that the emulator has met the code of all that programs do.
 *
 * Invariant: always the same programs, whatever batches follow, so that no trace depends on what was replayed before; none of them ends
 * its process on a healthy runtime that has both hooks, and the last one completes. Written in the encoding of docs/encoding.md.
 */
import { OpCode as Op, PROGRAM_MAGIC, ProgramWord } from "../sim/encoding.js";
import type { ProgramBatch } from "../sim/target.js";

type Row = readonly [code: number, a?: number, b?: number];

interface Draft {
  readonly fibers?: readonly (readonly Row[])[];
  readonly tasks?: readonly (readonly Row[])[];
  readonly pipes?: number;
  /** What main does before it runs and deinits. Fibers are body 0 and on, then come the tasks. */
  readonly main: readonly Row[];
  readonly world?: readonly Row[];
}

/** How often each program is run. */
const ROUNDS = 12;

/** As many as a wait delivers at once (MAXEV of I2), and some more. */
const MANY = 20;

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const spawns = (count: number): Row[] => numbers(count).map((fiber) => [Op.spawn, fiber]);

const switches: Draft = {
  fibers: [
    [[Op.yield], [Op.sleep, 3], [Op.log, 1], [Op.wake, 1], [Op.wake, 2], [Op.yield], [Op.wake, 3]],
    [[Op.suspend], [Op.sleep, 3], [Op.yield]],
    [[Op.sleep, 100], [Op.repeat, 3, 2], [Op.log, -1, -1], [Op.yield]],
    [[Op.call, 3, 2], [Op.yield], [Op.suspend], [Op.sleep, 0], [Op.wake, 0], [Op.spawn, 4], [Op.spawn, 4]],
    [
      [Op.sleep, 2],
      [Op.sleep, 1],
      [Op.wake, 4],
    ],
  ],
  main: [[Op.wake, 0], ...spawns(4), [Op.run]],
};

const tasks: Draft = {
  fibers: [
    [
      [Op.go, 2],
      [Op.go, 3],
      [Op.wait, 2],
      [Op.wait, 3],
      [Op.cancel, 4],
      [Op.go, 4],
      [Op.cancel, 4],
      [Op.wait, 4],
    ],
    [
      [Op.sleep, 1],
      [Op.wake, 0],
      [Op.wake, 2],
      [Op.wait, 5],
      [Op.go, 5],
      [Op.cancel, 5],
      [Op.wait, 5],
    ],
  ],
  tasks: [
    [[Op.sleep, 5]],
    [[Op.yield]],
    [[Op.log, 7]],
    [
      [Op.wait, 2],
      [Op.sleep, 1],
    ],
  ],
  main: spawns(2),
};

const pipes: Draft = {
  fibers: [
    [
      [Op.block, 0],
      [Op.read, 0, 9],
      [Op.read, 0, 9],
      [Op.block, 0],
      [Op.read, 0, 4096],
      [Op.close, 0, 0],
    ],
    [[Op.write, 0, 3], [Op.yield], [Op.write, 0, 4096], [Op.write, 0, 9], [Op.close, 0, 1], [Op.close, 0, 1]],
    [
      [Op.block, 1],
      [Op.read, 1, 5],
      [Op.write, 2, 7],
      [Op.close, 2, 0],
      [Op.write, 2, 1],
      [Op.read, 2, 1],
    ],
    [
      [Op.sleep, 2],
      [Op.wake, 2],
      [Op.block, 3],
      [Op.read, 3, 1],
    ],
  ],
  pipes: 4,
  main: [...spawns(4), [Op.write, 3, 2]],
  world: [
    [Op.write, 1, 4],
    [Op.close, 3, 1],
  ],
};

const manyPipes: Draft = {
  fibers: numbers(MANY).map((pipe): Row[] => [
    [Op.block, pipe],
    [Op.read, pipe, 8],
  ]),
  pipes: MANY,
  main: spawns(MANY),
  world: numbers(MANY).map((pipe) => [Op.write, pipe, 1 + pipe]),
};

/** One fiber that does these, with others of each kind left where they are. */
const ending = (...rows: readonly Row[]): Draft => ({
  fibers: [rows, [[Op.sleep, 9]], [[Op.block, 0]], [[Op.suspend]]],
  tasks: [[[Op.sleep, 1]]],
  pipes: 1,
  main: [
    [Op.spawn, 1],
    [Op.spawn, 2],
    [Op.spawn, 3],
    [Op.go, 4],
    [Op.spawn, 0],
  ],
});

const DRAFTS: readonly Draft[] = [
  switches,
  tasks,
  pipes,
  manyPipes,
  { fibers: [[[Op.suspend]], [[Op.yield]]], main: spawns(2) },
  ending([Op.block, 0]),
  ending([Op.blockWrite, 0]),
  ending([Op.sleep, -1, -1]),
  ending([Op.run]),
  ending([Op.deinit]),
  ending([Op.call, 2, 1], [Op.overflow]),
  ending([Op.yield], [Op.write, 0, 1]),
  { fibers: [[[Op.wait, 2]], [[Op.wait, 2]]], tasks: [[[Op.yield]]], main: [[Op.go, 2], ...spawns(2)] },
  { main: [[Op.yield]] },
  { fibers: [[[Op.yield]]], main: [[Op.spawn, 0], [Op.deinit], [Op.deinit], [Op.log, 1]] },
  switches,
];

/** Fits the shared memory many times over. */
export function warmUpBatch(): ProgramBatch {
  const programs = numbers(ROUNDS).flatMap(() => DRAFTS.map(encode));
  const words = Int32Array.from(programs.flat());
  let end = 0;
  const ends = Uint32Array.from(programs, (program) => {
    end += program.length;
    return end;
  });
  return { words, ends, count: programs.length };
}

function encode(draft: Draft): number[] {
  const { fibers = [], tasks = [], pipes = 0, world = [] } = draft;
  const isOver = draft.main.some(([code]) => code === Op.deinit);
  const main: readonly Row[] = isOver ? draft.main : [...draft.main, [Op.run], [Op.deinit]];
  const bodies = [...fibers, ...tasks, main, world];
  const ops = bodies.flat();
  const executed = bodies.reduce((sum, rows) => sum + executedOf(rows), 0);
  const length = ProgramWord.header + bodies.length * ProgramWord.body + ops.length * ProgramWord.op;
  let first = 0;
  const table = bodies.flatMap((rows) => {
    const row = [first, rows.length, 0, 0];
    first += rows.length;
    return row;
  });
  const header = [PROGRAM_MAGIC, length, fibers.length, tasks.length, pipes, ops.length, executed, 0];
  return [...header, ...table, ...ops.flatMap(([code, a = 0, b = 0]) => [code, a, b])];
}

/** As docs/encoding.md counts it; no repeat here holds another. */
function executedOf(rows: readonly Row[]): number {
  const repeated = rows.reduce(
    (sum, [code, a = 0, b = 0]) => sum + (code === Op.repeat ? (a - 1) * b : 0),
    0,
  );
  return rows.length + repeated;
}
