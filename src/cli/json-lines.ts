/** The machine-readable lines of `--format jsonl`: one JSON document a line, keys in the order of SPEC section 6. */
import { decodeTrace } from "../sim/decode-trace.js";
import type { Divergence } from "../sim/diff.js";
import type { NamedProgram } from "./load-programs.js";

/** `{"title"?, "seed"?, "on", "trace": [...], "outcome": {...}}` */
export function replayLine(named: NamedProgram, on: string, words: Int32Array): string {
  const { records, outcome } = decodeTrace(named.program, words);
  return JSON.stringify({ ...label(named), on, trace: records, outcome });
}

/** `{"title"?, "seed"?, "source", "on": [...], "agree", "divergence"?}` */
export function diffLine(
  named: NamedProgram,
  on: readonly string[],
  divergence: Divergence | undefined,
): string {
  return JSON.stringify({
    ...label(named),
    source: named.source,
    on,
    agree: divergence === undefined,
    divergence,
  });
}

function label({ program, seed }: NamedProgram): object {
  return {
    ...(program.title === undefined ? {} : { title: program.title }),
    ...(seed === undefined ? {} : { seed }),
  };
}
