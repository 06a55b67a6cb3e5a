/** A failure that a campaign found, as lines for people: what differed, the smallest program, and the command that repeats it. */
import type { GeneratorConstraints } from "../sim/generate/profile.js";
import { divergenceLines, indented } from "./divergence-text.js";
import type { FoundFailure } from "./failure-log.js";
import { generatorFlags, shellWord } from "./shell-word.js";
import type { Terminal } from "./terminal.js";

export function failureLines(
  found: FoundFailure,
  constraints: GeneratorConstraints,
  { paint, columns }: Pick<Terminal, "paint" | "columns">,
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
