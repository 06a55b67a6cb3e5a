/**
 * Holds the two halves of docs/encoding.md, and of the shared memory's layout, against each other: the constants of the C headers
 * and their TypeScript twins. Both ways, so that a constant that was added to one side only is found too.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as batchMemory from "../src/native-bridge/batch-memory.js";
import { packagePath } from "../src/native-bridge/package-path.js";
import * as encoding from "../src/sim/encoding.js";
import { ProgramLimits } from "../src/sim/program.js";

type Constants = Record<string, number>;

/** What only the C side does: it makes the pipes and the frames, the model has numbers for neither. */
const ONLY_IN_C: Constants = {
  LOCKSTEP_PIPE_PATTERN: 251,
  LOCKSTEP_PIPE_READ_FD_BASE: 100,
  LOCKSTEP_CALL_FRAME_BYTES: 1024,
};

/** Every `#define LOCKSTEP_X number` and every `LOCKSTEP_X = number` of a header; the include guard has no number. */
function constantsOfHeader(file: string): Constants {
  const text = readFileSync(packagePath("src", "native-bridge", "replay", file), "utf8");
  const pattern = /^#define (LOCKSTEP_\w+) (\w+)|^ +(LOCKSTEP_\w+) = (\w+)/gm;
  return Object.fromEntries(
    [...text.matchAll(pattern)].map((match) => [match[1] ?? match[3], Number(match[2] ?? match[4])]),
  );
}

/** `blockWrite` becomes `LOCKSTEP_OP_BLOCK_WRITE`. */
function withPrefix(prefix: string, values: Readonly<Constants>): Constants {
  const screaming = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${prefix}_${screaming(name)}`, value]),
  );
}

/** The exports of a module that are plain numbers; they have the names that C gives them, but for the prefix. */
function numbersOf(module: object): Constants {
  const numbers = Object.entries(module).filter(([, value]) => typeof value === "number");
  return Object.fromEntries(numbers.map(([name, value]) => [`LOCKSTEP_${name}`, value])) as Constants;
}

/** What a program may leave behind, in the order of the bits. */
function leakBits(): Constants {
  return Object.fromEntries(
    encoding.LEAK_BITS.map((name, bit) => [`LOCKSTEP_LEAK_${name.toUpperCase()}_BIT`, bit]),
  );
}

function programWords(): Constants {
  const { header, body, op, ...words } = encoding.ProgramWord;
  return {
    ...withPrefix("LOCKSTEP_PROGRAM_WORD", words),
    LOCKSTEP_PROGRAM_HEADER_WORDS: header,
    LOCKSTEP_PROGRAM_BODY_WORDS: body,
    LOCKSTEP_PROGRAM_OP_WORDS: op,
  };
}

/** C names the first register of each run and those that stand alone. */
function clobberBits(): Constants {
  const named = ["x19", "x29", "d8", "rbx", "mxcsr", "x87cw", "stack"];
  const bits = named.map((name) => [
    `LOCKSTEP_CLOBBER_${name.toUpperCase()}_BIT`,
    encoding.CLOBBER_BITS.indexOf(name),
  ]);
  return Object.fromEntries(bits) as Constants;
}

describe("the binary encoding", () => {
  test("every constant of encoding.h has its value in TypeScript, and every one there is in encoding.h", () => {
    const { pipesMax, pipeBytesMax, nestingMax } = ProgramLimits;
    expect(constantsOfHeader("encoding.h")).toEqual({
      ...numbersOf(encoding),
      ...programWords(),
      ...withPrefix("LOCKSTEP_OP", encoding.OpCode),
      ...withPrefix("LOCKSTEP_KIND", encoding.RecordKind),
      ...withPrefix("LOCKSTEP_RESULT", encoding.ResultCode),
      ...withPrefix("LOCKSTEP_OUTCOME", encoding.OutcomeCode),
      ...withPrefix("LOCKSTEP_TRACE_WORDS", encoding.TraceWords),
      ...clobberBits(),
      ...leakBits(),
      ...withPrefix("LOCKSTEP_PROGRAM_FLAG", encoding.ProgramFlag),
      ...withPrefix("LOCKSTEP", { pipesMax, pipeBytesMax, nestingMax }),
      ...ONLY_IN_C,
    });
  });

  test("the registers of a clobber stand in the order that docs/encoding.md gives them", () => {
    const run = (letter: string, from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i) => `${letter}${from + i}`);
    const x86 = ["rbx", "rbp", ...run("r", 12, 15), "mxcsr", "x87cw"];
    expect(encoding.CLOBBER_BITS).toEqual([...run("x", 19, 29), ...run("d", 8, 15), ...x86, "stack"]);
  });

  test("every export of encoding.ts that holds codes is compared", () => {
    const tables = Object.entries(encoding).filter(([, value]) => typeof value === "object");
    expect(tables.map(([name]) => name).sort()).toEqual([
      "CLOBBER_BITS",
      "LEAK_BITS",
      "OpCode",
      "OutcomeCode",
      "ProgramFlag",
      "ProgramWord",
      "RecordKind",
      "ResultCode",
      "TraceWords",
    ]);
  });
});

describe("the shared memory", () => {
  test("every constant of batch.h has its value in batch-memory.ts, and every one there is in batch.h", () => {
    expect(constantsOfHeader("batch.h")).toEqual(numbersOf(batchMemory));
  });

  test("the fields of struct lockstep_batch stand at the words of BatchWord", () => {
    const text = readFileSync(packagePath("src", "native-bridge", "replay", "batch.h"), "utf8");
    const struct = text.slice(text.indexOf("struct lockstep_batch {"));
    const fields = [...struct.matchAll(/^ {2}uint32_t (\w+);/gm)].map((match) => match[1]!);
    const camel = fields.map((name) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()));
    expect(Object.fromEntries(camel.map((name, word) => [name, word]))).toEqual(batchMemory.BatchWord);
  });

  test("the areas follow each other without overlap and are aligned for words", () => {
    const { BATCH_PROGRAMS_MAX, INDEX_OFFSET, PROGRAMS_OFFSET, PROGRAMS_BYTES_MAX, TRACES_OFFSET } =
      batchMemory;
    expect(INDEX_OFFSET + 4 * BATCH_PROGRAMS_MAX).toBeLessThanOrEqual(PROGRAMS_OFFSET);
    expect(PROGRAMS_OFFSET + PROGRAMS_BYTES_MAX).toBe(TRACES_OFFSET);
    expect(TRACES_OFFSET + batchMemory.TRACES_BYTES_MAX).toBe(batchMemory.BATCH_BYTES);
    expect(TRACES_OFFSET % 4096).toBe(0);
  });
});
