/**
 * The failures of a campaign, by signature: investigates each new one, shrinks it, saves it, prints it once.
 *
 * Investigations happen in the order of the runs, so that the run that stands for a signature is always the first. Of a runtime that fails
 * everywhere only the first failed runs are looked at; the others are counted. A failure that cannot be saved is printed whole, so that
 * nothing is lost.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { FailedRun } from "../sim/campaign/batch-runner.js";
import { signatureText } from "../sim/campaign/signature.js";
import { CORPUS_FORMAT, type CorpusEntry } from "../sim/corpus-entry.js";
import { decodeTrace } from "../sim/decode-trace.js";
import { runSeed } from "../sim/generate/run-seed.js";
import type { Program } from "../sim/program.js";
import type { Target } from "../sim/target.js";
import type { CampaignSetup } from "./campaign-messages.js";
import { writeEntry } from "./corpus-folder.js";
import {
  type FailureLog,
  type FoundFailure,
  INVESTIGATED_MAX,
  type LookedAtRun,
  SIGNATURES_MAX,
} from "./failure-log.js";
import { failuresOf, programOfRun, type ShrunkFailure, shrinkFailure } from "./investigate.js";
import { fileComplaint } from "./load-programs.js";

export interface FailureBookOptions {
  readonly setup: CampaignSetup;
  readonly shrinkMs: number;
  /** The corpus to save to, or undefined not to. */
  readonly folder: string | undefined;
  readonly version: string;
  readonly interrupted: AbortSignal;
  /** An open target, by its name. */
  readonly target: (name: string) => Target;
}

export class FailureBook {
  readonly #options: FailureBookOptions;
  readonly #found: Map<string, FoundFailure>;
  readonly #lookedAt: LookedAtRun[];
  #count: number;

  /** `log`: what an earlier part of the campaign has noted. */
  constructor(options: FailureBookOptions, log: FailureLog) {
    this.#options = options;
    this.#found = new Map(log.found.map((found) => [found.signature, found]));
    this.#lookedAt = [...log.lookedAt];
    this.#count = log.count;
  }

  /** The log so far. */
  get log(): FailureLog {
    return { count: this.#count, lookedAt: this.#lookedAt, found: [...this.#found.values()] };
  }

  /** Looks at a failed run. The failure when its signature is new, else undefined. */
  async add({ index, on }: FailedRun): Promise<FoundFailure | undefined> {
    const { setup, target, shrinkMs, interrupted } = this.#options;
    this.#count++;
    if (this.#lookedAt.length >= INVESTIGATED_MAX) return undefined;
    const first = runSeed(setup.seed, index);
    const expected = target(setup.on[0]!);
    const came = target(on);
    const [failure] = await failuresOf([programOfRun(first, setup.constraints)], expected, came);
    const signature = failure === undefined ? null : signatureText(failure.signature);
    this.#lookedAt.push({ index, on, signature });
    if (failure === undefined || signature === null) return undefined;
    if (this.#found.has(signature) || this.#found.size >= SIGNATURES_MAX) return undefined;
    const shrunk = await shrinkFailure(failure, expected, came, shrinkMs, interrupted);
    const saved = await this.#save(signature, first, shrunk);
    const found: FoundFailure = { signature, first, on, shrunk, saved };
    this.#found.set(signature, found);
    return found;
  }

  async #save(signature: string, first: string, shrunk: ShrunkFailure): Promise<FoundFailure["saved"]> {
    const { folder, version, setup } = this.#options;
    if (folder === undefined) return { complaint: "not saved: --no-save" };
    const entry = entryOf(shrunk, first, signature, version, setup.on);
    const path = join(folder, `${entryName(signature, entry.program)}.json`);
    // The same program failing in the same way is the same entry: what is known is not overwritten by a later finding of it.
    if (existsSync(path)) return { path };
    try {
      await writeEntry(path, entry);
      return { path };
    } catch (error) {
      return { complaint: `${path}: ${fileComplaint(error)}` };
    }
  }
}

/** The name of the entry of a failure: what failed, then how, so that entries of one signature stand together. */
function entryName(signature: string, { title: _, ...program }: Program): string {
  const hash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 8);
  return `found-${hash(signature)}-${hash(JSON.stringify(program))}`;
}

function entryOf(
  { failure }: ShrunkFailure,
  seed: string,
  signature: string,
  version: string,
  on: readonly string[],
): CorpusEntry {
  const program: Program = { ...failure.program, title: failure.program.title ?? `found by ${seed}` };
  const { records, outcome } = decodeTrace(program, failure.expected);
  return {
    format: CORPUS_FORMAT,
    reason: `found by a campaign: ${signature}`,
    provenance: {
      seed,
      on,
      signature,
      version,
      date: new Date().toISOString().slice(0, 10),
      expected: failure.divergence.left.record ?? null,
      came: failure.divergence.right.record ?? null,
    },
    program,
    trace: records,
    outcome,
  };
}
