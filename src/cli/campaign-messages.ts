/** What the coordinator of a campaign and its worker processes say to each other, one answer to each question. */
import type { RangeResult, RunRange } from "../sim/campaign/batch-runner.js";
import type { GeneratorConstraints } from "../sim/generate/profile.js";
import type { ExitStatus } from "./exit-status.js";

/** What every run of a campaign has in common. */
export interface CampaignSetup {
  readonly seed: string;
  /** Names of the targets; the first is the one that the others are compared with. */
  readonly on: readonly string[];
  readonly constraints: GeneratorConstraints;
  readonly timeLimitMs: number;
  readonly memoryLimitMiB: number;
}

export type Question =
  | { readonly ask: "open"; readonly setup: CampaignSetup }
  | { readonly ask: "run"; readonly range: RunRange; readonly digestCount: number };

export type Answer =
  | { readonly is: "open" }
  | { readonly is: "done"; readonly result: RangeResult }
  /** A target cannot be opened, or was lost. */
  | { readonly is: "failed"; readonly complaint: string; readonly status: ExitStatus };
