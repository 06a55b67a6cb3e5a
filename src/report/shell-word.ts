/** Commands that are printed to be typed again: words as a shell takes them, and the flags that make the same programs. */
import type { GeneratorConstraints } from "../sim/generate/profile.js";

/** A word as a shell takes it: quoted where it has to be. */
export function shellWord(word: string): string {
  return /^[\w./:@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The flags of `sim`, `repro` and `generate` that give these constraints, each with a space before it. */
export function generatorFlags({ world, uniform }: GeneratorConstraints): string {
  return `${world === false ? " --no-world" : ""}${uniform === true ? " --uniform" : ""}`;
}
