/**
 * Ways to make a program smaller, each keeping it a program: whatever is removed takes every mention of it along.
 *
 * Edits are structural: a fiber, a task, a pipe, the world, a run of ops, the wrapping of a repeat or call, a number. `removals` are
 * the edits that take something away, the unit of the certificate; `simplifications` leave the structure and make a number or a
 * wrapping plainer. Both yield larger steps first. An edit that changes nothing is never yielded.
 */
import type { Op, Program, WorldOp } from "../program.js";
import { castEdits } from "./body-edits.js";
import { mappedOps, without } from "./edit-parts.js";

/** A list of ops of a program: how to read it and how to put another in its place. */
interface OpSlot {
  readonly ops: readonly Op[];
  readonly put: (ops: readonly Op[]) => Program;
}

/** Every program that lacks one part of this one: bodies, pipes and world first, then runs of ops from long to single. */
export function* removals(program: Program): Generator<Program> {
  const size = sizeOf(program);
  for (const raw of rawRemovals(program)) {
    const smaller = withoutEmpty(raw);
    // An edit of the cast can come out even, where what it takes away it puts elsewhere.
    if (sizeOf(smaller) < size) yield smaller;
  }
}

function* rawRemovals(program: Program): Generator<Program> {
  for (const name of Object.keys(program.fibers ?? {})) yield withoutBody(program, name);
  for (const name of Object.keys(program.tasks ?? {})) yield withoutBody(program, name);
  for (const pipe of program.pipes ?? []) yield withoutPipe(program, pipe);
  if ((program.world ?? []).length > 0) yield withoutKey(program, "world");
  // What main does when it is left out (SPEC section 3) is often enough, and then main needs no reading.
  if (program.main !== undefined) yield withoutKey(program, "main");
  yield* castEdits(program);
  const slots = [...slotsOf(program)];
  const longest = slots.reduce((length, { ops }) => Math.max(length, ops.length), 0);
  for (let size = 1 << (31 - Math.clz32(Math.max(longest, 1))); size >= 1; size >>= 1) {
    for (const { ops, put } of slots) {
      if (ops.length < size) continue;
      // From the end: what stands last depends on what stands before it more often than the other way round.
      for (let start = Math.floor((ops.length - 1) / size) * size; start >= 0; start -= size) {
        yield put([...ops.slice(0, start), ...ops.slice(start + size)]);
      }
    }
  }
}

/** Every program that says one thing of this one more plainly: unwrapped, fewer times, shallower, a smaller number. */
export function* simplifications(program: Program): Generator<Program> {
  for (const { ops, put } of slotsOf(program)) {
    for (const [i, op] of ops.entries()) {
      for (const simpler of simplerOps(op)) yield put([...ops.slice(0, i), ...simpler, ...ops.slice(i + 1)]);
    }
  }
  for (const [name, task] of Object.entries(program.tasks ?? {})) {
    for (const returns of smallerNumbers(task.returns ?? 0, 0)) {
      yield { ...program, tasks: replaced(program.tasks ?? {}, name, { ...task, returns }) };
    }
  }
  // Where an edit of the cast comes out even, what it leaves is still plainer: a fiber for a task, main left out.
  const size = sizeOf(program);
  for (const raw of castEdits(program)) {
    const even = withoutEmpty(raw);
    if (sizeOf(even) === size) yield even;
  }
  if (program.title !== undefined) yield withoutKey(program, "title");
}

/** How large a program is to a reader: its ops, bodies, pipes and what the numbers in it take to write. */
export function sizeOf(program: Program): number {
  let size =
    Object.keys(program.fibers ?? {}).length +
    Object.keys(program.tasks ?? {}).length +
    (program.pipes ?? []).length;
  for (const { ops } of slotsOf(program)) size += ops.length;
  return size;
}

/** How many ops a program holds as written, nested ones, main's and the world's included. */
export function opCountOf(program: Program): number {
  let count = 0;
  for (const { ops } of slotsOf(program)) count += ops.length;
  return count;
}

/** Every list of ops: of fibers, tasks, main and world, and inside each repeat and call. */
function* slotsOf(program: Program): Generator<OpSlot> {
  for (const [name, ops] of Object.entries(program.fibers ?? {})) {
    yield* nestedSlots(ops, (changed) => ({
      ...program,
      fibers: replaced(program.fibers ?? {}, name, changed),
    }));
  }
  for (const [name, task] of Object.entries(program.tasks ?? {})) {
    yield* nestedSlots(task.ops ?? [], (ops) => ({
      ...program,
      tasks: replaced(program.tasks ?? {}, name, { ...task, ops }),
    }));
  }
  if (program.main !== undefined) yield* nestedSlots(program.main, (main) => ({ ...program, main }));
  yield* nestedSlots(program.world ?? [], (world) => ({ ...program, world: world as readonly WorldOp[] }));
}

function* nestedSlots(ops: readonly Op[], put: (ops: readonly Op[]) => Program): Generator<OpSlot> {
  yield { ops, put };
  for (const [i, op] of ops.entries()) {
    if (!("ops" in op)) continue;
    yield* nestedSlots(op.ops, (nested) =>
      put([...ops.slice(0, i), { ...op, ops: nested }, ...ops.slice(i + 1)]),
    );
  }
}

/** What may stand in the place of an op: the ops inside it, or itself with a smaller number. */
function* simplerOps(op: Op): Generator<readonly Op[]> {
  switch (op.op) {
    case "repeat":
      yield op.ops;
      for (const times of smallerNumbers(op.times, 0)) yield [{ ...op, times }];
      return;
    case "call":
      yield op.ops;
      for (const depth of smallerNumbers(op.depth, 1)) yield [{ ...op, depth }];
      return;
    case "suspend":
      yield [{ op: "yield" }];
      return;
    case "sleep":
      yield [{ op: "yield" }];
      for (const ms of smallerNumbers(op.ms, 0)) yield [{ ...op, ms }];
      return;
    case "log":
      for (const value of smallerNumbers(op.value, 0)) yield [{ ...op, value }];
      return;
    case "write":
    case "read":
      for (const bytes of smallerNumbers(op.bytes, 1)) yield [{ ...op, bytes }];
      return;
    default:
  }
}

/** Numbers nearer to `least` than `value` is, nearest first; a negative one as -1 too, since its sign may be what matters. */
function* smallerNumbers(value: number, least: number): Generator<number> {
  if (value === least) return;
  yield least;
  if (value < -1) yield -1;
  for (const step of [1, 2, 5, 10]) if (least < step && step < value) yield step;
  const half = Math.trunc((value + least) / 2);
  if (half > 10 || half < -1) yield half;
  if (Math.abs(value - least) > 1 && Math.abs(value) <= 64) yield value > least ? value - 1 : value + 1;
}

/** Without a fiber or task and every op that names it. */
function withoutBody(program: Program, name: string): Program {
  const rest = mappedOps(program, (op) =>
    ("fiber" in op && op.fiber === name) || ("task" in op && op.task === name) ? undefined : op,
  );
  return {
    ...rest,
    ...(rest.fibers === undefined ? {} : { fibers: without(rest.fibers, name) }),
    ...(rest.tasks === undefined ? {} : { tasks: without(rest.tasks, name) }),
  };
}

/** Without a pipe and every op that names it. */
function withoutPipe(program: Program, pipe: string): Program {
  const rest = mappedOps(program, (op) => ("pipe" in op && op.pipe === pipe ? undefined : op));
  return { ...rest, pipes: (program.pipes ?? []).filter((name) => name !== pipe) };
}

/** The same keys in the same order, one with another value: order of declaration must not change. */
function replaced<T>(record: Readonly<Record<string, T>>, key: string, value: T): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, old]) => [name, name === key ? value : old]));
}

/** Without the keys that hold nothing, so that what is left is all there is to read. An empty main stays: it is not main left out. */
function withoutEmpty(program: Program): Program {
  const { pipes = [], fibers = {}, tasks = {}, world = [], ...rest } = program;
  return {
    ...rest,
    ...(pipes.length === 0 ? {} : { pipes }),
    ...(Object.keys(fibers).length === 0 ? {} : { fibers }),
    ...(Object.keys(tasks).length === 0 ? {} : { tasks }),
    ...(rest.main === undefined ? {} : { main: rest.main }),
    ...(world.length === 0 ? {} : { world }),
  };
}

function withoutKey(program: Program, key: "main" | "world" | "title"): Program {
  const { [key]: _removed, ...rest } = program;
  return rest;
}
