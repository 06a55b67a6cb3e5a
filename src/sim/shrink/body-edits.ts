/**
 * Edits of a program's cast: who is started by whom, and as what. Each keeps it a program and takes ops or bodies away.
 *
 * Single removals cannot do these: a body that only starts another one cannot go without the other, and main cannot be left out while it
 * starts a task. What comes out often starts in another order, so the judge turns many down; those that it takes save a reader the most.
 */
import type { Op, Program } from "../program.js";
import { mappedOps, without } from "./edit-parts.js";

/** Every program with one such edit done. */
export function* castEdits(program: Program): Generator<Program> {
  if (program.main !== undefined) yield* withMainLeftOut(program, program.main);
  for (const name of Object.keys(program.tasks ?? {})) yield taskAsFiber(program, name);
  for (const [name, ops] of bodies(program)) yield* withStarterBypassed(program, name, ops);
}

/** Main left out: what it did besides spawn and run goes to the head of a fiber that starts with it. */
function* withMainLeftOut(program: Program, main: readonly Op[]): Generator<Program> {
  const { main: _main, ...rest } = program;
  const kept = main.filter(({ op }) => op === "go" || op === "cancel" || op === "write");
  for (const [name, ops] of Object.entries(rest.fibers ?? {})) {
    const fibers = { ...rest.fibers, [name]: [...kept, ...ops] };
    // Main spawns every fiber then, so nobody else needs to.
    yield mappedOps({ ...rest, fibers }, (op) => (op.op === "spawn" ? undefined : op));
    if (kept.length === 0) return;
  }
}

/** A task as a fiber, which nobody awaits or cancels. Where main is left out, main spawns it and nobody else needs to. */
function taskAsFiber(program: Program, name: string): Program {
  const changed = mappedOps(program, (op) => {
    if (!("task" in op) || op.task !== name) return op;
    return op.op === "go" && program.main !== undefined ? { op: "spawn", fiber: name } : undefined;
  });
  const ops = changed.tasks?.[name]?.ops ?? [];
  return {
    ...changed,
    fibers: { ...changed.fibers, [name]: ops },
    tasks: without(changed.tasks ?? {}, name),
  };
}

/** Without a body that starts another one: whoever started it starts that other one instead. */
function* withStarterBypassed(program: Program, name: string, ops: readonly Op[]): Generator<Program> {
  for (const started of ops) {
    if (started.op !== "go" && started.op !== "spawn") continue;
    const changed = mappedOps(program, (op) => {
      if ((op.op === "go" && op.task === name) || (op.op === "spawn" && op.fiber === name)) return started;
      return ("fiber" in op && op.fiber === name) || ("task" in op && op.task === name) ? undefined : op;
    });
    yield {
      ...changed,
      ...(changed.fibers === undefined ? {} : { fibers: without(changed.fibers, name) }),
      ...(changed.tasks === undefined ? {} : { tasks: without(changed.tasks, name) }),
    };
  }
}

function bodies({ fibers = {}, tasks = {} }: Program): (readonly [string, readonly Op[]])[] {
  return [
    ...Object.entries(fibers),
    ...Object.entries(tasks).map(([name, task]) => [name, task.ops ?? []] as const),
  ];
}
