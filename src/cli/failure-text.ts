/** A failure that a campaign found, as lines for people: what differed, the smallest program, and the command that repeats it. */
import type { GeneratorConstraints } from "../sim/generate/profile.js";
import { divergenceLines } from "./divergence-text.js";
import type { FoundFailure } from "./failure-book.js";
import { formatProgram } from "./program-text.js";
import { generatorFlags, shellWord } from "./shell-word.js";
import type { Terminal } from "./terminal.js";

export function failureLines(
  found: FoundFailure,
  constraints: GeneratorConstraints,
  paint: Terminal["paint"],
): string[] {
  const { shrunk, signature, first, on, saved } = found;
  const { divergence, program } = shrunk.failure;
  const state = shrunk.isMinimal ? "no single removal still fails" : "time was up: --shrink-time gives more";
  const targets = `${shellWord(divergence.left.on)},${shellWord(on)}`;
  return [
    `${paint("red", `FAILED  ${first} on ${on}`)}: ${signature}`,
    `  shrunk from ${shrunk.opsBefore} to ${shrunk.opsAfter} ops in ${shrunk.steps} steps (${state})`,
    ...divergenceLines(program, divergence, paint).map((line) => `  ${line}`),
    "  the program:",
    ...formatProgram(program)
      .split("\n")
      .map((line) => `    ${line}`),
    `  again:  lockstep repro ${shellWord(first)} --on ${targets}${generatorFlags(constraints)}`,
    ...("path" in saved ? [`  saved:  ${saved.path}`] : []),
    "",
  ];
}
