/**
 * Fiber programs as a fast-check arbitrary, for properties of your own:
 *
 *     fc.assert(fc.property(fiberProgram({ pipesMax: 0 }), (program) => ...));
 *
 * It is the campaign's generator, started by fast-check's random numbers; it shrinks by structure (`shrink/program-edits.ts`), so that a
 * counterexample is a program that a person can read.
 */
import { Arbitrary, type Random, Stream, Value } from "fast-check";
import { checkProgram } from "../check-program.js";
import { decodeProgram } from "../decode-program.js";
import type { Program } from "../program.js";
import { removals, simplifications } from "../shrink/program-edits.js";
import type { GeneratorConstraints } from "./profile.js";
import { ProgramGenerator } from "./program-generator.js";
import { SeededStream } from "./random-numbers.js";
import { WordBuffer } from "./word-buffer.js";

/** The campaign's generator as an arbitrary that knows a campaign's runs too. */
export class ProgramArbitrary extends Arbitrary<Program> {
  readonly #generator: ProgramGenerator;
  readonly #buffer = new WordBuffer();
  readonly #stream = new SeededStream("");

  constructor(constraints: GeneratorConstraints) {
    super();
    this.#generator = new ProgramGenerator(constraints);
  }

  override generate(random: Random): Value<Program> {
    this.#buffer.position = 0;
    this.#stream.restart(random.nextInt(), random.nextInt(), random.nextInt());
    this.#generator.generate(this.#stream, this.#buffer);
    return new Value(decodeProgram(this.#buffer.words), undefined);
  }

  /** The program of a campaign's run, `S:i`, of the same constraints. */
  ofRun(runSeed: string): Program {
    this.#buffer.position = 0;
    this.#generator.generate(new SeededStream(runSeed), this.#buffer);
    return decodeProgram(this.#buffer.words);
  }

  override canShrinkWithoutContext(value: unknown): value is Program {
    return typeof value === "object" && value !== null && (value as Partial<Program>).version === 1;
  }

  override shrink(program: Program): Stream<Value<Program>> {
    return new Stream(shrunkValues(program));
  }
}

function* shrunkValues(program: Program): IterableIterator<Value<Program>> {
  for (const edits of [removals(program), simplifications(program)]) {
    for (const smaller of edits) if (checkProgram(smaller) === undefined) yield new Value(smaller, undefined);
  }
}

/** Valid programs (SPEC section 3) of the campaign's mix. `constraints` bound their size and their misuse. */
export function fiberProgram(constraints: GeneratorConstraints = {}): Arbitrary<Program> {
  return new ProgramArbitrary(constraints);
}
