/**
 * The JSON Schema of a program (draft 2020-12 vocabulary as Ajv's draft-07 core reads it): SPEC section 3 as far as a schema can say it.
 *
 * `schema/program.schema.json` is this object, written by `scripts/write-schema.mjs`, so that editors complete programs; a test holds
 * the file against it. What a schema cannot say (names that must exist, nesting, totals) is in `check-program.ts`.
 */
import { INTEGER_MAX, NAME_PATTERN, ProgramLimits } from "./program.js";

const integer = { type: "integer", minimum: -INTEGER_MAX, maximum: INTEGER_MAX } as const;
const name = { type: "string", pattern: NAME_PATTERN } as const;
const bytes = { type: "integer", minimum: 1, maximum: ProgramLimits.pipeBytesMax } as const;

/** One op: exactly these keys, all required. */
function op(
  names: readonly string[],
  description: string,
  fields: Readonly<Record<string, object>> = {},
): object {
  return {
    type: "object",
    description,
    properties: { op: { enum: names }, ...fields },
    required: ["op", ...Object.keys(fields)],
    additionalProperties: false,
  };
}

function anyOf(variants: readonly object[]): object {
  return { type: "object", required: ["op"], discriminator: { propertyName: "op" }, oneOf: variants };
}

const list = (ref: string): object => ({ type: "array", items: { $ref: ref } });

const write = op(["write"], "Writes all bytes without blocking.", { pipe: name, bytes });
const close = op(["close"], "Closes one end of a pipe.", { pipe: name, end: { enum: ["read", "write"] } });

/** Ops that both a fiber's body and main may hold; `nested` is where the ops of a repeat are defined. */
function commonOps(nested: string): object[] {
  return [
    op(["yield"], "F2: to the tail of the ready queue."),
    op(["suspend"], "F3: parks until somebody wakes it."),
    op(["sleep"], "T1: parks for virtual milliseconds.", { ms: integer }),
    op(["wake"], "F4: wakes a suspended fiber or task.", { fiber: name }),
    op(["spawn"], "F1: spawns a fiber, once.", { fiber: name }),
    op(["go", "wait", "cancel"], "K1, K2, K3: starts, awaits or cancels a task.", { task: name }),
    op(["block"], "I1: parks until the pipe is readable.", { pipe: name }),
    op(["blockWrite"], "I1 with want_read=false: panics.", { pipe: name }),
    write,
    op(["read"], "Reads at most so many bytes without blocking.", { pipe: name, bytes }),
    close,
    op(["log"], "Records a value.", { value: integer }),
    op(["repeat"], "The ops, that often.", {
      times: { type: "integer", minimum: 0, maximum: ProgramLimits.repeatTimesMax },
      ops: list(nested),
    }),
    op(["run", "deinit"], "R1, R3: from main; inside a fiber they panic."),
  ];
}

export const programSchema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  $id: "https://lockstep.dev/schema/program-1.json",
  title: "Lockstep fiber program, version 1",
  type: "object",
  properties: {
    version: { const: 1 },
    title: { type: "string" },
    pipes: { type: "array", items: name, maxItems: ProgramLimits.pipesMax, uniqueItems: true },
    fibers: {
      type: "object",
      description: "Bodies, in order of declaration; each is spawned at most once.",
      propertyNames: name,
      additionalProperties: list("#/definitions/op"),
    },
    tasks: {
      type: "object",
      propertyNames: name,
      additionalProperties: {
        type: "object",
        properties: { ops: list("#/definitions/op"), returns: integer },
        additionalProperties: false,
      },
    },
    main: list("#/definitions/mainOp"),
    world: list("#/definitions/worldOp"),
  },
  required: ["version"],
  additionalProperties: false,
  definitions: {
    op: anyOf([
      ...commonOps("#/definitions/op"),
      op(["call"], "The ops, that many stack frames of 1 KiB deeper.", {
        depth: { type: "integer", minimum: 1, maximum: ProgramLimits.callDepthMax },
        ops: list("#/definitions/op"),
      }),
      op(["overflow"], "Recursion without end."),
    ]),
    mainOp: anyOf(commonOps("#/definitions/mainOp")),
    worldOp: anyOf([write, close]),
  },
} as const;
