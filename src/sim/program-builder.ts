/**
 * Writes programs in TypeScript, with names that the compiler knows:
 *
 *     const b = new ProgramBuilder("three tasks");
 *     const a = b.task("a", 100, (o) => o.sleep(30));
 *     b.fiber("main_fiber", (o) => o.go(a).wait(a).log(9));
 *     const program = b.build();
 *
 * Bodies that name each other are declared first and filled later by `does`. Order of declaration is order in the program. `build`
 * checks the whole (SPEC section 3) and throws an `Error` with the problem's line.
 */
import { readProgram } from "./parse-program.js";
import { problemLine } from "./problem.js";
import type { Op, PipeEnd, Program, TaskBody, WorldOp } from "./program.js";

/** A pipe of the program under construction. */
export class PipeRef {
  readonly pipe: string;
  constructor(pipe: string) {
    this.pipe = pipe;
  }
}

/** A fiber or a task of the program under construction. */
class BodyRef {
  readonly name: string;
  ops: readonly Op[] = [];
  constructor(name: string) {
    this.name = name;
  }

  /** Sets the body. Returns itself. */
  does(body: Body): this {
    this.ops = opsOf(body);
    return this;
  }
}

/** A fiber of the program under construction. */
export class FiberRef extends BodyRef {
  readonly kind = "fiber";
}

/** A task of the program under construction. */
export class TaskRef extends BodyRef {
  readonly kind = "task";
}

/** Appends the ops of a body to the list that it is given. */
export type Body = (ops: OpList) => unknown;

/** A list of ops, appended one by one; every method returns the list. */
export class OpList {
  readonly ops: Op[] = [];

  yield(): this {
    return this.#add({ op: "yield" });
  }
  suspend(): this {
    return this.#add({ op: "suspend" });
  }
  sleep(ms: number): this {
    return this.#add({ op: "sleep", ms });
  }
  wake(body: FiberRef | TaskRef): this {
    return this.#add({ op: "wake", fiber: body.name });
  }
  spawn(fiber: FiberRef): this {
    return this.#add({ op: "spawn", fiber: fiber.name });
  }
  go(task: TaskRef): this {
    return this.#add({ op: "go", task: task.name });
  }
  wait(task: TaskRef): this {
    return this.#add({ op: "wait", task: task.name });
  }
  cancel(task: TaskRef): this {
    return this.#add({ op: "cancel", task: task.name });
  }
  block(pipe: PipeRef): this {
    return this.#add({ op: "block", pipe: pipe.pipe });
  }
  blockWrite(pipe: PipeRef): this {
    return this.#add({ op: "blockWrite", pipe: pipe.pipe });
  }
  write(pipe: PipeRef, bytes: number): this {
    return this.#add({ op: "write", pipe: pipe.pipe, bytes });
  }
  read(pipe: PipeRef, bytes: number): this {
    return this.#add({ op: "read", pipe: pipe.pipe, bytes });
  }
  close(pipe: PipeRef, end: PipeEnd): this {
    return this.#add({ op: "close", pipe: pipe.pipe, end });
  }
  log(value: number): this {
    return this.#add({ op: "log", value });
  }
  repeat(times: number, body: Body): this {
    return this.#add({ op: "repeat", times, ops: opsOf(body) });
  }
  call(depth: number, body: Body): this {
    return this.#add({ op: "call", depth, ops: opsOf(body) });
  }
  overflow(): this {
    return this.#add({ op: "overflow" });
  }
  run(): this {
    return this.#add({ op: "run" });
  }
  deinit(): this {
    return this.#add({ op: "deinit" });
  }

  #add(op: Op): this {
    this.ops.push(op);
    return this;
  }
}

/**
 * Writes a program, with names that the compiler knows. Order of declaration is order in the program.
 *
 * ```ts
 * const b = new ProgramBuilder("a task, awaited");
 * const work = b.task("work", 100, (o) => o.sleep(30));
 * b.fiber("main_fiber", (o) => o.go(work).wait(work).log(9));
 * console.log(b.build().tasks?.work?.returns); // 100
 * ```
 */
export class ProgramBuilder {
  readonly #title: string | undefined;
  readonly #pipes: string[] = [];
  readonly #fibers: FiberRef[] = [];
  readonly #tasks: { readonly task: TaskRef; readonly returns: number }[] = [];
  #main: readonly Op[] | undefined;
  #world: readonly WorldOp[] = [];

  constructor(title?: string) {
    this.#title = title;
  }

  pipe(name: string): PipeRef {
    this.#pipes.push(name);
    return new PipeRef(name);
  }

  fiber(name: string, body: Body = () => {}): FiberRef {
    const fiber = new FiberRef(name).does(body);
    this.#fibers.push(fiber);
    return fiber;
  }

  /** `returns`: what the task's work gives. */
  task(name: string, returns: number, body: Body = () => {}): TaskRef {
    const task = new TaskRef(name).does(body);
    this.#tasks.push({ task, returns });
    return task;
  }

  /** Without it, main spawns every fiber in order of declaration, runs and deinits. */
  main(body: Body): this {
    this.#main = opsOf(body);
    return this;
  }

  /** What the world does at idle: write and close only. */
  world(body: (ops: Pick<OpList, "write" | "close">) => unknown): this {
    const list = new OpList();
    body(list);
    this.#world = list.ops as WorldOp[];
    return this;
  }

  build(): Program {
    // As keys of one object two of a name would be one.
    declaredOnce(this.#fibers);
    declaredOnce(this.#tasks.map(({ task }) => task));
    const tasks = this.#tasks.map(({ task, returns }): [string, TaskBody] => [
      task.name,
      { ops: task.ops, returns },
    ]);
    const program: Program = {
      version: 1,
      ...(this.#title === undefined ? {} : { title: this.#title }),
      ...(this.#pipes.length === 0 ? {} : { pipes: this.#pipes }),
      ...(this.#fibers.length === 0
        ? {}
        : { fibers: Object.fromEntries(this.#fibers.map((f) => [f.name, f.ops])) }),
      ...(tasks.length === 0 ? {} : { tasks: Object.fromEntries(tasks) }),
      ...(this.#main === undefined ? {} : { main: this.#main }),
      ...(this.#world.length === 0 ? {} : { world: this.#world }),
    };
    const checked = readProgram(program);
    if (!checked.ok) throw new Error(problemLine(checked.problem));
    return checked.value;
  }
}

function opsOf(body: Body): readonly Op[] {
  const list = new OpList();
  body(list);
  return list.ops;
}

function declaredOnce(bodies: readonly BodyRef[]): void {
  const names = new Set<string>();
  for (const { name } of bodies) {
    if (names.has(name)) throw new Error(`${name}: declared twice (docs/programs.md)`);
    names.add(name);
  }
}
