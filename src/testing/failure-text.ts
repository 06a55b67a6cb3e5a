/** A failure that was found, as lines for people: what differed, the smallest program, and the command that repeats it. */
import { divergenceLines, indented } from "../report/divergence-text.js";
import type { Paint } from "../report/paint.js";
import type { FoundFailure } from "./failure-log.js";

/** `again`: the command that shows the failure again, where there is one. */
export function failureLines(
  found: FoundFailure,
  again: string | undefined,
  { paint, columns }: { readonly paint: Paint; readonly columns: number },
): string[] {
  const { shrunk, signature, first, on, saved } = found;
  const { divergence, program } = shrunk.failure;
  const state = shrinkState(shrunk);
  const report = {
    paint,
    columns: columns - 2,
    showsProgram: true,
    ...(again === undefined ? {} : { again }),
  };
  return [
    `${paint("red", `FAILED  ${first} on ${on}`)}: ${signature}`,
    `  shrunk from ${shrunk.opsBefore} to ${shrunk.opsAfter} ops in ${shrunk.steps} steps (${state})`,
    ...indented(divergenceLines(program, divergence, report), 2),
    ...("path" in saved ? [`    saved:  ${saved.path}`] : []),
    "",
  ];
}

/** A target that fails only now and then gives nothing smaller that still fails, whatever time there is. */
function shrinkState({ isMinimal, steps }: FoundFailure["shrunk"]): string {
  if (isMinimal) return "no single removal still fails";
  return steps === 0 ? "nothing smaller failed a second time" : "time was up: more of it may give less";
}
