/**
 * Runs a range of a campaign: generates its programs, replays them on every target at once, compares bytes, counts coverage.
 *
 * Guarantee: what comes back depends on the seed, the range, the constraints and the targets alone, never on the ranges run before it.
 * Buffers are reused, so memory is flat over any number of ranges.
 */
import { hash } from "node:crypto";
import { outcomeOf } from "../decode-trace.js";
import { sameBatch } from "../diff.js";
import { agrees } from "../expected-trace.js";
import type { GeneratorConstraints } from "../generate/profile.js";
import { ProgramGenerator } from "../generate/program-generator.js";
import { SeededStream } from "../generate/random-numbers.js";
import { WordBuffer } from "../generate/word-buffer.js";
import { type ProgramBatch, type Target, type TraceBatch, traceOf } from "../target.js";
import { Coverage } from "./coverage.js";
import { leakingPrograms } from "./leak-audit.js";
import { outcomeWord } from "./signature.js";

/** Runs `from` to `from + count - 1` of a campaign. */
export interface RunRange {
  readonly from: number;
  readonly count: number;
}

/** A run on which a target differs from the first. */
export interface FailedRun {
  readonly index: number;
  readonly on: string;
  /** How it ended there, as in a signature: `crash SIGSEGV`, `completed`; or STALL, where it or the first target ended so. */
  readonly outcome: string;
}

/** The one outcome that a clock decides: a machine that stalls for as long as the time limit gives it to any program. */
export const STALL = "timeout";

export interface RangeResult {
  readonly range: RunRange;
  readonly failures: readonly FailedRun[];
  /** Runs whose traces were read for coverage; the sums below and the labels are of these. */
  readonly lookedAt: number;
  /** Records of their traces on the first target. */
  readonly events: number;
  readonly opsWritten: number;
  readonly opsReached: number;
  /** Runs that reached each label (`labels.ts`), by label number. */
  readonly labels: readonly number[];
  /** For the first `digestCount` runs: digests of the program and then of its trace on each target, and so of the verdict. */
  readonly digests: readonly (readonly string[])[];
}

/** Coverage is a statistic: every run is read at first, and one of sixteen of a long campaign. By index, so that it is the same for any seed. */
const LOOKED_AT_FIRST = 10_000;
const LOOKED_AT_EVERY = 16;

function isLookedAt(index: number): boolean {
  return index < LOOKED_AT_FIRST || index % LOOKED_AT_EVERY === 0;
}

export class BatchRunner {
  readonly #targets: readonly Target[];
  readonly #generator: ProgramGenerator;
  readonly #buffer = new WordBuffer();
  readonly #random = new SeededStream("");
  #ends = new Uint32Array(0);

  /** The first target is the one that the others are compared with. */
  constructor(targets: readonly Target[], constraints: GeneratorConstraints) {
    this.#targets = targets;
    this.#generator = new ProgramGenerator(constraints);
  }

  /** @throws TargetError when a target is lost. */
  async run(seed: string, range: RunRange, digestCount = 0): Promise<RangeResult> {
    const batch = this.#generate(seed, range);
    const { first, others, coverage } = await this.#replay(batch, range);
    const failed = others.map((other, i) =>
      this.#failedRuns(batch, first, other, this.#targets[i + 1]!, range.from),
    );
    const digests = Array.from({ length: Math.min(digestCount, batch.count) }, (_, i) =>
      digestsOf(batch, [first, ...others], i),
    );
    // Last, for it overwrites the target's traces. The first target's stay: a target that is audited is another one.
    const leaks: FailedRun[] = [];
    for (const [i, other] of others.entries()) {
      const target = this.#targets[i + 1]!;
      const known = new Set(failed[i]!.map(({ index }) => index - range.from));
      const leaking = await leakingPrograms(
        batch,
        first,
        known,
        target,
        other.grew === true,
        this.#targets[0]!.readiness,
      );
      leaks.push(
        ...leaking.map(({ program, outcome }) => ({ index: range.from + program, on: target.name, outcome })),
      );
    }
    return {
      range,
      failures: [...failed.flat(), ...leaks].sort((a, b) => a.index - b.index),
      lookedAt: coverage.runs,
      events: coverage.events,
      opsWritten: coverage.opsWritten,
      opsReached: coverage.opsReached,
      labels: [...coverage.counts],
      digests,
    };
  }

  #failedRuns(
    batch: ProgramBatch,
    expected: TraceBatch,
    came: TraceBatch,
    on: Target,
    from: number,
  ): FailedRun[] {
    if (sameBatch(expected, came)) return [];
    const expectedReadiness = this.#targets[0]!.readiness;
    const failures: FailedRun[] = [];
    for (let i = 0; i < expected.count; i++) {
      const first = { words: traceOf(expected, i), readiness: expectedReadiness };
      const other = { words: traceOf(came, i), readiness: on.readiness };
      if (agrees(traceOf(batch, i), first, other)) continue;
      const [ended, expectedEnded] = [other, first].map(({ words }) => outcomeWord(outcomeOf(words)));
      failures.push({ index: from + i, on: on.name, outcome: expectedEnded === STALL ? STALL : ended! });
    }
    return failures;
  }

  /**
   * The batch on every target. Native ones work in processes of their own and are asked first: while they are at it, this thread has the
   * model replay, and reads what the first target gave.
   */
  async #replay(batch: ProgramBatch, range: RunRange): Promise<Replayed> {
    const [firstTarget, ...otherTargets] = this.#targets;
    const others = Promise.all(otherTargets.map((target) => target.replay(batch)));
    // Waited for below; until then it may fail unheard.
    others.catch(() => {});
    const first = await firstTarget!.replay(batch);
    return { first, coverage: coverageOf(batch, first, range.from), others: await others };
  }

  #generate(seed: string, { from, count }: RunRange): ProgramBatch {
    if (this.#ends.length < count) this.#ends = new Uint32Array(count);
    const buffer = this.#buffer;
    buffer.position = 0;
    for (let i = 0; i < count; i++) {
      this.#random.reseedRun(seed, from + i);
      this.#generator.generate(this.#random, buffer);
      this.#ends[i] = buffer.position;
    }
    return { words: buffer.words.subarray(0, buffer.position), ends: this.#ends.subarray(0, count), count };
  }
}

/** What the targets gave of a batch, and what the first target's traces reached. */
interface Replayed {
  readonly first: TraceBatch;
  readonly others: readonly TraceBatch[];
  readonly coverage: Coverage;
}

function coverageOf(batch: ProgramBatch, traces: TraceBatch, from: number): Coverage {
  const coverage = new Coverage();
  for (let i = 0; i < batch.count; i++) {
    if (!isLookedAt(from + i)) continue;
    const program = startOf(batch.ends, i);
    coverage.read(batch.words, program, traces.words, startOf(traces.ends, i), traces.ends[i]!);
  }
  return coverage;
}

function startOf(ends: Uint32Array, i: number): number {
  return i === 0 ? 0 : ends[i - 1]!;
}

function digestsOf(batch: ProgramBatch, traces: readonly TraceBatch[], i: number): string[] {
  const program = batch.words.subarray(startOf(batch.ends, i), batch.ends[i]!);
  return [program, ...traces.map((trace) => traceOf(trace, i))].map((words) =>
    hash("sha256", words, "hex").slice(0, 32),
  );
}
