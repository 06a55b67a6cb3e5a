/**
 * A program whose bodies are written as generators and recorded is the program that they performed, and replays to the same trace.
 *
 * The bodies here perform a generated program op by op on whatever scheduler they are given, and keep their own list of what they did. An op
 * that has nobody to name (a wake before the spawn, a second spawn) is no call of the scheduler, so it is in neither.
 */
import * as fc from "fast-check";
import { describe, expect } from "vitest";
import { Canceled, type Fiber, type Op as Performing, Scheduler, type Task } from "../src/sched/index.js";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { mainOf } from "../src/sim/encode-program.js";
import { fiberProgram } from "../src/sim/generate/program-arbitrary.js";
import type { Op, Program } from "../src/sim/program.js";
import { record } from "../src/sim/record/record.js";
import type { Outcome, TraceRecord } from "../src/sim/trace.js";
import { targetOf } from "../test/support/replay.js";
import { assertAgree, modelWords, sideOf } from "./laws.js";
import { law, lawRuns } from "./seed.js";

/** What the bodies of a program did, by name, `call` and what is in it included. */
type Performed = Map<string, Op[]>;

/** How the work of a call ends that does not end by returning. */
class ThrownOut extends Error {}

class Bodies {
  readonly #program: Program;
  readonly #s: Scheduler;
  readonly #fibers = new Map<string, Fiber>();
  readonly #tasks = new Map<string, Task<number>>();
  readonly performed: Performed = new Map();
  #worldActionsDone = 0;

  constructor(program: Program, s: Scheduler) {
    this.#program = program;
    this.#s = s;
  }

  main(): void {
    const main = this.#list("main");
    const steps = this.#body(main, mainOf(this.#program));
    if (steps.next().done !== true) throw new Error("main parked outside a fiber");
  }

  idle(): boolean {
    const op = (this.#program.world ?? [])[this.#worldActionsDone++];
    if (op === undefined) return false;
    this.#list("world").push(op);
    this.#plain(op);
    return true;
  }

  #list(who: string): Op[] {
    const list = this.performed.get(who) ?? [];
    this.performed.set(who, list);
    return list;
  }

  *#body(into: Op[], ops: readonly Op[]): Performing {
    for (const op of ops) {
      if (op.op === "repeat") {
        for (let i = 0; i < op.times; i++) yield* this.#body(into, op.ops);
      } else if (op.op === "call") {
        const inside: Op[] = [];
        into.push({ ...op, ops: inside });
        // Every other way out of a call is an error that the caller catches.
        try {
          yield* this.#s.call(op.depth, () => this.#calledBody(inside, op.ops, op.depth % 2 === 1));
        } catch (error) {
          if (!(error instanceof ThrownOut)) throw error;
        }
      } else if (this.#names(op)) {
        into.push(op);
        yield* this.#op(op);
      }
    }
  }

  *#calledBody(into: Op[], ops: readonly Op[], throws: boolean): Performing {
    yield* this.#body(into, ops);
    if (throws) throw new ThrownOut();
  }

  /** Whether there is somebody or something to call the scheduler with. */
  #names(op: Op): boolean {
    switch (op.op) {
      case "wake":
        return this.#fibers.has(op.fiber) || this.#tasks.has(op.fiber);
      case "spawn":
        return !this.#fibers.has(op.fiber);
      case "go":
        return !this.#tasks.has(op.task);
      case "wait":
      case "cancel":
        return this.#tasks.has(op.task);
      default:
        return true;
    }
  }

  *#op(op: Op): Performing {
    const s = this.#s;
    switch (op.op) {
      case "yield":
        return yield* s.yieldNow();
      case "suspend":
        return yield* s.suspend();
      case "sleep":
        return yield* s.sleep(op.ms);
      case "block":
        return yield* s.block(this.#pipe(op.pipe));
      case "blockWrite":
        return yield* s.blockWrite(this.#pipe(op.pipe));
      case "wait":
        try {
          yield* this.#tasks.get(op.task)!.wait();
        } catch (error) {
          if (!(error instanceof Canceled)) throw error;
        }
        return;
      case "run":
        return s.run();
      case "deinit":
        return s.deinit();
      default:
        return this.#plain(op);
    }
  }

  #plain(op: Op): void {
    const s = this.#s;
    switch (op.op) {
      case "wake":
        s.wake(this.#fibers.get(op.fiber) ?? this.#tasks.get(op.fiber)!);
        return;
      case "spawn": {
        const [into, ops] = [this.#list(op.fiber), this.#program.fibers![op.fiber]!];
        this.#fibers.set(
          op.fiber,
          s.spawn(() => this.#body(into, ops), op.fiber),
        );
        return;
      }
      case "go": {
        const { ops = [], returns = 0 } = this.#program.tasks![op.task]!;
        const into = this.#list(op.task);
        const body = this.#body.bind(this);
        const work = function* (): Performing<number> {
          yield* body(into, ops);
          return returns;
        };
        this.#tasks.set(op.task, s.go(work, op.task));
        return;
      }
      case "cancel":
        this.#tasks.get(op.task)!.cancel();
        return;
      case "write":
        s.write(this.#pipe(op.pipe), op.bytes);
        return;
      case "read":
        s.read(this.#pipe(op.pipe), op.bytes);
        return;
      case "close":
        s.close(this.#pipe(op.pipe), op.end);
        return;
      case "log":
        s.log(op.value);
        return;
      default:
        throw new Error(`${op.op} is not performed here`);
    }
  }

  #pipe(name: string): number {
    return this.#program.pipes!.indexOf(name);
  }
}

/** Records the interpretation of a program, and gives what its bodies say that they did, in the last of the runs. */
function recorded(program: Program): { readonly recording: Program; readonly performed: Performed } {
  let bodies: Bodies | undefined;
  const recording = record(
    (s) => {
      bodies = new Bodies(program, s);
      bodies.main();
    },
    { pipes: program.pipes ?? [], onIdle: () => bodies!.idle() },
  );
  return { recording, performed: bodies!.performed };
}

/** A stack overflow is none that a generator could perform; and a main that does not run at all is run by the recording. */
function canBeWritten(program: Program): boolean {
  const runs = mainOf(program).some(({ op }) => op === "run" || op === "deinit");
  return runs && !JSON.stringify(program).includes('"overflow"');
}

/** The ops of a recording, by name, as `Performed` has them. */
function opsOf(recording: Program): Performed {
  const tasks = Object.entries(recording.tasks ?? {}).map(([name, { ops = [] }]): [string, Op[]] => [
    name,
    [...ops],
  ]);
  const fibers = Object.entries(recording.fibers ?? {}).map(([name, ops]): [string, Op[]] => [
    name,
    [...ops],
  ]);
  const world: [string, Op[]][] = recording.world === undefined ? [] : [["world", [...recording.world]]];
  return new Map<string, Op[]>([...fibers, ...tasks, ["main", [...mainOf(recording)]], ...world]);
}

const NO_CALL = new Set(["unspawned", "unstarted"]);

/** What was seen, without the numbers of ops, and without ops that called nobody. */
function seen(program: Program, words: Int32Array): object[] {
  const { records, outcome } = decodeTrace(program, words);
  const isCall = (r: TraceRecord): boolean =>
    r.ev !== "ret" ||
    (!NO_CALL.has(String(r.res)) && !(r.res === "already" && (r.op === "spawn" || r.op === "go")));
  return [...records.filter(isCall), outcome].map((r: TraceRecord | Outcome) => ({ ...r, at: undefined }));
}

const programs = fiberProgram().filter(canBeWritten);

describe("recordings", () => {
  law(
    "a recording holds the ops that its bodies performed, and replays to the trace of the program (SPEC sections 3 and 4)",
    () => {
      fc.assert(
        fc.property(programs, (program) => {
          const { recording, performed } = recorded(program);
          // A main that is cut off in its run may be left out, and then ends in a deinit that it never comes to.
          const isCut =
            mainOf(recording).at(-1)?.op === "deinit" && performed.get("main")!.at(-1)?.op === "run";
          if (isCut) performed.get("main")!.push({ op: "deinit" });
          expect(opsOf(recording)).toEqual(performed);
          expect(seen(recording, modelWords(recording))).toEqual(seen(program, modelWords(program)));
        }),
        lawRuns(3000),
      );
    },
  );

  law("a recording of a recording's bodies is the recording", () => {
    fc.assert(
      fc.property(programs, (program) => {
        const { recording } = recorded(program);
        expect(recorded(recording).recording).toEqual(recording);
      }),
      lawRuns(500),
    );
  });

  law("bodies perform the same on a plain scheduler as when they are recorded", () => {
    fc.assert(
      fc.property(programs, (program) => {
        let plain: Bodies;
        const s = new Scheduler({ pipes: program.pipes?.length ?? 0, onIdle: () => plain.idle() });
        plain = new Bodies(program, s);
        try {
          plain.main();
        } catch {
          // A panic or a hang: what was performed up to there counts.
        }
        expect(plain.performed).toEqual(recorded(program).performed);
      }),
      lawRuns(500),
    );
  });

  law("recordings agree on model and native, byte for byte (SPEC section 4)", async () => {
    const [model, native] = [sideOf(await targetOf("model")), sideOf(await targetOf("native"))];
    const batches = fc.array(programs, { minLength: 1, maxLength: 60, size: "max" });
    await fc.assert(
      fc.asyncProperty(batches, (batch) =>
        assertAgree(
          model,
          native,
          batch.map((program) => recorded(program).recording),
        ),
      ),
      lawRuns(20),
    );
  });
});
