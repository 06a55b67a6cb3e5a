/** What the coordinator of a campaign and its worker processes say to each other, one answer to each question. */
import type { RangeResult, RunRange } from "../sim/campaign/batch-runner.js";
import type { CampaignSetup } from "../testing/campaign-setup.js";
import type { ExitStatus } from "./exit-status.js";

export type Question =
  | { readonly ask: "open"; readonly setup: CampaignSetup }
  | { readonly ask: "run"; readonly range: RunRange; readonly digestCount: number };

export type Answer =
  | { readonly is: "open" }
  /** With the names of targets whose process was lost meanwhile and started again, each as often as it was. */
  | { readonly is: "done"; readonly result: RangeResult; readonly restarted: readonly string[] }
  /** A target cannot be opened, or was lost. */
  | { readonly is: "failed"; readonly complaint: string; readonly status: ExitStatus };
