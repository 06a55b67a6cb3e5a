/** What edits of a program are made of: ops mapped or dropped wherever they stand, a key dropped with the order of the others kept. */
import type { Op, Program, WorldOp } from "../program.js";

/** Each op, nested ones included, as `map` gives it; undefined drops it with what is nested in it. */
export function mappedOps(program: Program, map: (op: Op) => Op | undefined): Program {
  const mapList = (ops: readonly Op[]): Op[] => {
    const kept: Op[] = [];
    for (const op of ops) {
      const mapped = map(op);
      if (mapped === undefined) continue;
      kept.push("ops" in mapped ? { ...mapped, ops: mapList(mapped.ops) } : mapped);
    }
    return kept;
  };
  const entries = <T, U>(record: Readonly<Record<string, T>>, f: (value: T) => U): Record<string, U> =>
    Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value)]));
  return {
    ...program,
    ...(program.fibers === undefined ? {} : { fibers: entries(program.fibers, mapList) }),
    ...(program.tasks === undefined
      ? {}
      : { tasks: entries(program.tasks, (task) => ({ ...task, ops: mapList(task.ops ?? []) })) }),
    ...(program.main === undefined ? {} : { main: mapList(program.main) }),
    ...(program.world === undefined ? {} : { world: mapList(program.world) as WorldOp[] }),
  };
}

export function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}
