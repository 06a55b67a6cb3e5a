/**
 * Programs that look wrong and are not: names that every JavaScript object has, names that a trace uses for others, numbers and
 * lists at their edges. Each goes the whole way: text, check, words, replay on the model, records and back.
 */
import { describe, expect, test } from "vitest";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { batchOf, encodeProgram } from "../src/sim/encode-program.js";
import { encodeTrace } from "../src/sim/encode-trace.js";
import { ModelTarget } from "../src/sim/model-target.js";
import { parseProgram } from "../src/sim/parse-program.js";
import { problemLine } from "../src/sim/problem.js";
import type { Program } from "../src/sim/program.js";
import { ProgramBuilder } from "../src/sim/program-builder.js";
import { traceOf } from "../src/sim/target.js";
import type { Trace } from "../src/sim/trace.js";
import { outcomeLine, resultsOf, timedLogsOf, wakeLine } from "./support/trace-readers.js";

function programOf(text: string): Program {
  const parsed = parseProgram(text);
  if (!parsed.ok) throw new Error(problemLine(parsed.problem));
  return parsed.value;
}

/** The trace on the model; on the way it must survive being written as text and read again. */
function replay(program: Program): Trace {
  const words = traceOf(new ModelTarget().replayNow(batchOf([encodeProgram(program)])), 0);
  const trace = decodeTrace(program, words);
  const saved = JSON.parse(JSON.stringify(trace)) as Trace;
  const again = encodeTrace(programOf(JSON.stringify(program)), saved);
  expect(again).toEqual({ ok: true, value: Int32Array.from(words) });
  return trace;
}

const TRAPS = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];

describe("names that every object has", () => {
  test.each(TRAPS)("%s can be a fiber, and is spawned and woken by that name", (name) => {
    const trace = replay(
      programOf(`{"version": 1, "fibers": {
        "${name}": [{"op": "suspend"}, {"op": "log", "value": 1}],
        "waker": [{"op": "wake", "fiber": "${name}"}]
      }}`),
    );
    expect(wakeLine(trace)).toBe(`${name}@0 waker@0 ${name}@0 main@0`);
    expect(resultsOf(trace, "main")).toBe("spawn=spawned spawn=spawned run=0/2/0");
  });

  test.each(TRAPS)("%s can be a task, with its own ops and value", (name) => {
    const trace = replay(
      programOf(`{"version": 1,
        "fibers": {"a": [{"op": "go", "task": "${name}"}, {"op": "wait", "task": "${name}"}]},
        "tasks": {"${name}": {"ops": [{"op": "sleep", "ms": 5}], "returns": 7}}
      }`),
    );
    expect(resultsOf(trace, "a")).toBe("go=spawned wait=7");
    expect(outcomeLine(trace.outcome)).toBe("completed@5");
  });

  test("all of them can be pipes, each its own", () => {
    const ops = TRAPS.flatMap((pipe, i) => [
      { op: "write", pipe, bytes: i + 1 },
      { op: "read", pipe, bytes: 9 },
    ]);
    const trace = replay(programOf(JSON.stringify({ version: 1, pipes: TRAPS, fibers: { a: ops } })));
    expect(resultsOf(trace, "a")).toBe([1, 2, 3, 4, 5].map((n) => `write=${n} read=${n}`).join(" "));
  });

  test("a reader that hangs on the pipe __proto__ is named so", () => {
    const trace = replay(
      programOf(
        '{"version": 1, "pipes": ["__proto__"], "fibers": {"toString": [{"op": "block", "pipe": "__proto__"}]}}',
      ),
    );
    expect(outcomeLine(trace.outcome)).toBe("io-hang@0 toString/__proto__");
  });

  test("the builder keeps them, in order of declaration", () => {
    const b = new ProgramBuilder();
    const pipe = b.pipe("__proto__");
    const task = b.task("__proto__", 3, (o) => o.write(pipe, 1));
    b.fiber("constructor", (o) => o.go(task).wait(task).read(pipe, 2));
    b.fiber("a", (o) => o.log(1));
    const program = b.build();
    expect(Object.keys(program.fibers ?? {})).toEqual(["constructor", "a"]);
    expect(Object.keys(program.tasks ?? {})).toEqual(["__proto__"]);
    const trace = replay(program);
    expect(resultsOf(trace, "__proto__")).toBe("write=1");
    expect(resultsOf(trace, "constructor")).toBe("go=spawned wait=3 read=1");
  });
});

describe("names that a trace uses for others", () => {
  test("a fiber called main has its own records beside those of main", () => {
    const trace = replay(
      programOf(`{"version": 1, "fibers": {"main": [{"op": "log", "value": 5}, {"op": "yield"}]},
        "main": [{"op": "log", "value": 9}, {"op": "spawn", "fiber": "main"}, {"op": "run"}, {"op": "log", "value": 8}]}`),
    );
    expect(timedLogsOf(trace)).toBe("9@0 5@0 8@0");
    expect(trace.records.map(({ ev, who }) => `${ev} ${who}`)).toContain("begin main");
  });

  test("a fiber called main that calls run panics as any other (C6)", () => {
    const trace = replay(programOf('{"version": 1, "fibers": {"main": [{"op": "run"}]}}'));
    expect(outcomeLine(trace.outcome)).toBe("panic@0 sched: run() called inside a fiber");
    const overflow = replay(programOf('{"version": 1, "fibers": {"main": [{"op": "overflow"}]}}'));
    expect(outcomeLine(overflow.outcome)).toBe("stack-overflow@0 main");
  });

  test("a fiber called world has its own records beside those of the world", () => {
    const trace = replay(
      programOf(`{"version": 1, "pipes": ["p", "q"],
        "fibers": {"world": [{"op": "write", "pipe": "q", "bytes": 4}, {"op": "block", "pipe": "p"}, {"op": "write", "pipe": "q", "bytes": 2}]},
        "world": [{"op": "write", "pipe": "q", "bytes": 3}, {"op": "write", "pipe": "p", "bytes": 1}]}`),
    );
    expect(resultsOf(trace, "world")).toBe("write=4 write=3 write=1 write=2");
    expect(outcomeLine(trace.outcome)).toBe("completed@0");
  });

  test("a task called world may hang while the world writes", () => {
    const trace = replay(
      programOf(`{"version": 1, "pipes": ["p", "q"],
        "tasks": {"world": {"ops": [{"op": "block", "pipe": "p"}]}},
        "main": [{"op": "go", "task": "world"}, {"op": "run"}],
        "world": [{"op": "close", "pipe": "q", "end": "read"}]}`),
    );
    expect(outcomeLine(trace.outcome)).toBe("io-hang@0 world/p");
  });
});

describe("numbers and lists at their edges", () => {
  test("-0 is 0, 1e3 is 1000, and 1.0 is 1", () => {
    const trace = replay(
      programOf(`{"version": 1.0, "fibers": {"a": [
        {"op": "log", "value": -0}, {"op": "sleep", "ms": -0}, {"op": "sleep", "ms": 1e3}, {"op": "log", "value": 1.0}
      ]}, "tasks": {"t": {"returns": -0}}}`),
    );
    expect(timedLogsOf(trace)).toBe("0@0 1@1000");
    expect(trace.records.every((record) => !("res" in record) || !Object.is(record.res, -0))).toBe(true);
  });

  test("a byte order mark, other keys' order and white space change nothing", () => {
    const text = '{"main":[{"op":"run"}],"version":1}';
    const odd = '\uFEFF\r\n\t{ "version" : 1 ,\n "main":[ {"op":"run"} ] }\n\n';
    expect(encodeProgram(programOf(odd))).toEqual(encodeProgram(programOf(text)));
  });

  test("empty fibers, tasks, pipes and world are those left out", () => {
    const empty = programOf('{"version":1,"title":"","pipes":[],"fibers":{},"tasks":{},"world":[]}');
    expect(encodeProgram(empty)).toEqual(encodeProgram(programOf('{"version":1}')));
    expect(replay(empty).records.map(({ ev, who }) => `${ev} ${who}`)).toEqual([
      "call main",
      "ret main",
      "ret main",
    ]);
  });

  test("a main of no ops does nothing: no spawn, no run, and deinit unseen", () => {
    const trace = replay(programOf('{"version": 1, "fibers": {"a": [{"op": "overflow"}]}, "main": []}'));
    expect(trace).toEqual({ records: [], outcome: { outcome: "completed", t: 0 } });
  });

  test("a fiber and a task of no ops begin and end", () => {
    const trace = replay(
      programOf(
        '{"version":1,"fibers":{"f":[]},"tasks":{"t":{}},"main":[{"op":"go","task":"t"},{"op":"spawn","fiber":"f"},{"op":"run"},{"op":"wait","task":"t"}]}',
      ),
    );
    expect(wakeLine(trace)).toBe("t@0 f@0 main@0 main@0");
    expect(resultsOf(trace, "main")).toBe("go=spawned spawn=spawned run=0/2/0 wait=0");
  });

  test("repeats of nothing cost nothing, a million times a million too", () => {
    const trace = replay(
      programOf(`{"version": 1, "fibers": {"a": [
        {"op": "repeat", "times": 1000000, "ops": []},
        {"op": "repeat", "times": 1000000, "ops": [{"op": "repeat", "times": 1000000, "ops": []}]},
        {"op": "repeat", "times": 0, "ops": [{"op": "overflow"}]},
        {"op": "call", "depth": 64, "ops": []},
        {"op": "log", "value": 1}
      ]}}`),
    );
    expect(resultsOf(trace, "a")).toBe("log=1");
    // Nested ops are counted, so the log is op 6.
    expect(trace.records.find((record) => "op" in record && record.op === "log")).toMatchObject({ at: 6 });
  });
});

describe("the builder", () => {
  test("refuses what a program may not be, and says where (SPEC section 3)", () => {
    const built = (declare: (b: ProgramBuilder) => unknown) => () => {
      const b = new ProgramBuilder();
      declare(b);
      return b.build();
    };
    expect(built((b) => b.fiber("a", (o) => o.sleep(0.5)))).toThrow(
      "fibers.a[0].ms: expected an integer, found 0.5 (docs/programs.md)",
    );
    expect(built((b) => b.fiber("1a"))).toThrow('fibers: "1a" is not a name');
    expect(built((b) => [b.fiber("a"), b.fiber("a")])).toThrow("a: declared twice (docs/programs.md)");
    expect(built((b) => [b.task("a", 1), b.task("a", 2)])).toThrow("a: declared twice (docs/programs.md)");
    expect(built((b) => [b.fiber("a"), b.task("a", 2)])).toThrow("tasks.a: is the name of a fiber too");
    expect(built((b) => [b.pipe("p"), b.pipe("p")])).toThrow(
      "pipes[1]: the same name twice (docs/programs.md)",
    );
    expect(built((b) => b.main((o) => o.overflow()))).toThrow('main[0].op: op "overflow" is not one of');
  });

  test("writes the program that its calls say", () => {
    const b = new ProgramBuilder("all of it");
    const [p, f, t] = [b.pipe("p"), b.fiber("f"), b.task("t", 7)];
    f.does((o) =>
      o
        .go(t)
        .wait(t)
        .cancel(t)
        .wake(f)
        .block(p)
        .blockWrite(p)
        .repeat(2, (r) => r.yield()),
    );
    t.does((o) => o.call(3, (c) => c.suspend()).overflow());
    b.main((o) => o.spawn(f).run().close(p, "read").deinit());
    b.world((o) => o.write(p, 1).close(p, "write"));
    expect(b.build()).toEqual({
      version: 1,
      title: "all of it",
      pipes: ["p"],
      fibers: {
        f: [
          { op: "go", task: "t" },
          { op: "wait", task: "t" },
          { op: "cancel", task: "t" },
          { op: "wake", fiber: "f" },
          { op: "block", pipe: "p" },
          { op: "blockWrite", pipe: "p" },
          { op: "repeat", times: 2, ops: [{ op: "yield" }] },
        ],
      },
      tasks: {
        t: { ops: [{ op: "call", depth: 3, ops: [{ op: "suspend" }] }, { op: "overflow" }], returns: 7 },
      },
      main: [
        { op: "spawn", fiber: "f" },
        { op: "run" },
        { op: "close", pipe: "p", end: "read" },
        { op: "deinit" },
      ],
      world: [
        { op: "write", pipe: "p", bytes: 1 },
        { op: "close", pipe: "p", end: "write" },
      ],
    });
  });
});
