/**
 * The commands that repeat a campaign, or one failed run of it, as a shell takes them.
 *
 * Each follows from the record alone: it runs the same programs on the same targets, here or on another machine.
 */
import { generatorFlags, shellWord } from "../report/shell-word.js";
import type { FoundFailure } from "../testing/failure-log.js";
import type { CampaignRecord, CampaignTerms } from "./campaign-record.js";
import { shardText } from "./campaign-shard.js";

/** The command that runs the same campaign again. */
export function campaignCommand({ terms, shard }: Pick<CampaignRecord, "terms" | "shard">): string {
  const range = `${terms.from === 0 ? "" : ` --from ${terms.from}`}${terms.runs === null ? "" : ` --runs ${terms.runs}`}`;
  const part = shard.count === 1 ? "" : ` --shard ${shardText(shard)}`;
  return `${bareCommand(terms)}${range}${part}`;
}

/** The same without what says which runs. */
export function bareCommand({ seed, on, constraints }: CampaignTerms): string {
  return `lockstep sim --seed ${shellWord(seed)} --on ${on.map(shellWord).join(",")}${generatorFlags(constraints)}`;
}

/** The command that shows one failure again. */
export function reproCommandOf(
  { first, on }: Pick<FoundFailure, "first" | "on">,
  terms: CampaignTerms,
): string {
  const targets = `${shellWord(terms.on[0]!)},${shellWord(on)}`;
  return `lockstep repro ${shellWord(first)} --on ${targets}${generatorFlags(terms.constraints)}`;
}
