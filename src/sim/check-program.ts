/**
 * The rules of SPEC section 3 that a schema cannot say: names that must exist, nesting, totals, and what `main` may do after deinit.
 *
 * Everything is checked before anything runs; a program that passes can be encoded and replayed without another look. Takes data that
 * has the shape of `program-schema.ts`.
 */
import { countExecuted, countOps } from "./encode-program.js";
import { type Problem, quoted } from "./problem.js";
import { type Op, type Program, ProgramLimits } from "./program.js";

const LIMITS = "docs/programs.md, Limits";

/** The first problem of a program in document order, or undefined. */
export function checkProgram(program: Program): Problem | undefined {
  const fibers = new Set(Object.keys(program.fibers ?? {}));
  const tasks = new Set(Object.keys(program.tasks ?? {}));
  const pipes = new Set<string>();
  for (const [i, pipe] of (program.pipes ?? []).entries()) {
    // The schema's uniqueItems is blind to a name that every object has, `__proto__`.
    if (pipes.has(pipe)) return problem(`pipes[${i}]`, "the same name twice", "docs/programs.md");
    pipes.add(pipe);
  }
  for (const task of tasks) {
    if (fibers.has(task)) {
      return problem(
        `tasks.${task}`,
        "is the name of a fiber too: fibers and tasks share one name space",
        "docs/programs.md",
      );
    }
  }
  if (fibers.size + tasks.size > ProgramLimits.bodiesMax) {
    return problem(
      "",
      `${fibers.size + tasks.size} fibers and tasks, at most ${ProgramLimits.bodiesMax}`,
      LIMITS,
    );
  }

  const checker = new OpChecker(fibers, tasks, pipes);
  for (const [path, ops] of bodiesWithPaths(program)) {
    const found = checker.check(ops, path, 0, 0);
    if (found !== undefined) return found;
  }
  const late = new MainChecker().check(program.main ?? [], "main");
  if (late !== undefined) return late;
  return checkTotals(program);
}

function* bodiesWithPaths(program: Program): Generator<readonly [string, readonly Op[]]> {
  for (const [name, ops] of Object.entries(program.fibers ?? {})) yield [`fibers.${name}`, ops];
  for (const [name, task] of Object.entries(program.tasks ?? {})) yield [`tasks.${name}.ops`, task.ops ?? []];
  yield ["main", program.main ?? []];
  yield ["world", program.world ?? []];
}

function checkTotals(program: Program): Problem | undefined {
  let written = 0;
  let executed = 0;
  for (const [, ops] of bodiesWithPaths(program)) {
    written += countOps(ops);
    executed += countExecuted(ops);
  }
  if (written > ProgramLimits.opsWrittenMax) {
    return problem("", `${written} ops as written, at most ${ProgramLimits.opsWrittenMax}`, LIMITS);
  }
  if (executed > ProgramLimits.opsExecutedMax) {
    return problem(
      "",
      `${executed} ops executed, repeats multiplied out, at most ${ProgramLimits.opsExecutedMax}`,
      LIMITS,
    );
  }
  return undefined;
}

class OpChecker {
  readonly #fibers: ReadonlySet<string>;
  readonly #tasks: ReadonlySet<string>;
  readonly #pipes: ReadonlySet<string>;

  constructor(fibers: ReadonlySet<string>, tasks: ReadonlySet<string>, pipes: ReadonlySet<string>) {
    this.#fibers = fibers;
    this.#tasks = tasks;
    this.#pipes = pipes;
  }

  /** `nesting`: how many repeats and calls are open around `ops`; `frames`: the stack frames of those calls. */
  check(ops: readonly Op[], path: string, nesting: number, frames: number): Problem | undefined {
    if (nesting > ProgramLimits.nestingMax) {
      return problem(path, `nested deeper than ${ProgramLimits.nestingMax} repeats and calls`, LIMITS);
    }
    for (const [i, op] of ops.entries()) {
      const found = this.#checkOp(op, `${path}[${i}]`, nesting, frames);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #checkOp(op: Op, path: string, nesting: number, frames: number): Problem | undefined {
    if ("pipe" in op && !this.#pipes.has(op.pipe))
      return unknownName(`${path}.pipe`, op.pipe, "pipe", this.#pipes);
    if ("task" in op && !this.#tasks.has(op.task))
      return unknownName(`${path}.task`, op.task, "task", this.#tasks);
    if (op.op === "spawn" && !this.#fibers.has(op.fiber))
      return unknownName(`${path}.fiber`, op.fiber, "fiber", this.#fibers);
    if (op.op === "wake" && !this.#fibers.has(op.fiber) && !this.#tasks.has(op.fiber)) {
      return unknownName(
        `${path}.fiber`,
        op.fiber,
        "fiber or task",
        new Set([...this.#fibers, ...this.#tasks]),
      );
    }
    if (op.op === "repeat") return this.check(op.ops, `${path}.ops`, nesting + 1, frames);
    if (op.op === "call") {
      const deeper = frames + op.depth;
      if (deeper > ProgramLimits.callFramesMax) {
        return problem(
          `${path}.depth`,
          `${deeper} frames of call along this path, at most ${ProgramLimits.callFramesMax}`,
          LIMITS,
        );
      }
      return this.check(op.ops, `${path}.ops`, nesting + 1, deeper);
    }
    return undefined;
  }
}

/** After deinit, main takes only log and deinit: followed through repeats, whose later passes come after a deinit inside them. */
class MainChecker {
  #deinited = false;

  check(ops: readonly Op[], path: string): Problem | undefined {
    for (const [i, op] of ops.entries()) {
      const here = `${path}[${i}]`;
      if (op.op === "repeat") {
        // A second pass meets something new only where the first one deinited, so this stays linear however deep repeats nest.
        const deinitedBefore = this.#deinited;
        for (let pass = 0; pass < Math.min(op.times, 2); pass++) {
          if (pass === 1 && this.#deinited === deinitedBefore) break;
          const found = this.check(op.ops, `${here}.ops`);
          if (found !== undefined) return found;
        }
      } else if (op.op === "deinit") {
        this.#deinited = true;
      } else if (this.#deinited && op.op !== "log") {
        return problem(
          here,
          `${quoted(op.op)} after deinit: main takes only log and deinit then`,
          "docs/programs.md, R3",
        );
      }
    }
    return undefined;
  }
}

function unknownName(path: string, name: string, kind: string, known: ReadonlySet<string>): Problem {
  const some = [...known].slice(0, 5).join(", ");
  const hint = known.size === 0 ? "there is none" : `there is ${some}${known.size > 5 ? ", ..." : ""}`;
  return problem(path, `unknown ${kind} ${quoted(name)}: ${hint}`, "docs/programs.md");
}

function problem(path: string, message: string, rule: string): Problem {
  return { path, message, rule };
}
