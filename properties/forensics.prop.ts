/**
 * Laws of forensics over generated programs: what it says from the model's states must be what the run then does.
 *
 * The outcome and the trace are the judges; forensics is never told of them. The seed is `LOCKSTEP_SEED`, `lockstep` without it.
 */
import { describe, expect, test } from "vitest";
import { decodeProgram } from "../src/sim/decode-program.js";
import { decodeTrace } from "../src/sim/decode-trace.js";
import { batchOf, encodeProgram } from "../src/sim/encode-program.js";
import { explainStuck } from "../src/sim/forensics/explain-stuck.js";
import type { Forensics } from "../src/sim/forensics/forensics.js";
import { forensicsLines } from "../src/sim/forensics/forensics-text.js";
import type { GeneratorConstraints } from "../src/sim/generate/profile.js";
import { ProgramGenerator } from "../src/sim/generate/program-generator.js";
import { SeededStream } from "../src/sim/generate/random-numbers.js";
import { runSeed } from "../src/sim/generate/run-seed.js";
import { WordBuffer } from "../src/sim/generate/word-buffer.js";
import { ModelTarget } from "../src/sim/model-target.js";
import { snapshotAtEnd } from "../src/sim/named-snapshot.js";
import type { Program } from "../src/sim/program.js";
import type { Outcome, Trace } from "../src/sim/trace.js";

const seed = process.env.LOCKSTEP_SEED || "lockstep";
const RUNS = 20_000;

interface Run {
  readonly name: string;
  readonly program: Program;
  readonly trace: Trace;
  readonly forensics: Forensics | undefined;
}

function* runs(count: number, constraints: GeneratorConstraints = {}): Generator<Run> {
  const model = new ModelTarget();
  const generator = new ProgramGenerator(constraints);
  for (let i = 0; i < count; i++) {
    const name = runSeed(seed, i);
    const buffer = new WordBuffer();
    generator.generate(new SeededStream(name), buffer);
    const encoded = buffer.words.slice(0, buffer.position);
    const program = decodeProgram(encoded);
    const trace = decodeTrace(program, model.replayNow(batchOf([encoded])).words);
    yield { name, program, trace, forensics: explainStuck(program, encoded) };
  }
}

/** R2's panic, or waiting for ever; anything else is neither. */
function endOf(outcome: Outcome): "deadlock" | "io-hang" | undefined {
  if (outcome.outcome === "io-hang") return "io-hang";
  return outcome.outcome === "panic" && outcome.message.startsWith("sched: deadlock")
    ? "deadlock"
    : undefined;
}

function check({ name, program, trace, forensics }: Run): void {
  const end = endOf(trace.outcome);
  const verdict = forensics?.verdict === "partial" ? undefined : forensics?.verdict;
  expect([name, verdict]).toEqual([name, end]);
  if (forensics === undefined) return;
  const stuck = new Map(forensics.stuck.map((fiber) => [fiber.who, fiber]));
  if (end !== undefined) {
    const parked = snapshotAtEnd(program, encodeProgram(program)).parked.map(({ who }) => who);
    expect([name, [...stuck.keys()].sort()]).toEqual([name, parked.sort()]);
  }
  for (const [record, { who }] of trace.records.entries()) {
    const fiber = stuck.get(who);
    // The law that makes "certain" true: nobody who is called stuck is ever heard of again.
    if (fiber !== undefined && record > fiber.certain.record) throw new Error(`${name}: ${who} at ${record}`);
  }
  for (const fiber of forensics.stuck) {
    const park = trace.records[fiber.since.record]!;
    expect([name, park]).toMatchObject([
      name,
      { ev: "call", who: fiber.who, at: fiber.at, t: fiber.since.t },
    ]);
    expect(fiber.certain.record, name).toBeGreaterThanOrEqual(fiber.since.record);
    const { cause } = fiber;
    if (cause.kind === "cycle") expect(cause.members, name).toContain(fiber.who);
    if (cause.kind === "behind") {
      const root = stuck.get(cause.path.at(-1)!);
      expect(root?.cause.kind, name).not.toBe("behind");
      expect(cause.path[0], name).toBe(fiber.who);
    }
    if (cause.kind === "lost-wake") {
      expect(trace.records[cause.wake.record], name).toMatchObject({ op: "wake", who: cause.by });
      expect(cause.wake.record, name).toBeLessThan(fiber.since.record);
    }
  }
  expect(forensicsLines(forensics).length, name).toBeGreaterThan(forensics.stuck.length);
}

describe(`forensics [LOCKSTEP_SEED=${seed}]`, () => {
  test(`over ${RUNS} programs says deadlock exactly when R2 panics and io-hang exactly when it is one, and explains every parked fiber`, () => {
    const kinds = new Map<string, number>();
    const count = (kind: string): void => void kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    for (const run of runs(RUNS)) {
      check(run);
      if (run.forensics === undefined) continue;
      count(run.forensics.verdict);
      for (const { cause } of run.forensics.stuck) count(cause.kind);
      if (run.forensics.stages.some(({ others }) => others.length > 0)) count("while others run");
    }
    // A law over programs that never come to it would hold of anything.
    const enough = ["deadlock", "io-hang", "partial", "behind", "lost-wake", "orphan", "unwritten", "cycle"];
    for (const kind of [...enough, "while others run"])
      expect([kind, (kinds.get(kind) ?? 0) >= 20]).toEqual([kind, true]);
    if (process.env.LOCKSTEP_SHOW) console.log(kinds);
  }, 300_000);
});
