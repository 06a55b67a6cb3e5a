/**
 * `test.lockstep`: a vitest test that replays programs on several targets and fails on the first that they part on.
 *
 * Its runs follow from the seed and its name (`test-seed.ts`). What it found before and saved is replayed first. It ends by itself, with a
 * sentence, when its time is up, and at once when vitest is interrupted.
 */
import { type Arbitrary, sample } from "fast-check";
import type { TestAPI, TestContext } from "vitest";
import type { TargetOptions } from "../native-bridge/targets.js";
import { plain } from "../report/paint.js";
import { shellWord } from "../report/shell-word.js";
import { signatureText } from "../sim/campaign/signature.js";
import { ProgramArbitrary } from "../sim/generate/program-arbitrary.js";
import { runSeed } from "../sim/generate/run-seed.js";
import { seedHash } from "../sim/generate/seed-hash.js";
import type { Program } from "../sim/program.js";
import type { Target } from "../sim/target.js";
import { CORPUS_DEFAULT, SHRINK_MS } from "../testing/defaults.js";
import { failureLines } from "../testing/failure-text.js";
import { type Failure, shrinkFailure } from "../testing/investigate.js";
import { firstFailure } from "../testing/investigate-program.js";
import type { Saved } from "../testing/save-failure.js";
import { type SavedProgram, savedPrograms, saveTestFailure } from "./test-corpus.js";
import { runsOfTest } from "./test-seed.js";
import { testTargets } from "./test-targets.js";

/** What a `test.lockstep` is told. */
export interface LockstepOptions extends TargetOptions {
  /** Names of targets, the expected one first. `["model", "native"]` unless told. */
  readonly on?: readonly string[];
  /** How many programs of an arbitrary are tried; 100 unless told. A program is tried once. */
  readonly runs?: number;
  /** The folder that failures are saved to and replayed from, or false for neither. `corpus` in the current folder unless told. */
  readonly corpus?: string | false;
  /** Milliseconds that the runs and the saved programs before them may take; 60,000 unless told. A failure is shrunk after that. */
  readonly timeout?: number;
  /** Milliseconds that shrinking a failure may take; 10,000 unless told. */
  readonly shrinkMs?: number;
}

/** Defines a test that `subject`, a program or an arbitrary of programs, gives the same trace on every target. */
export type LockstepTest = (
  name: string,
  subject: Arbitrary<Program> | Program,
  options?: LockstepOptions,
) => void;

const ON_DEFAULT = ["model", "native"];
const RUNS_DEFAULT = 100;
const TIMEOUT_MS = 60_000;
/** Programs replayed at a time: an interruption is seen between two batches. */
const BATCH_RUNS = 50;
/** What vitest allows beyond our own limits, which give the better message. */
const GRACE_MS = 10_000;

/** Two targets part, with the report of the divergence as the message. */
export class LockstepError extends Error {
  override readonly name = "LockstepError";
}

/** `test.lockstep` on a test function of vitest: `test`, `test.only`, `test.skip`. */
export function lockstepTest(test: TestAPI | TestAPI["only"]): LockstepTest {
  const define: LockstepTest = (name, subject, options = {}) => {
    const declared = new Error();
    Error.captureStackTrace(declared, define);
    const { timeout = TIMEOUT_MS, shrinkMs = SHRINK_MS } = options;
    test(name, { timeout: timeout + shrinkMs + GRACE_MS }, async (context) => {
      try {
        await new LockstepRun(subject, options, context).run();
      } catch (error) {
        // The frames of the declaration are the ones that the reader knows.
        const { stack = "" } = declared;
        if (error instanceof LockstepError)
          error.stack = `${error}\n${stack.slice(stack.indexOf("    at "))}`;
        throw error;
      }
    });
  };
  return define;
}

class LockstepRun {
  readonly #subject: Arbitrary<Program> | Program;
  readonly #options: LockstepOptions;
  readonly #context: TestContext;
  readonly #name: string;
  readonly #corpus: string | false;

  constructor(subject: Arbitrary<Program> | Program, options: LockstepOptions, context: TestContext) {
    this.#subject = subject;
    this.#options = options;
    this.#context = context;
    this.#name = namesOf(context).join(" > ");
    this.#corpus = options.corpus ?? CORPUS_DEFAULT;
  }

  async run(): Promise<void> {
    const runs = runsOfTest(this.#name, process.env.LOCKSTEP_SEED);
    // For `setup.ts`, which sees all test files.
    this.#context.task.meta.lockstep = runs === undefined ? "left" : "ran";
    if (runs === undefined)
      return this.#context.skip(
        `LOCKSTEP_SEED=${process.env.LOCKSTEP_SEED} is a run of another test, of this file or of another`,
      );
    const { on = ON_DEFAULT, timeout = TIMEOUT_MS } = this.#options;
    if (on.length < 2) throw new Error(`on: ${JSON.stringify(on)}: name at least two targets`);
    const targets = await testTargets(on, this.#options);
    if (runs.only !== undefined) return this.#check(targets, runs.seed, [runs.only]);

    const deadlineMs = performance.now() + timeout;
    const saved = await savedPrograms(this.#corpus, this.#name);
    await this.#inBatches(saved.length, "saved programs", deadlineMs, (indices) =>
      this.#checkSaved(
        targets,
        indices.map((i) => saved[i]!),
      ),
    );
    const count = this.#isArbitrary() ? (this.#options.runs ?? RUNS_DEFAULT) : 1;
    await this.#inBatches(count, "runs", deadlineMs, (indices) => this.#check(targets, runs.seed, indices));
  }

  /** Checks 0 to `count` - 1 some at a time, while there is time. `what`: what they are, in a message. */
  async #inBatches(
    count: number,
    what: string,
    deadlineMs: number,
    check: (indices: readonly number[]) => Promise<void>,
  ): Promise<void> {
    for (let from = 0; from < count; from += BATCH_RUNS) {
      if (this.#context.signal.aborted)
        throw new LockstepError(`interrupted after ${from} of ${count} ${what}`);
      if (performance.now() > deadlineMs)
        throw new LockstepError(
          `${from} of ${count} ${what} agreed in ${this.#options.timeout ?? TIMEOUT_MS} ms, and the time is up: give timeout more, or runs less`,
        );
      await check(Array.from({ length: Math.min(BATCH_RUNS, count - from) }, (_, i) => from + i));
    }
  }

  /** Replays runs, and throws the first that diverges, shrunk and saved. */
  async #check(targets: readonly Target[], seed: string, indices: readonly number[]): Promise<void> {
    const programs = indices.map((index) => this.#programOf(runSeed(seed, index)));
    // An audit for leaks costs as much as a hundred replays: it is for single programs, and for campaigns.
    const first = await firstFailure(programs, targets, programs.length === 1);
    if (first === undefined) return;
    const { failure, index, came } = first;
    throw await this.#diverged(failure, runSeed(seed, indices[index]!), targets[0]!, came);
  }

  async #diverged(failure: Failure, run: string, expected: Target, came: Target): Promise<LockstepError> {
    const { shrinkMs = SHRINK_MS } = this.#options;
    const signature = signatureText(failure.signature);
    const shrunk = await shrinkFailure(failure, expected, came, shrinkMs, this.#context.signal);
    const on = [expected.name, came.name];
    const saved = await saveTestFailure(this.#corpus, shrunk, { run, signature, on });
    return failed({ signature, first: run, on: came.name, shrunk, saved }, this.#repeatCommand(run));
  }

  /** What this test has found before must not come back. */
  async #checkSaved(targets: readonly Target[], saved: readonly SavedProgram[]): Promise<void> {
    const programs = saved.map(({ program }) => program);
    const first = await firstFailure(programs, targets, true);
    if (first === undefined) return;
    const { failure, index, came } = first;
    const expected = targets[0]!;
    const { path } = saved[index]!;
    const { shrinkMs = SHRINK_MS } = this.#options;
    const shrunk = await shrinkFailure(failure, expected, came, shrinkMs, this.#context.signal);
    const again = `lockstep diff ${shellWord(path)} --on ${shellWord(expected.name)},${shellWord(came.name)}`;
    const signature = signatureText(failure.signature);
    throw failed({ signature, first: path, on: came.name, shrunk, saved: { path } }, again);
  }

  #isArbitrary(): boolean {
    return !("version" in this.#subject);
  }

  #programOf(run: string): Program {
    const subject = this.#subject;
    if ("version" in subject) return subject;
    if (subject instanceof ProgramArbitrary) return subject.ofRun(run);
    return sample(subject, { seed: seedHash(run), numRuns: 1 })[0]!;
  }

  #repeatCommand(run: string): string {
    const { task } = this.#context;
    // Vitest matches its pattern against the names with a space between them.
    const pattern = namesOf(this.#context)
      .join(" ")
      .replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return `LOCKSTEP_SEED=${shellWord(run)} npx vitest run ${shellWord(task.file.name)} -t ${shellWord(pattern)}`;
  }
}

interface FailedRun {
  readonly signature: string;
  readonly first: string;
  readonly on: string;
  readonly shrunk: Parameters<typeof failureLines>[0]["shrunk"];
  readonly saved: Saved;
}

/** Columns of a message: nobody knows how wide the terminal is that shows it. */
const COLUMNS = 110;

function failed(found: FailedRun, again: string): LockstepError {
  return new LockstepError(failureText(found, again));
}

/** The report of a failure as the message of an error. */
export function failureText(found: FailedRun, again: string | undefined): string {
  const lines = failureLines(found, again, { paint: plain, columns: COLUMNS });
  if ("complaint" in found.saved && found.saved.complaint !== "corpus: false")
    lines.push(`    not saved: ${found.saved.complaint}`);
  return lines
    .map((line) => line.trimEnd())
    .join("\n")
    .trimEnd();
}

/** The names of the suites around a test, outermost first, and its own. */
function namesOf({ task }: TestContext): string[] {
  const names = [task.name];
  for (let suite = task.suite; suite !== undefined; suite = suite.suite) names.unshift(suite.name);
  return names.filter((name) => name !== "");
}
