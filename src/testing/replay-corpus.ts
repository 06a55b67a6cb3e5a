/**
 * Replays the entries of a corpus on targets and compares each trace with the recorded one, which is the contract's answer.
 *
 * Entries come in the order of their names. One that cannot be read is a complaint of its own, and the others still run.
 */

import type { LoadedEntry } from "../sim/corpus-entry.js";
import type { Divergence } from "../sim/diff.js";
import { diffTargets } from "../sim/expected-trace.js";
import type { Program } from "../sim/program.js";
import { type Target, TargetError } from "../sim/target.js";
import { entryFiles, readEntry } from "./corpus-folder.js";
import { type Loaded, replayAll } from "./replay-batches.js";

/** What became of an entry on a target. `cannot run`: it has a world, and the runtime no idle hook. */
export interface CorpusVerdict {
  readonly on: string;
  readonly verdict: "agrees" | "differs" | "cannot run";
  /** Of one that differs: where, the recorded trace on the left. */
  readonly divergence?: Divergence;
}

/** An entry of a corpus after its replay, or why it could not be read. */
export type ReplayedEntry =
  | {
      readonly ok: true;
      /** The file's name without `.json`. */
      readonly name: string;
      readonly program: Program;
      /** By target, in the order given. */
      readonly verdicts: readonly CorpusVerdict[];
    }
  | { readonly ok: false; readonly complaint: string };

/**
 * Every entry of the corpus in `folder` on every target:
 *
 * ```ts
 * const model = await openTarget("model");
 * let agreeing = 0;
 * for await (const entry of replayCorpus("corpus", [model]))
 *   if (entry.ok && entry.verdicts.every(({ verdict }) => verdict === "agrees")) agreeing++;
 * console.log(agreeing > 50); // true
 * ```
 *
 * @throws TargetError `invalid` when the folder cannot be read, `lost` when a target is lost.
 */
export async function* replayCorpus(
  folder: string,
  targets: readonly Target[],
): AsyncGenerator<ReplayedEntry> {
  const files = await entryFiles(folder);
  if (!files.ok) throw new TargetError("invalid", files.complaint);
  yield* replayEntries(folder, files.value, targets);
}

/** The same for the files named, with the time that each target takes added to `timings`, in milliseconds. */
export async function* replayEntries(
  folder: string,
  files: readonly string[],
  targets: readonly Target[],
  timings?: Map<Target, number>,
): AsyncGenerator<ReplayedEntry> {
  const entries = new Map<string, LoadedEntry>();
  for await (const replayed of replayAll(programsOf(folder, files, entries), targets, timings)) {
    if (!replayed.ok) {
      yield replayed;
      continue;
    }
    const { source: name, program } = replayed.value.named;
    const { recorded } = entries.get(name)!;
    entries.delete(name);
    const verdicts = targets.map((target, i) =>
      verdictOn(target, program, recorded, replayed.value.traces[i]),
    );
    yield { ok: true, name, program, verdicts };
  }
}

function verdictOn(
  { name: on, readiness }: Target,
  program: Program,
  recorded: Int32Array,
  words: Int32Array | undefined,
): CorpusVerdict {
  if (words === undefined) return { on, verdict: "cannot run" };
  const divergence = diffTargets(program, { on: "recorded", words: recorded }, { on, words, readiness });
  return divergence === undefined ? { on, verdict: "agrees" } : { on, verdict: "differs", divergence };
}

async function* programsOf(
  folder: string,
  files: readonly string[],
  entries: Map<string, LoadedEntry>,
): AsyncGenerator<Loaded> {
  for (const file of files) {
    const found = await readEntry(folder, file);
    if (!found.ok) {
      yield { ok: false, complaint: found.complaint };
      continue;
    }
    entries.set(found.name, found.loaded);
    const { program, provenance } = found.loaded.entry;
    // An audit costs as much as a hundred replays: it is for the entries that were found by one.
    const isAudited =
      provenance?.came != null && "outcome" in provenance.came && provenance.came.outcome === "leak";
    yield { ok: true, value: { source: found.name, program, isAudited } };
  }
}
