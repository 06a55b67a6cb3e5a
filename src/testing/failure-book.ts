/**
 * The failures of a campaign, by signature: looks at each failed run, shrinks the first of each signature and saves it.
 *
 * Runs are looked at in their order, so that the run that stands for a signature is always the first. Of a runtime that fails
 * everywhere only the first failed runs are looked at; the others are counted. A failure that cannot be saved is given back with the reason, for
 * whoever asked to tell.
 */
import type { FailedRun } from "../sim/campaign/batch-runner.js";
import { signatureText } from "../sim/campaign/signature.js";
import { runSeed } from "../sim/generate/run-seed.js";
import type { Target } from "../sim/target.js";
import type { CampaignSetup } from "./campaign-setup.js";
import {
  EMPTY_LOG,
  type FailureLog,
  type FoundFailure,
  type LookedAtRun,
  mayLookAt,
  SIGNATURES_MAX,
} from "./failure-log.js";
import { failuresOf, programOfRun, shrinkFailure } from "./investigate.js";
import { type Saved, saveFailure } from "./save-failure.js";

interface FailureBookOptions {
  readonly setup: Pick<CampaignSetup, "seed" | "on" | "constraints">;
  readonly shrinkMs: number;
  /** The corpus to save to, or undefined not to. */
  readonly folder: string | undefined;
  readonly interrupted: AbortSignal;
  /** An open target, by its name. */
  readonly target: (name: string) => Target;
}

/** What became of a failed run. */
interface LookedAt {
  /** False when it agreed when it was replayed alone. A run that is only counted is taken for one that repeats. */
  readonly isRepeated: boolean;
  /** The failure, when its signature is new. */
  readonly found: FoundFailure | undefined;
}

export class FailureBook {
  readonly #options: FailureBookOptions;
  readonly #found: Map<string, FoundFailure>;
  readonly #lookedAt: LookedAtRun[];
  #count: number;
  #runs: number;
  /** The run of the last failure: those of one run come one after the other. */
  #last: number | undefined;

  /** `log`: what an earlier part of the campaign has noted. */
  constructor(options: FailureBookOptions, log: FailureLog = EMPTY_LOG) {
    this.#options = options;
    this.#found = new Map(log.found.map((found) => [found.signature, found]));
    this.#lookedAt = [...log.lookedAt];
    this.#count = log.count;
    this.#runs = log.runs;
  }

  /** The log so far, as it stays: what is added later does not show in it. */
  get log(): FailureLog {
    return {
      count: this.#count,
      runs: this.#runs,
      lookedAt: [...this.#lookedAt],
      found: [...this.#found.values()],
    };
  }

  /** Looks at a failed run: replays it alone, and what fails again in a new way is shrunk and saved. */
  async add({ index, on, outcome }: FailedRun): Promise<LookedAt> {
    const { setup, target, shrinkMs, interrupted, folder } = this.#options;
    this.#count++;
    if (index !== this.#last) this.#runs++;
    this.#last = index;
    if (!mayLookAt(index, this.#lookedAt)) return { isRepeated: true, found: undefined };
    const first = runSeed(setup.seed, index);
    const expected = target(setup.on[0]!);
    const came = target(on);
    const [failure] = await failuresOf([programOfRun(first, setup.constraints)], expected, came);
    const signature = failure === undefined ? null : signatureText(failure.signature);
    this.#lookedAt.push({ index, on, outcome, signature });
    if (failure === undefined || signature === null) return { isRepeated: false, found: undefined };
    if (this.#found.has(signature) || this.#found.size >= SIGNATURES_MAX)
      return { isRepeated: true, found: undefined };
    const shrunk = await shrinkFailure(failure, expected, came, shrinkMs, interrupted);
    const saved: Saved =
      folder === undefined
        ? { complaint: "no corpus to save it to" }
        : await saveFailure(folder, shrunk, { run: first, signature, on: setup.on });
    const found: FoundFailure = { signature, first, on, shrunk, saved };
    this.#found.set(signature, found);
    return { isRepeated: true, found };
  }
}
