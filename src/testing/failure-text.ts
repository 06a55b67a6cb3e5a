/** A failure that a campaign found, as lines for people: what differed, the smallest program, and the command that repeats it. */

import { divergenceLines, indented } from "../report/divergence-text.js";
import type { Paint } from "../report/paint.js";
import { generatorFlags, shellWord } from "../report/shell-word.js";
import type { GeneratorConstraints } from "../sim/generate/profile.js";
import type { FoundFailure } from "./failure-book.js";

export function failureLines(
  found: FoundFailure,
  constraints: GeneratorConstraints,
  { paint, columns }: { readonly paint: Paint; readonly columns: number },
): string[] {
  const { shrunk, signature, first, on, saved } = found;
  const { divergence, program } = shrunk.failure;
  const state = shrunk.isMinimal ? "no single removal still fails" : "time was up: --shrink-time gives more";
  const targets = `${shellWord(divergence.left.on)},${shellWord(on)}`;
  const again = `lockstep repro ${shellWord(first)} --on ${targets}${generatorFlags(constraints)}`;
  const report = { paint, columns: columns - 2, showsProgram: true, again };
  return [
    `${paint("red", `FAILED  ${first} on ${on}`)}: ${signature}`,
    `  shrunk from ${shrunk.opsBefore} to ${shrunk.opsAfter} ops in ${shrunk.steps} steps (${state})`,
    ...indented(divergenceLines(program, divergence, report), 2),
    ...("path" in saved ? [`    saved:  ${saved.path}`] : []),
    "",
  ];
}
