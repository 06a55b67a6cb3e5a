/**
 * Turns fiber code written by hand into a program: it runs on the model, and what its bodies perform is written down.
 *
 * The program is plain data, so it replays on every target and can be kept in a corpus. It is run twice: ops that differ between the two
 * runs hang on a value from outside (a clock, random numbers), which no program can hold. Law: a recording replays to the trace that
 * the recorded program gives (`properties/recording.prop.ts`).
 */
import type { Scheduler } from "../../sched/index.js";
import { mainOf } from "../encode-program.js";
import { readProgram } from "../parse-program.js";
import { problemLine, quoted } from "../problem.js";
import { NAME_PATTERN, type Op, type Program, type WorldOp } from "../program.js";
import type { RecordedBody } from "./recorded-body.js";
import { RecordingError } from "./recording-error.js";
import { type Performance, RecordingScheduler } from "./recording-scheduler.js";

/** What a recording is told beside the bodies. */
export interface RecordOptions {
  /** The program's title. */
  readonly title?: string;
  /** Pipes, numbered from 0: how many, or the name of each (`p0`, `p1`, ... unless told). Default none. */
  readonly pipes?: number | readonly string[];
  /**
   * The world: called at idle while no waited-for pipe is readable. Does one write or close and gives true, or gives false when nothing is
   * left to do. Default: nothing is.
   */
  readonly onIdle?: (s: Scheduler) => boolean;
}

/**
 * The program that `bodies` performs, each fiber's ops in order. `bodies` is main: it spawns fibers and tasks on the scheduler that it is
 * given; what it has spawned is then run, unless it calls `run` itself. It works on a plain `Scheduler` as well.
 *
 * ```ts
 * const program = record((s) => {
 *   const work = s.go(function* work() {
 *     yield* s.sleep(30);
 *     return 100;
 *   });
 *   s.spawn(function* waiter() {
 *     s.log(yield* work.wait());
 *   });
 * });
 * console.log(Object.keys(program.fibers ?? {})); // [ 'waiter' ]
 * ```
 *
 * A fiber has the name that `spawn` is given, else that of its function (a second one `waiter_2`), else `fiber`; a task likewise. Called
 * twice: nothing outside it may decide what it does. A program that panics, deadlocks or hangs is recorded up to there.
 *
 * @throws RecordingError with the file and line, for what no program can say: a promise or another value yielded, an op without `yield*`,
 * a handle of another scheduler, numbers out of range, a name used twice, a body that throws, and ops that differ from run to run.
 */
export function record(bodies: (s: Scheduler) => void, options: RecordOptions = {}): Program {
  const pipes = pipeNames(options.pipes ?? 0);
  const onIdle = options.onIdle ?? (() => false);
  const first = new RecordingScheduler(pipes, onIdle, undefined).perform(bodies);
  new RecordingScheduler(pipes, onIdle, first).perform(bodies);
  const checked = readProgram(programOf(first, pipes, options.title));
  if (!checked.ok) throw new RecordingError("the program", undefined, problemLine(checked.problem));
  return checked.value;
}

function pipeNames(pipes: number | readonly string[]): readonly string[] {
  if (typeof pipes === "number") return Array.from({ length: pipes }, (_, i) => `p${i}`);
  const bad = pipes.find((name, i) => !new RegExp(NAME_PATTERN).test(name) || pipes.indexOf(name) !== i);
  if (bad !== undefined)
    throw new RecordingError(
      "pipes",
      undefined,
      `${quoted(bad)}: expected names, each once: ${NAME_PATTERN}`,
    );
  return pipes;
}

function programOf(
  { bodies, main, world, isCut }: Performance,
  pipes: readonly string[],
  title: string | undefined,
): Program {
  const of = (kind: RecordedBody["kind"]): RecordedBody[] =>
    [...bodies.values()].filter((body) => body.kind === kind);
  const tasks = of("task").map(({ name, ops, returns }) => [
    name,
    { ops, ...(returns === 0 ? {} : { returns }) },
  ]);
  const fibers = of("fiber").map(({ name, ops }) => [name, ops]);
  const program: Program = {
    version: 1,
    ...(title === undefined ? {} : { title }),
    ...(pipes.length === 0 ? {} : { pipes }),
    ...(fibers.length === 0 ? {} : { fibers: Object.fromEntries(fibers) as Record<string, Op[]> }),
    ...(tasks.length === 0 ? {} : { tasks: Object.fromEntries(tasks) as NonNullable<Program["tasks"]> }),
    ...(world.ops.length === 0 ? {} : { world: world.ops as WorldOp[] }),
  };
  return isDefaultMain(program, main.ops, isCut) ? program : { ...program, main: main.ops };
}

/** Whether main does what it does where it is left out; one that was cut off in its run did not come to deinit. */
function isDefaultMain(program: Program, main: readonly Op[], isCut: boolean): boolean {
  const whole = isCut && main.at(-1)?.op === "run" ? [...main, { op: "deinit" }] : main;
  return JSON.stringify(whole) === JSON.stringify(mainOf(program));
}
