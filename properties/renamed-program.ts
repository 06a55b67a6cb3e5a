/**
 * A program with other names: each fiber, task and pipe gets the next name of a stream that is still free.
 *
 * Order of declaration and everything but names stay, so its encoded words stay too.
 */
import type { Op, Program, TaskBody, WorldOp } from "../src/sim/program.js";

export function renamed(program: Program, names: Iterable<string>): Program {
  const stream = names[Symbol.iterator]();
  const fresh = (taken: ReadonlyMap<string, string>): string => {
    const used = new Set(taken.values());
    for (;;) {
      const name = stream.next().value as string;
      if (!used.has(name)) return name;
    }
  };
  const bodies = new Map<string, string>();
  const pipes = new Map<string, string>();
  for (const name of [...Object.keys(program.fibers ?? {}), ...Object.keys(program.tasks ?? {})])
    bodies.set(name, fresh(bodies));
  for (const name of program.pipes ?? []) pipes.set(name, fresh(pipes));

  const renameAll = (ops: readonly Op[]): Op[] => ops.map(rename);
  const rename = (op: Op): Op => {
    if ("ops" in op) return { ...op, ops: renameAll(op.ops) };
    if ("pipe" in op) return { ...op, pipe: pipes.get(op.pipe)! };
    if ("task" in op) return { ...op, task: bodies.get(op.task)! };
    return "fiber" in op ? { ...op, fiber: bodies.get(op.fiber)! } : op;
  };
  const entries = <T>(record: Readonly<Record<string, T>>, map: (value: T) => T): Record<string, T> =>
    Object.fromEntries(Object.entries(record).map(([key, value]) => [bodies.get(key)!, map(value)]));
  const renameTask = (task: TaskBody): TaskBody => ({ ...task, ops: renameAll(task.ops ?? []) });
  return {
    ...program,
    ...(program.pipes === undefined ? {} : { pipes: [...pipes.values()] }),
    ...(program.fibers === undefined ? {} : { fibers: entries(program.fibers, renameAll) }),
    ...(program.tasks === undefined ? {} : { tasks: entries(program.tasks, renameTask) }),
    ...(program.main === undefined ? {} : { main: renameAll(program.main) }),
    ...(program.world === undefined ? {} : { world: renameAll(program.world) as WorldOp[] }),
  };
}
