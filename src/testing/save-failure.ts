/**
 * Saves a shrunk failure as an entry of a corpus, with where it came from.
 *
 * Invariant: the same program failing in the same way is the same file, and what is known is not overwritten by a later finding of it.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../native-bridge/make-folder.js";
import { CORPUS_FORMAT, type CorpusEntry } from "../sim/corpus-entry.js";
import { decodeTrace } from "../sim/decode-trace.js";
import type { Program } from "../sim/program.js";
import { wordsOnModel } from "./corpus-entry-of.js";
import { writeCorpusEntry } from "./corpus-folder.js";
import type { ShrunkFailure } from "./investigate.js";
import { fileComplaint } from "./text-file.js";
import { VERSION } from "./version.js";

/** Where an entry was saved, or why it was not. */
export type Saved = { readonly path: string } | { readonly complaint: string };

/** What is said of a failure beside its program. */
export interface FailureOrigin {
  /** The run, `S:i`. */
  readonly run: string;
  readonly signature: string;
  /** Names of the targets, the expected one first. */
  readonly on: readonly string[];
}

/** Saves a failure to `folder`, which is made if it is not there. Never throws for what the machine refuses. */
export async function saveFailure(
  folder: string,
  shrunk: ShrunkFailure,
  origin: FailureOrigin,
): Promise<Saved> {
  const entry = entryOf(shrunk, origin);
  const path = join(folder, `${entryName(origin.signature, entry.program)}.json`);
  if (existsSync(path)) return { path };
  try {
    makeFolder(folder);
    await writeCorpusEntry(path, entry);
    return { path };
  } catch (error) {
    return { complaint: `${path}: ${fileComplaint(error)}` };
  }
}

/** The name of the entry of a failure: what failed, then how, so that entries of one signature stand together. */
function entryName(signature: string, { title: _, ...program }: Program): string {
  const hash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 8);
  return `found-${hash(signature)}-${hash(JSON.stringify(program))}`;
}

function entryOf({ failure }: ShrunkFailure, { run, signature, on }: FailureOrigin): CorpusEntry {
  const program: Program = { ...failure.program, title: failure.program.title ?? `found by ${run}` };
  // A recorded trace is read as one in epoll's order, whoever is asked: where kqueue's was the expected one, it is the model's.
  const words = failure.readiness.expected === "kqueue" ? wordsOnModel(program) : failure.expected;
  const { records, outcome } = decodeTrace(program, words);
  return {
    format: CORPUS_FORMAT,
    reason: `found by a campaign: ${signature}`,
    provenance: {
      seed: run,
      on,
      signature,
      version: VERSION,
      date: new Date().toISOString().slice(0, 10),
      expected: failure.divergence.left.record ?? null,
      came: failure.divergence.right.record ?? null,
    },
    program,
    trace: records,
    outcome,
  };
}
