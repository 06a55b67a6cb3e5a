/**
 * Recording by hand: what a program looks like, its names, and each thing that no program can hold with the line that it stands on.
 *
 * A line that a recording must name ends in the comment `// here`; the test reads its own source at the line that the error gives.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Canceled, type Op, Scheduler } from "../src/sched/index.js";
import type { Program } from "../src/sim/program.js";
import { record } from "../src/sim/record/record.js";
import { refusal } from "./support/recording-refusal.js";
import { replayOn } from "./support/replay.js";
import { outcomeLine } from "./support/trace-readers.js";

/** The line of this file that a place names. */
function lineAt(where: string | undefined): string {
  const [, file, line] = /^(.*):(\d+):\d+$/.exec(where ?? "") ?? [];
  return file === undefined
    ? `no place: ${where}`
    : readFileSync(file, "utf8").split("\n")[Number(line) - 1]!;
}

/** A value where the types would not let it pass. */
const untyped = <T>(value: unknown): T => value as T;

describe("a recording", () => {
  test("is the program that a person would have written, main left out where it is the usual one", () => {
    const program = record(
      (s) => {
        const work = s.go(function* work() {
          yield* s.sleep(30);
          return 100;
        });
        s.spawn(function* reader() {
          yield* s.block(0);
          s.log(s.read(0, 8) as number);
        });
        s.spawn(function* writer() {
          s.write(0, 3);
          s.log(yield* work.wait());
        });
      },
      { title: "by hand", pipes: ["p"] },
    );
    expect(program).toEqual({
      version: 1,
      title: "by hand",
      pipes: ["p"],
      fibers: {
        reader: [
          { op: "block", pipe: "p" },
          { op: "read", pipe: "p", bytes: 8 },
          { op: "log", value: 3 },
        ],
        writer: [
          { op: "write", pipe: "p", bytes: 3 },
          { op: "wait", task: "work" },
          { op: "log", value: 100 },
        ],
      },
      tasks: { work: { ops: [{ op: "sleep", ms: 30 }], returns: 100 } },
      main: [
        { op: "go", task: "work" },
        { op: "spawn", fiber: "reader" },
        { op: "spawn", fiber: "writer" },
        { op: "run" },
        { op: "deinit" },
      ],
    } satisfies Program);
    const usual = record((s) => {
      s.spawn(function* a() {
        yield* s.yieldNow();
      });
    });
    expect(usual).toEqual({ version: 1, fibers: { a: [{ op: "yield" }] } } satisfies Program);
  });

  test("unrolls loops and takes the branches that were taken; ops inside a call lie in it", () => {
    const program = record((s) => {
      s.spawn(function* a() {
        for (let i = 0; i < 3; i++) if (i !== 1) s.log(i);
        yield* s.call(4, function* () {
          yield* s.yieldNow();
        });
      });
    });
    expect(program.fibers).toEqual({
      a: [
        { op: "log", value: 0 },
        { op: "log", value: 2 },
        { op: "call", depth: 4, ops: [{ op: "yield" }] },
      ],
    });
  });

  test("goes on behind a call that its body was thrown out of (K3)", () => {
    const program = record((s) => {
      const t = s.go(function* t() {});
      t.cancel();
      s.spawn(function* a() {
        try {
          yield* s.call(2, function* () {
            yield* t.wait();
          });
        } catch (error) {
          s.log(error instanceof Canceled ? -1 : 1);
        }
        yield* s.call(1, function* () {});
      });
    });
    expect(program.fibers!.a).toEqual([
      { op: "call", depth: 2, ops: [{ op: "wait", task: "t" }] },
      { op: "log", value: -1 },
      { op: "call", depth: 1, ops: [] },
    ]);
  });

  test("names a fiber as spawn does, else by its function, else fiber; a second one gets a number", () => {
    const program = record((s) => {
      const worker = function* worker(): Op {
        yield* s.yieldNow();
      };
      s.spawn(worker);
      s.spawn(worker);
      s.spawn(() => worker());
      s.spawn(worker, "by_hand");
      s.go(function* () {});
    });
    expect(Object.keys(program.fibers!)).toEqual(["worker", "worker_2", "fiber", "by_hand"]);
    expect(Object.keys(program.tasks!)).toEqual(["task"]);
  });

  test.each(["model", "native"])("goes up to a deadlock, and replays to it on %s (R2)", async (target) => {
    const program = record((s) => {
      s.spawn(function* a() {
        yield* s.suspend();
      });
    });
    expect(program).toEqual({ version: 1, fibers: { a: [{ op: "suspend" }] } });
    const { outcome } = await replayOn(target, program);
    expect(outcomeLine(outcome)).toMatch(/^panic@0 sched: deadlock/);
  });

  test("holds what the world did, and a hang when it is done (I2)", async () => {
    let left = 0;
    const program = record(
      (s) => {
        left = 1;
        s.spawn(function* a() {
          yield* s.block(0);
          s.read(0, 5);
          yield* s.block(0);
        });
      },
      { pipes: 1, onIdle: (s) => left-- > 0 && s.write(0, 5) === 5 },
    );
    expect(program.world).toEqual([{ op: "write", pipe: "p0", bytes: 5 }]);
    const { outcome } = await replayOn("native", program);
    expect(outcomeLine(outcome)).toBe("io-hang@0 a/p0");
  });

  test("of the same bodies that run on a plain scheduler: wakes of a task, canceled waits, logs", () => {
    const bodies = (s: Scheduler): void => {
      const t = s.go(function* t() {
        yield* s.suspend();
      });
      s.spawn(function* a() {
        yield* s.yieldNow();
        s.wake(t);
        t.cancel();
        try {
          yield* t.wait();
        } catch (error) {
          s.log(error instanceof Canceled ? -1 : 1);
        }
      });
      s.run();
    };
    const logged: number[] = [];
    bodies(new Scheduler({ onLog: (value) => logged.push(value) }));
    expect(logged).toEqual([-1]);
    expect(record(bodies).fibers!.a).toContainEqual({ op: "log", value: -1 });
  });
});

describe("what cannot be recorded is an error that says where:", () => {
  let runs = 0;
  test.each<[string, (s: Scheduler) => void, RegExp]>([
    [
      "a promise that is yielded",
      (s) => {
        s.spawn(function* a() {
          s.log(1); // here
          yield untyped(Promise.resolve());
        });
      },
      /^fiber "a" at .*: yielded a promise: expected yield\*/,
    ],
    [
      "yield without the star",
      (s) => {
        s.spawn(function* a() {
          yield untyped(s.sleep(10));
        }); // none: it has performed nothing yet, and its spawn is the place
      },
      /^fiber "a" at .*: yielded a generator/,
    ],
    [
      "an op that is made and never run",
      (s) => {
        s.spawn(function* a() {
          yield* s.yieldNow();
          s.sleep(10); // here
        });
      },
      /^fiber "a" at .*: sleep 10 was made and never run: write yield\*/,
    ],
    [
      "a call that is made and never run",
      (s) => {
        s.spawn(function* a() {
          yield* s.yieldNow();
          s.call(3, () => s.suspend()); // here
        });
      },
      /^fiber "a" at .*: call 3 was made and never run: write yield\*/,
    ],
    [
      "an async body",
      (s) => {
        s.spawn(
          untyped(async () => {}),
          "a",
        ); // here
      },
      /its body gave a promise: expected a generator/,
    ],
    [
      "part of a millisecond",
      (s) => {
        s.spawn(function* a() {
          yield* s.sleep(1.5); // here
        });
      },
      /^fiber "a" at .*: sleep\(1.5\): expected a whole number/,
    ],
    [
      "a log that is no number",
      (s) => {
        s.spawn(function* a() {
          yield* s.yieldNow();
          s.log(untyped("x")); // here
        });
      },
      /log\("x"\)/,
    ],
    [
      "bytes that are no count",
      (s) => {
        s.spawn(function* a() {
          yield* s.yieldNow();
          s.write(0, 0); // here
        });
      },
      /write of 0 bytes: expected 1 to 4096/,
    ],
    [
      "a pipe that is not there",
      (s) => {
        s.spawn(function* a() {
          yield* s.block(7); // here
        });
      },
      /pipe 7: there are 1, numbered from 0/,
    ],
    [
      "a handle of another scheduler",
      (s) => {
        const other = new Scheduler().spawn(function* () {});
        s.spawn(function* a() {
          yield* s.yieldNow();
          s.wake(other); // here
        });
      },
      /a fiber or task of another scheduler/,
    ],
    [
      "a name given twice",
      (s) => {
        s.spawn(function* () {}, "a");
        s.spawn(function* () {}, "a"); // here
      },
      /^main at .*: "a" is the name of another fiber or task/,
    ],
    [
      "a body that throws",
      (s) => {
        s.spawn(function* a() {
          yield* s.yieldNow();
          throw new Error("broken"); // here
        });
      },
      /^fiber "a" at .*: threw broken/,
    ],
    [
      "a canceled wait that nobody catches",
      (s) => {
        const t = s.go(function* t() {});
        t.cancel();
        s.spawn(function* a() {
          yield* t.wait(); // here
        });
      },
      /^fiber "a" at .*: threw the task was canceled/,
    ],
    [
      "a task that returns no number",
      (s) => {
        s.go(function* t() {
          yield* s.yieldNow(); // here
          return "x";
        });
      },
      /^task "t" at .*: returned "x"/,
    ],
    [
      "a value from outside",
      (s) => {
        s.spawn(function* a() {
          yield* s.sleep(++runs); // here
        });
      },
      /^fiber "a" at .*: performs sleep \d+ where it performed sleep \d+ in a run before: a value from outside/,
    ],
    [
      "an op after the panic",
      (s) => {
        s.spawn(function* a() {
          try {
            yield* s.sleep(-1);
          } catch {
            s.log(1); // here
          }
        });
      },
      /log 1 after the end of the program/,
    ],
    [
      "a body that does not end",
      (s) => {
        s.spawn(function* a() {
          yield* s.yieldNow();
          for (;;) s.log(1); // here
        });
      },
      /more than 1000000 ops/,
    ],
    [
      "a call from main",
      (s) => {
        s.call(1, function* () {}).next(); // here
      },
      /^main at .*: call outside a fiber/,
    ],
    [
      "main as a generator",
      untyped(function* () {}),
      /^main: gave a generator: expected a plain function|^main at/,
    ],
  ])("%s", (_, bodies, message) => {
    const error = refusal(bodies, { pipes: 1 });
    expect(error.message).toMatch(message);
    const source = bodies.toString();
    if (source.includes("// here") && error.where !== undefined)
      expect(lineAt(error.where)).toContain("// here");
    expect(error.where === undefined && source.includes("// here")).toBe(false);
  });

  test("an error that a body catches is told all the same", () => {
    const error = refusal((s) => {
      s.spawn(function* a() {
        try {
          yield* s.sleep(0.5);
        } catch {}
      });
    });
    expect(error.message).toMatch(/sleep\(0.5\)/);
  });
});
