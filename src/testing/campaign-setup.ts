/** What every run of a campaign has in common: with a run's number it decides everything that is seen of the run. */
import type { GeneratorConstraints } from "../sim/generate/profile.js";

export interface CampaignSetup {
  readonly seed: string;
  /** Names of the targets; the first is the one that the others are compared with. */
  readonly on: readonly string[];
  readonly constraints: GeneratorConstraints;
  readonly timeLimitMs: number;
  readonly memoryLimitMiB: number;
}
