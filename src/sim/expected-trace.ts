/**
 * What a target's trace is held to: the first target's, save for what SPEC I3 leaves to the readiness queue.
 *
 * Two targets on the same readiness queue are compared with each other and nothing else. Of two on different ones, the second may answer
 * as the first did or, where the first did as the model does in its order, as the model does in the second's. So a difference is let
 * through only where the model explains both sides in full: a lost event, a wrong wake or any other fault is still a divergence. One
 * freedom is left, for the model is asked only where the bytes differ, which is seldom: a target may deliver in the other queue's order.
 */
import type { Readiness } from "../sched/index.js";
import { type Divergence, diffTraces, type Side, sameWords } from "./diff.js";
import { batchOf, encodeProgram } from "./encode-program.js";
import { ModelTarget } from "./model-target.js";
import type { Program } from "./program.js";

/** What a trace is compared with. */
interface Expected {
  readonly words: Int32Array;
  /** Whose trace these words are: the first target's, or the model's in the other's order. */
  readonly by: "first" | "model";
}

type Answer = Omit<Side, "on">;

const models: Readonly<Record<Readiness, ModelTarget>> = {
  epoll: new ModelTarget("epoll"),
  kqueue: new ModelTarget("kqueue"),
};

/** What `came` is to be equal to, where the first target answered `first`. */
function expectedTrace(program: Int32Array, first: Answer, came: Answer): Expected {
  const [ours, theirs] = [first.readiness ?? "epoll", came.readiness ?? "epoll"];
  if (ours === theirs || sameWords(first.words, came.words)) return { words: first.words, by: "first" };
  const batch = batchOf([program]);
  if (!sameWords(models[ours].replayNow(batch).words, first.words))
    return { words: first.words, by: "first" };
  return { words: models[theirs].replayNow(batch).words.slice(), by: "model" };
}

/** Whether `came` is as it should be, where the first target answered `first`. `program`: its words. */
export function agrees(program: Int32Array, first: Answer, came: Answer): boolean {
  return sameWords(expectedTrace(program, first, came).words, came.words);
}

/** Where a target's trace parts from what it should be, or undefined when it agrees; `diffTraces` of two targets' traces. */
export function diffTargets(program: Program, first: Side, came: Side): Divergence | undefined {
  if (sameWords(first.words, came.words)) return undefined;
  const { words, by } = expectedTrace(encodeProgram(program), first, came);
  const left = by === "first" ? first : { on: "model", words, readiness: came.readiness };
  return diffTraces(program, left, came);
}
