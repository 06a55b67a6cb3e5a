/**
 * A scheduler that writes down what the bodies on it perform, op by op, before it does it.
 *
 * Invariant: an op that is written down is one that the program format can say (SPEC section 3), and stands in the body that performed
 * it. What cannot be said is a `RecordingError`, kept: a body that catches it does not make it undone.
 */
import {
  type Fiber,
  FiberState,
  NONE,
  type Op as Performing,
  Scheduler,
  SchedulerPanic,
  type Task,
} from "../../sched/index.js";
import { quoted } from "../problem.js";
import { NAME_PATTERN, type Op, type PipeEnd, ProgramLimits } from "../program.js";
import { opText, otherwise, RecordedBody } from "./recorded-body.js";
import { here, kindOf, placeOf, RecordingError } from "./recording-error.js";

/** What one run performed. */
export interface Performance {
  /** Fibers and tasks, by name, in order of spawning. */
  readonly bodies: ReadonlyMap<string, RecordedBody>;
  readonly main: RecordedBody;
  readonly world: RecordedBody;
  /** True when it ended in a panic or a hang, and main did not come to its end. */
  readonly isCut: boolean;
}

/** An op of which there is a generator, and by whom and where that was made. */
interface Made {
  readonly op: Op;
  readonly body: RecordedBody;
  readonly place: Error;
}

const NAME = new RegExp(NAME_PATTERN);
const WHOLE = "expected a whole number within ±(2^53 - 1)";

export class RecordingScheduler extends Scheduler implements Performance {
  readonly bodies = new Map<string, RecordedBody>();
  readonly main: RecordedBody;
  readonly world: RecordedBody;
  readonly #pipes: readonly string[];
  readonly #earlier: Performance | undefined;
  readonly #bodyOfFiber: RecordedBody[] = [];
  readonly #handles = new WeakMap<object, RecordedBody>();
  /** Ops that were made and not yet run, and where. */
  readonly #unrun = new Set<Made>();
  readonly #onIdle: (s: Scheduler) => boolean;
  isCut = false;
  #isIdling = false;
  #hasRun = false;
  #hasDeinited = false;
  /** After a panic, a hang, or the end of the recording. */
  #isOver = false;
  #opCount = 0;
  #failure: RecordingError | undefined;

  constructor(pipes: readonly string[], onIdle: (s: Scheduler) => boolean, earlier: Performance | undefined) {
    const world = { acts: () => false };
    super({ pipes: pipes.length, onIdle: () => world.acts() });
    world.acts = () => this.#actOfWorld();
    this.#pipes = pipes;
    this.#onIdle = onIdle;
    this.#earlier = earlier;
    const place = here();
    this.main = new RecordedBody("main", "main", place, earlier?.main);
    this.world = new RecordedBody("world", "world", place, earlier?.world);
  }

  /** Runs `bodies` as main, then everything that it has spawned unless it did that itself. @throws RecordingError */
  perform(bodies: (s: Scheduler) => void): Performance {
    try {
      const returned: unknown = bodies(this);
      if (returned !== undefined)
        this.#fail(this.main, `gave ${kindOf(returned)}: expected a plain function`);
      if (!this.#hasRun && !this.#hasDeinited) {
        this.run();
        this.deinit();
      }
    } catch (error) {
      this.#settle(error);
    }
    this.#isOver = true;
    if (this.#failure !== undefined) throw this.#failure;
    for (const { op, body, place } of this.#unrun)
      throw new RecordingError(
        body.label,
        placeOf(place),
        `${opText(op)} was made and never run: write yield*`,
      );
    this.#compareEnds();
    return this;
  }

  override spawn(body: () => Performing, name?: string): Fiber {
    const recorded = this.#declare("fiber", body, name);
    this.#perform({ op: "spawn", fiber: recorded.name });
    this.#bodyOfFiber[this.core.spawnedCount] = recorded;
    const fiber = super.spawn(() => this.#driven(recorded, this.#generator(recorded, body())), recorded.name);
    this.#handles.set(fiber, recorded);
    return fiber;
  }

  override go<T>(work: () => Performing<T>, name?: string): Task<T> {
    const recorded = this.#declare("task", work, name);
    this.#perform({ op: "go", task: recorded.name });
    this.#bodyOfFiber[this.core.spawnedCount] = recorded;
    const task = super.go(() => this.#driven(recorded, this.#generator(recorded, work())), recorded.name);
    this.#handles.set(task, recorded);
    this.#handles.set(task.fiber, recorded);
    return task;
  }

  override yieldNow(): Performing {
    return this.#making({ op: "yield" }, super.yieldNow());
  }

  override suspend(): Performing {
    return this.#making({ op: "suspend" }, super.suspend());
  }

  override sleep(ms: number): Performing {
    if (!Number.isSafeInteger(ms)) this.#fail(this.#performer(), `sleep(${quoted(ms)}): ${WHOLE}`);
    return this.#making({ op: "sleep", ms }, super.sleep(ms));
  }

  override block(pipe: number): Performing {
    return this.#making({ op: "block", pipe: this.#pipeName(pipe) }, super.block(pipe));
  }

  override blockWrite(pipe: number): Performing {
    return this.#making({ op: "blockWrite", pipe: this.#pipeName(pipe) }, super.blockWrite(pipe));
  }

  override wait<T>(task: Task<T>): Performing<T> {
    return this.#making({ op: "wait", task: this.#nameOf(task) }, super.wait(task));
  }

  override cancel(task: Task<unknown>): void {
    this.#perform({ op: "cancel", task: this.#nameOf(task) });
    super.cancel(task);
  }

  override wake(woken: Fiber | Task<unknown>): void {
    this.#perform({ op: "wake", fiber: this.#nameOf(woken) });
    super.wake(woken);
  }

  override write(pipe: number, bytes: number): ReturnType<Scheduler["write"]> {
    this.#perform({ op: "write", pipe: this.#pipeName(pipe), bytes: this.#byteCount(bytes, "write") });
    return super.write(pipe, bytes);
  }

  override read(pipe: number, bytes: number): ReturnType<Scheduler["read"]> {
    this.#perform({ op: "read", pipe: this.#pipeName(pipe), bytes: this.#byteCount(bytes, "read") });
    return super.read(pipe, bytes);
  }

  override close(pipe: number, end: PipeEnd): ReturnType<Scheduler["close"]> {
    this.#perform({ op: "close", pipe: this.#pipeName(pipe), end });
    return super.close(pipe, end);
  }

  override log(value: number): void {
    if (!Number.isSafeInteger(value)) this.#fail(this.#performer(), `log(${quoted(value)}): ${WHOLE}`);
    this.#perform({ op: "log", value });
    super.log(value);
  }

  override call<T>(depth: number, work: () => Performing<T>): Performing<T> {
    return this.#making({ op: "call", depth, ops: [] }, super.call(depth, work));
  }

  override run(): void {
    this.#hasRun = true;
    this.#perform({ op: "run" });
    try {
      super.run();
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
  }

  override deinit(): void {
    // To clean up after a panic is no op: the program has ended with it.
    if (this.#isOver) return;
    this.#perform({ op: "deinit" });
    this.#hasDeinited ||= this.core.current === NONE;
    super.deinit();
  }

  /** One action of the world; false when there is none left. */
  #actOfWorld(): boolean {
    const before = this.world.performedCount;
    this.#isIdling = true;
    let acted: boolean;
    try {
      acted = this.#onIdle(this);
    } catch (error) {
      throw this.#thrown(this.world, error);
    }
    this.#isIdling = false;
    const count = this.world.performedCount - before;
    const isReadable = this.core.hasReadableWaiter();
    if (acted && count === 0)
      this.#fail(this.world, "onIdle gave true and did nothing: nobody would ever be woken");
    if (!acted && isReadable) this.#fail(this.world, "onIdle gave false after what it did: expected true");
    return acted;
  }

  /** The generator of an op that may park: it is written down when it is run, and missed when it never is. */
  #making<T>(op: Op, performing: Performing<T>): Performing<T> {
    const made = { op, body: this.#performer(), place: here() };
    this.#unrun.add(made);
    return this.#performing(made, performing);
  }

  *#performing<T>(made: Made, performing: Performing<T>): Performing<T> {
    this.#unrun.delete(made);
    const { op, place } = made;
    const body = this.#performer();
    if (op.op === "call") this.#checkCall(body, op.depth, place);
    this.#perform(op, place);
    try {
      return yield* performing;
    } finally {
      if (op.op === "call") body.leaveCall();
    }
  }

  #checkCall(body: RecordedBody, depth: number, place: Error): void {
    const { callFramesMax, nestingMax } = ProgramLimits;
    if (body.kind === "main")
      this.#fail(body, "call outside a fiber: main takes none (docs/programs.md)", place);
    if (!Number.isInteger(depth) || depth < 1 || body.callFrames + depth > callFramesMax)
      this.#fail(body, `call(${quoted(depth)}): expected 1 to ${callFramesMax} frames along any path`, place);
    if (body.nesting === nestingMax) this.#fail(body, `call: nested more than ${nestingMax} deep`, place);
  }

  #generator<T>(body: RecordedBody, performing: Performing<T>): Performing<T> {
    if (typeof (performing as Partial<Performing<T>> | undefined)?.next === "function") return performing;
    const expected = "expected a generator, function* () { ... }";
    return this.#fail(body, `its body gave ${kindOf(performing)}: ${expected}`, body.lastPlace);
  }

  /** Runs a body, and looks at what it yields and how it ends. */
  *#driven<T>(body: RecordedBody, performing: Performing<T>): Performing<T> {
    for (;;) {
      const step = this.#step(body, performing);
      if (step.done === true) {
        if (body.kind === "task") this.#returned(body, step.value);
        return step.value;
      }
      if (step.value !== undefined)
        this.#fail(
          body,
          `yielded ${kindOf(step.value)}: expected yield* and an op of the scheduler`,
          body.lastPlace,
        );
      if (this.core.stateOf(this.core.current) === FiberState.running)
        this.#fail(
          body,
          "yielded outside an op: write yield* s.yieldNow(), yield* s.sleep(10), ...",
          body.lastPlace,
        );
      yield undefined;
    }
  }

  #step<T>(body: RecordedBody, performing: Performing<T>): IteratorResult<undefined, T> {
    try {
      return performing.next();
    } catch (error) {
      if (error instanceof RecordingError) throw error;
      if (error instanceof SchedulerPanic && this.core.panicMessage !== undefined) throw error;
      throw this.#thrown(body, error);
    }
  }

  #returned(body: RecordedBody, value: unknown): void {
    if (value !== undefined && !Number.isSafeInteger(value))
      this.#fail(body, `returned ${quoted(value)}: ${WHOLE}, or nothing`, body.lastPlace);
    body.returns = (value as number | undefined) ?? 0;
  }

  /** What came out of main: the end of the program, or what is wrong with it. */
  #settle(error: unknown): void {
    const isPanic = error instanceof SchedulerPanic && this.core.panicMessage !== undefined;
    const isEnd = isPanic || (error instanceof Error && error.name === "SchedulerHang");
    if (this.#failure === undefined && !isEnd) this.#thrown(this.main, error);
    this.isCut = true;
  }

  #thrown(body: RecordedBody, error: unknown): RecordingError {
    const message = error instanceof Error ? error.message : String(error);
    const place = error instanceof Error ? error : body.lastPlace;
    this.#failure ??= new RecordingError(body.label, placeOf(place), `threw ${message}`, { cause: error });
    return this.#failure;
  }

  #perform(op: Op, place = here()): void {
    const body = this.#performer();
    if (this.#isOver || this.core.panicMessage !== undefined)
      this.#fail(body, `${opText(op)} after the end of the program: nothing can run any more`);
    if (this.#hasDeinited && op.op !== "log" && op.op !== "deinit")
      this.#fail(body, `${opText(op)} after deinit: main takes only log and deinit then (docs/programs.md)`);
    if (body.kind === "world") this.#checkAction(op);
    if (++this.#opCount > ProgramLimits.opsWrittenMax)
      this.#fail(body, `more than ${ProgramLimits.opsWrittenMax} ops: a body that does not end?`);
    const before = op.op === "call" ? body.enterCall(op.depth) : body.perform(op);
    body.lastPlace = place;
    if (before !== undefined) this.#fail(body, otherwise(opText(op), before));
  }

  /** The world acts one write or close at a time, while nobody's pipe is readable (SPEC section 3). */
  #checkAction(op: Op): void {
    if (op.op !== "write" && op.op !== "close")
      this.#fail(this.world, `${opText(op)}: the world only writes and closes`);
    if (this.core.hasReadableWaiter())
      this.#fail(
        this.world,
        `${opText(op)}: a waited-for pipe is readable already: one write or close at a time`,
      );
  }

  #performer(): RecordedBody {
    if (this.#isIdling) return this.world;
    return this.core.current === NONE ? this.main : this.#bodyOfFiber[this.core.current]!;
  }

  #declare(kind: "fiber" | "task", body: () => unknown, given: string | undefined): RecordedBody {
    if (given !== undefined && !NAME.test(given))
      this.#fail(this.#performer(), `${quoted(given)} is no name: expected ${NAME_PATTERN}`);
    if (given !== undefined && this.bodies.has(given))
      this.#fail(this.#performer(), `${quoted(given)} is the name of another fiber or task`);
    if (this.bodies.size === ProgramLimits.bodiesMax)
      this.#fail(this.#performer(), `more than ${ProgramLimits.bodiesMax} fibers and tasks`);
    const name = given ?? this.#freeName(NAME.test(body.name) ? body.name : kind);
    const recorded = new RecordedBody(kind, name, here(), this.#earlier?.bodies.get(name));
    this.bodies.set(name, recorded);
    return recorded;
  }

  /** `worker`, then `worker_2`, `worker_3`. */
  #freeName(wanted: string): string {
    let name = wanted;
    for (let i = 2; this.bodies.has(name); i++) name = `${wanted.slice(0, 25)}_${i}`;
    return name;
  }

  #nameOf(handle: Fiber | Task<unknown>): string {
    const recorded = this.#handles.get(handle);
    if (recorded === undefined)
      this.#fail(this.#performer(), "a fiber or task of another scheduler: it is not in this program");
    return recorded.name;
  }

  #pipeName(pipe: number): string {
    const name = this.#pipes[pipe];
    if (name === undefined)
      this.#fail(this.#performer(), `pipe ${quoted(pipe)}: there are ${this.#pipes.length}, numbered from 0`);
    return name;
  }

  #byteCount(bytes: number, op: string): number {
    const { pipeBytesMax } = ProgramLimits;
    if (!Number.isInteger(bytes) || bytes < 1 || bytes > pipeBytesMax)
      this.#fail(this.#performer(), `${op} of ${quoted(bytes)} bytes: expected 1 to ${pipeBytesMax}`);
    return bytes;
  }

  /** In the second run, bodies that stopped short of what they performed in the first. */
  #compareEnds(): void {
    for (const body of [...this.bodies.values(), this.main, this.world]) {
      const before = body.earlierCount ?? body.performedCount;
      if (body.performedCount === before) continue;
      this.#fail(body, otherwise(`${body.performedCount} op(s)`, `${before}`), body.lastPlace);
    }
    for (const [name, { returns, label }] of this.#earlier?.bodies ?? []) {
      const again = this.bodies.get(name)!;
      if (again.returns !== returns)
        throw new RecordingError(
          label,
          placeOf(again.lastPlace),
          otherwise(`a result of ${again.returns}`, `${returns}`),
        );
    }
  }

  #fail(body: RecordedBody, what: string, place: Error = here()): never {
    this.#failure ??= new RecordingError(body.label, placeOf(place), what);
    throw this.#failure;
  }
}
