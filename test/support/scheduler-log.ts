/**
 * A scheduler and a log for tests of the model: bodies write words, expectations read them as `word@clock word@clock`.
 */
import { type Op, Scheduler, type SchedulerOptions, SchedulerPanic } from "../../src/sched/index.js";

export interface Log {
  (word: string): void;
  /** A body that does so and ends, without ever parking. */
  does(act: () => void): () => Op;
  /** A body that writes the word and ends. */
  says(word: string): () => Op;
  /** A body that sleeps, then writes. */
  sleeps(word: string, ms: number): () => Op;
  /** A body that blocks on the pipe, then writes. */
  blocks(word: string, pipe: number): () => Op;
  line(): string;
}

/** A scheduler that checks its invariants after every step, and a log with its clock. */
export function traced(options: SchedulerOptions = {}): { readonly s: Scheduler; readonly log: Log } {
  const s = new Scheduler({ ...options, check: true });
  const lines: string[] = [];
  const write = (word: string): void => void lines.push(`${word}@${s.nowMs}`);
  const log: Log = Object.assign(write, {
    does,
    says: (word: string) => does(() => write(word)),
    sleeps: (word: string, ms: number) =>
      function* (): Op {
        yield* s.sleep(ms);
        write(word);
      },
    blocks: (word: string, pipe: number) =>
      function* (): Op {
        yield* s.block(pipe);
        write(word);
      },
    line: () => lines.join(" "),
  });
  return { s, log };
}

/** A body without a `yield` of its own: the empty one parks nowhere. */
function does(act: () => void): () => Op {
  return function* (): Op {
    act();
    yield* [];
  };
}

/** The text of the panic that it ends in; anything else fails the test. */
export function panicOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof SchedulerPanic) return error.message;
    throw error;
  }
  throw new Error("expected a panic, there was none");
}
