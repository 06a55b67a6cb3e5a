/** Generated programs as one batch, as a campaign makes them: the same seed, the same words. */
import { audited } from "../../src/sim/encode-program.js";
import { ProgramGenerator } from "../../src/sim/generate/program-generator.js";
import { SeededStream } from "../../src/sim/generate/random-numbers.js";
import { runSeed } from "../../src/sim/generate/run-seed.js";
import { WordBuffer } from "../../src/sim/generate/word-buffer.js";
import type { ProgramBatch } from "../../src/sim/target.js";

/** Runs 0 to `count` - 1 of the campaign of that seed; `isAudited`: held to account for leaks. */
export function generatedBatch(seed: string, count: number, isAudited = false): ProgramBatch {
  const generator = new ProgramGenerator({ world: true, uniform: false });
  const buffer = new WordBuffer();
  const ends = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const start = buffer.position;
    generator.generate(new SeededStream(runSeed(seed, i)), buffer);
    if (isAudited) audited(buffer.words, start);
    ends[i] = buffer.position;
  }
  return { words: buffer.words, ends, count };
}
