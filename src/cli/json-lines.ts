/** The machine-readable lines of `--format jsonl`: one JSON document a line, keys in the order of SPEC section 6. */
import { TraceDecoder } from "../sim/decode-trace.js";
import type { Divergence } from "../sim/diff.js";
import type { NamedProgram } from "../testing/replay-batches.js";

/** How many records a part of a line holds. */
const RECORDS_A_PART = 1024;

/** `{"title"?, "seed"?, "on", "trace": [...], "outcome": {...}}`, in parts: a trace may be longer than a string can be. */
export function* replayLine(named: NamedProgram, on: string, words: Int32Array): Generator<string> {
  const head = JSON.stringify({ ...label(named), on });
  let part = `${head.slice(0, -1)},"trace":[`;
  let records = 0;
  for (const { record } of new TraceDecoder(named.program).places(words)) {
    if ("outcome" in record) {
      yield `${part}],"outcome":${JSON.stringify(record)}}\n`;
      return;
    }
    part += `${records === 0 ? "" : ","}${JSON.stringify(record)}`;
    if (++records % RECORDS_A_PART !== 0) continue;
    yield part;
    part = "";
  }
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
