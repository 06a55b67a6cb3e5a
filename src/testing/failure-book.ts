/**
 * The failures of a campaign, by signature: investigates each new one, shrinks it, saves it, prints it once.
 *
 * Investigations happen in the order of the runs, so that the run that stands for a signature is always the first. Of a runtime that fails
 * everywhere only the first failed runs are looked at; the others are counted. A failure that cannot be saved is printed whole, so that
 * nothing is lost.
 */
import type { FailedRun } from "../sim/campaign/batch-runner.js";
import { signatureText } from "../sim/campaign/signature.js";
import { runSeed } from "../sim/generate/run-seed.js";
import type { Target } from "../sim/target.js";
import type { CampaignSetup } from "./campaign-setup.js";
import { failuresOf, programOfRun, type ShrunkFailure, shrinkFailure } from "./investigate.js";
import { type Saved, saveFailure } from "./save-failure.js";

/** Failed runs that are looked at; the others are only counted. */
const INVESTIGATED_MAX = 200;
/** Signatures that are shrunk and saved. */
const SIGNATURES_MAX = 20;

export interface FoundFailure {
  readonly signature: string;
  /** The first run that failed in this way. */
  readonly first: string;
  readonly on: string;
  readonly shrunk: ShrunkFailure;
  readonly saved: Saved;
  runs: number;
}

export interface FailureBookOptions {
  readonly setup: Pick<CampaignSetup, "seed" | "on" | "constraints">;
  readonly shrinkMs: number;
  /** The corpus to save to, or undefined not to. */
  readonly folder: string | undefined;
  readonly interrupted: AbortSignal;
  /** An open target, by its name. */
  readonly target: (name: string) => Target;
}

export class FailureBook {
  readonly #options: FailureBookOptions;
  readonly #found = new Map<string, FoundFailure>();
  #investigated = 0;
  /** Failed runs that were only counted. */
  notInvestigated = 0;
  /** Failed runs that agreed when they were replayed alone: a target that is not deterministic. */
  readonly vanished: string[] = [];

  constructor(options: FailureBookOptions) {
    this.#options = options;
  }

  get found(): readonly FoundFailure[] {
    return [...this.#found.values()];
  }

  /** Looks at a failed run. The failure when its signature is new, else undefined. */
  async add({ index, on }: FailedRun): Promise<FoundFailure | undefined> {
    const { setup, target, shrinkMs, interrupted, folder } = this.#options;
    if (this.#investigated >= INVESTIGATED_MAX) {
      this.notInvestigated++;
      return undefined;
    }
    this.#investigated++;
    const first = runSeed(setup.seed, index);
    const expected = target(setup.on[0]!);
    const came = target(on);
    const [failure] = await failuresOf([programOfRun(first, setup.constraints)], expected, came);
    if (failure === undefined) {
      this.vanished.push(`${first} on ${on}`);
      return undefined;
    }
    const signature = signatureText(failure.signature);
    const known = this.#found.get(signature);
    if (known !== undefined) {
      known.runs++;
      return undefined;
    }
    if (this.#found.size >= SIGNATURES_MAX) {
      this.notInvestigated++;
      return undefined;
    }
    const shrunk = await shrinkFailure(failure, expected, came, shrinkMs, interrupted);
    const saved: Saved =
      folder === undefined
        ? { complaint: "not saved: --no-save" }
        : await saveFailure(folder, shrunk, { run: first, signature, on: setup.on });
    const found: FoundFailure = { signature, first, on, shrunk, saved, runs: 1 };
    this.#found.set(signature, found);
    return found;
  }
}
