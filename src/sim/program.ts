/**
 * A fiber program: plain data, generated or written whole before anything runs (SPEC section 3).
 *
 * These are the types of the JSON. `program-schema.ts` is the same as a JSON Schema, `parse-program.ts` checks text against it
 * and against the rules that a schema cannot say, `encode-program.ts` writes the words that both sides interpret.
 */

/** Ops that a body of a fiber or a task may hold; `main` takes all but `call` and `overflow`. */
export type Op =
  | { readonly op: "yield" }
  | { readonly op: "suspend" }
  /** `ms`: integer within ±(2^53 - 1), virtual milliseconds. */
  | { readonly op: "sleep"; readonly ms: number }
  /** `fiber`: the name of a fiber or of a task. */
  | { readonly op: "wake"; readonly fiber: string }
  | { readonly op: "spawn"; readonly fiber: string }
  | { readonly op: "go"; readonly task: string }
  | { readonly op: "wait"; readonly task: string }
  | { readonly op: "cancel"; readonly task: string }
  | { readonly op: "block"; readonly pipe: string }
  | { readonly op: "blockWrite"; readonly pipe: string }
  /** `bytes`: 1 to 4096. */
  | { readonly op: "write"; readonly pipe: string; readonly bytes: number }
  /** `bytes`: 1 to 4096, at most. */
  | { readonly op: "read"; readonly pipe: string; readonly bytes: number }
  | { readonly op: "close"; readonly pipe: string; readonly end: PipeEnd }
  /** `value`: integer within ±(2^53 - 1). */
  | { readonly op: "log"; readonly value: number }
  /** `times`: 0 to 1,000,000. */
  | { readonly op: "repeat"; readonly times: number; readonly ops: readonly Op[] }
  /** `depth`: 1 to 64 stack frames of 1 KiB. */
  | { readonly op: "call"; readonly depth: number; readonly ops: readonly Op[] }
  | { readonly op: "overflow" }
  | { readonly op: "run" }
  | { readonly op: "deinit" };

/** The name of an op, as `op` says it. */
export type OpName = Op["op"];

/** An end of a pipe. */
export type PipeEnd = "read" | "write";

/** What the world does at idle: write and close only. */
export type WorldOp = Extract<Op, { op: "write" | "close" }>;

/** A task's work; `returns` is an integer within ±(2^53 - 1), 0 where it is left out. */
export interface TaskBody {
  readonly ops?: readonly Op[];
  readonly returns?: number;
}

/** A program as its JSON says it; everything but `version` may be left out. Order of keys is order of declaration. */
export interface Program {
  readonly version: 1;
  readonly title?: string;
  readonly pipes?: readonly string[];
  readonly fibers?: Readonly<Record<string, readonly Op[]>>;
  readonly tasks?: Readonly<Record<string, TaskBody>>;
  readonly main?: readonly Op[];
  readonly world?: readonly WorldOp[];
}

/** The limits of SPEC section 3, checked before anything runs. */
export const ProgramLimits = {
  bodiesMax: 100_000,
  pipesMax: 256,
  opsWrittenMax: 1_000_000,
  opsExecutedMax: 10_000_000,
  nestingMax: 8,
  callFramesMax: 64,
  repeatTimesMax: 1_000_000,
  callDepthMax: 64,
  pipeBytesMax: 4096,
} as const;

/** Largest magnitude of `ms`, `value` and `returns`: 2^53 - 1. */
export const INTEGER_MAX = Number.MAX_SAFE_INTEGER;

/** The pattern of every name: fibers and tasks share one name space, pipes have their own. */
export const NAME_PATTERN = "^[A-Za-z_][A-Za-z0-9_-]{0,31}$";
