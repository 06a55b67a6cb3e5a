/**
 * The commands that repeat or resume a campaign, or repeat one failed run of it, as a shell takes them.
 *
 * Each names every option that decides what is found and is not what it is anyway: it runs the same programs on the same targets within the
 * same limits, here or on another machine. What a campaign writes beside its journal is to be named again.
 */
import { MEMORY_LIMIT_MIB, TIME_LIMIT_MS } from "../native-bridge/target-options.js";
import { generatorFlags, shellWord } from "../report/shell-word.js";
import { CANARY_PERCENT, JOURNAL_DEFAULT, SHRINK_MS } from "../testing/defaults.js";
import type { FoundFailure } from "../testing/failure-log.js";
import type { CampaignRecord, CampaignTerms } from "./campaign-record.js";
import { type Shard, shardText } from "./campaign-shard.js";
import { durationFlag } from "./duration.js";

/** What a campaign was told that is not in its record: it decides when the campaign ends and where failures go. */
export interface Unrecorded {
  /** Milliseconds; null for no `--time`. */
  readonly time: number | null;
  /** The folder of `--corpus`, or null for the usual one. */
  readonly corpus: string | null;
  /** False for `--no-save`. */
  readonly saves: boolean;
}

/** The command that runs the same campaign again: as many runs, where time decided how many. */
export function campaignCommand({
  terms,
  shard,
  tally,
}: Pick<CampaignRecord, "terms" | "shard" | "tally">): string {
  return `${bareCommand(terms)}${rangeFlags(terms, terms.runs ?? Math.max(1, tally.runs), shard)}${termFlags(terms)}`;
}

/** The command that goes on with a campaign whose journal stands in `folder`. */
export function resumeCommand(
  { terms, shard }: Pick<CampaignRecord, "terms" | "shard">,
  { time, corpus, saves }: Unrecorded,
  folder: string,
): string {
  return [
    `${bareCommand(terms)}${rangeFlags(terms, terms.runs, shard)}${termFlags(terms)}`,
    time === null ? "" : ` --time ${durationFlag(time)}`,
    saves ? "" : " --no-save",
    corpus === null ? "" : ` --corpus ${shellWord(corpus)}`,
    folder === JOURNAL_DEFAULT ? "" : ` --journal ${shellWord(folder)}`,
    " --resume",
  ].join("");
}

/** The campaign without what says which runs. */
export function bareCommand(terms: CampaignTerms): string {
  const { seed, on, constraints } = terms;
  return `${commandWithin(terms)} sim --seed ${shellWord(seed)} --on ${on.map(shellWord).join(",")}${generatorFlags(constraints)}`;
}

/** The command that shows one failure again. */
export function reproCommandOf(
  { first, on }: Pick<FoundFailure, "first" | "on">,
  terms: CampaignTerms,
): string {
  const targets = `${shellWord(terms.on[0]!)},${shellWord(on)}`;
  return `${commandWithin(terms)} repro ${shellWord(first)} --on ${targets}${generatorFlags(terms.constraints)}`;
}

/** Limits are options of the whole command, and stand before its name. */
function commandWithin({ timeLimitMs, memoryLimitMiB }: CampaignTerms): string {
  const time = timeLimitMs === TIME_LIMIT_MS ? "" : ` --time-limit ${timeLimitMs}`;
  const memory = memoryLimitMiB === MEMORY_LIMIT_MIB ? "" : ` --memory-limit ${memoryLimitMiB}`;
  return `lockstep${time}${memory}`;
}

function rangeFlags({ from }: CampaignTerms, runs: number | null, shard: Shard): string {
  const start = from === 0 ? "" : ` --from ${from}`;
  const part = shard.count === 1 ? "" : ` --shard ${shardText(shard)}`;
  return `${start}${runs === null ? "" : ` --runs ${runs}`}${part}`;
}

function termFlags({ canaryPercent, bail, shrinkMs }: CampaignTerms): string {
  const canary = canaryPercent === CANARY_PERCENT ? "" : ` --canary ${canaryPercent}`;
  const shrink = shrinkMs === SHRINK_MS ? "" : ` --shrink-time ${durationFlag(shrinkMs)}`;
  return `${canary}${bail ? " --bail" : ""}${shrink}`;
}
