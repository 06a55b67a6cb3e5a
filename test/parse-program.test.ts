/**
 * Texts that are no program, and the one line that each gets (SPEC section 3, limits included); odd ones that are programs are in
 * `odd-programs.test.ts`.
 */
import { describe, expect, test } from "vitest";
import { jsonErrorOffset } from "../src/sim/json-error.js";
import { parseProgram } from "../src/sim/parse-program.js";
import { problemLine, quoted } from "../src/sim/problem.js";

/** The line for a text, or what it was taken for. */
function lineOf(text: string): string {
  const parsed = parseProgram(text);
  return parsed.ok ? `a program: ${text.slice(0, 80)}` : problemLine(parsed.problem);
}

/** The line for a program with these parts. */
function lineFor(parts: object): string {
  return lineOf(JSON.stringify({ version: 1, ...parts }));
}

/** The line for a fiber `a` with this op; pipe `p`, fiber `f` and task `t` are there. */
function lineForOp(op: unknown): string {
  return lineFor({ pipes: ["p"], fibers: { a: [op], f: [] }, tasks: { t: {} } });
}

function nested(levels: number, op: object, innermost: readonly object[] = []): object[] {
  return levels === 0 ? [...innermost] : [{ ...op, ops: nested(levels - 1, op, innermost) }];
}

const FIBER_OPS =
  "yield, suspend, sleep, wake, spawn, go, wait, cancel, block, blockWrite, write, read, close, log, repeat, run, deinit, call, overflow";
const MAIN_OPS = FIBER_OPS.replace(", call, overflow", "");
const TOP_KEYS = "version, title, pipes, fibers, tasks, main, world";
const S3 = "(docs/programs.md)";
const LIMITS = "(docs/programs.md, Limits)";
const NAMES = "^[A-Za-z_][A-Za-z0-9_-]{0,31}$";

describe("text that is not JSON", () => {
  test.each([
    ["", "is empty: expected JSON"],
    [" \n\t\n", "is empty: expected JSON"],
    ["\uFEFF", "is empty: expected JSON"],
    ['{"version": 1}\0', "is not text: expected JSON"],
  ])("%j: %s", (text, message) => {
    expect(lineOf(text)).toBe(`${message} ${S3}`);
  });

  // The words are the engine's and change with its version; where it is, and that it is one line, is ours.
  test.each([
    ['{"version": x}', 1, 13],
    ['{"version": 1,}', 1, 15],
    ['{"version": 1', 1, 14],
    ["{", 1, 2],
    ["[1,", 1, 4],
    ["nul", 1, 1],
    ['{"version": 01}', 1, 13],
    ['{"version": -}', 1, 13],
    ['{"version": 1.}', 1, 13],
    ['{"version": 1}}', 1, 15],
    ["{'version': 1}", 1, 2],
    ['{\n  "version": 1,\n  "title": "a\nb"\n}', 3, 12],
    ['{\n  "version" 1\n}', 2, 13],
    ['{"title": "\\x"}', 1, 11],
    ['{"title": "abc', 1, 11],
    ['{"version": 1}\n{"version": 1}', 2, 1],
    ['[{"a": [1, 2}]', 1, 13],
    ["]", 1, 1],
    ['\uFEFF{"version" 1}', 1, 12],
  ])("%j goes wrong in line %i, column %i", (text, line, column) => {
    expect(lineOf(text)).toMatch(
      new RegExp(`^is not JSON: [^\n]{1,120} at line ${line}, column ${column} \\(docs/programs\\.md\\)$`),
    );
  });

  test("the position is found at any depth and in any length", () => {
    const depth = 200_000;
    expect(jsonErrorOffset("[".repeat(depth))).toBe(depth);
    expect(jsonErrorOffset(`${"[".repeat(depth)}${"]".repeat(depth)}]`)).toBe(2 * depth);
    const long = JSON.stringify("\\\u00e9x".repeat(300_000));
    expect(jsonErrorOffset(`[${long} 1]`)).toBe(long.length + 2);
  });
});

describe("values that are no program", () => {
  test.each([
    ["[]", "expected an object, found []"],
    ["null", "expected an object, found null"],
    ['"fiber"', 'expected an object, found "fiber"'],
    ["{}", 'lacks "version"'],
    ['{"version": 2}', "version: expected 1, found 2"],
    ['{"version": "1"}', 'version: expected 1, found "1"'],
    ['{"version": null}', "version: expected 1, found null"],
  ])("%s: %s", (text, message) => {
    expect(lineOf(text)).toBe(`${message} ${S3}`);
  });

  test.each<[parts: object, message: string]>([
    [{ title: 5 }, "title: expected a string, found 5"],
    [{ title: "x".repeat(80).split("") }, `title: expected a string, found ${'["x",'.padEnd(57, '"x",')}...`],
    [{ pipes: {} }, "pipes: expected an array, found {}"],
    [{ pipes: [1] }, "pipes[0]: expected a string, found 1"],
    [{ fibers: [] }, "fibers: expected an object, found []"],
    [{ fibers: { a: {} } }, "fibers.a: expected an array, found {}"],
    [{ fibers: { a: ["yield"] } }, 'fibers.a[0]: expected an object, found "yield"'],
    [{ tasks: { a: [] } }, "tasks.a: expected an object, found []"],
    [{ tasks: { a: { ops: 1 } } }, "tasks.a.ops: expected an array, found 1"],
    [{ main: null }, "main: expected an array, found null"],
    [{ world: {} }, "world: expected an array, found {}"],
  ])("%j: %s", (parts, message) => {
    expect(lineFor(parts)).toBe(`${message} ${S3}`);
  });
});

describe("keys that are not known, at each level", () => {
  test.each<[parts: object, message: string]>([
    [{ fiber: {} }, `fiber: unknown key; known here: ${TOP_KEYS}`],
    [JSON.parse('{"__proto__": {}}'), `__proto__: unknown key; known here: ${TOP_KEYS}`],
    [{ constructor: 1 }, `constructor: unknown key; known here: ${TOP_KEYS}`],
    [{ "a\nb": 1 }, `"a\\nb": unknown key; known here: ${TOP_KEYS}`],
    [{ ["k".repeat(99)]: 1 }, `"${"k".repeat(56)}...: unknown key; known here: ${TOP_KEYS}`],
    [{ tasks: { t: { op: [] } } }, "tasks.t.op: unknown key; known here: ops, returns"],
    [{ main: [{ op: "run", ms: 1 }] }, "main[0].ms: unknown key; known here: op"],
    [
      { fibers: { a: [{ op: "sleep", ms: 1, "x y": 2 }] } },
      'fibers.a[0]."x y": unknown key; known here: op, ms',
    ],
    [
      { tasks: { t: { ops: [{ op: "repeat", times: 1, ops: [{ op: "log", value: 1, at: 2 }] }] } } },
      "tasks.t.ops[0].ops[0].at: unknown key; known here: op, value",
    ],
  ])("%j: %s", (parts, message) => {
    expect(lineFor(parts)).toBe(`${message} ${S3}`);
  });
});

describe("ops", () => {
  test.each<[op: unknown, message: string]>([
    [{}, 'fibers.a[0]: lacks "op"'],
    [{ op: 7 }, "fibers.a[0].op: expected the name of an op, found 7"],
    [{ op: "jump" }, `fibers.a[0].op: op "jump" is not one of ${FIBER_OPS}`],
    [{ op: "toString" }, `fibers.a[0].op: op "toString" is not one of ${FIBER_OPS}`],
    [{ op: "sleep" }, 'fibers.a[0]: lacks "ms"'],
    [{ op: "sleep", ms: "1" }, 'fibers.a[0].ms: expected an integer, found "1"'],
    [{ op: "sleep", ms: 1.5 }, "fibers.a[0].ms: expected an integer, found 1.5"],
    [{ op: "log", value: null }, "fibers.a[0].value: expected an integer, found null"],
    [{ op: "wake", fiber: 3 }, "fibers.a[0].fiber: expected a string, found 3"],
    [{ op: "wake", fiber: "no name" }, `fibers.a[0].fiber: "no name" is not a name: ${NAMES}`],
    [
      { op: "close", pipe: "p", end: "both" },
      'fibers.a[0].end: expected one of ["read","write"], found "both"',
    ],
    [{ op: "close", pipe: "p" }, 'fibers.a[0]: lacks "end"'],
    [{ op: "repeat", times: 1 }, 'fibers.a[0]: lacks "ops"'],
    [{ op: "repeat", times: 1, ops: {} }, "fibers.a[0].ops: expected an array, found {}"],
  ])("%j: %s", (op, message) => {
    expect(lineForOp(op)).toBe(`${message} ${S3}`);
  });

  const INTEGERS = "-9007199254740991 to 9007199254740991";
  test.each<[op: object, field: string, value: number, range: string]>([
    [{ op: "sleep" }, "ms", 2 ** 53, INTEGERS],
    [{ op: "sleep" }, "ms", -(2 ** 53), INTEGERS],
    [{ op: "log" }, "value", 2 ** 53, INTEGERS],
    [{ op: "log" }, "value", -(2 ** 53), INTEGERS],
    [{ op: "write", pipe: "p" }, "bytes", 0, "1 to 4096"],
    [{ op: "write", pipe: "p" }, "bytes", 4097, "1 to 4096"],
    [{ op: "read", pipe: "p" }, "bytes", -1, "1 to 4096"],
    [{ op: "read", pipe: "p" }, "bytes", 4097, "1 to 4096"],
    [{ op: "repeat", ops: [] }, "times", -1, "0 to 1000000"],
    [{ op: "repeat", ops: [] }, "times", 1_000_001, "0 to 1000000"],
    [{ op: "call", ops: [] }, "depth", 0, "1 to 64"],
    [{ op: "call", ops: [] }, "depth", 65, "1 to 64"],
  ])("%j with %s %d is out of range", (op, field, value, range) => {
    expect(lineForOp({ ...op, [field]: value })).toBe(
      `fibers.a[0].${field}: ${value} is out of range: ${range} ${S3}`,
    );
  });

  test("a task's returns has the range of every integer, and a number too large for a double says so", () => {
    expect(lineFor({ tasks: { t: { returns: 2 ** 53 } } })).toBe(
      `tasks.t.returns: 9007199254740992 is out of range: ${INTEGERS} ${S3}`,
    );
    expect(lineFor({ tasks: { t: { returns: 0.5 } } })).toBe(
      `tasks.t.returns: expected an integer, found 0.5 ${S3}`,
    );
    expect(lineOf('{"version": 1, "tasks": {"t": {"returns": 1e400}}}')).toBe(
      `tasks.t.returns: expected an integer, found Infinity ${S3}`,
    );
  });

  test("main takes neither call nor overflow, nested in a repeat neither", () => {
    const call = { op: "call", depth: 1, ops: [] };
    expect(lineFor({ main: [{ op: "overflow" }] })).toBe(
      `main[0].op: op "overflow" is not one of ${MAIN_OPS} ${S3}`,
    );
    expect(lineFor({ main: [{ op: "repeat", times: 1, ops: [call] }] })).toBe(
      `main[0].ops[0].op: op "call" is not one of ${MAIN_OPS} ${S3}`,
    );
  });

  test.each([
    { op: "read", pipe: "p", bytes: 1 },
    { op: "log", value: 1 },
    { op: "repeat", times: 1, ops: [] },
  ])("the world takes write and close only, not %j", (op) => {
    expect(lineFor({ pipes: ["p"], world: [op] })).toBe(
      `world[0].op: op "${op.op}" is not one of write, close ${S3}`,
    );
  });

  const late = "after deinit: main takes only log and deinit then (docs/programs.md, R3)";
  test.each<[main: object[], line: string]>([
    [[{ op: "deinit" }, { op: "run" }], `main[1]: "run" ${late}`],
    [[{ op: "deinit" }, { op: "log", value: 1 }, { op: "spawn", fiber: "a" }], `main[2]: "spawn" ${late}`],
    [[{ op: "deinit" }, { op: "write", pipe: "p", bytes: 1 }], `main[1]: "write" ${late}`],
    [[{ op: "repeat", times: 2, ops: [{ op: "run" }, { op: "deinit" }] }], `main[0].ops[0]: "run" ${late}`],
    [[{ op: "repeat", times: 1, ops: [{ op: "deinit" }] }, { op: "run" }], `main[1]: "run" ${late}`],
    [
      nested(8, { op: "repeat", times: 3 }, [{ op: "run" }, { op: "deinit" }]),
      `main[0]${".ops[0]".repeat(8)}: "run" ${late}`,
    ],
  ])("%j", (main, line) => {
    expect(lineFor({ pipes: ["p"], fibers: { a: [] }, main })).toBe(line);
  });

  test("a repeat that passes once or never does not come after its own deinit (R3)", () => {
    const deinit = [{ op: "run" }, { op: "deinit" }];
    expect(lineFor({ main: [{ op: "repeat", times: 1, ops: deinit }] })).toMatch(/^a program/);
    expect(lineFor({ main: [{ op: "deinit" }, { op: "repeat", times: 0, ops: deinit }] })).toMatch(
      /^a program/,
    );
  });
});

describe("names", () => {
  test.each(["", "1a", "a b", "ä", "-a", "a".repeat(33), "a.b"])("%j is not a name", (name) => {
    const line = `${JSON.stringify(name)} is not a name: ${NAMES} ${S3}`;
    expect(lineFor({ fibers: { [name]: [] } })).toBe(`fibers: ${line}`);
    expect(lineFor({ tasks: { [name]: {} } })).toBe(`tasks: ${line}`);
    expect(lineFor({ pipes: [name] })).toBe(`pipes[0]: ${line}`);
  });

  test.each<[op: object, line: string]>([
    [{ op: "spawn", fiber: "g" }, 'fibers.a[0].fiber: unknown fiber "g": there is a, f'],
    [{ op: "spawn", fiber: "t" }, 'fibers.a[0].fiber: unknown fiber "t": there is a, f'],
    [{ op: "spawn", fiber: "main" }, 'fibers.a[0].fiber: unknown fiber "main": there is a, f'],
    [{ op: "wake", fiber: "g" }, 'fibers.a[0].fiber: unknown fiber or task "g": there is a, f, t'],
    [{ op: "go", task: "f" }, 'fibers.a[0].task: unknown task "f": there is t'],
    [{ op: "wait", task: "f" }, 'fibers.a[0].task: unknown task "f": there is t'],
    [{ op: "cancel", task: "toString" }, 'fibers.a[0].task: unknown task "toString": there is t'],
    [{ op: "block", pipe: "q" }, 'fibers.a[0].pipe: unknown pipe "q": there is p'],
    [{ op: "write", pipe: "__proto__", bytes: 1 }, 'fibers.a[0].pipe: unknown pipe "__proto__": there is p'],
  ])("%j names what is not there, or of another kind", (op, line) => {
    expect(lineForOp(op)).toBe(`${line} ${S3}`);
  });

  test("a name that is not there is told what is: the first five, or that there is none", () => {
    const fibers = Object.fromEntries(["a", "b", "c", "d", "e", "f"].map((name) => [name, []]));
    expect(lineFor({ fibers, main: [{ op: "spawn", fiber: "g" }] })).toBe(
      `main[0].fiber: unknown fiber "g": there is a, b, c, d, e, ... ${S3}`,
    );
    expect(lineFor({ world: [{ op: "close", pipe: "p", end: "read" }] })).toBe(
      `world[0].pipe: unknown pipe "p": there is none ${S3}`,
    );
  });

  test("a name cannot be a fiber's and a task's, nor two pipes'", () => {
    expect(lineFor({ fibers: { a: [], b: [] }, tasks: { b: {} } })).toBe(
      `tasks.b: is the name of a fiber too: fibers and tasks share one name space ${S3}`,
    );
    expect(lineFor({ pipes: ["p", "q", "p"] })).toBe(`pipes[2]: the same name twice ${S3}`);
    expect(lineFor({ pipes: ["__proto__", "q", "__proto__"] })).toBe(`pipes[2]: the same name twice ${S3}`);
  });
});

describe("limits, checked before anything runs", () => {
  const ops = (count: number) => Array.from({ length: count }, () => ({ op: "yield" }));
  const repeat = (times: number, inner: object[]) => ({ op: "repeat", times, ops: inner });

  test("nesting 8 is a program, 9 is not, and 50,000 are refused without a crash", () => {
    const levels = (count: number) => lineFor({ fibers: { a: nested(count, { op: "repeat", times: 1 }) } });
    expect(levels(8)).toMatch(/^a program/);
    expect(levels(9)).toBe(
      `fibers.a${"[0].ops".repeat(9)}: nested deeper than 8 repeats and calls ${LIMITS}`,
    );
    const deep = 50_000;
    const text = '[{"op":"repeat","times":1,"ops":'.repeat(deep) + "[]" + "}]".repeat(deep);
    const refused = `is nested too deeply: at most 8 repeats and calls ${LIMITS}`;
    expect(lineOf(`{"version":1,"main":${text}}`)).toBe(refused);
    // Not only ops can be deep.
    expect(lineOf(`{"version":${"[".repeat(deep)}${"]".repeat(deep)}}`)).not.toContain("\n");
  });

  test("64 frames of call along a path are a program, 65 are not, in one call or in several", () => {
    const call = (depth: number, inner: object[]) => ({ op: "call", depth, ops: inner });
    expect(lineForOp(call(60, [call(4, []), call(4, [])]))).toMatch(/^a program/);
    expect(lineForOp(call(60, [repeat(1, [call(5, [])])]))).toBe(
      `fibers.a[0].ops[0].ops[0].depth: 65 frames of call along this path, at most 64 ${LIMITS}`,
    );
  });

  test("100,000 fibers and tasks are a program, one more is not", () => {
    const fibers = Object.fromEntries(Array.from({ length: 99_999 }, (_, i) => [`f${i}`, []]));
    expect(lineFor({ fibers, tasks: { t: {} } })).toMatch(/^a program/);
    expect(lineFor({ fibers, tasks: { t: {}, u: {} } })).toBe(
      `100001 fibers and tasks, at most 100000 ${LIMITS}`,
    );
  });

  test("256 pipes are a program, 257 are not", () => {
    const pipes = (count: number) => Array.from({ length: count }, (_, i) => `p${i}`);
    expect(lineFor({ pipes: pipes(256) })).toMatch(/^a program/);
    expect(lineFor({ pipes: pipes(257) })).toBe(`pipes: more than 256 items ${LIMITS}`);
  });

  test("1,000,000 ops as written are a program, one more is not, wherever they stand", () => {
    const half = ops(499_998);
    const parts = { fibers: { a: half }, tasks: { t: { ops: [repeat(0, half)] } } };
    expect(lineFor({ ...parts, main: ops(3) })).toMatch(/^a program/);
    expect(lineFor({ ...parts, main: ops(4) })).toBe(`1000001 ops as written, at most 1000000 ${LIMITS}`);
  });

  test("10,000,000 ops executed are a program, one more is not, repeats multiplied out", () => {
    // The repeat itself is one op: 1 + 999,999 * 10 = 9,999,991.
    const main = [repeat(999_999, ops(10))];
    expect(lineFor({ main: [...main, ...ops(9)] })).toMatch(/^a program/);
    expect(lineFor({ main: [...main, ...ops(10)] })).toBe(
      `10000001 ops executed, repeats multiplied out, at most 10000000 ${LIMITS}`,
    );
    expect(lineFor({ main: nested(8, { op: "repeat", times: 1_000_000 }, ops(1)) })).toMatch(
      /^1\.000001\S*e\+48 ops executed/,
    );
  });
});

describe("what is quoted from the input", () => {
  test("is one line of at most 60 characters, whatever it was", () => {
    let deep: unknown = [];
    for (let i = 0; i < 50_000; i++) deep = [deep];
    for (const value of [
      "a\nb\r\u2028".repeat(50),
      deep,
      Number.POSITIVE_INFINITY,
      -0,
      undefined,
      { a: "\u001b[31m" },
    ]) {
      const text = quoted(value);
      expect(text.length).toBeLessThanOrEqual(60);
      expect(text).not.toMatch(/[\n\r\p{Cc}]/u);
    }
  });
});
