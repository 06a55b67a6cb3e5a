/**
 * Replays a stream of programs on several targets, a batch at a time, in the order given.
 *
 * A batch is bounded in programs and in words, so that memory stays flat however long the stream is. Each program comes back with one
 * trace for each target that can run it; targets replay the same batch at the same time.
 */

import { audited, batchOf, encodeProgram } from "../sim/encode-program.js";
import type { Program } from "../sim/program.js";
import { type Target, traceOf } from "../sim/target.js";

const BATCH_PROGRAMS_MAX = 1000;
const BATCH_WORDS_MAX = 4 * 1024 * 1024;

export interface NamedProgram {
  /** Where it came from: a file's path, or `path:line` and `-:line`. */
  readonly source: string;
  readonly seed?: string;
  readonly program: Program;
  /** Whether native targets hold it to account for what it leaves behind; true unless told. */
  readonly isAudited?: boolean;
}

/** A program, or the line to complain with, which names the source. */
export type Loaded =
  | { readonly ok: true; readonly value: NamedProgram }
  | { readonly ok: false; readonly complaint: string };

export interface Replayed {
  readonly named: NamedProgram;
  /** By target, in the order given; undefined where the target cannot run the program: it has a world and the runtime no idle hook. */
  readonly traces: readonly (Int32Array | undefined)[];
  /** By target: the last that its runtime printed before it died, where it did and the program was alone in its batch. */
  readonly printed: readonly (string | undefined)[];
}

/** A replayed program, or the complaint of one that could not be read. Traces are valid until the next is asked for. */
export type ReplayedOrNot =
  | { readonly ok: true; readonly value: Replayed }
  | { readonly ok: false; readonly complaint: string };

export async function* replayAll(
  programs: AsyncIterable<Loaded>,
  targets: readonly Target[],
  timings?: Map<Target, number>,
): AsyncGenerator<ReplayedOrNot> {
  let batch: { readonly named: NamedProgram; readonly words: Int32Array }[] = [];
  let wordCount = 0;
  const flush = async function* (): AsyncGenerator<ReplayedOrNot> {
    if (batch.length === 0) return;
    const answers = await Promise.all(targets.map((target) => replayOn(target, batch, timings)));
    for (const [i, { named }] of batch.entries()) {
      const printed = answers.map((answer) => answer.printed);
      yield { ok: true, value: { named, traces: answers.map(({ traces }) => traces[i]), printed } };
    }
    batch = [];
    wordCount = 0;
  };
  for await (const loaded of programs) {
    if (!loaded.ok) {
      yield* flush();
      yield loaded;
      continue;
    }
    const encoded = encodeProgram(loaded.value.program);
    const words = loaded.value.isAudited === false ? encoded : audited(encoded);
    if (batch.length === BATCH_PROGRAMS_MAX || wordCount + words.length > BATCH_WORDS_MAX) yield* flush();
    batch.push({ named: loaded.value, words });
    wordCount += words.length;
  }
  yield* flush();
}

async function replayOn(
  target: Target,
  batch: readonly { readonly named: NamedProgram; readonly words: Int32Array }[],
  timings: Map<Target, number> | undefined,
): Promise<{ readonly traces: (Int32Array | undefined)[]; readonly printed: string | undefined }> {
  const runs = batch.map(({ named }) => target.runsWorlds || (named.program.world ?? []).length === 0);
  const runnable = batch.filter((_, i) => runs[i]);
  const startMs = performance.now();
  const traces = await target.replay(batchOf(runnable.map(({ words }) => words)));
  timings?.set(target, (timings.get(target) ?? 0) + performance.now() - startMs);
  let next = 0;
  return {
    traces: runs.map((isRunnable) => (isRunnable ? traceOf(traces, next++) : undefined)),
    // Of a larger batch, nobody could tell which of its programs that was.
    printed: batch.length === 1 ? traces.printed : undefined,
  };
}
